#include "kernels/gemm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/aligned.hpp"
#include "kernels/error.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {
namespace {

struct Shape {
  int m, n, k;
};

// gemm or bulk_gemm into a padded C whose padding must survive, with A and B shifted by `shift` elements.
template <class T>
void check_product(decltype(&gemm<T>) product, Transpose ta, Transpose tb, Shape s, T alpha, T beta, int pad,
                   std::size_t shift) {
  const int lda = (ta == Transpose::kYes ? s.m : s.k) + pad, ldb = (tb == Transpose::kYes ? s.k : s.n) + pad;
  const int ldc = s.n + pad;
  const auto size = [&](int rows, int ld) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(ld) + shift;
  };
  const auto a = test::normals<T>(size(ta == Transpose::kYes ? s.k : s.m, lda), 1);
  const auto b = test::normals<T>(size(tb == Transpose::kYes ? s.n : s.k, ldb), 2);
  auto got = test::normals<T>(size(s.m, ldc), 3), want = got;
  product(ta, tb, s.m, s.n, s.k, alpha, a.data() + shift, lda, b.data() + shift, ldb, beta,
          got.data() + shift, ldc);
  ref::gemm(ta, tb, s.m, s.n, s.k, alpha, a.data() + shift, lda, b.data() + shift, ldb, beta,
            want.data() + shift, ldc);
  CAPTURE(s.m);
  CAPTURE(s.n);
  CAPTURE(s.k);
  CAPTURE(static_cast<bool>(ta));
  CAPTURE(static_cast<bool>(tb));
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::check_close(got, want, 4 * eps, 2 * eps * (s.k + 8), "gemm");  // one rounding per step of the chain
}

}  // namespace

TEST_CASE_TEMPLATE("gemm equals ref for all transposes, odd sizes, row lengths and misalignments", T, float,
                   double) {
  test::for_each_isa([] {
    const auto check = [](auto... arguments) { check_product<T>(gemm<T>, arguments...); };
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        for (const int m : {1, 2, 5, 6, 7, 12, 13, 50}) {
          for (const int n : {1, 3, 9, 16, 17, 33, 70}) {
            for (const int k : {1, 2, 17, 60})
              check(ta, tb, Shape{m, n, k}, T(1), T(0), (m + n) % 3, static_cast<std::size_t>(k % 4));
          }
        }
        check(ta, tb, Shape{61, 67, 300}, T(-1.5), T(0.5), 1, 1U);
        check(ta, tb, Shape{4, 130, 513}, T(2), T(1), 0, 3U);
        check(ta, tb, Shape{205, 529, 270}, T(1), T(1), 1, 2U);  // several blocks each way
        check(ta, tb, Shape{277, 96, 260}, T(1), T(1), 1, 1U);   // more rows than one block of strips
        check(ta, tb, Shape{530, 9, 270}, T(1), T(1), 2, 1U);    // few columns, several blocks of rows
        check(ta, tb, Shape{60, 4, 257}, T(-1.5), T(0.5), 1, 0U);
      }
    }
  });
}

TEST_CASE_TEMPLATE("so does bulk_gemm", T, float, double) {
  test::for_each_isa([] {
    const auto check = [](auto... arguments) { check_product<T>(bulk_gemm<T>, arguments...); };
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        for (const int m : {1, 15, 16, 17, 32, 45, 129}) {
          for (const int n : {9, 32, 33, 48, 64, 70}) {
            for (const int k : {9, 32, 33, 47, 60, 64})
              check(ta, tb, Shape{m, n, k}, T(1), T(m % 2), (m + n) % 3, static_cast<std::size_t>(k % 4));
          }
        }
        check(ta, tb, Shape{61, 67, 300}, T(-1.5), T(0.5), 1, 1U);
        check(ta, tb, Shape{277, 529, 270}, T(1), T(1), 1, 2U);  // several blocks each way
        check(ta, tb, Shape{64, 64, 512}, T(1), T(0), 0, 0U);    // whole tiles, two blocks of steps
        check(ta, tb, Shape{64, 64, 0}, T(1), T(0.5), 0, 0U);
      }
    }
  });
}

