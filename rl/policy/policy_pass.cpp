#include "rl/policy/policy_pass.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gaussian.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {
namespace {

std::size_t index(int rows, int width) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
}

ag::MlpPass<float>::Input encoder(const GaussianPolicy& policy, const float* x) {
  return [&policy, x](float* z, int first, int rows) {
    policy.encode(x + index(first, policy.in_dim()), rows, z);
  };
}

void check_gradient(const GaussianPolicy& policy, std::span<const float> grad) {
  BATON_REQUIRE(static_cast<int>(grad.size()) == policy.parameters(), "policy: gradient of {}, {} parameters",
                grad.size(), policy.parameters());
}

}  // namespace

void PolicyPass::reserve(const GaussianPolicy& policy, int max_rows) {
  if (policy.head().kind == HeadKind::kTwoPass) {
    two_pass_.reserve(policy.network(), max_rows);
  } else {
    mlp_ = ag::MlpPass<float>(policy.network(), max_rows);
  }
  target_.resize(index(max_rows, policy.out_dim()));
  dy_.resize(index(max_rows, policy.network().out));
  if (policy.head().kind == HeadKind::kMixture) modes_.resize(target_.size());
}

// What comes before the first of n rows.
void PolicyPass::begin(const GaussianPolicy& policy, const float* x, int n) {
  head_ = policy.head().kind;
  const bool fits = target_.size() >= index(n, policy.out_dim()) &&
                    dy_.size() >= index(n, policy.network().out) &&
                    (head_ != HeadKind::kMixture || modes_.size() >= index(n, policy.out_dim()));
  if (!fits) reserve(policy, n);
  if (head_ != HeadKind::kTwoPass) mlp_.prepare(policy.network());
  if (head_ == HeadKind::kMixture) mixture_.set(policy.head().components, policy.log_std());
  x_ = x;
  n_ = n;
}

void PolicyPass::forward(const GaussianPolicy& policy, const float* x, int n) {
  begin(policy, x, n);
  if (head_ == HeadKind::kTwoPass)
    return two_pass_.forward(policy.network(), policy.mlp_theta(), encoder(policy, x), n);
  mlp_.forward(policy.mlp_theta(), encoder(policy, x), n);
  find_modes();
}

void PolicyPass::infer(const GaussianPolicy& policy, const float* x, int n) {
  begin(policy, x, n);
  if (head_ == HeadKind::kTwoPass)
    return two_pass_.infer(policy.network(), policy.mlp_theta(), encoder(policy, x), n);
  mlp_.infer(policy.mlp_theta(), encoder(policy, x), n);
  find_modes();
}

void PolicyPass::find_modes() {
  if (head_ == HeadKind::kMixture) mixture_.mode(n_, mlp_.output().data(), modes_.data());
}

std::span<const float> PolicyPass::network_output() const {
  return head_ == HeadKind::kTwoPass ? two_pass_.output() : std::as_const(mlp_).output();
}

std::span<const float> PolicyPass::normalized_mean() const {
  if (head_ != HeadKind::kMixture) return network_output();
  return std::span(modes_).first(index(n_, mixture_.dim()));
}

void PolicyPass::mean(const GaussianPolicy& policy, float* y) const {
  policy.denormalize_output(x_, normalized_mean().data(), n_, y);
}

void PolicyPass::sample(const GaussianPolicy& policy, std::span<const std::uint64_t> row_seeds,
                        std::uint64_t step, float scale, float* y) const {
  BATON_REQUIRE(static_cast<int>(row_seeds.size()) == n_, "policy: {} seeds for {} rows", row_seeds.size(),
                n_);
  const int m = policy.out_dim();
  const float* u = network_output().data();
  const std::span<const float> log_std = policy.log_std();
  for (int i = 0; i < n_; ++i) {
    kernels::Random random(row_seeds[static_cast<std::size_t>(i)], step);
    const float* mean = u + index(i, m);
    if (head_ == HeadKind::kMixture) {
      const float* row = u + index(i, mixture_.width());
      mean = row + index(mixture_.component(row, random.uniform()), m);
    }
    for (int j = 0; j < m; ++j) y[i * m + j] = mean[j] + std::exp(log_std[j]) * scale * random.normal();
  }
  policy.denormalize_output(x_, y, n_, y);
}

void PolicyPass::log_prob(const GaussianPolicy& policy, const float* y, std::span<float> result) {
  BATON_REQUIRE(static_cast<int>(result.size()) == n_, "policy: {} places for {} rows", result.size(), n_);
  policy.normalize_output(x_, y, n_, target_.data());
  row_log_prob(policy, result.data());
}

