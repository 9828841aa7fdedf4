#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr int kStrip = 64;  // dimensions whose constants are kept on the stack at once

// Rows are short (an action, a state): one loop over rows per strip of dimensions, sums of a row in double.
template <class T>
void log_prob_isa(int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out) {
  for (int64_t r = 0; r < rows; ++r) out[r] = T(0);
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    T inverse[kStrip];
    double constant = 0;
    for (int d = 0; d < width; ++d) {
      const double s = static_cast<double>(log_std[d0 + d]);
      inverse[d] = static_cast<T>(::exp(-s));
      constant -= s + kHalfLogTwoPi;
    }
    for (int64_t r = 0; r < rows; ++r) {
      const T* x_row = x + r * dim + d0;
      const T* mean_row = mean + r * dim + d0;
      double squares = 0;
      for (int d = 0; d < width; ++d) {
        const double z = static_cast<double>((x_row[d] - mean_row[d]) * inverse[d]);
        squares += z * z;
      }
      out[r] += static_cast<T>(constant - 0.5 * squares);
    }
  }
}

template <class T>
void log_prob_vjp_isa(int64_t rows, int dim, const T* x, const T* mean, const T* log_std, const T* w,
                      T* d_mean, T* d_log_std) {
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    T inverse[kStrip];
    double sums[kStrip] = {};
    for (int d = 0; d < width; ++d) inverse[d] = static_cast<T>(::exp(-static_cast<double>(log_std[d0 + d])));
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * dim + d0;
      for (int d = 0; d < width; ++d) {
        const T z = (x[at + d] - mean[at + d]) * inverse[d];
        if (d_mean != nullptr) d_mean[at + d] = w[r] * z * inverse[d];
        sums[d] += static_cast<double>(w[r]) * (static_cast<double>(z) * static_cast<double>(z) - 1.0);
      }
    }
    if (d_log_std == nullptr) continue;
    for (int d = 0; d < width; ++d) d_log_std[d0 + d] += static_cast<T>(sums[d]);
  }
}

template <class T>
void kl_isa(int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q, const T* log_std_q,
            T* out) {
  for (int64_t r = 0; r < rows; ++r) out[r] = T(0);
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    double precision[kStrip], constant = 0;
    for (int d = 0; d < width; ++d) {
      // ratio of variances minus 1 minus its logarithm, by expm1 so that equal spreads cost no digits
      const double gap = static_cast<double>(log_std_p[d0 + d]) - static_cast<double>(log_std_q[d0 + d]);
      precision[d] = ::exp(-2.0 * static_cast<double>(log_std_q[d0 + d]));
      constant += 0.5 * ::expm1(2.0 * gap) - gap;
    }
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * dim + d0;
      double squares = 0;
      for (int d = 0; d < width; ++d) {
        const double gap = static_cast<double>(mean_p[at + d]) - static_cast<double>(mean_q[at + d]);
        squares += gap * gap * precision[d];
      }
      out[r] += static_cast<T>(constant + 0.5 * squares);
    }
  }
}

template <class T>
T entropy_isa(int dim, const T* log_std) {
  double total = dim * (0.5 + kHalfLogTwoPi);
  for (int d = 0; d < dim; ++d) total += static_cast<double>(log_std[d]);
  return static_cast<T>(total);
}

template <class T>
void fill(Table<T>& table) {
  table.gaussian_log_prob = log_prob_isa<T>;
  table.gaussian_log_prob_vjp = log_prob_vjp_isa<T>;
  table.gaussian_kl = kl_isa<T>;
  table.gaussian_entropy = entropy_isa<T>;
}

}  // namespace

void fill_gaussian(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
