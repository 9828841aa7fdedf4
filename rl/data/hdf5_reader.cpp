#include "rl/data/hdf5_reader.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "kernels/error.hpp"
#include "rl/data/hdf5_child.hpp"
#include "rl/data/hdf5_digest.hpp"
#include "rl/run/digest.hpp"

namespace baton::rl {

using hdf5::Op;
using hdf5::request;

namespace {

constexpr std::uint64_t kFreeBytes = std::uint64_t{256} << 20, kBytesPerStored = 32;

template <class T>
constexpr Op operation() {
  if constexpr (std::is_same_v<T, float>) return Op::kFloat;
  if constexpr (std::is_same_v<T, double>) return Op::kDouble;
  if constexpr (std::is_same_v<T, std::int64_t>) return Op::kInt64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Op::kUint64;
}

}  // namespace

std::uint64_t Hdf5Reader::Array::count() const {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  return count;
}

Hdf5Reader::Hdf5Reader(const std::string& path) : path_(path), file_(path, "an HDF5 file") {
  const std::uint64_t bytes = file_.bytes();
  child_ =
      std::make_unique<Confined>(path, file_, [bytes](ConfinedChild& child) { serve_hdf5(child, bytes); });
  child_->ask(request(Op::kOpen));
  child_->answer(0);
  if (has_attribute("/", hdf5::kDigestAttribute)) read_digests();
}

void Hdf5Reader::read_digests() {
  constexpr std::size_t kDigits = 64;
  std::istringstream lines(string_attribute("/", hdf5::kDigestAttribute));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ', kDigits + 1);
    BATON_REQUIRE(line.size() > kDigits && line[kDigits] == ' ' && space != std::string::npos,
                  "{}: damaged: the attribute {} holds the line '{}'", path_, hdf5::kDigestAttribute,
                  printable(line));
    const std::string name = line.substr(space + 1);
    BATON_REQUIRE(is_array(name), "{}: damaged: no array {}, which the attribute {} names", path_,
                  printable(name), hdf5::kDigestAttribute);
    digests_[line.substr(kDigits + 1)] = line.substr(0, kDigits);
  }
  // Its text lies beside the other strings: what damages them may empty it.
  BATON_REQUIRE(!digests_.empty(), "{}: damaged: the attribute {} is empty", path_, hdf5::kDigestAttribute);
}

void Hdf5Reader::compare(const std::string& key, const std::string& name,
                         std::span<const std::byte> bytes) const {
  const auto named = digests_.find(key);
  BATON_REQUIRE(
      named == digests_.end() || sha256(bytes) == named->second,
      "{}: {}: damaged, or changed since it was written: its SHA-256 is not the one in the attribute {} "
      "(without that attribute the file is read as it is)",
      path_, printable(name), hdf5::kDigestAttribute);
}

bool Hdf5Reader::has(const std::string& name) const {
  hdf5::Found found = {};
  child_->ask(request(Op::kFind, name));
  child_->answer_into(&found, sizeof(found));
  return found != hdf5::Found::kNothing;
}

bool Hdf5Reader::is_array(const std::string& name) const {
  hdf5::Found found = {};
  child_->ask(request(Op::kFind, name));
  child_->answer_into(&found, sizeof(found));
  return found == hdf5::Found::kArray;
}

std::vector<std::string> Hdf5Reader::children(const std::string& group) const {
  child_->ask(request(Op::kChildren, group));
  const std::vector<char> bytes = child_->answer(hdf5::kMostChildBytes);
  std::vector<std::string> names;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const auto end = std::find(at, bytes.end(), '\0');
    names.emplace_back(at, end);
    at = end == bytes.end() ? end : end + 1;
  }
  return names;
}

Hdf5Reader::Array Hdf5Reader::array(const std::string& name) const {
  hdf5::Shape shape;
  child_->ask(request(Op::kShape, name));
  child_->answer_into(&shape, sizeof(shape));
  BATON_REQUIRE(shape.kind <= hdf5::Kind::kText && shape.rank <= hdf5::kMostDimensions,
                "{}: {}: damaged (its reader answered with {} dimensions of kind {})", path_, printable(name),
                shape.rank, static_cast<std::uint32_t>(shape.kind));
  std::uint64_t count = 1;
  for (std::uint32_t i = 0; i < shape.rank; ++i) {
    const std::uint64_t extent = shape.extents[i];
    BATON_REQUIRE(extent == 0 || count <= hdf5::kMostElements / extent,
                  "{}: {}: too large, more than {} numbers", path_, printable(name), hdf5::kMostElements);
    count *= extent;
  }
  return {shape.kind, {shape.extents, shape.extents + shape.rank}};
}

