#include "rl/fisher.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "kernels/softmax.hpp"

namespace baton::rl {

template <class T>
template <class Pass>
void Fisher<T>::set(Kind kind, const Pass& pass, std::span<const T> theta) {
  BATON_REQUIRE(pass.rows() > 0, "fisher: the pass holds no rows");
  kind_ = kind;
  pass_ = nullptr;
  two_pass_ = nullptr;
  theta_ = theta;
  rows_ = pass.rows();
  width_ = pass.spec().out;
  tangent_.resize(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(width_));
}

// outputs: how many numbers have a deviation.
template <class T>
void Fisher<T>::set_log_std(std::span<const T> log_std, int outputs, std::span<const int> counts) {
  BATON_REQUIRE(outputs == static_cast<int>(log_std.size()), "fisher: {} outputs for a log_std of {}",
                outputs, log_std.size());
  log_std_ = log_std;
  BATON_REQUIRE(counts.empty() || counts.size() == static_cast<std::size_t>(rows_),
                "fisher: {} counts for {} rows", counts.size(), rows_);
  counts_ = counts;
  log_std_metric_.assign(log_std.size(), T(2));
  if (counts_.empty()) return;
  std::ranges::fill(log_std_metric_, T(0));
  for (const int count : counts_) {
    BATON_REQUIRE(count >= 1 && count <= outputs, "fisher: {} of {} outputs are to count", count, outputs);
    for (int j = 0; j < count; ++j)
      log_std_metric_[static_cast<std::size_t>(j)] += T(2) / static_cast<T>(rows_);
  }
}

template <class T>
void Fisher<T>::set_precision() {
  precision_.resize(log_std_.size());
  std::ranges::transform(log_std_, precision_.begin(),
                         [&](T s) { return std::exp(-2 * s) / static_cast<T>(rows_); });
}

template <class T>
void Fisher<T>::set_gaussian(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std,
                             std::span<const int> counts) {
  set(Kind::kGaussian, pass, theta);
  pass_ = &pass;
  set_log_std(log_std, width_, counts);
  set_precision();
}

template <class T>
void Fisher<T>::set_gaussian(TwoPass<T>& passes, std::span<const T> theta, std::span<const T> log_std,
                             std::span<const int> counts) {
  set(Kind::kGaussian, passes, theta);
  two_pass_ = &passes;
  set_log_std(log_std, width_, counts);
  set_precision();
}

template <class T>
void Fisher<T>::set_mixture(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std,
                            int components, std::span<const int> counts) {
  set(Kind::kMixture, pass, theta);
  pass_ = &pass;
  set_log_std(log_std, width_ / components - 1, counts);
  mixture_.set(components, log_std);
}

template <class T>
void Fisher<T>::set_categorical(ag::MlpPass<T>& pass, std::span<const T> theta) {
  set(Kind::kCategorical, pass, theta);
  pass_ = &pass;
  log_std_ = {};
  counts_ = {};
  log_std_metric_.clear();
  probabilities_.resize(tangent_.size());
  kernels::softmax<T>(rows_, width_, 1, pass.output().data(), probabilities_.data());
}

template <class T>
void Fisher<T>::check_sizes(std::size_t a, std::size_t b) const {
  BATON_REQUIRE(static_cast<int>(a) == parameters() && a == b,
                "fisher: vectors of {} and {}, the policy has {} parameters", a, b, parameters());
}

// u <- M u / n, u being `rows` rows of tangents from row `first` on
template <class T>
void Fisher<T>::multiply_metric(T* u, int first, int rows) const {
  const T share = T(1) / static_cast<T>(rows_);
  if (kind_ == Kind::kMixture) return mixture_.metric(rows, counts_from(first), output_from(first), share, u);
  if (kind_ == Kind::kGaussian) {
    kernels::scale_columns<T>(rows, width_, precision_.data(), u);
    for (int i = 0; !counts_.empty() && i < rows; ++i) {
      T* row = u + std::ptrdiff_t{i} * width_;
      std::fill(row + counts_[static_cast<std::size_t>(first + i)], row + width_, T(0));
    }
    return;
  }
  const T* p = probabilities_.data() + static_cast<std::ptrdiff_t>(first) * width_;
  kernels::softmax_derivative<T>(rows, width_, 1, p, u, u, false);
  kernels::binary<T>(kernels::Binary::kMul, std::int64_t{rows} * width_, u, 1, &share, 0, u);
}

template <class T>
void Fisher<T>::product(std::span<const T> v, std::span<T> out) {
  check_sizes(v.size(), out.size());
  const std::size_t m = theta_.size();
  std::ranges::fill(out, T(0));
  const auto metric = [this](T* u, int first, int rows) { multiply_metric(u, first, rows); };
  if (two_pass_ != nullptr) {
    two_pass_->metric_product(theta_, v.first(m), metric, tangent_.data(), out.first(m));
  } else {
    pass_->metric_product(theta_, v.first(m), metric, tangent_.data(), out.first(m));
  }
  for (std::size_t j = m; j < v.size(); ++j) out[j] = log_std_metric_[j - m] * v[j];
}

// tangent_ = L_i e_i / sqrt(n), a row each.
template <class T>
void Fisher<T>::draw_roots(std::uint64_t seed) {
  const std::size_t d = static_cast<std::size_t>(width_);
  const T share = T(1) / static_cast<T>(rows_), root_share = std::sqrt(share);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows_); ++i) {
    kernels::Random random(seed, i);
    T* u = &tangent_[i * d];
    for (std::size_t j = 0; j < d; ++j) {
      T size = 1;  // Gaussian: L = diag(exp(-log_std))
      if (kind_ == Kind::kGaussian) size = std::sqrt(precision_[j]);
      if (kind_ == Kind::kCategorical) size = root_share;
      u[j] = (random.next_u32() >> 31) != 0 ? size : -size;
    }
    if (kind_ == Kind::kMixture) {
      const int row = static_cast<int>(i);
      mixture_.metric_root(1, counts_from(row), output_from(row), share, u);
    } else if (kind_ == Kind::kGaussian) {
      if (!counts_.empty()) std::fill(u + counts_[i], u + d, T(0));
    } else {
      // L = (I - p 1') diag(sqrt p):  L L' = diag(p) - p p'
      const T* p = &probabilities_[i * d];
      T sum = 0;
      for (std::size_t j = 0; j < d; ++j) sum += u[j] *= std::sqrt(p[j]);
      for (std::size_t j = 0; j < d; ++j) u[j] -= p[j] * sum;
    }
  }
}

template <class T>
void Fisher<T>::diagonal(std::uint64_t seed, std::span<T> out) {
  check_sizes(out.size(), out.size());
  const std::size_t m = theta_.size();
  draw_roots(seed);
  std::ranges::fill(out.first(m), T(0));
  if (two_pass_ != nullptr) {
    two_pass_->vjp_squares(theta_, tangent_.data(), out.first(m));
  } else {
    pass_->vjp_squares(theta_, tangent_.data(), out.first(m));
  }
  std::ranges::copy(log_std_metric_, out.subspan(m).begin());
}

template class Fisher<float>;
template class Fisher<double>;

}  // namespace baton::rl
