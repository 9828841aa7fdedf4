#include "rl/data/hdf5_observations.hpp"

#include <algorithm>
#include <charconv>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"

namespace baton::rl {
namespace {

constexpr std::size_t kMostListed = 24;

std::string join(const std::string& group, const std::string& name) {
  return group.empty() ? name : group + "/" + name;
}

// "qpos (200, 14)"; a group as "images/...", what is not read by its name alone.
std::string describe(const Hdf5Reader& file, const std::string& group, const std::string& name) {
  const std::string shown = printable(name);
  try {
    if (!file.is_array(join(group, name))) return shown + "/...";
    return fmt::format("{} ({})", shown, fmt::join(file.array(join(group, name)).shape, ", "));
  } catch (const Error&) {
    return shown;
  }
}

[[noreturn]] void ask_for_keys(const Hdf5Reader& file, const std::string& base, const std::string& why) {
  const std::vector<std::string> names = file.children(base);
  std::vector<std::string> listed;
  for (std::size_t i = 0; i < std::min(names.size(), kMostListed); ++i)
    listed.push_back(describe(file, base, names[i]));
  if (names.size() > kMostListed) listed.push_back("...");
  fail("{}: {} {}; --obs-keys a,b,c takes those side by side. There are: {}", file.path(), printable(base),
       why, listed.empty() ? "none" : fmt::format("{}", fmt::join(listed, ", ")));
}

// What is read answers a later request than its shape does.
void require_count(const Hdf5Reader& file, const std::string& name, std::size_t count,
                   std::int64_t expected) {
  BATON_REQUIRE(static_cast<std::int64_t>(count) == expected, "{}: {} changed while it was read", file.path(),
                printable(name));
}

// One dimension counts as one column.
Extent keyed_extent(const Hdf5Reader& file, const std::string& name) {
  const std::vector<std::uint64_t> shape = file.array(name).shape;
  if (shape.size() == 1) return {static_cast<std::int64_t>(shape[0]), 1};
  return matrix_extent(file, name);
}

// The array that a group of observations holds where nobody says which.
std::string only_array(const Hdf5Reader& file, const std::string& base) {
  if (file.is_array(base + "/observation")) return base + "/observation";
  const std::vector<std::string> names = file.children(base);
  if (names.size() != 1 || !file.is_array(join(base, names[0])))
    ask_for_keys(file, base, names.size() > 1 ? "holds several arrays" : "is a group without an array");
  return join(base, names[0]);
}

}  // namespace

Extent matrix_extent(const Hdf5Reader& file, const std::string& name) {
  const std::vector<std::uint64_t> shape = file.array(name).shape;
  BATON_REQUIRE(shape.size() == 2, "{}: {} has {} dimensions, 2 are expected: (steps, width)", file.path(),
                printable(name), shape.size());
  BATON_REQUIRE(shape[1] >= 1 && shape[1] <= kMostWidth, "{}: {} is {} wide, 1..{} is expected", file.path(),
                printable(name), shape[1], kMostWidth);
  return {static_cast<std::int64_t>(shape[0]), static_cast<int>(shape[1])};
}

std::vector<float> read_matrix(const Hdf5Reader& file, const std::string& name, const Extent& extent) {
  std::vector<float> values = file.read<float>(name);
  require_count(file, name, values.size(), extent.rows * extent.columns);
  return values;
}

std::vector<std::uint8_t> read_flags(const Hdf5Reader& file, const std::string& name, std::int64_t count) {
  std::vector<std::uint8_t> flags = file.read_flags(name);
  require_count(file, name, flags.size(), count);
  return flags;
}

Observations find_observations(const Hdf5Reader& file, const std::string& base,
                               const std::vector<std::string>& keys) {
  Observations found;
  BATON_REQUIRE(file.has(base), "{}: no array or group {}", file.path(), printable(base));
  if (file.is_array(base)) {
    BATON_REQUIRE(keys.empty(), "{}: {} is one array; --obs-keys is for several", file.path(),
                  printable(base));
    found.arrays = {base};
  } else if (keys.empty()) {
    found.arrays = {only_array(file, base)};
  }
  for (const std::string& key : keys) {
    if (key.empty() || !file.is_array(join(base, key)))
      ask_for_keys(file, base, fmt::format("has no array '{}'", printable(key)));
    found.arrays.push_back(join(base, key));
  }
  for (const std::string& name : found.arrays) {
    const Extent one = keys.empty() ? matrix_extent(file, name) : keyed_extent(file, name);
    BATON_REQUIRE(found.widths.empty() || one.rows == found.extent.rows,
                  "{}: {} has {} rows, {} has {}; those of one observation agree", file.path(),
                  printable(found.arrays[0]), found.extent.rows, printable(name), one.rows);
    found.widths.push_back(one.columns);
    found.extent = {one.rows, found.extent.columns + one.columns};
    BATON_REQUIRE(found.extent.columns <= kMostWidth, "{}: {}: observations of more than {} numbers",
                  file.path(), printable(base), kMostWidth);
  }
  found.name = printable(found.arrays.size() == 1 ? found.arrays[0] : base);
  return found;
}

std::vector<float> read_observations(const Hdf5Reader& file, const Observations& observations) {
  if (observations.arrays.size() == 1) return read_matrix(file, observations.arrays[0], observations.extent);
  // Reading bounds what the file may make us allocate, so it comes first.
  std::vector<std::vector<float>> parts;
  for (std::size_t k = 0; k < observations.arrays.size(); ++k)
    parts.push_back(
        read_matrix(file, observations.arrays[k], {observations.extent.rows, observations.widths[k]}));
  const auto width = static_cast<std::size_t>(observations.extent.columns);
  std::vector<float> rows(static_cast<std::size_t>(observations.extent.rows) * width);
  std::size_t column = 0;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const auto own = static_cast<std::size_t>(observations.widths[k]);
    for (std::size_t from = 0, to = column; from < parts[k].size(); from += own, to += width)
      std::copy_n(parts[k].data() + from, own, rows.data() + to);
    column += own;
  }
  return rows;
}

std::vector<std::string> numbered_groups(const Hdf5Reader& file, const std::string& parent,
                                         const std::string& prefix) {
  std::vector<std::pair<long, std::string>> found;
  for (const std::string& name : file.children(parent)) {
    long k = 0;
    if (!name.starts_with(prefix)) continue;
    const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), k);
    if (error == std::errc() && end == name.data() + name.size())
      found.emplace_back(k, parent == "/" ? name : join(parent, name));
  }
  BATON_REQUIRE(found.size() <= kMostEpisodes, "{}: {} episodes, at most {} are read", file.path(),
                found.size(), kMostEpisodes);
  std::ranges::sort(found);
  std::vector<std::string> names;
  for (auto& [k, name] : found) names.push_back(std::move(name));
  return names;
}

}  // namespace baton::rl
