#include "rl/policy/categorical.hpp"

#include <algorithm>

#include "kernels/categorical.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::rl {

CategoricalPolicy::CategoricalPolicy(ag::MlpSpec spec, std::uint64_t seed) : spec_(std::move(spec)) {
  theta_.resize(static_cast<std::size_t>(ag::parameter_count(spec_)));
  ag::init_parameters<float>(spec_, seed, 0.01f, theta_);
}

void CategoricalPass::forward(const CategoricalPolicy& policy, const float* x, int n) {
  mlp_.forward(policy.spec(), policy.theta(), x, n);
}

void CategoricalPass::infer(const CategoricalPolicy& policy, const float* x, int n) {
  mlp_.prepare(policy.spec());
  mlp_.infer(policy.theta(), x, n);
}

void CategoricalPass::log_prob(const CategoricalPolicy& policy, const std::int32_t* y,
                               std::span<float> result) {
  BATON_REQUIRE(static_cast<int>(result.size()) == rows(), "categorical: {} places for {} rows",
                result.size(), rows());
  for (int i = 0; i < rows(); ++i) {
    BATON_REQUIRE(y[i] >= 0 && y[i] < policy.choices(), "categorical: choice {} of row {} is outside 0..{}",
                  y[i], i, policy.choices() - 1);
  }
  kernels::categorical_log_prob<float>(rows(), policy.choices(), logits().data(), y, result.data());
}

double CategoricalPass::weighted_log_likelihood(const CategoricalPolicy& policy, const std::int32_t* y,
                                                std::span<const float> weights, std::span<float> grad) {
  BATON_REQUIRE(static_cast<int>(weights.size()) == rows(), "categorical: {} weights for {} rows",
                weights.size(), rows());
  log_prob_.resize(weights.size());
  log_prob(policy, y, log_prob_);
  dy_.resize(logits().size());
  kernels::categorical_log_prob_vjp<float>(rows(), policy.choices(), logits().data(), y, weights.data(),
                                           dy_.data());
  mlp_.vjp(policy.theta(), dy_.data(), grad);
  return kernels::dot<float>(rows(), weights.data(), log_prob_.data());
}

void CategoricalPass::remember(const CategoricalPolicy&) {
  old_logits_.assign(logits().begin(), logits().end());
}

double CategoricalPass::mean_kl(const CategoricalPolicy& policy) {
  BATON_REQUIRE(old_logits_.size() == logits().size(), "categorical: {} logits are remembered, {} are there",
                old_logits_.size(), logits().size());
  log_prob_.resize(static_cast<std::size_t>(rows()));
  kernels::categorical_kl<float>(rows(), policy.choices(), old_logits_.data(), logits().data(),
                                 log_prob_.data());
  return kernels::sum<float>(rows(), log_prob_.data()) / std::max(rows(), 1);
}

void CategoricalPass::set_fisher(const CategoricalPolicy& policy, Fisher<float>& fisher) {
  fisher.set_categorical(mlp_, policy.theta());
}

}  // namespace baton::rl
