#pragma once
// What a policy does with a batch: acting, likelihoods and their gradients, divergences and Fisher products, whatever
// the head (rl/policy/heads/head.hpp).
#include <cstdint>
#include <span>
#include <vector>

#include "autograd/mlp.hpp"
#include "rl/fisher.hpp"
#include "rl/policy/heads/mixture.hpp"
#include "rl/policy/heads/two_pass.hpp"
#include "rl/policy/policy.hpp"

namespace baton::rl {

// A workspace for batches of one policy's shape. A call allocates only where none like it, of as many rows, has run
// before. forward() caches; the other calls refer to the last forward() and must get the same policy and theta.
class PolicyPass {
 public:
  void reserve(const GaussianPolicy& policy, int max_rows);

  // x: [n][2S] raw. Keeps the encoded input, the activations and u. x must stay alive for residual policies.
  void forward(const GaussianPolicy& policy, const float* x, int n);
  // The same u, but nothing is kept for gradients and the Fisher matrix: for acting and measuring.
  void infer(const GaussianPolicy& policy, const float* x, int n);
  int rows() const { return n_; }
  // u: [n][out]; of a mixture, the mean of the most probable component.
  std::span<const float> normalized_mean() const;

  void mean(const GaussianPolicy& policy, float* y) const;  // [n][out] raw

  // y = mu + sigma * scale * eps; a mixture draws the component first, by the inverse distribution function. Row i's
  // noise is Random(row_seeds[i], step): independent of batching.
  void sample(const GaussianPolicy& policy, std::span<const std::uint64_t> row_seeds, std::uint64_t step,
              float scale, float* y) const;

  // Counts alone the first counts[i] numbers of row i's output from now on, in log_prob, weighted_log_likelihood,
  // mean_kl and the Fisher matrix: of a chunk, what was executed. [n] of the forward passes that follow, alive while
  // they are used; empty: all.
  void set_counted(std::span<const int> counts) { counted_ = counts; }

  // log pi(u_y | x_i) of raw outputs y [n][out]: result [n] (overwritten).
  void log_prob(const GaussianPolicy& policy, const float* y, std::span<float> result);

  // Returns sum_i w_i log pi(u_y,i | x_i); grad [parameters()] += its gradient. weights: [n], or empty for 1/n.
  double weighted_log_likelihood(const GaussianPolicy& policy, const float* y, std::span<const float> weights,
                                 std::span<float> grad);

  // 0.5 * mean_i |u_y,i - u_i|^2: the 'mse' loss of imitation. Of every head, what its mean action costs.
  double mean_squared_error(const GaussianPolicy& policy, const float* y);

  // forward, the loss of outputs y [n][out] and its gradient, chunk of rows by chunk of rows: faster than one after the
  // other, with the same bits (but for rounding where products are by tiles: ag::MlpPass::forward_vjp). grad
  // [parameters()] is overwritten; that of log_std is zero with kSquaredError, which reads no weights. The loss is
  // policy.loss(loss); of two passes that of TwoPass::fit, with noise of `seed`, and there are no means afterwards.
  double fit(const GaussianPolicy& policy, PolicyLoss loss, const float* x, const float* y, int n,
             std::span<const float> weights, std::span<float> grad, std::uint64_t seed = 0);

  // Keeps the present distributions; then, after another forward of the same rows, the mean over them of
  // KL(kept || present), of the normalised outputs; of mixtures, that of rl/policy/heads/mixture.hpp.
  void remember(const GaussianPolicy& policy);
  double mean_kl(const GaussianPolicy& policy);

  // `fisher` multiplies by the Fisher matrix at the cached activations from now on.
  void set_fisher(const GaussianPolicy& policy, Fisher<float>& fisher);
  ag::MlpPass<float>& mlp() { return mlp_; }  // of a Gaussian head: jvp and vjp over the cached activations

 private:
  // What the network says, of two passes the second one: [n][network().out].
  std::span<const float> network_output() const;
  void find_modes();
  const int* counts(int first) const { return counted_.empty() ? nullptr : counted_.data() + first; }
  void begin(const GaussianPolicy& policy, const float* x, int n);
  void set_weights(std::span<const float> weights);
  void require_counts(const GaussianPolicy& policy) const;
  void row_log_prob(const GaussianPolicy& policy, float* result);
  void likelihood_slope(const GaussianPolicy& policy, const float* u, int first, int rows, float* dy) const;
  double likelihood(const GaussianPolicy& policy, float* log_std_grad);
  void subtract_from_mean(const GaussianPolicy& policy, const float* u, int first, int rows);
  double half_mean_square(const GaussianPolicy& policy) const;

  HeadKind head_ = HeadKind::kGaussian;  // of the latest rows
  ag::MlpPass<float> mlp_;
  TwoPass<float> two_pass_;
  Mixture<float> mixture_;
  std::vector<float> target_, dy_, per_row_, equal_weights_;  // [max_rows][...]
  std::vector<float> modes_;                                  // [max_rows][out], of a mixture
  std::vector<float> old_output_, old_log_std_;               // remember()
  const float* x_ = nullptr;
  std::span<const float> weights_;  // of the loss at hand
  std::span<const int> counted_;    // set_counted()
  int n_ = 0;
};

}  // namespace baton::rl
