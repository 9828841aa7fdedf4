#include <cmath>

#include "kernels/cuda/column.hpp"
#include "kernels/cuda/kernels.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

// out[r] = sum_d f(r, d)
template <class T, class F>
struct RowSum {
  F f;
  T* out;
  __device__ void operator()(const Row& row) const {
    const T total = row.template sum<T>([&](std::int64_t d) { return f(row.place, static_cast<int>(d)); });
    if (row.leads()) out[row.place] = total;
  }
};
template <class T, class F>
void sum_rows(Stream& stream, std::int64_t rows, int dim, const F& f, T* out) {
  for_rows(stream, rows, dim, RowSum<T, F>{f, out});
}

template <class T>
__device__ T or_zero(const T* p, std::int64_t i) {  // a missing tangent is zero
  return p == nullptr ? T(0) : p[i];
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
struct LogProbJvp {
  int dim;
  const T* x;
  const T* mean;
  const T* log_std;
  const T* x_dot;
  const T* mean_dot;
  const T* log_std_dot;
  __device__ T operator()(std::int64_t r, int d) const {
    const std::int64_t at = r * dim + d;
    const T inverse = std::exp(-log_std[d]), z = (x[at] - mean[at]) * inverse;
    return (z * z - T(1)) * or_zero(log_std_dot, d) -
           z * inverse * (or_zero(x_dot, at) - or_zero(mean_dot, at));
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

// Partial derivatives of one term of KL: by mean_p (minus that by mean_q), by s_p and by s_q.
template <class T>
struct KlSlopes {
  T mean, log_std_p, log_std_q;
  __device__ KlSlopes(const Kl<T>& kl, std::int64_t r, std::int64_t d) {
    const T s_q = kl.log_std_q[d], gap = kl.mean_p[r * kl.dim + d] - kl.mean_q[r * kl.dim + d];
    const T precision = std::exp(T(-2) * s_q), ratio = std::exp(T(2) * (kl.log_std_p[d] - s_q));
    mean = gap * precision;
    log_std_p = ratio - T(1);
    log_std_q = T(1) - ratio - gap * gap * precision;
  }
};

// The terms of d_log_std_p, storing those of d_mean_p, and the terms of d_log_std_q.
template <class T>
struct KlVjpP {
  Kl<T> kl;
  const T* w;
  T* d_mean_p;
  __device__ T operator()(std::int64_t, std::int64_t r, std::int64_t d) const {
    const KlSlopes<T> slope(kl, r, d);
    if (d_mean_p != nullptr) d_mean_p[r * kl.dim + d] = w[r] * slope.mean;
    return w[r] * slope.log_std_p;
  }
};
template <class T>
struct KlVjpQ {
  Kl<T> kl;
  const T* w;
  __device__ T operator()(std::int64_t, std::int64_t r, std::int64_t d) const {
    return w[r] * KlSlopes<T>(kl, r, d).log_std_q;
  }
};

template <class T>
struct KlJvp {
  Kl<T> kl;
  const T* mean_p_dot;
  const T* log_std_p_dot;
  const T* mean_q_dot;
  const T* log_std_q_dot;
  __device__ T operator()(std::int64_t r, int d) const {
    const std::int64_t at = r * kl.dim + d;
    const KlSlopes<T> slope(kl, r, d);
    return slope.mean * (or_zero(mean_p_dot, at) - or_zero(mean_q_dot, at)) +
           slope.log_std_p * or_zero(log_std_p_dot, d) + slope.log_std_q * or_zero(log_std_q_dot, d);
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
  sum_rows(stream, rows, dim, LogProb<T>{dim, x, mean, log_std}, out);
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
  sum_rows(stream, rows, dim, Kl<T>{dim, mean_p, log_std_p, mean_q, log_std_q}, out);
}

template <class T>
void gaussian_entropy(Stream& stream, int dim, const T* log_std, T* out) {
  sum_rows(stream, 1, dim, Entropy<T>{log_std}, out);
}

template <class T>
void gaussian_log_prob_jvp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                           const T* log_std, const T* x_dot, const T* mean_dot, const T* log_std_dot,
                           T* out) {
  sum_rows(stream, rows, dim, LogProbJvp<T>{dim, x, mean, log_std, x_dot, mean_dot, log_std_dot}, out);
}

template <class T>
void gaussian_kl_vjp(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                     const T* mean_q, const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p,
                     T* d_log_std_q, T* scratch) {
  const Kl<T> kl{dim, mean_p, log_std_p, mean_q, log_std_q};
  if (d_mean_p != nullptr || d_log_std_p != nullptr)
    column_sums(stream, 1, rows, dim, T(1), KlVjpP<T>{kl, w, d_mean_p}, d_log_std_p, true, scratch);
  if (d_log_std_q != nullptr)
    column_sums(stream, 1, rows, dim, T(1), KlVjpQ<T>{kl, w}, d_log_std_q, true, scratch);
}

template <class T>
void gaussian_kl_jvp(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                     const T* mean_q, const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot,
                     const T* mean_q_dot, const T* log_std_q_dot, T* out) {
  const Kl<T> kl{dim, mean_p, log_std_p, mean_q, log_std_q};
  sum_rows(stream, rows, dim, KlJvp<T>{kl, mean_p_dot, log_std_p_dot, mean_q_dot, log_std_q_dot}, out);
}

#define BATON_INSTANTIATE(T)                                                                              \
  template void gaussian_log_prob(Stream&, std::int64_t, int, const T*, const T*, const T*, T*);          \
  template void gaussian_log_prob_vjp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, \
                                      T*, T*, T*);                                                        \
  template void gaussian_kl(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, T*);      \
  template void gaussian_log_prob_jvp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, \
                                      const T*, const T*, T*);                                            \
  template void gaussian_kl_vjp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*,       \
                                const T*, T*, T*, T*, T*);                                                \
  template void gaussian_kl_jvp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*,       \
                                const T*, const T*, const T*, const T*, T*);                              \
  template void gaussian_entropy(Stream&, int, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
