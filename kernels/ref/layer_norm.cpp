#include "kernels/layer_norm.hpp"

#include <cmath>

namespace baton::kernels::ref {
namespace {

template <class T>
double number(const T* p, std::int64_t i) {  // a missing tangent is zero
  return p == nullptr ? 0.0 : static_cast<double>(p[i]);
}

}  // namespace

template <class T>
void layer_norm(std::int64_t rows, int dim, T epsilon, const T* x, const T* gain, const T* bias, T* y,
                T* mean, T* inverse) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double total = 0, squares = 0;
    for (int d = 0; d < dim; ++d) total += number(x, r * dim + d);
    const double centre = total / dim;
    for (int d = 0; d < dim; ++d) squares += std::pow(number(x, r * dim + d) - centre, 2);
    const double scale = 1 / std::sqrt(squares / dim + static_cast<double>(epsilon));
    for (int d = 0; d < dim; ++d) {
      const double n = (number(x, r * dim + d) - centre) * scale;
      y[r * dim + d] = static_cast<T>(number(gain, d) * n + number(bias, d));
    }
    mean[r] = static_cast<T>(centre);
    inverse[r] = static_cast<T>(scale);
  }
}

template <class T>
void layer_norm_vjp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* u, T* d_x, T* d_gain, T* d_bias) {
  for (int d = 0; d < dim && d_gain != nullptr; ++d) {
    double by_gain = 0, by_bias = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      by_gain += number(u, r * dim + d) * (number(x, r * dim + d) - number(mean, r)) * number(inverse, r);
      by_bias += number(u, r * dim + d);
    }
    d_gain[d] = static_cast<T>(number(d_gain, d) + by_gain);
    d_bias[d] = static_cast<T>(number(d_bias, d) + by_bias);
  }
  for (std::int64_t r = 0; r < rows && d_x != nullptr; ++r) {
    const auto n = [&](int d) { return (number(x, r * dim + d) - number(mean, r)) * number(inverse, r); };
    double mean_g = 0, mean_gn = 0;
    for (int d = 0; d < dim; ++d) {
      const double g = number(gain, d) * number(u, r * dim + d);
      mean_g += g / dim;
      mean_gn += g * n(d) / dim;
    }
    for (int d = 0; d < dim; ++d) {
      const double g = number(gain, d) * number(u, r * dim + d);
      d_x[r * dim + d] = static_cast<T>(number(inverse, r) * (g - mean_g - n(d) * mean_gn));
    }
  }
}

template <class T>
void layer_norm_jvp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto n = [&](int d) { return (number(x, r * dim + d) - number(mean, r)) * number(inverse, r); };
    double mean_t = 0, mean_tn = 0;
    for (int d = 0; d < dim; ++d) {
      mean_t += number(x_dot, r * dim + d) / dim;
      mean_tn += number(x_dot, r * dim + d) * n(d) / dim;
    }
    for (int d = 0; d < dim; ++d) {
      const double n_dot = number(inverse, r) * (number(x_dot, r * dim + d) - mean_t - n(d) * mean_tn);
      y_dot[r * dim + d] =
          static_cast<T>(number(gain, d) * n_dot + number(gain_dot, d) * n(d) + number(bias_dot, d));
    }
  }
}

#define BATON_INSTANTIATE(T)                                                                                \
  template void layer_norm(std::int64_t, int, T, const T*, const T*, const T*, T*, T*, T*);                 \
  template void layer_norm_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*, T*, T*, \
                               T*);                                                                         \
  template void layer_norm_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,         \
                               const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
