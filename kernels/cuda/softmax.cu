#include <cmath>

#include "kernels/cuda/column.hpp"
#include "kernels/cuda/kernels.hpp"

namespace baton::kernels::cuda {
namespace {

// The shifted sum of exponentials: sum_k e^(x[k] - shift)
template <class T, int kLanes>
__device__ T sum_of_exp(const Column<kLanes>& c, const T* x, T shift) {
  return c.template sum<T>([&](std::int64_t k) { return std::exp(x[c.at(k)] - shift); });
}

template <class T>
struct Softmax {
  const T* x;
  T* y;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T m = c.largest(x), total = sum_of_exp(c, x, m);
    c.each([&](std::int64_t k) { y[c.at(k)] = std::exp(x[c.at(k)] - m) / total; });
  }
};

template <class T>
struct SoftmaxDerivative {
  const T* y;
  const T* g;
  T* out;
  bool accumulate;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T mean = c.template sum<T>([&](std::int64_t k) { return y[c.at(k)] * g[c.at(k)]; });
    c.each([&](std::int64_t k) {
      const T value = y[c.at(k)] * (g[c.at(k)] - mean);
      out[c.at(k)] = accumulate ? out[c.at(k)] + value : value;
    });
  }
};

template <class T>
struct LogSoftmax {
  const T* x;
  T* y;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T m = c.largest(x), log_total = std::log(sum_of_exp(c, x, m));
    c.each([&](std::int64_t k) { y[c.at(k)] = x[c.at(k)] - m - log_total; });
  }
};

template <class T>
struct LogSoftmaxVjp {
  const T* y;
  const T* u;
  T* d_x;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T total = c.template sum<T>([&](std::int64_t k) { return u[c.at(k)]; });
    c.each([&](std::int64_t k) { d_x[c.at(k)] += u[c.at(k)] - std::exp(y[c.at(k)]) * total; });
  }
};

template <class T>
struct LogSoftmaxJvp {
  const T* y;
  const T* x_dot;
  T* y_dot;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T mean = c.template sum<T>([&](std::int64_t k) { return std::exp(y[c.at(k)]) * x_dot[c.at(k)]; });
    c.each([&](std::int64_t k) { y_dot[c.at(k)] = x_dot[c.at(k)] - mean; });
  }
};

template <class T>
struct LogSumExp {
  const T* x;
  T* y;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T m = c.largest(x), shift = std::isfinite(m) ? m : T(0);
    const T result = shift + std::log(sum_of_exp(c, x, shift));
    if (c.leads()) y[c.place] = result;
  }
};

template <class T>
struct LogSumExpVjp {
  const T* x;
  const T* y;
  const T* u;
  T* d_x;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T centre = y[c.place], weight = u[c.place];
    c.each([&](std::int64_t k) { d_x[c.at(k)] += weight * std::exp(x[c.at(k)] - centre); });
  }
};

template <class T>
struct LogSumExpJvp {
  const T* x;
  const T* y;
  const T* x_dot;
  T* y_dot;
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const T centre = y[c.place];
    const T total =
        c.template sum<T>([&](std::int64_t k) { return std::exp(x[c.at(k)] - centre) * x_dot[c.at(k)]; });
    if (c.leads()) y_dot[c.place] = total;
  }
};

}  // namespace

template <class T>
void softmax(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(stream, outer, n, inner, Softmax<T>{x, y});
}
template <class T>
void softmax_derivative(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                        const T* g, T* out, bool accumulate) {
  for_columns(stream, outer, n, inner, SoftmaxDerivative<T>{y, g, out, accumulate});
}
template <class T>
void log_softmax(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(stream, outer, n, inner, LogSoftmax<T>{x, y});
}
template <class T>
void log_softmax_vjp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                     const T* u, T* d_x) {
  for_columns(stream, outer, n, inner, LogSoftmaxVjp<T>{y, u, d_x});
}
template <class T>
void log_softmax_jvp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                     const T* x_dot, T* y_dot) {
  for_columns(stream, outer, n, inner, LogSoftmaxJvp<T>{y, x_dot, y_dot});
}
template <class T>
void log_sum_exp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(stream, outer, n, inner, LogSumExp<T>{x, y});
}
template <class T>
void log_sum_exp_vjp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                     const T* y, const T* u, T* d_x) {
  for_columns(stream, outer, n, inner, LogSumExpVjp<T>{x, y, u, d_x});
}
template <class T>
void log_sum_exp_jvp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                     const T* y, const T* x_dot, T* y_dot) {
  for_columns(stream, outer, n, inner, LogSumExpJvp<T>{x, y, x_dot, y_dot});
}

#define BATON_INSTANTIATE(T)                                                                                \
  template void softmax(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, T*);                   \
  template void softmax_derivative(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, const T*,   \
                                   T*, bool);                                                               \
  template void log_softmax(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, T*);               \
  template void log_softmax_vjp(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*); \
  template void log_softmax_jvp(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*); \
  template void log_sum_exp(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, T*);               \
  template void log_sum_exp_vjp(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, const T*,      \
                                const T*, T*);                                                              \
  template void log_sum_exp_jvp(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, const T*,      \
                                const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
