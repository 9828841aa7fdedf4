#pragma once
// Division of many 64-bit numbers by one, by a multiplication: m = floor((2^64 - 1) / n) makes x m / 2^64 at most one
// less than x / n, and the remainder tells. Granlund, Montgomery, "Division by invariant integers using
// multiplication", 1994.
#include <cstdint>

namespace baton::kernels {

class Divisor {
 public:
  explicit constexpr Divisor(std::uint64_t n) : n_(n), inverse_(~0ULL / n) {}  // n > 0

  struct Result {
    std::uint64_t quotient, rest;
  };
  constexpr Result divide(std::uint64_t x) const {
    __extension__ using Wide = unsigned __int128;
    const auto q = static_cast<std::uint64_t>(static_cast<Wide>(x) * inverse_ >> 64);
    const std::uint64_t rest = x - q * n_;
    return rest < n_ ? Result{q, rest} : Result{q + 1, rest - n_};
  }

 private:
  std::uint64_t n_, inverse_;
};

}  // namespace baton::kernels
