#pragma once
// Matrix products on the device: the one seam to cuBLAS (gemm.cu). The emulated device of the tests answers it with
// ref/gemm. Plain C++ without a CUDA header.
#include "kernels/cuda/device.hpp"
#include "kernels/gemm.hpp"

namespace baton::kernels::cuda {

// What matrix products on one stream need: cuBLAS's handle and its workspace, taken once, so that products can be
// recorded in a graph. cuBLAS is loaded when the first one is made; throws Error with the loader's reason where it
// is missing. Must not outlive the stream.
class Blas {
 public:
  explicit Blas(Stream& stream);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  Stream& stream() const { return *stream_; }
  void* handle() const { return handle_; }

 private:
  Stream* stream_;
  void* handle_ = nullptr;
  Buffer<char> workspace_;
};

// kernels/gemm.hpp's product, queued on the stream of blas: the same formula, checks and row-major layout. Products
// in T without reduced precision; the same bits from run to run on one model of GPU and version of cuBLAS.
template <class T>
void gemm(Blas& blas, Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a,
          int lda, const T* b, int ldb, T beta, T* c, int ldc);

}  // namespace baton::kernels::cuda
