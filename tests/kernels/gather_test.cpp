#include "kernels/gather.hpp"

#include <doctest/doctest.h>

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
      auto got_table = table, want_table = table;
      scatter_add_rows<T>(7, cols, rows.data(), index.data(), got_table.data());
      ref::scatter_add_rows<T>(7, cols, rows.data(), index.data(), want_table.data());
      CHECK(got_table == want_table);  // same additions in the same order
    }
  });
}

}  // namespace baton::kernels
