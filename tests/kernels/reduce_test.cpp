#include "kernels/reduce.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("sum and dot equal ref", T, float, double) {
  test::for_each_isa([] {
    for (const int n : test::awkward_sizes()) {
      const auto a = test::normals<T>(static_cast<std::size_t>(n) + 1, 1), b = test::normals<T>(a.size(), 2);
      const std::vector<double> got = {sum(n, a.data() + 1), dot(n, a.data() + 1, b.data() + 1)};
      const std::vector<double> want = {ref::sum(n, a.data() + 1), ref::dot(n, a.data() + 1, b.data() + 1)};
      test::check_close(got, want, 1e-13, 1e-13 * n, "sum, dot");
    }
  });
}

TEST_CASE_TEMPLATE("sum_axis equals ref over the outer, the middle and the inner axis", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::for_each_isa([&] {
    for (const int outer : {1, 3}) {
      for (const int n : {0, 1, 7, 100}) {
        for (const int inner : {1, 2, 9, 64, 67, 130}) {
          const std::size_t out = static_cast<std::size_t>(outer * inner);
          const auto x = test::normals<T>(out * static_cast<std::size_t>(n), 1);
          auto got = test::normals<T>(out, 2), want = got;
          for (const bool accumulate : {true, false}) {
            sum_axis<T>(outer, n, inner, T(0.7), x.data(), got.data(), accumulate);
            ref::sum_axis<T>(outer, n, inner, T(0.7), x.data(), want.data(), accumulate);
            test::check_close(got, want, 4 * eps, 4 * eps * (n + 1), "sum_axis");
          }
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("max_axis equals ref: the first of equals, and a NaN before all", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  test::for_each_isa([&] {
    for (const int n : test::awkward_sizes()) {
      for (const int inner : {1, 2, 19}) {
        if (n == 0) continue;
        const std::size_t columns = static_cast<std::size_t>(3 * inner);
        auto x = test::normals<T>(columns * static_cast<std::size_t>(n) + 1, 1);
        for (T& v : x) v = std::round(v);  // ties
        if (n > 4) {
          x[1 + 2 * static_cast<std::size_t>(inner)] = x[1 + 4 * static_cast<std::size_t>(inner)] = nan;
          const std::size_t last = x.size() - static_cast<std::size_t>(n * inner);  // the last slab
          for (std::size_t i = last; i < x.size(); ++i) x[i] = -inf;
        }
        std::vector<T> got(columns), want(columns);
        std::vector<std::int32_t> index(columns, -1), want_index(columns);
        max_axis<T>(3, n, inner, x.data() + 1, got.data(), index.data());
        ref::max_axis<T>(3, n, inner, x.data() + 1, want.data(), want_index.data());
        CHECK(index == want_index);
        for (std::size_t i = 0; i < columns; ++i) {
          CHECK((got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))));
        }
        if (n > 4) CHECK(index[0] == 2);
        if (n > 4) CHECK(index[columns - 1] == 0);
      }
    }
  });
}

TEST_CASE_TEMPLATE("first_not_finite names the first NaN or infinity", T, float, double) {
  test::for_each_isa([] {
    auto x = test::normals<T>(100, 1);
    CHECK(first_not_finite<T>(100, x.data()) == -1);
    x[70] = std::numeric_limits<T>::quiet_NaN();
    CHECK(first_not_finite<T>(100, x.data()) == 70);
    x[31] = -std::numeric_limits<T>::infinity();
    CHECK(first_not_finite<T>(100, x.data()) == 31);
    CHECK(ref::first_not_finite<T>(100, x.data()) == 31);
  });
}

}  // namespace baton::kernels