// Refuses what would expand beyond all use.
void Hdf5Reader::spend(const std::string& name, std::uint64_t bytes) const {
  spent_ += bytes;
  const std::uint64_t most = kFreeBytes + kBytesPerStored * file_.bytes();
  BATON_REQUIRE(
      spent_ <= most,
      "{}: {}: its arrays grow to {} bytes and more from a file of {}, at most {} are read: not data, or "
      "compressed too well (h5repack -f NONE IN OUT)",
      path_, printable(name), spent_, file_.bytes(), most);
}

template <class T>
std::vector<T> Hdf5Reader::fetch(Op op, const std::string& name) const {
  const std::uint64_t bytes = array(name).count() * sizeof(T);
  spend(name, bytes);
  std::vector<T> values(bytes / sizeof(T));
  child_->ask(request(op, name), bytes);
  child_->answer_into(values.data(), bytes);
  compare(hdf5::digest_key<T>(name), name, std::as_bytes(std::span(values)));
  return values;
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name) const {
  return fetch<T>(operation<T>(), name);
}

std::vector<std::uint8_t> Hdf5Reader::read_flags(const std::string& name) const {
  std::vector<std::uint8_t> flags = fetch<std::uint8_t>(Op::kFlags, name);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    BATON_REQUIRE(flags[i] <= 1, "{}: {}[{}] is {}, 0 or 1 is expected", path_, printable(name), i, flags[i]);
  }
  return flags;
}

std::vector<std::string> Hdf5Reader::read_strings(const std::string& name) const {
  const std::uint64_t count = array(name).count();
  child_->ask(request(Op::kStrings, name), hdf5::kMostTextBytes);
  const std::vector<char> bytes = child_->answer(hdf5::kMostTextBytes);
  spend(name, bytes.size());
  std::vector<std::string> strings;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint32_t size = 0;
    const bool whole = bytes.size() - at >= sizeof(size);
    if (whole) std::memcpy(&size, bytes.data() + at, sizeof(size));
    BATON_REQUIRE(whole && bytes.size() - at - sizeof(size) >= size,
                  "{}: {}: damaged (its reader answered with a string that does not end)", path_,
                  printable(name));
    at += sizeof(size);
    strings.emplace_back(bytes.data() + at, size);
    at += size;
  }
  BATON_REQUIRE(strings.size() == count, "{}: {}: damaged ({} strings of {})", path_, printable(name),
                strings.size(), count);
  if (digests_.empty()) return strings;
  std::string joined;
  for (const std::string& one : strings) joined.append(one.c_str(), one.size() + 1);
  compare(hdf5::text_digest_key(name), name, std::as_bytes(std::span(joined)));
  return strings;
}

bool Hdf5Reader::has_attribute(const std::string& object, const std::string& name) const {
  std::uint8_t there = 0;
  child_->ask(request(Op::kHasAttribute, object, name));
  child_->answer_into(&there, sizeof(there));
  return there != 0;
}

std::string Hdf5Reader::string_attribute(const std::string& object, const std::string& name) const {
  child_->ask(request(Op::kTextAttribute, object, name));
  const std::vector<char> bytes = child_->answer(hdf5::kMostTextBytes);
  return {bytes.begin(), bytes.end()};
}

std::vector<double> Hdf5Reader::number_attribute(const std::string& object, const std::string& name) const {
  child_->ask(request(Op::kNumberAttribute, object, name));
  const std::vector<char> bytes = child_->answer(hdf5::kMostAttributeNumbers * sizeof(double));
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

template std::vector<float> Hdf5Reader::read(const std::string&) const;
template std::vector<double> Hdf5Reader::read(const std::string&) const;
template std::vector<std::int64_t> Hdf5Reader::read(const std::string&) const;
template std::vector<std::uint64_t> Hdf5Reader::read(const std::string&) const;

}  // namespace baton::rl
