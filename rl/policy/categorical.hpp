#pragma once
// Policies over finitely many choices: pi(k | x) = softmax(MLP(x))_k. theta is the MLP's parameters. What
// rl/npg.hpp asks of a policy and of a pass is here as for Gaussian policies (rl/policy/policy.hpp).
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autograd/mlp.hpp"
#include "rl/fisher.hpp"

namespace baton::rl {

class CategoricalPass;

class CategoricalPolicy {
 public:
  using Pass = CategoricalPass;
  using Output = std::int32_t;  // the choice, 0 .. spec.out - 1

  CategoricalPolicy() = default;
  // Initialises the MLP; the last layer times 0.01: every choice is about as likely.
  CategoricalPolicy(ag::MlpSpec spec, std::uint64_t seed);

  const ag::MlpSpec& spec() const { return spec_; }
  int in_dim() const { return spec_.in; }
  int choices() const { return spec_.out; }
  std::span<float> theta() { return theta_; }
  std::span<const float> theta() const { return theta_; }
  int parameters() const { return static_cast<int>(theta_.size()); }
  std::string parameter_name(int index) const { return ag::parameter_name(spec_, index); }
  void constrain() {}  // every theta is allowed

 private:
  ag::MlpSpec spec_;
  std::vector<float> theta_;
};

// A workspace for batches: as PolicyPass, nothing allocates once a batch as large has been seen.
class CategoricalPass {
 public:
  void forward(const CategoricalPolicy& policy, const float* x, int n);  // x [n][in]
  void infer(const CategoricalPolicy& policy, const float* x, int n);    // as PolicyPass: logits alone
  int rows() const { return mlp_.rows(); }
  std::span<const float> logits() const { return mlp_.output(); }  // [n][choices]

  // log pi(y_i | x_i): result [n], overwritten. Throws Error on a choice that there is not.
  void log_prob(const CategoricalPolicy& policy, const std::int32_t* y, std::span<float> result);
  // Returns sum_i w_i log pi(y_i | x_i); grad [parameters()] += its gradient.
  double weighted_log_likelihood(const CategoricalPolicy& policy, const std::int32_t* y,
                                 std::span<const float> weights, std::span<float> grad);

  void remember(const CategoricalPolicy& policy);   // the present distributions
  double mean_kl(const CategoricalPolicy& policy);  // KL(remembered || present), mean over rows
  void set_fisher(const CategoricalPolicy& policy, Fisher<float>& fisher);

 private:
  ag::MlpPass<float> mlp_;
  std::vector<float> old_logits_, dy_, log_prob_;
};

}  // namespace baton::rl
