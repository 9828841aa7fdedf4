#include "kernels/gather.hpp"

#include <doctest/doctest.h>

#include "kernels/error.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("gather and scatter_add equal ref, repeated indices included", T, float, double) {
  test::for_each_isa([] {
    for (const int cols : {1, 5, 16, 33}) {
      const std::vector<std::int32_t> index = {3, 0, 3, 3, 6, 1, 0};
      const std::size_t width = static_cast<std::size_t>(cols);
      const auto table = test::normals<T>(7 * width, 1), rows = test::normals<T>(index.size() * width, 2);
      std::vector<T> got(rows.size()), want(rows.size());
      gather_rows<T>(7, cols, table.data(), index.data(), got.data());
      ref::gather_rows<T>(7, cols, table.data(), index.data(), want.data());
      CHECK(got == want);
      for (const int stride : {cols, cols + 3}) {
        const std::vector<std::int32_t> low = {2, 0, 3, 3, 1};
        std::vector<T> got_low(low.size() * width), want_low(got_low.size());
        const auto wide = test::normals<T>(4 * static_cast<std::size_t>(stride), 3);
        gather_strided_rows<T>(5, cols, wide.data(), stride, low.data(), got_low.data());
        ref::gather_strided_rows<T>(5, cols, wide.data(), stride, low.data(), want_low.data());
        CHECK(got_low == want_low);
      }
      CHECK_THROWS_AS(gather_strided_rows<T>(0, cols, table.data(), cols - 1, index.data(), got.data()),
                      Error);
      auto got_table = table, want_table = table;
      scatter_add_rows<T>(7, cols, rows.data(), index.data(), got_table.data());
      ref::scatter_add_rows<T>(7, cols, rows.data(), index.data(), want_table.data());
      CHECK(got_table == want_table);  // same additions in the same order
    }
  });
}

TEST_CASE_TEMPLATE("gather_along and scatter_add_along equal ref along rows and columns", T, float, double) {
  test::for_each_isa([] {
    for (const int inner : {1, 2, 17}) {
      constexpr int kOuter = 3, kN = 5;
      const std::size_t columns = static_cast<std::size_t>(kOuter * inner);
      const auto x = test::normals<T>(columns * kN, 1), y = test::normals<T>(columns, 2);
      std::vector<std::int32_t> index(columns);
      for (std::size_t i = 0; i < columns; ++i) index[i] = static_cast<std::int32_t>((3 * i + 1) % kN);
      std::vector<T> got(columns), want(columns);
      gather_along<T>(kOuter, kN, inner, x.data(), index.data(), got.data());
      ref::gather_along<T>(kOuter, kN, inner, x.data(), index.data(), want.data());
      CHECK(got == want);
      auto got_x = x, want_x = x;
      scatter_add_along<T>(kOuter, kN, inner, y.data(), index.data(), got_x.data());
      ref::scatter_add_along<T>(kOuter, kN, inner, y.data(), index.data(), want_x.data());
      CHECK(got_x == want_x);
      gather_along<T>(kOuter, kN, inner, got_x.data(), index.data(), got.data());
      ref::gather_along<T>(kOuter, kN, inner, x.data(), index.data(), want.data());
      for (std::size_t i = 0; i < columns; ++i) want[i] += y[i];
      CHECK(got == want);
    }
  });
}

}  // namespace baton::kernels
