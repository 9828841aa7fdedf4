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
double number(const T* p, int64_t i) {  // a missing tangent is zero
  return p == nullptr ? 0.0 : static_cast<double>(p[i]);
}

template <class T>
void log_prob_jvp_isa(int64_t rows, int dim, const T* x, const T* mean, const T* log_std, const T* x_dot,
                      const T* mean_dot, const T* log_std_dot, T* out) {
  for (int64_t r = 0; r < rows; ++r) out[r] = T(0);
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    double inverse[kStrip];
    for (int d = 0; d < width; ++d) inverse[d] = ::exp(-number(log_std, d0 + d));
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * dim + d0;
      double total = 0;
      for (int d = 0; d < width; ++d) {
        const double z = (number(x, at + d) - number(mean, at + d)) * inverse[d];
        total += (z * z - 1.0) * number(log_std_dot, d0 + d) -
                 z * inverse[d] * (number(x_dot, at + d) - number(mean_dot, at + d));
      }
      out[r] += static_cast<T>(total);
    }
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

// 1 / e^(2 s_q), and e^(2 s_p) times it minus 1
struct KlConstants {
  double precision[kStrip], excess[kStrip];
  template <class T>
  KlConstants(int width, const T* log_std_p, const T* log_std_q) {
    for (int d = 0; d < width; ++d) {
      precision[d] = ::exp(-2.0 * number(log_std_q, d));
      excess[d] = ::expm1(2.0 * (number(log_std_p, d) - number(log_std_q, d)));
    }
  }
};

template <class T>
void kl_vjp_isa(int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p, T* d_log_std_q) {
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    const KlConstants constants(width, log_std_p + d0, log_std_q + d0);
    double weights = 0, squares[kStrip] = {};  // sums of w and of w gap^2 / v
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * dim + d0;
      const double weight = number(w, r);
      weights += weight;
      for (int d = 0; d < width; ++d) {
        const double gap = number(mean_p, at + d) - number(mean_q, at + d);
        const double slope = weight * gap * constants.precision[d];
        if (d_mean_p != nullptr) d_mean_p[at + d] = static_cast<T>(slope);
        squares[d] += slope * gap;
      }
    }
    for (int d = 0; d < width; ++d) {
      const double by_p = weights * constants.excess[d];
      if (d_log_std_p != nullptr) d_log_std_p[d0 + d] += static_cast<T>(by_p);
      if (d_log_std_q != nullptr) d_log_std_q[d0 + d] += static_cast<T>(-by_p - squares[d]);
    }
  }
}

template <class T>
void kl_jvp_isa(int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot, const T* mean_q_dot,
                const T* log_std_q_dot, T* out) {
  for (int64_t r = 0; r < rows; ++r) out[r] = T(0);
  for (int d0 = 0; d0 < dim; d0 += kStrip) {
    const int width = dim - d0 < kStrip ? dim - d0 : kStrip;
    const KlConstants constants(width, log_std_p + d0, log_std_q + d0);
    double spread = 0;  // what the log standard deviations add to every row
    for (int d = 0; d < width; ++d)
      spread += constants.excess[d] * (number(log_std_p_dot, d0 + d) - number(log_std_q_dot, d0 + d));
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * dim + d0;
      double total = spread;
      for (int d = 0; d < width; ++d) {
        const double gap = number(mean_p, at + d) - number(mean_q, at + d);
        const double gap_dot = number(mean_p_dot, at + d) - number(mean_q_dot, at + d);
        total += gap * constants.precision[d] * (gap_dot - gap * number(log_std_q_dot, d0 + d));
      }
      out[r] += static_cast<T>(total);
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
  table.gaussian_log_prob_jvp = log_prob_jvp_isa<T>;
  table.gaussian_kl = kl_isa<T>;
  table.gaussian_kl_vjp = kl_vjp_isa<T>;
  table.gaussian_kl_jvp = kl_jvp_isa<T>;
  table.gaussian_entropy = entropy_isa<T>;
}

}  // namespace

void fill_gaussian(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