// Rows and columns of very different size, so that an error that is small beside the largest numbers only would show.
TEST_CASE("bulk_gemm is as exact as gemm, whatever the scale of rows and columns") {
  test::for_each_isa([] {
    constexpr int m = 48, n = 64, k = 256;
    auto a = test::normals<float>(m * k, 1), b = test::normals<float>(k * n, 2);
    for (int i = 0; i < m * k; ++i) a[i] *= std::exp2(static_cast<float>(i / k - m / 2));
    for (int i = 0; i < k * n; ++i) b[i] *= std::exp2(static_cast<float>(i % n - n / 2));
    std::vector<float> bulk(m * n), chains(m * n);
    bulk_gemm(Transpose::kNo, Transpose::kNo, m, n, k, 1.0F, a.data(), k, b.data(), n, 0.0F, bulk.data(), n);
    gemm(Transpose::kNo, Transpose::kNo, m, n, k, 1.0F, a.data(), k, b.data(), n, 0.0F, chains.data(), n);
    double of_bulk = 0, of_chains = 0;  // sums of squared errors beside sum |a| |b|
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double exact = 0, size = 0;
        for (int p = 0; p < k; ++p) {
          const double term = static_cast<double>(a[i * k + p]) * static_cast<double>(b[p * n + j]);
          exact += term;
          size += std::fabs(term);
        }
        of_bulk += std::pow((static_cast<double>(bulk[i * n + j]) - exact) / size, 2);
        of_chains += std::pow((static_cast<double>(chains[i * n + j]) - exact) / size, 2);
      }
    }
    CHECK(std::sqrt(of_bulk) <= 1.1 * std::sqrt(of_chains));
  });
}

template <class T>
struct Family {
  decltype(&gemm<T>) product;
  decltype(&pack<T>) copy;
  decltype(&gemm_packed<T>) packed_product;
  std::int64_t (*size)(int n, int k);
};

TEST_CASE_TEMPLATE("a product with packed B has the bits of the one without", T, float, double) {
  const Family<T> by_row{gemm<T>, pack<T>, gemm_packed<T>, packed_size},
      bulk{bulk_gemm<T>, bulk_pack<T>, bulk_gemm_packed<T>, bulk_packed_size};
  test::for_each_isa([&] {
    for (const Family<T>& family : {by_row, bulk}) {
      for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
        for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
          for (const Shape s : {Shape{1, 9, 256},
                                {3, 256, 60},
                                {130, 256, 300},
                                {70, 600, 33},
                                {49, 31, 257},
                                {60, 9, 300}}) {
            const int lda = ta == Transpose::kYes ? s.m : s.k, ldb = tb == Transpose::kYes ? s.k : s.n;
            const auto size = [](int a, int b) {
              return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
            };
            const auto a = test::normals<T>(size(s.m, s.k), 1), b = test::normals<T>(size(s.n, s.k), 2);
            kernels::AlignedVector<T> packed(static_cast<std::size_t>(family.size(s.n, s.k)));
            auto got = test::normals<T>(size(s.m, s.n), 3), want = got;
            family.copy(tb, s.n, s.k, b.data(), ldb, packed.data());
            family.packed_product(ta, s.m, s.n, s.k, T(1.5), a.data(), lda, packed.data(), T(0.5), got.data(),
                                  s.n);
            family.product(ta, tb, s.m, s.n, s.k, T(1.5), a.data(), lda, b.data(), ldb, T(0.5), want.data(),
                           s.n);
            test::check_close(got, want, 0, 0, "packed");
          }
        }
      }
    }
  });
}

