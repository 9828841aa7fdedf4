#include "rl/fisher.hpp"

#include <cmath>

#include "kernels/error.hpp"

namespace baton::rl {

template <class T>
Fisher<T>::Fisher(ag::MlpPass<T>& pass, std::span<const T> mlp_theta, std::span<const T> log_std)
    : pass_(&pass), theta_(mlp_theta), log_std_(log_std), tangent_(pass.output().size()) {
  BATON_REQUIRE(pass.rows() > 0 && tangent_.size() == static_cast<std::size_t>(pass.rows()) * log_std.size(),
                "fisher: {} outputs of {} rows for a log_std of {}", tangent_.size(), pass.rows(),
                log_std.size());
}

template <class T>
void Fisher<T>::product(std::span<const T> v, std::span<T> out) {
  BATON_REQUIRE(static_cast<int>(v.size()) == parameters() && v.size() == out.size(),
                "fisher: vectors of {} and {}, the policy has {} parameters", v.size(), out.size(),
                parameters());
  const std::size_t m = theta_.size(), d = log_std_.size(), n = tangent_.size() / d;
  pass_->jvp(theta_, v.first(m), tangent_.data());
  for (std::size_t j = 0; j < d; ++j) {
    const T metric = std::exp(-2 * log_std_[j]) / static_cast<T>(n);
    for (std::size_t i = 0; i < n; ++i) tangent_[i * d + j] *= metric;
  }
  for (T& value : out) value = T(0);
  pass_->vjp(theta_, tangent_.data(), out.first(m));
  for (std::size_t j = 0; j < d; ++j) out[m + j] = 2 * v[m + j];
}

template class Fisher<float>;
template class Fisher<double>;

}  // namespace baton::rl
