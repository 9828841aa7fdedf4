#pragma once
// NaN-safe comparison of number sequences for the tests.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <span>

namespace baton::test {

// Checks |got[i] - want[i]| <= abs + rel * |want[i]| for every i. A NaN on either side fails. A failure prints
// the worst element (largest excess) and both values.
template <class A, class B>
void check_close(std::span<const A> got, std::span<const B> want, double rel, double abs,
                 const char* what = "") {
  REQUIRE_MESSAGE(got.size() == want.size(), what << ": sizes " << got.size() << " and " << want.size());
  std::size_t worst = 0;
  double worst_ratio = 0;
  bool fine = true;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double g = static_cast<double>(got[i]), w = static_cast<double>(want[i]);
    const double tolerance = abs + rel * std::fabs(w), diff = std::fabs(g - w);
    if (diff <= tolerance) continue;
    fine = false;
    const double ratio = std::isnan(diff) ? INFINITY : diff / tolerance;
    if (ratio >= worst_ratio) worst_ratio = ratio, worst = i;
  }
  if (!fine) {
    FAIL_CHECK(fmt::format("{}: element {} is {:.17g}, expected {:.17g} (rel {:g}, abs {:g})", what, worst,
                           static_cast<double>(got[worst]), static_cast<double>(want[worst]), rel, abs));
  } else {
    CHECK(fine);
  }
}

template <class R1, class R2>
void check_close(const R1& got, const R2& want, double rel, double abs, const char* what = "") {
  check_close(std::span<const typename R1::value_type>(got.data(), got.size()),
              std::span<const typename R2::value_type>(want.data(), want.size()), rel, abs, what);
}

}  // namespace baton::test