TEST_CASE("gemm with beta 0 ignores what C holds, and k 0 scales C") {
  test::for_each_isa([] {
    const float nan = std::nanf("");
    const std::vector<float> a = {1, 2}, b = {3, 4};
    std::vector<float> c = {nan};
    gemm(Transpose::kNo, Transpose::kNo, 1, 1, 2, 1.0F, a.data(), 2, b.data(), 1, 0.0F, c.data(), 1);
    CHECK(c[0] == 11.0F);
    gemm(Transpose::kNo, Transpose::kNo, 1, 1, 0, 1.0F, a.data(), 0, b.data(), 1, 0.5F, c.data(), 1);
    CHECK(c[0] == 5.5F);
  });
}

TEST_CASE("a NaN in A or B reaches its row or column of C and nothing else") {
  test::for_each_isa([] {
    for (const auto product : {gemm<float>, bulk_gemm<float>}) {
      auto a = test::normals<float>(40 * 50, 1), b = test::normals<float>(50 * 45, 2);
      a[7 * 50 + 3] = std::nanf("");
      b[9 * 45 + 11] = std::nanf("");
      std::vector<float> c(40 * 45);
      product(Transpose::kNo, Transpose::kNo, 40, 45, 50, 1.0F, a.data(), 50, b.data(), 45, 0.0F, c.data(),
              45);
      for (int i = 0; i < 40; ++i) {
        for (int j = 0; j < 45; ++j)
          CHECK(std::isnan(c[static_cast<std::size_t>(i * 45 + j)]) == (i == 7 || j == 11));
      }
    }
  });
}

TEST_CASE("a row of the product has the same bits whatever rows stand beside it") {
  test::for_each_isa([] {
    for (const auto product : {gemm<float>, bulk_gemm<float>}) {
      constexpr int n = 41, k = 300, rows = 100;
      const auto a = test::normals<float>(rows * k, 4), b = test::normals<float>(k * n, 5);
      std::vector<float> all(rows * n), one(n);
      product(Transpose::kNo, Transpose::kNo, rows, n, k, 1.0F, a.data(), k, b.data(), n, 0.0F, all.data(),
              n);
      for (int i = 0; i < rows; ++i) {
        product(Transpose::kNo, Transpose::kNo, 1, n, k, 1.0F, a.data() + i * k, k, b.data(), n, 0.0F,
                one.data(), n);
        CHECK(std::equal(one.begin(), one.end(), all.begin() + i * n));
      }
    }
  });
}

TEST_CASE("gemm refuses short rows and says both numbers") {
  float x = 0;
  CHECK_THROWS_WITH_AS(gemm(Transpose::kNo, Transpose::kNo, 2, 3, 4, 1.0F, &x, 3, &x, 3, 0.0F, &x, 3),
                       "gemm: rows of A hold 4 numbers, lda 3 is shorter", Error);
  CHECK_THROWS_AS(gemm(Transpose::kNo, Transpose::kYes, 2, 3, 4, 1.0F, &x, 4, &x, 3, 0.0F, &x, 3), Error);
  CHECK_THROWS_AS(gemm(Transpose::kNo, Transpose::kNo, 2, 3, 4, 1.0F, &x, 4, &x, 3, 0.0F, &x, 2), Error);
  CHECK_THROWS_AS(gemm(Transpose::kNo, Transpose::kNo, -2, 3, 4, 1.0F, &x, 4, &x, 3, 0.0F, &x, 3), Error);
}

TEST_CASE_TEMPLATE("transpose equals ref", T, float, double) {
  test::for_each_isa([] {
    for (const int rows : {1, 15, 16, 17, 40}) {
      for (const int cols : {1, 9, 16, 33}) {
        const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
        const auto in = test::normals<T>(size, 1);
        std::vector<T> got(size), want(size);
        transpose(rows, cols, in.data(), got.data());
        ref::transpose(rows, cols, in.data(), want.data());
        CHECK(got == want);
      }
    }
  });
}

}  // namespace baton::kernels