// Of target_, one number a row.
void PolicyPass::row_log_prob(const GaussianPolicy& policy, float* result) {
  const float *u = network_output().data(), *log_std = policy.log_std().data();
  if (!counted_.empty()) require_counts(policy);
  if (head_ == HeadKind::kMixture) {
    mixture_.set(policy.head().components, policy.log_std());
    return mixture_.log_prob(n_, counts(0), u, target_.data(), result);
  }
  if (counted_.empty())
    return kernels::gaussian_log_prob<float>(n_, policy.out_dim(), target_.data(), u, log_std, result);
  const std::size_t m = static_cast<std::size_t>(policy.out_dim());
  for (std::size_t i = 0; i < counted_.size(); ++i)
    kernels::gaussian_log_prob<float>(1, counted_[i], &target_[i * m], u + i * m, log_std, result + i);
}

void PolicyPass::require_counts(const GaussianPolicy& policy) const {
  BATON_REQUIRE(static_cast<int>(counted_.size()) == n_, "policy: {} counts of outputs for {} rows",
                counted_.size(), n_);
  for (const int count : counted_)
    BATON_REQUIRE(count >= 1 && count <= policy.out_dim(), "policy: {} outputs of {} are to count", count,
                  policy.out_dim());
}

void PolicyPass::set_weights(std::span<const float> weights) {
  BATON_REQUIRE(weights.empty() || static_cast<int>(weights.size()) == n_, "policy: {} weights for {} rows",
                weights.size(), n_);
  if (weights.empty()) equal_weights_.assign(static_cast<std::size_t>(n_), 1.0f / static_cast<float>(n_));
  weights_ = weights.empty() ? std::span<const float>(equal_weights_) : weights;
}

// dy of some rows, from target_ and what the network says of them, u.
void PolicyPass::likelihood_slope(const GaussianPolicy& policy, const float* u, int first, int rows,
                                  float* dy) const {
  const float* target = target_.data() + index(first, policy.out_dim());
  if (head_ == HeadKind::kMixture)
    return mixture_.log_prob_vjp(rows, counts(first), u, target, weights_.data() + first, dy, nullptr);
  kernels::gaussian_log_prob_vjp<float>(rows, policy.out_dim(), target, u, policy.log_std().data(),
                                        weights_.data() + first, dy, nullptr);
}

// The sum over all rows, from target_; its derivative in log_std is added to log_std_grad.
double PolicyPass::likelihood(const GaussianPolicy& policy, float* log_std_grad) {
  const float *u = network_output().data(), *log_std = policy.log_std().data();
  per_row_.resize(static_cast<std::size_t>(n_));
  row_log_prob(policy, per_row_.data());
  if (head_ == HeadKind::kMixture) {
    mixture_.log_prob_vjp(n_, counts(0), u, target_.data(), weights_.data(), nullptr, log_std_grad);
  } else if (counted_.empty()) {
    kernels::gaussian_log_prob_vjp<float>(n_, policy.out_dim(), target_.data(), u, log_std, weights_.data(),
                                          nullptr, log_std_grad);
  } else {
    const std::size_t m = static_cast<std::size_t>(policy.out_dim());
    for (std::size_t i = 0; i < counted_.size(); ++i)
      kernels::gaussian_log_prob_vjp<float>(1, counted_[i], &target_[i * m], u + i * m, log_std, &weights_[i],
                                            nullptr, log_std_grad);
  }
  return kernels::dot<float>(n_, weights_.data(), per_row_.data());
}

// target_ of some rows becomes its difference from the means u [rows][out].
void PolicyPass::subtract_from_mean(const GaussianPolicy& policy, const float* u, int first, int rows) {
  float* target = target_.data() + index(first, policy.out_dim());
  const auto size = static_cast<std::int64_t>(index(rows, policy.out_dim()));
  kernels::binary<float>(kernels::Binary::kSub, size, u, 1, target, 1, target);
}

// From the differences.
double PolicyPass::half_mean_square(const GaussianPolicy& policy) const {
  const auto size = static_cast<std::int64_t>(index(n_, policy.out_dim()));
  return 0.5 * kernels::dot<float>(size, target_.data(), target_.data()) / n_;
}

