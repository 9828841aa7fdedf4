#include "kernels/gemm.hpp"

#include <cstddef>

namespace baton::kernels::ref {

template <class T>
void gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc) {
  const auto at = [](bool transposed, const T* x, int ld, int i, int j) {
    return static_cast<double>(
        transposed
            ? x[static_cast<std::size_t>(j) * static_cast<std::size_t>(ld) + static_cast<std::size_t>(i)]
            : x[static_cast<std::size_t>(i) * static_cast<std::size_t>(ld) + static_cast<std::size_t>(j)]);
  };
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int p = 0; p < k; ++p) {
        sum += at(transpose_a == Transpose::kYes, a, lda, i, p) *
               at(transpose_b == Transpose::kYes, b, ldb, p, j);
      }
      T& out = c[static_cast<std::size_t>(i) * static_cast<std::size_t>(ldc) + static_cast<std::size_t>(j)];
      const double old = beta == T(0) ? 0.0 : static_cast<double>(beta) * static_cast<double>(out);
      out = static_cast<T>(static_cast<double>(alpha) * sum + old);
    }
  }
}

template <class T>
void transpose(int rows, int cols, const T* in, T* out) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j)
      out[static_cast<std::ptrdiff_t>(j) * rows + i] = in[static_cast<std::ptrdiff_t>(i) * cols + j];
  }
}

template void gemm(Transpose, Transpose, int, int, int, float, const float*, int, const float*, int, float,
                   float*, int);
template void gemm(Transpose, Transpose, int, int, int, double, const double*, int, const double*, int,
                   double, double*, int);
template void transpose(int, int, const float*, float*);
template void transpose(int, int, const double*, double*);

}  // namespace baton::kernels::ref
