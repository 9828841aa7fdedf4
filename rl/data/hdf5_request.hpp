#pragma once
// What Hdf5Reader and its child say to each other: a request is an operation and two names, an answer plain bytes.
#include <cstdint>
#include <string>

namespace baton::rl::hdf5 {

enum class Op : std::uint8_t {
  kOpen,             // -> nothing
  kFind,             // -> std::uint8_t: Found
  kChildren,         // -> names, sorted, each followed by a zero
  kShape,            // -> Shape
  kFloat,            // -> float[count]
  kDouble,           // -> double[count]
  kInt64,            // -> std::int64_t[count]
  kUint64,           // -> std::uint64_t[count]
  kFlags,            // -> std::uint8_t[count], each 0 or 1
  kStrings,          // -> std::uint32_t length and bytes, `count` times
  kHasAttribute,     // -> std::uint8_t: 0 or 1
  kTextAttribute,    // -> bytes
  kNumberAttribute,  // -> double[], at most kMostAttributeNumbers
};

enum class Found : std::uint8_t { kNothing, kGroup, kArray };
enum class Kind : std::uint32_t { kFloat, kInteger, kFlag, kText };

constexpr std::uint32_t kMostDimensions = 8;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 32;
constexpr std::uint64_t kMostChildren = 1'000'000, kMostChildBytes = std::uint64_t{1} << 26;
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1}
                                         << 26;  // all strings of one array, or one attribute
constexpr std::uint64_t kMostAttributeNumbers = 1 << 16;

struct Shape {
  Kind kind = Kind::kFloat;
  std::uint32_t rank = 0;
  std::uint64_t extents[kMostDimensions] = {};
};

inline std::string request(Op op, const std::string& name = "", const std::string& attribute = "") {
  return std::string(1, static_cast<char>(op)) + name + '\0' + attribute;
}

}  // namespace baton::rl::hdf5
