#include "kernels/gaussian.hpp"

#include <cmath>
#include <numbers>

namespace baton::kernels::ref {
namespace {

const double kHalfLogTwoPi = 0.5 * std::log(2.0 * std::numbers::pi);

template <class T>
double number(const T* p, std::int64_t i) {  // a missing tangent is zero
  return p == nullptr ? 0.0 : static_cast<double>(p[i]);
}

// Partial derivatives of one term of KL: by mean_p (minus that by mean_q), by s_p and by s_q.
struct KlSlopes {
  double mean, log_std_p, log_std_q;
  KlSlopes(double mean_p, double s_p, double mean_q, double s_q) {
    const double gap = mean_p - mean_q, precision = std::exp(-2 * s_q), ratio = std::exp(2 * (s_p - s_q));
    mean = gap * precision;
    log_std_p = ratio - 1;
    log_std_q = 1 - ratio - gap * gap * precision;
  }
};

}  // namespace

template <class T>
void gaussian_log_prob(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double total = 0;
    for (int d = 0; d < dim; ++d) {
      const double s = static_cast<double>(log_std[d]);
      const double z =
          (static_cast<double>(x[r * dim + d]) - static_cast<double>(mean[r * dim + d])) * std::exp(-s);
      total += -0.5 * z * z - s - kHalfLogTwoPi;
    }
    out[r] = static_cast<T>(total);
  }
}

template <class T>
void gaussian_log_prob_vjp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* w, T* d_mean, T* d_log_std) {
  for (int d = 0; d < dim; ++d) {
    const double inverse = std::exp(-static_cast<double>(log_std[d]));
    double total = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const double z =
          (static_cast<double>(x[r * dim + d]) - static_cast<double>(mean[r * dim + d])) * inverse;
      const double weight = static_cast<double>(w[r]);
      if (d_mean != nullptr) d_mean[r * dim + d] = static_cast<T>(weight * z * inverse);
      total += weight * (z * z - 1.0);
    }
    if (d_log_std != nullptr) d_log_std[d] = static_cast<T>(static_cast<double>(d_log_std[d]) + total);
  }
}

template <class T>
void gaussian_log_prob_jvp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* x_dot, const T* mean_dot, const T* log_std_dot, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double total = 0;
    for (int d = 0; d < dim; ++d) {
      const std::int64_t at = r * dim + d;
      const double inverse = std::exp(-number(log_std, d)), z = (number(x, at) - number(mean, at)) * inverse;
      total +=
          (z * z - 1) * number(log_std_dot, d) - z * inverse * (number(x_dot, at) - number(mean_dot, at));
    }
    out[r] = static_cast<T>(total);
  }
}

template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double total = 0;
    for (int d = 0; d < dim; ++d) {
      const double sp = static_cast<double>(log_std_p[d]), sq = static_cast<double>(log_std_q[d]);
      const double gap = static_cast<double>(mean_p[r * dim + d]) - static_cast<double>(mean_q[r * dim + d]);
      total += sq - sp + (std::exp(2 * sp) + gap * gap) / (2 * std::exp(2 * sq)) - 0.5;
    }
    out[r] = static_cast<T>(total);
  }
}

template <class T>
void gaussian_kl_vjp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p, T* d_log_std_q) {
  for (int d = 0; d < dim; ++d) {
    double by_p = 0, by_q = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t at = r * dim + d;
      const KlSlopes slope(number(mean_p, at), number(log_std_p, d), number(mean_q, at),
                           number(log_std_q, d));
      if (d_mean_p != nullptr) d_mean_p[at] = static_cast<T>(number(w, r) * slope.mean);
      by_p += number(w, r) * slope.log_std_p;
      by_q += number(w, r) * slope.log_std_q;
    }
    if (d_log_std_p != nullptr) d_log_std_p[d] = static_cast<T>(number(d_log_std_p, d) + by_p);
    if (d_log_std_q != nullptr) d_log_std_q[d] = static_cast<T>(number(d_log_std_q, d) + by_q);
  }
}

template <class T>
void gaussian_kl_jvp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot, const T* mean_q_dot,
                     const T* log_std_q_dot, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double total = 0;
    for (int d = 0; d < dim; ++d) {
      const std::int64_t at = r * dim + d;
      const KlSlopes slope(number(mean_p, at), number(log_std_p, d), number(mean_q, at),
                           number(log_std_q, d));
      total += slope.mean * (number(mean_p_dot, at) - number(mean_q_dot, at)) +
               slope.log_std_p * number(log_std_p_dot, d) + slope.log_std_q * number(log_std_q_dot, d);
    }
    out[r] = static_cast<T>(total);
  }
}

template <class T>
T gaussian_entropy(int dim, const T* log_std) {
  double total = 0;
  for (int d = 0; d < dim; ++d) total += static_cast<double>(log_std[d]) + 0.5 + kHalfLogTwoPi;
  return static_cast<T>(total);
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void gaussian_log_prob(std::int64_t, int, const T*, const T*, const T*, T*);                      \
  template void gaussian_log_prob_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, T*, T*);    \
  template void gaussian_kl(std::int64_t, int, const T*, const T*, const T*, const T*, T*);                  \
  template void gaussian_log_prob_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,   \
                                      const T*, T*);                                                         \
  template void gaussian_kl_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*, T*, T*, \
                                T*);                                                                         \
  template void gaussian_kl_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,         \
                                const T*, const T*, const T*, T*);                                           \
  template T gaussian_entropy(int, const T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
