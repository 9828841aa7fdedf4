#include "rl/fisher.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "kernels/softmax.hpp"

namespace baton::rl {

template <class T>
void Fisher<T>::set(ag::MlpPass<T>& pass, std::span<const T> theta) {
  BATON_REQUIRE(pass.rows() > 0, "fisher: the pass holds no rows");
  pass_ = &pass;
  theta_ = theta;
  rows_ = pass.rows();
  width_ = pass.spec().out;
  tangent_.resize(pass.output().size());
}

template <class T>
void Fisher<T>::set_gaussian(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std,
                             std::span<const int> counts) {
  BATON_REQUIRE(pass.spec().out == static_cast<int>(log_std.size()), "fisher: {} outputs for a log_std of {}",
                pass.spec().out, log_std.size());
  set(pass, theta);
  log_std_ = log_std;
  precision_.resize(log_std.size());
  std::ranges::transform(log_std, precision_.begin(),
                         [&](T s) { return std::exp(-2 * s) / static_cast<T>(rows_); });
  BATON_REQUIRE(counts.empty() || counts.size() == static_cast<std::size_t>(rows_),
                "fisher: {} counts for {} rows", counts.size(), rows_);
  counts_ = counts;
  log_std_metric_.assign(log_std.size(), T(2));
  if (counts_.empty()) return;
  std::ranges::fill(log_std_metric_, T(0));
  for (const int count : counts_) {
    BATON_REQUIRE(count >= 1 && count <= width_, "fisher: {} of {} outputs are to count", count, width_);
    for (int j = 0; j < count; ++j)
      log_std_metric_[static_cast<std::size_t>(j)] += T(2) / static_cast<T>(rows_);
  }
}

template <class T>
void Fisher<T>::set_categorical(ag::MlpPass<T>& pass, std::span<const T> theta) {
  set(pass, theta);
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
  if (!log_std_.empty()) {
    kernels::scale_columns<T>(rows, width_, precision_.data(), u);
    for (int i = 0; !counts_.empty() && i < rows; ++i) {
      T* row = u + std::ptrdiff_t{i} * width_;
      std::fill(row + counts_[static_cast<std::size_t>(first + i)], row + width_, T(0));
    }
    return;
  }
  const T share = T(1) / static_cast<T>(rows_);
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
  pass_->metric_product(theta_, v.first(m), metric, tangent_.data(), out.first(m));
  for (std::size_t j = m; j < v.size(); ++j) out[j] = log_std_metric_[j - m] * v[j];
}

template <class T>
void Fisher<T>::diagonal(std::uint64_t seed, std::span<T> out) {
  check_sizes(out.size(), out.size());
  const std::size_t m = theta_.size(), d = static_cast<std::size_t>(width_);
  const T root_share = std::sqrt(T(1) / static_cast<T>(rows_));
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows_); ++i) {
    kernels::Random random(seed, i);
    T* u = &tangent_[i * d];
    for (std::size_t j = 0; j < d; ++j) {
      const T size =
          log_std_.empty() ? root_share : std::sqrt(precision_[j]);  // Gaussian: L = diag(exp(-log_std))
      u[j] = (random.next_u32() >> 31) != 0 ? size : -size;
    }
    if (!log_std_.empty()) {
      if (!counts_.empty()) std::fill(u + counts_[i], u + d, T(0));
      continue;
    }
    // L = (I - p 1') diag(sqrt p):  L L' = diag(p) - p p'
    const T* p = &probabilities_[i * d];
    T sum = 0;
    for (std::size_t j = 0; j < d; ++j) sum += u[j] *= std::sqrt(p[j]);
    for (std::size_t j = 0; j < d; ++j) u[j] -= p[j] * sum;
  }
  std::ranges::fill(out.first(m), T(0));
  pass_->vjp_squares(theta_, tangent_.data(), out.first(m));
  std::ranges::copy(log_std_metric_, out.subspan(m).begin());
}

template class Fisher<float>;
template class Fisher<double>;

}  // namespace baton::rl
