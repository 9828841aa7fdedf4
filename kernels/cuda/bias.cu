#include "kernels/cuda/functions.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/map.hpp"
#include "kernels/cuda/reduce.hpp"

namespace baton::kernels::cuda {
namespace {

// A thread keeps its column, so that it reads its bias once and divides by nothing.
template <class T>
__global__ void __launch_bounds__(kMapThreads)
    bias_unary_kernel(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z) {
  const int c = static_cast<int>(blockIdx.x * kWarp + threadIdx.x);
  if (c >= cols) return;
  const T b = bias[c];
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.y) * blockDim.y;
  for (std::int64_t r = blockIdx.y * blockDim.y + threadIdx.y; r < rows; r += stride) {
    const T sum = x[r * cols + c] + b;
    if (z != nullptr) z[r * cols + c] = sum;
    x[r * cols + c] = unary_value(op, sum);
  }
}

template <class T>
struct SlopeAndStore {
  Unary op;
  std::int64_t cols;
  const T* z;
  const T* y;
  const T* g;
  T* dx;
  __device__ T operator()(std::int64_t, std::int64_t row, std::int64_t col) const {
    const std::int64_t i = row * cols + col;
    const T slope = g[i] * unary_slope(op, z[i], y[i]);
    dx[i] = slope;
    return slope;
  }
};

}  // namespace

template <class T>
void bias_unary(Stream& stream, Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z) {
  const dim3 threads(kWarp, kMapThreads / kWarp);
  const dim3 blocks(static_cast<unsigned>((cols + kWarp - 1) / kWarp), blocks_for(rows, kMapThreads / kWarp));
  launch(stream, Shape(blocks, threads), bias_unary_kernel<T>, op, rows, cols, bias, x, z);
}

template <class T>
void bias_unary_vjp(Stream& stream, Unary op, std::int64_t rows, int cols, const T* z, const T* y, const T* g,
                    T* dx, T* d_bias, bool accumulate, T* scratch) {
  const T* input = derivative_needs_input(op) ? z : y;
  column_sums(stream, 1, rows, cols, T(1), SlopeAndStore<T>{op, cols, input, y, g, dx}, d_bias, accumulate,
              scratch);
}

#define BATON_INSTANTIATE(T)                                                                            \
  template void bias_unary(Stream&, Unary, std::int64_t, int, const T*, T*, T*);                        \
  template void bias_unary_vjp(Stream&, Unary, std::int64_t, int, const T*, const T*, const T*, T*, T*, \
                               bool, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
