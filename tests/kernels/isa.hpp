#pragma once
// Runs a check under every instruction set that the machine has, and data for such checks.
#include <doctest/doctest.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "kernels/rng.hpp"

namespace baton::test {

// One line per set that is not here, for test.sh to count, at a program's first call.
inline void report_missing_isas() {
  static const bool reported = [] {
    for (int isa = 0; isa < kernels::isa_count(); ++isa) {
      if (!kernels::isa_available(isa))
        std::cout << "skipped: instruction set " << kernels::isa_name(isa) << ": this processor lacks it\n";
    }
    return true;
  }();
  static_cast<void>(reported);
}

template <class F>
void for_each_isa(F f) {
  report_missing_isas();
  const int before = kernels::current_isa();
  for (int isa = 0; isa < kernels::isa_count(); ++isa) {
    if (!kernels::isa_available(isa)) continue;
    kernels::set_isa(isa);
    const std::string name = kernels::isa_name(isa);
    CAPTURE(name);
    f();
  }
  kernels::set_isa(before);
}

// Normal numbers times `scale`, as T.
template <class T>
std::vector<T> normals(std::size_t n, std::uint64_t seed, double scale = 1) {
  kernels::Random random(seed);
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(scale * static_cast<double>(random.normal()));
  return out;
}

// Lengths around the widths of vectors and of unrolled loops.
inline const std::vector<int>& awkward_sizes() {
  static const std::vector<int> sizes = {0,  1,  2,  3,  4,  5,  7,  8,  9,   15,
                                         16, 17, 31, 32, 33, 63, 64, 65, 100, 257};
  return sizes;
}

}  // namespace baton::test
