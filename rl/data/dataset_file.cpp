// Which form the demonstrations of one HDF5 file have.
#include <algorithm>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"
#include "rl/data/hdf5_forms.hpp"
#include "rl/data/hdf5_observations.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

Dataset read_form(const Hdf5Reader& file, const ReadOptions& options) {
  if (file.has("observations")) return read_flat(file, options);
  if (const auto groups = numbered_groups(file, "/", "episode_"); !groups.empty())
    return read_groups(file, groups, GroupForm::kMinari, options);
  if (file.has("data") && !file.is_array("data")) {
    const auto groups = numbered_groups(file, "data", "demo_");
    if (!groups.empty()) return read_groups(file, groups, GroupForm::kRobomimic, options);
  }
  constexpr std::size_t kShown = 8;
  std::vector<std::string> names;
  for (const std::string& name : file.children("/")) names.push_back(printable(name));
  const bool more = names.size() > kShown;
  names.resize(std::min(names.size(), kShown));
  fail(
      "{}: holds no demonstrations: neither observations and actions (D4RL's form), episode_0, ... "
      "(Minari's) nor "
      "data/demo_0, ... (robomimic's), but {}{}; docs/formats.md has what is read",
      file.path(), names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", ")),
      more ? ", ..." : "");
}

}  // namespace

Dataset read_dataset(const std::string& path, const ReadOptions& options) {
  const Hdf5Reader file(path);
  Dataset data = read_form(file, options);
  check_read(data, path, options);
  return data;
}

}  // namespace baton::rl
