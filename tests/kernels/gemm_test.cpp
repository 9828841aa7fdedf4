#include "kernels/gemm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {
namespace {

struct Shape {
  int m, n, k;
};

// gemm into a padded C whose padding must survive, with A and B shifted by `shift` elements.
template <class T>
void check_product(Transpose ta, Transpose tb, Shape s, T alpha, T beta, int pad, std::size_t shift) {
  const int lda = (ta == Transpose::kYes ? s.m : s.k) + pad, ldb = (tb == Transpose::kYes ? s.k : s.n) + pad;
  const int ldc = s.n + pad;
  const auto size = [&](int rows, int ld) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(ld) + shift;
  };
  const auto a = test::normals<T>(size(ta == Transpose::kYes ? s.k : s.m, lda), 1);
  const auto b = test::normals<T>(size(tb == Transpose::kYes ? s.n : s.k, ldb), 2);
  auto got = test::normals<T>(size(s.m, ldc), 3), want = got;
  gemm(ta, tb, s.m, s.n, s.k, alpha, a.data() + shift, lda, b.data() + shift, ldb, beta, got.data() + shift,
       ldc);
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
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        for (const int m : {1, 2, 5, 6, 7, 12, 13, 50}) {
          for (const int n : {1, 3, 9, 16, 17, 33, 70}) {
            for (const int k : {1, 2, 17, 60})
              check_product<T>(ta, tb, {m, n, k}, T(1), T(0), (m + n) % 3, static_cast<std::size_t>(k % 4));
          }
        }
        check_product<T>(ta, tb, {61, 67, 300}, T(-1.5), T(0.5), 1, 1);
        check_product<T>(ta, tb, {4, 130, 513}, T(2), T(1), 0, 3);
        check_product<T>(ta, tb, {205, 529, 270}, T(1), T(1), 1, 2);  // several blocks each way
        check_product<T>(ta, tb, {277, 96, 260}, T(1), T(1), 1, 1);   // more rows than one block of strips
        check_product<T>(ta, tb, {530, 9, 270}, T(1), T(1), 2, 1);    // few columns, several blocks of rows
        check_product<T>(ta, tb, {60, 4, 257}, T(-1.5), T(0.5), 1, 0);
      }
    }
  });
}

TEST_CASE_TEMPLATE("a product with packed B has the bits of gemm's", T, float, double) {
  test::for_each_isa([] {
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        for (const Shape s :
             {Shape{1, 9, 256}, {3, 256, 60}, {130, 256, 300}, {70, 600, 33}, {49, 31, 257}, {60, 9, 300}}) {
          const int lda = ta == Transpose::kYes ? s.m : s.k, ldb = tb == Transpose::kYes ? s.k : s.n;
          const auto size = [](int a, int b) {
            return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
          };
          const auto a = test::normals<T>(size(s.m, s.k), 1), b = test::normals<T>(size(s.n, s.k), 2);
          std::vector<T> packed(static_cast<std::size_t>(packed_size(s.n, s.k)));
          auto got = test::normals<T>(size(s.m, s.n), 3), want = got;
          pack(tb, s.n, s.k, b.data(), ldb, packed.data());
          gemm_packed(ta, s.m, s.n, s.k, T(1.5), a.data(), lda, packed.data(), T(0.5), got.data(), s.n);
          gemm(ta, tb, s.m, s.n, s.k, T(1.5), a.data(), lda, b.data(), ldb, T(0.5), want.data(), s.n);
          test::check_close(got, want, 0, 0, "gemm_packed");
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
    auto a = test::normals<float>(40 * 50, 1), b = test::normals<float>(50 * 45, 2);
    a[7 * 50 + 3] = std::nanf("");
    b[9 * 45 + 11] = std::nanf("");
    std::vector<float> c(40 * 45);
    gemm(Transpose::kNo, Transpose::kNo, 40, 45, 50, 1.0F, a.data(), 50, b.data(), 45, 0.0F, c.data(), 45);
    for (int i = 0; i < 40; ++i) {
      for (int j = 0; j < 45; ++j)
        CHECK(std::isnan(c[static_cast<std::size_t>(i * 45 + j)]) == (i == 7 || j == 11));
    }
  });
}

TEST_CASE("a row of the product has the same bits whatever rows stand beside it") {
  test::for_each_isa([] {
    constexpr int n = 41, k = 300, rows = 100;
    const auto a = test::normals<float>(rows * k, 4), b = test::normals<float>(k * n, 5);
    std::vector<float> all(rows * n), one(n);
    gemm(Transpose::kNo, Transpose::kNo, rows, n, k, 1.0F, a.data(), k, b.data(), n, 0.0F, all.data(), n);
    for (int i = 0; i < rows; ++i) {
      gemm(Transpose::kNo, Transpose::kNo, 1, n, k, 1.0F, a.data() + i * k, k, b.data(), n, 0.0F, one.data(),
           n);
      CHECK(std::equal(one.begin(), one.end(), all.begin() + i * n));
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
