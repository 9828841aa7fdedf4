#include <doctest/doctest.h>

#include "kernels/cuda/gemm.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/error.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

struct Shape {
  int m, n, k;
  bool transpose_a, transpose_b;
};

// With rows of A, B and C that are longer by 3, 2 and 1 than they need be.
template <class T>
test::Twin<T> gemm_twin(cuda::Blas& blas, const Shape& s, T alpha, T beta) {
  const Transpose ta{s.transpose_a}, tb{s.transpose_b};
  const int lda = (s.transpose_a ? s.m : s.k) + 3, ldb = (s.transpose_b ? s.k : s.n) + 2, ldc = s.n + 1;
  return {.name = "gemm",
          .sizes = {lda * (s.transpose_a ? s.k : s.m), ldb * (s.transpose_b ? s.n : s.k), ldc * s.m},
          .device =
              [=, &blas](cuda::Stream&, const test::Side<T>& a) {
                cuda::gemm<T>(blas, ta, tb, s.m, s.n, s.k, alpha, a[0], lda, a[1], ldb, beta, a[2], ldc);
              },
          .reference =
              [=](const test::Side<T>& a) {
                ref::gemm<T>(ta, tb, s.m, s.n, s.k, alpha, a[0], lda, a[1], ldb, beta, a[2], ldc);
              },
          .relative = 4,
          .absolute = 4.0 * (s.k + 1)};
}

}  // namespace

// The emulation answers with ref/gemm: what is compared there is the seam, on a device it is cuBLAS.
TEST_CASE_TEMPLATE("cuda: gemm equals ref in all transposes", T, float, double) {
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      for (const T beta : {T(0), T(1)}) {
        for (const Shape& s :
             {Shape{1, 1, 1, transpose_a, transpose_b}, Shape{33, 9, 60, transpose_a, transpose_b}}) {
          cuda::Stream stream;
          cuda::Blas blas(stream);
          test::check_twin(gemm_twin<T>(blas, s, T(0.5), beta), 0, false, stream);
        }
      }
    }
  }
}

TEST_CASE("cuda: gemm refuses sizes as the CPU's does") {
  cuda::Stream stream;
  cuda::Blas blas(stream);
  const auto call = [&](int m, int lda) {
    cuda::gemm<float>(blas, Transpose::kNo, Transpose::kNo, m, 2, 5, 1, nullptr, lda, nullptr, 2, 0, nullptr,
                      2);
  };
  CHECK_THROWS_WITH_AS(call(-1, 5), "gemm: negative size (m -1, n 2, k 5)", Error);
  CHECK_THROWS_WITH_AS(call(1, 4), "gemm: rows of A hold 5 numbers, lda 4 is shorter", Error);
}

TEST_CASE("cuda: uniform and normal numbers have the CPU's bits from any place of a stream") {
  cuda::Stream stream;
  for (const std::uint64_t first : {0ULL, 1ULL, 6ULL, 0xFFFFFFFFFFFULL}) {
    for (const std::size_t n : {0U, 1U, 3U, 4U, 5U, 1023U}) {
      std::vector<float> want(n);
      const cuda::Buffer<float> out(static_cast<std::int64_t>(n));
      fill_uniform(7, 8, first, want);
      cuda::fill_uniform(stream, 7, 8, first, out.size(), out.data());
      CHECK(test::to_host(stream, out) == want);
      fill_normal(7, 8, first, want);
      cuda::fill_normal(stream, 7, 8, first, out.size(), out.data());
      CHECK(test::to_host(stream, out) == want);
    }
  }
}

}  // namespace baton::kernels