double PolicyPass::weighted_log_likelihood(const GaussianPolicy& policy, const float* y,
                                           std::span<const float> weights, std::span<float> grad) {
  check_gradient(policy, grad);
  set_weights(weights);
  const std::size_t m = static_cast<std::size_t>(policy.mlp_parameters());
  policy.normalize_output(x_, y, n_, target_.data());
  if (head_ == HeadKind::kMixture) mixture_.set(policy.head().components, policy.log_std());
  likelihood_slope(policy, network_output().data(), 0, n_, dy_.data());
  for (std::size_t i = 0; head_ != HeadKind::kMixture && i < counted_.size(); ++i) {
    const std::size_t width = static_cast<std::size_t>(policy.out_dim());
    std::fill(&dy_[i * width] + counted_[i], &dy_[i * width] + width, 0.0f);
  }
  if (head_ == HeadKind::kTwoPass) {
    two_pass_.vjp(policy.mlp_theta(), dy_.data(), grad.first(m));
  } else {
    mlp_.vjp(policy.mlp_theta(), dy_.data(), grad.first(m));
  }
  return likelihood(policy, grad.data() + m);
}

double PolicyPass::mean_squared_error(const GaussianPolicy& policy, const float* y) {
  policy.normalize_output(x_, y, n_, target_.data());
  subtract_from_mean(policy, normalized_mean().data(), 0, n_);
  return half_mean_square(policy);
}

double PolicyPass::fit(const GaussianPolicy& policy, PolicyLoss loss, const float* x, const float* y, int n,
                       std::span<const float> weights, std::span<float> grad, std::uint64_t seed) {
  check_gradient(policy, grad);
  begin(policy, x, n);
  const std::size_t m = static_cast<std::size_t>(policy.mlp_parameters());
  std::ranges::fill(grad.subspan(m), 0.0f);
  if (head_ == HeadKind::kTwoPass) {
    policy.normalize_output(x, y, n, target_.data());
    return two_pass_.fit(policy.network(), policy.mlp_theta(), encoder(policy, x), target_.data(), n, seed,
                         grad.first(m));
  }
  const bool squares = policy.loss(loss) == PolicyLoss::kSquaredError;
  if (!squares) set_weights(weights);
  const auto slope = [&](const float* u, float* dy, int first, int rows) {
    const std::size_t at = index(first, policy.out_dim());
    policy.normalize_output(x + index(first, policy.in_dim()), y + at, rows, target_.data() + at);
    if (!squares) return likelihood_slope(policy, u, first, rows, dy);
    subtract_from_mean(policy, u, first, rows);
    const float share = 1.0f / static_cast<float>(n);
    kernels::binary<float>(kernels::Binary::kMul, static_cast<std::int64_t>(index(rows, policy.out_dim())),
                           target_.data() + at, 1, &share, 0, dy);
  };
  mlp_.forward_vjp(policy.mlp_theta(), encoder(policy, x), n, std::cref(slope), dy_.data(), grad.first(m));
  find_modes();
  return squares ? half_mean_square(policy) : likelihood(policy, grad.data() + m);
}

void PolicyPass::remember(const GaussianPolicy& policy) {
  old_output_.assign(network_output().begin(), network_output().end());
  old_log_std_.assign(policy.log_std().begin(), policy.log_std().end());
}

double PolicyPass::mean_kl(const GaussianPolicy& policy) {
  const std::span<const float> output = network_output();
  BATON_REQUIRE(n_ > 0 && old_output_.size() == output.size(),
                "policy: {} numbers are remembered, {} are there", old_output_.size(), output.size());
  per_row_.resize(static_cast<std::size_t>(n_));
  const float *u = output.data(), *log_std = policy.log_std().data();
  const int m = policy.out_dim();
  if (!counted_.empty()) require_counts(policy);
  if (head_ == HeadKind::kMixture) {
    mixture_.set(policy.head().components, policy.log_std());
    mixture_.kl(n_, counts(0), old_output_.data(), old_log_std_.data(), u, per_row_.data());
  } else if (counted_.empty()) {
    kernels::gaussian_kl<float>(n_, m, old_output_.data(), old_log_std_.data(), u, log_std, per_row_.data());
  } else {
    for (std::size_t i = 0; i < counted_.size(); ++i)
      kernels::gaussian_kl<float>(1, counted_[i], &old_output_[index(static_cast<int>(i), m)],
                                  old_log_std_.data(), u + index(static_cast<int>(i), m), log_std,
                                  &per_row_[i]);
  }
  return kernels::sum<float>(n_, per_row_.data()) / n_;
}

void PolicyPass::set_fisher(const GaussianPolicy& policy, Fisher<float>& fisher) {
  switch (head_) {
    case HeadKind::kGaussian:
      return fisher.set_gaussian(mlp_, policy.mlp_theta(), policy.log_std(), counted_);
    case HeadKind::kTwoPass:
      return fisher.set_gaussian(two_pass_, policy.mlp_theta(), policy.log_std(), counted_);
    case HeadKind::kMixture:
      return fisher.set_mixture(mlp_, policy.mlp_theta(), policy.log_std(), policy.head().components,
                                counted_);
  }
}

}  // namespace baton::rl
