#include "rl/policy/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/run/digest.hpp"

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

namespace baton::rl {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLengthBytes = 8, kMostHeader = 16u << 20, kAlignment = 8;
constexpr std::string_view kDigestKey =
    "\"sha256\":\"";  // cannot stand inside a JSON string: its quotes are escaped
constexpr std::size_t kDigits = 64;

std::string digest_of(std::string bytes, std::size_t at) {
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), kDigits, '0');
  return sha256(std::as_bytes(std::span(bytes)));
}

// The only place of the digest's digits in a header; npos when there is none.
std::size_t find_digest(std::string_view header, const std::string& name) {
  const std::size_t at = header.find(kDigestKey);
  if (at == std::string_view::npos) return at;
  BATON_REQUIRE(header.find(kDigestKey, at + 1) == std::string_view::npos, "{}: more than one sha256", name);
  BATON_REQUIRE(header.size() >= at + kDigestKey.size() + kDigits, "{}: the sha256 is cut off", name);
  return at + kDigestKey.size();
}

// Refuses repeated names and deeper nesting than the format has, while the parser goes.
Json parse_header(std::string_view header, const std::string& name) {
  constexpr int kDeepest = 3;      // {name: {"shape": [
  constexpr int kMostKeys = 4096;  // the parser's time grows with their square
  int keys = 0;
  std::vector<std::set<std::string>> names;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end && !names.empty()) names.pop_back();
    BATON_REQUIRE(depth <= kDeepest, "{}: the header is nested too deep", name);
    BATON_REQUIRE(event != Event::key || ++keys <= kMostKeys, "{}: the header has more than {} names", name,
                  kMostKeys);
    if (event == Event::key)
      BATON_REQUIRE(!names.empty() && names.back().insert(parsed.get<std::string>()).second,
                    "{}: the header names '{}' twice", name, printable(parsed.get<std::string>()));
    return true;
  };
  Json json;
  try {
    json = Json::parse(header.begin(), header.end(), watch);
  } catch (const nlohmann::json::exception&) {
    fail("{}: the header is not JSON", name);
  }
  BATON_REQUIRE(json.is_object(), "{}: the header is not a JSON object", name);
  return json;
}

std::int64_t whole_number(const Json& value, const std::string& name, const char* what) {
  BATON_REQUIRE(value.is_number_unsigned() && value.get<std::uint64_t>() <= (std::uint64_t{1} << 48),
                "{}: {} holds something else than sizes", name, what);
  return static_cast<std::int64_t>(value.get<std::uint64_t>());
}

// Where a well-formed entry's bytes begin and end; anything where it is not, which read_tensor() refuses.
std::array<std::uint64_t, 2> place(const Json& entry) {
  if (!entry.is_object()) return {};
  const auto at = entry.find("data_offsets");
  if (at == entry.end() || !at->is_array() || at->size() != 2) return {};
  if (!(*at)[0].is_number_unsigned() || !(*at)[1].is_number_unsigned()) return {};
  return {(*at)[0].get<std::uint64_t>(), (*at)[1].get<std::uint64_t>()};
}

// One entry of the header; its bytes begin at `begin` and must lie within `data`.
NamedTensor read_tensor(const std::string& key, const Json& entry, std::string_view data, std::size_t begin,
                        const std::string& file) {
  const std::string where = fmt::format("{}: tensor '{}'", file, printable(key));
  BATON_REQUIRE(entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
                    entry.contains("shape") && entry.contains("data_offsets"),
                "{}: dtype, shape and data_offsets are expected", where);
  BATON_REQUIRE(entry["dtype"] == "F32", "{}: dtype is {}, F32 is expected", where,
                printable(entry["dtype"].dump()));
  const Json &shape = entry["shape"], &offsets = entry["data_offsets"];
  BATON_REQUIRE(shape.is_array() && shape.size() <= 8 && offsets.is_array() && offsets.size() == 2,
                "{}: a shape of at most 8 sizes and two offsets are expected", where);
  NamedTensor tensor{key, {}, {}};
  std::int64_t count = 1;
  for (const Json& size : shape) {
    tensor.shape.push_back(whole_number(size, where, "shape"));
    const std::int64_t n = tensor.shape.back();
    BATON_REQUIRE(n == 0 || count <= (std::int64_t{1} << 40) / n, "{}: the shape is absurd", where);
    count *= n;
  }
  const std::int64_t first = whole_number(offsets[0], where, "data_offsets"),
                     last = whole_number(offsets[1], where, "data_offsets");
  BATON_REQUIRE(first == static_cast<std::int64_t>(begin) && last - first == 4 * count &&
                    last <= static_cast<std::int64_t>(data.size()),
                "{}: lies at {}..{} of {} bytes; {}..{} is expected", where, first, last, data.size(), begin,
                static_cast<std::int64_t>(begin) + 4 * count);
  tensor.values.resize(static_cast<std::size_t>(count));
  if (count > 0) std::memcpy(tensor.values.data(), data.data() + begin, 4 * tensor.values.size());
  return tensor;
}

}  // namespace

