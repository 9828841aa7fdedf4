#pragma once
// Digests of the arrays that baton writes into an HDF5 file: HDF5 has none of its own, and a changed byte of an
// address, a shape or a number gives other numbers. The root's attribute `baton_sha256` has a line for each array:
// "<SHA-256 of its numbers as they lie in memory, of strings with a zero behind each> <type> <name>". Files without it
// are read as they are.
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "kernels/error.hpp"

namespace baton::rl::hdf5 {

inline constexpr const char* kDigestAttribute = "baton_sha256";

// "<type> <name>": an array that is read as another type than it was written as is not compared.
template <class T>
std::string digest_key(const std::string& name) {
  constexpr std::string_view type = std::is_same_v<T, double>          ? "float64"
                                    : std::is_same_v<T, float>         ? "float32"
                                    : std::is_same_v<T, std::int64_t>  ? "int64"
                                    : std::is_same_v<T, std::uint64_t> ? "uint64"
                                    : std::is_same_v<T, std::uint8_t>  ? "uint8"
                                                                       : "";
  static_assert(!type.empty());
  return fmt::format("{} {}", type, name);
}

inline std::string text_digest_key(const std::string& name) { return "text " + name; }

}  // namespace baton::rl::hdf5
