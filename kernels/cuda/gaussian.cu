#include <cmath>

#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/reduce.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kRowThreads = 128;
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

// out[r] = sum_d f(r, d): a warp a row.
template <class T, class F>
__global__ void __launch_bounds__(kRowThreads) row_kernel(std::int64_t rows, int dim, F f, T* out) {
  const std::int64_t r = thread_in_grid() / kWarp;
  if (r >= rows) return;
  T total = T(0);
  for (int d = static_cast<int>(threadIdx.x % kWarp); d < dim; d += kWarp) total += f(r, d);
  total = warp_sum(total);
  if (threadIdx.x % kWarp == 0) out[r] = total;
}

template <class T, class F>
void for_rows(Stream& stream, std::int64_t rows, int dim, const F& f, T* out) {
  constexpr int kRowsOfBlock = kRowThreads / kWarp;
  const unsigned blocks = static_cast<unsigned>((rows + kRowsOfBlock - 1) / kRowsOfBlock);
  launch(stream, Shape(blocks, kRowThreads), row_kernel<T, F>, rows, dim, f, out);
}

template <class T>
struct LogProb {
  int dim;
  const T* x;
  const T* mean;
  const T* log_std;
  __device__ T operator()(std::int64_t r, int d) const {
    const T s = log_std[d], z = (x[r * dim + d] - mean[r * dim + d]) * std::exp(-s);
    return T(-0.5) * z * z - s - T(kHalfLogTwoPi);
  }
};

// The term of d_log_std, storing that of d_mean.
template <class T>
struct LogProbVjp {
  int dim;
  const T* x;
  const T* mean;
  const T* log_std;
  const T* w;
  T* d_mean;
  __device__ T operator()(std::int64_t, std::int64_t r, std::int64_t d) const {
    const T inverse = std::exp(-log_std[d]), z = (x[r * dim + d] - mean[r * dim + d]) * inverse;
    if (d_mean != nullptr) d_mean[r * dim + d] = w[r] * z * inverse;
    return w[r] * (z * z - T(1));
  }
};

template <class T>
struct Kl {
  int dim;
  const T* mean_p;
  const T* log_std_p;
  const T* mean_q;
  const T* log_std_q;
  __device__ T operator()(std::int64_t r, int d) const {
    const T sp = log_std_p[d], sq = log_std_q[d], gap = mean_p[r * dim + d] - mean_q[r * dim + d];
    return sq - sp + (std::exp(T(2) * sp) + gap * gap) / (T(2) * std::exp(T(2) * sq)) - T(0.5);
  }
};

template <class T>
struct Entropy {
  const T* log_std;
  __device__ T operator()(std::int64_t, int d) const { return log_std[d] + T(0.5 + kHalfLogTwoPi); }
};

}  // namespace

template <class T>
void gaussian_log_prob(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                       const T* log_std, T* out) {
  for_rows(stream, rows, dim, LogProb<T>{dim, x, mean, log_std}, out);
}

template <class T>
void gaussian_log_prob_vjp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                           const T* log_std, const T* w, T* d_mean, T* d_log_std, T* scratch) {
  if (d_mean == nullptr && d_log_std == nullptr) return;
  column_sums(stream, 1, rows, dim, T(1), LogProbVjp<T>{dim, x, mean, log_std, w, d_mean}, d_log_std, true,
              scratch);
}

template <class T>
void gaussian_kl(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                 const T* mean_q, const T* log_std_q, T* out) {
  for_rows(stream, rows, dim, Kl<T>{dim, mean_p, log_std_p, mean_q, log_std_q}, out);
}

template <class T>
void gaussian_entropy(Stream& stream, int dim, const T* log_std, T* out) {
  for_rows(stream, 1, dim, Entropy<T>{log_std}, out);
}

#define BATON_INSTANTIATE(T)                                                                              \
  template void gaussian_log_prob(Stream&, std::int64_t, int, const T*, const T*, const T*, T*);          \
  template void gaussian_log_prob_vjp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, \
                                      T*, T*, T*);                                                        \
  template void gaussian_kl(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, T*);      \
  template void gaussian_entropy(Stream&, int, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
