// The emulated device's answer to the seam to cuBLAS: ref/gemm.
#include "kernels/cuda/gemm.hpp"
#include "kernels/error.hpp"
#include "tests/support/cuda_processor.hpp"

namespace baton::kernels::cuda {

Blas::Blas(Stream& stream) : stream_(&stream), workspace_(0) {}
Blas::~Blas() = default;

template <class T>
void gemm(Blas& blas, Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a,
          int lda, const T* b, int ldb, T beta, T* c, int ldc) {
  check_gemm(transpose_a, transpose_b, m, n, k, lda, ldb, ldc);
  if (m == 0 || n == 0) return;
  const emulation::Place here{__FILE__, __LINE__};
  emulation::check_argument(a, here);
  emulation::check_argument(b, here);
  emulation::check_argument(c, here);
  emulation::queue_call(blas.stream().handle(), [=] {
    ref::gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  });
}

template void gemm(Blas&, Transpose, Transpose, int, int, int, float, const float*, int, const float*, int,
                   float, float*, int);
template void gemm(Blas&, Transpose, Transpose, int, int, int, double, const double*, int, const double*, int,
                   double, double*, int);

}  // namespace baton::kernels::cuda