const NamedTensor& TensorFile::tensor(const std::string& name, const std::string& where) const {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  BATON_REQUIRE(found != tensors.end(), "{}: no tensor {}", where, name);
  return *found;
}

const std::string& TensorFile::text(const std::string& key, const std::string& where) const {
  const auto found = std::ranges::find(metadata, key, &std::pair<std::string, std::string>::first);
  BATON_REQUIRE(found != metadata.end(), "{}: no metadata '{}'", where, key);
  return found->second;
}

std::string write_safetensors(const TensorFile& content) {
  Json header = Json::object();
  Json& metadata = header["__metadata__"] = Json::object();
  for (const auto& [key, text] : content.metadata) {
    BATON_REQUIRE(!metadata.contains(key) && key != "sha256", "safetensors: metadata '{}' twice", key);
    metadata[key] = text;
  }
  metadata["sha256"] = std::string(kDigits, '0');
  std::string data;
  for (const NamedTensor& tensor : content.tensors) {
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= size;
    BATON_REQUIRE(count == static_cast<std::int64_t>(tensor.values.size()),
                  "safetensors: tensor {} has {} numbers for a shape of {}", tensor.name,
                  tensor.values.size(), count);
    BATON_REQUIRE(!header.contains(tensor.name), "safetensors: tensor {} twice", tensor.name);
    const std::size_t begin = data.size();
    if (count > 0) data.append(reinterpret_cast<const char*>(tensor.values.data()), 4 * tensor.values.size());
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), kLengthBytes);
  const std::size_t digest = kLengthBytes + find_digest(text, "safetensors");
  bytes += text;
  bytes += data;
  const std::string digits = digest_of(bytes, digest);
  std::ranges::copy(digits, bytes.begin() + static_cast<std::ptrdiff_t>(digest));
  return bytes;
}

TensorFile read_safetensors(std::string_view bytes, const std::string& name, Digest digest) {
  BATON_REQUIRE(bytes.size() >= kLengthBytes, "{}: {} bytes are no safetensors file", name, bytes.size());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  BATON_REQUIRE(length <= kMostHeader && length <= bytes.size() - kLengthBytes,
                "{}: a header of {} bytes in a file of {}: not a safetensors file, or damaged", name, length,
                bytes.size());
  const std::string_view header = bytes.substr(kLengthBytes, length),
                         data = bytes.substr(kLengthBytes + length);
  const std::size_t at = find_digest(header, name);
  BATON_REQUIRE(at != std::string_view::npos || digest == Digest::kChecked, "{}: holds no sha256", name);
  if (at != std::string_view::npos)
    BATON_REQUIRE(digest_of(std::string(bytes), kLengthBytes + at) == header.substr(at, kDigits),
                  "{}: damaged: its SHA-256 is not the one that it names", name);
  const Json json = parse_header(header, name);
  TensorFile content;
  std::vector<std::pair<std::string, const Json*>> entries;
  for (const auto& [key, entry] : json.items()) {
    if (key != "__metadata__") {
      entries.emplace_back(key, &entry);
      continue;
    }
    BATON_REQUIRE(entry.is_object(), "{}: __metadata__ is not an object", name);
    for (const auto& [field, text] : entry.items()) {
      BATON_REQUIRE(text.is_string(), "{}: metadata '{}' is not a text", name, printable(field));
      if (field != "sha256") content.metadata.emplace_back(field, text.get<std::string>());
    }
  }
  // In the order of their bytes, whatever the header's; an empty one comes before what begins where it stands.
  std::ranges::stable_sort(entries, {}, [](const auto& e) { return place(*e.second); });
  std::size_t end = 0;
  for (const auto& [key, entry] : entries) {
    content.tensors.push_back(read_tensor(key, *entry, data, end, name));
    end += 4 * content.tensors.back().values.size();
  }
  BATON_REQUIRE(end == data.size(), "{}: {} bytes of tensors, {} are there", name, end, data.size());
  return content;
}

}  // namespace baton::rl
