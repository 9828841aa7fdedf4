#include <cmath>

#include "kernels/cuda/column.hpp"
#include "kernels/cuda/kernels.hpp"

namespace baton::kernels::cuda {
namespace {

template <class T>
__device__ T or_zero(const T* p, std::int64_t i) {
  return p == nullptr ? T(0) : p[i];
}

template <class T>
struct Normalize {
  int dim;
  T epsilon;
  const T* x;
  const T* gain;
  const T* bias;
  T* y;
  T* mean;
  T* inverse;
  __device__ void operator()(const Row& row) const {
    const T centre = row.template sum<T>([&](std::int64_t d) { return x[row.at(d)]; }) / T(dim);
    const T squares = row.template sum<T>([&](std::int64_t d) {
      const T gap = x[row.at(d)] - centre;
      return gap * gap;
    });
    const T scale = T(1) / std::sqrt(squares / T(dim) + epsilon);
    row.each([&](std::int64_t d) { y[row.at(d)] = gain[d] * ((x[row.at(d)] - centre) * scale) + bias[d]; });
    if (row.leads()) mean[row.place] = centre, inverse[row.place] = scale;
  }
};

// A row of inverse (t - mean(t) - n mean(t n)), the derivative of n(x), which is its own transpose: finish(d, n, that)
template <class T, class Tangent, class Finish>
__device__ void derive(const Row& row, int dim, const T* x, T mean, T inverse, Tangent t, Finish finish) {
  const auto n = [&](std::int64_t d) { return (x[row.at(d)] - mean) * inverse; };
  const T mean_t = row.template sum<T>([&](std::int64_t d) { return t(d); }) / T(dim);
  const T mean_tn = row.template sum<T>([&](std::int64_t d) { return t(d) * n(d); }) / T(dim);
  row.each([&](std::int64_t d) { finish(d, n(d), inverse * (t(d) - mean_t - n(d) * mean_tn)); });
}

template <class T>
struct InputGradient {
  int dim;
  const T* x;
  const T* gain;
  const T* mean;
  const T* inverse;
  const T* u;
  T* d_x;
  __device__ void operator()(const Row& row) const {
    derive(
        row, dim, x, mean[row.place], inverse[row.place],
        [&](std::int64_t d) { return gain[d] * u[row.at(d)]; },
        [&](std::int64_t d, T, T value) { d_x[row.at(d)] = value; });
  }
};

template <class T>
struct Tangent {
  int dim;
  const T* x;
  const T* gain;
  const T* mean;
  const T* inverse;
  const T* x_dot;
  const T* gain_dot;
  const T* bias_dot;
  T* y_dot;
  __device__ void operator()(const Row& row) const {
    derive(
        row, dim, x, mean[row.place], inverse[row.place],
        [&](std::int64_t d) { return or_zero(x_dot, row.at(d)); },
        [&](std::int64_t d, T n, T value) {
          y_dot[row.at(d)] = gain[d] * value + or_zero(gain_dot, d) * n + or_zero(bias_dot, d);
        });
  }
};

// The terms of d_gain: u n
template <class T>
struct GainTerm {
  std::int64_t dim;
  const T* x;
  const T* mean;
  const T* inverse;
  const T* u;
  __device__ T operator()(std::int64_t, std::int64_t r, std::int64_t d) const {
    return u[r * dim + d] * ((x[r * dim + d] - mean[r]) * inverse[r]);
  }
};

}  // namespace

template <class T>
void layer_norm(Stream& stream, std::int64_t rows, int dim, T epsilon, const T* x, const T* gain,
                const T* bias, T* y, T* mean, T* inverse) {
  for_rows(stream, rows, dim, Normalize<T>{dim, epsilon, x, gain, bias, y, mean, inverse});
}

template <class T>
void layer_norm_vjp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* gain, const T* mean,
                    const T* inverse, const T* u, T* d_x, T* d_gain, T* d_bias, T* scratch) {
  if (d_gain != nullptr) {
    column_sums(stream, 1, rows, dim, T(1), GainTerm<T>{dim, x, mean, inverse, u}, d_gain, true, scratch);
    column_sums(stream, 1, rows, dim, T(1), Element<T>{u, rows, dim}, d_bias, true, scratch);
  }
  // d_x may be u, which the sums have read.
  if (d_x != nullptr) for_rows(stream, rows, dim, InputGradient<T>{dim, x, gain, mean, inverse, u, d_x});
}

template <class T>
void layer_norm_jvp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* gain, const T* mean,
                    const T* inverse, const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot) {
  for_rows(stream, rows, dim, Tangent<T>{dim, x, gain, mean, inverse, x_dot, gain_dot, bias_dot, y_dot});
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void layer_norm(Stream&, std::int64_t, int, T, const T*, const T*, const T*, T*, T*, T*);         \
  template void layer_norm_vjp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, const T*, \
                               T*, T*, T*, T*);                                                              \
  template void layer_norm_jvp(Stream&, std::int64_t, int, const T*, const T*, const T*, const T*, const T*, \
                               const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
