#pragma once
// Gaussian goal-conditioned policies (paper, section "Relay policy architecture"): pi(y | s, g) = N(y; mu, sigma^2).
//
//   x = [s, g] raw                                     state and goal, S numbers each
//   z = (f(x) - in.mean) / in.std                      f: g replaced by g - s when `relative_goal`; robot part filled;
//                                                      zero for coordinates that are not `seen`, of s and g
//   u = MLP(z)                                         mean, normalised output
//   mu = out.mean + out.std * u  (+ s[residual_of] when `residual`)
//   sigma = out.std * exp(log_std)                     state-independent, learned
//
// Everything about the encoding lives in the policy, so that training and evaluation cannot differ. theta is one flat
// vector [MLP parameters..., log_std...]. Log-probabilities and gradients are of the NORMALISED output
// u_y = (y - out.mean (- s)) / out.std: they differ from those of y by a constant, which no ratio or gradient sees.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/mlp.hpp"
#include "autograd/normalizer.hpp"
#include "kernels/aligned.hpp"
#include "rl/fisher.hpp"

namespace baton::rl {

using ag::Normalizer;

// How the robot's coordinates of a goal reach the policy.
enum class RobotFill {
  kKeep,     // as they are, in training and in evaluation
  kTypical,  // training as they are; a long-term goal gets the demonstrations' mean final robot pose (fill_goal)
  kZero,     // raw zeros in both (D4RL's convention)
  kMask,     // left out in both: the normalised input is zero
};
inline constexpr std::array<std::string_view, 4> kRobotFillNames = {"keep", "typical", "zero", "mask"};
RobotFill parse_robot_fill(std::string_view name);  // throws on another name
std::string_view robot_fill_name(RobotFill fill);

// What shapes the encoding and the output; fixed when the policy is made and saved with it.
struct PolicyEncoding {
  int state_dim = 0;  // S
  int robot_dim = 0;  // leading coordinates of a state that are the robot's own
  RobotFill robot_fill = RobotFill::kKeep;
  bool relative_goal = false;  // feed g - s instead of g
  bool residual = false;       // output is s + ...
  // [out], of a residual output: the coordinate of the state that each number is relative to. Empty: output number j
  // is coordinate j, and the output is a state (the high level).
  std::vector<int> residual_of = {};
  std::vector<int> seen = {};  // coordinates of the state that reach the policy, ascending; empty: all
  std::vector<float> typical_robot = {};  // [robot_dim], for kTypical
};

struct LogStdRange {
  float initial = -0.5f, min = -3.0f, max = 1.0f;  // of the normalised output
};

// What a policy is fitted by: the weighted sum of log-likelihoods, or half the mean squared error of its mean.
enum class PolicyLoss { kLogLikelihood, kSquaredError };
inline constexpr std::array<std::string_view, 2> kPolicyLossNames = {"nll", "mse"};

class PolicyPass;

class GaussianPolicy {
 public:
  using Pass = PolicyPass;  // what rl/npg.hpp asks of a policy: these two, theta, parameter_name
  using Output = float;

  GaussianPolicy() = default;
  // Initialises the MLP (orthogonal or scaled, see init_parameters; the last layer times 0.01) and log_std.
  // Throws when sizes disagree: in = 2 S, out = normaliser's size, residual needs out = S.
  GaussianPolicy(ag::MlpSpec spec, PolicyEncoding encoding, Normalizer in, Normalizer out, LogStdRange range,
                 std::uint64_t seed);

  const ag::MlpSpec& spec() const { return spec_; }
  const PolicyEncoding& encoding() const { return encoding_; }
  const Normalizer& in() const { return in_; }
  const Normalizer& out() const { return out_; }
  const LogStdRange& range() const { return range_; }
  int in_dim() const { return spec_.in; }
  int out_dim() const { return spec_.out; }

  std::span<float> theta() { return theta_; }
  std::span<const float> theta() const { return theta_; }
  int parameters() const { return static_cast<int>(theta_.size()); }
  int mlp_parameters() const { return static_cast<int>(theta_.size()) - spec_.out; }
  std::span<const float> mlp_theta() const { return std::span(theta_).first(mlp_parameters()); }
  std::span<const float> log_std() const { return std::span(theta_).last(spec_.out); }
  std::span<float> log_std() { return std::span(theta_).last(spec_.out); }
  std::string parameter_name(int index) const;  // "layer 0 bias [3]", "log_std [1]": for messages
  void clamp_log_std();                         // into range(); call after every update of theta

  // z [n][2S] from raw x [n][2S].
  void encode(const float* x, int n, float* z) const;
  // u [n][out] from raw outputs y [n][out] of raw inputs x [n][2S] (x is read only when residual).
  void normalize_output(const float* x, const float* y, int n, float* u) const;
  // y [n][out] from u. y may be u.
  void denormalize_output(const float* x, const float* u, int n, float* y) const;
  // Applies kTypical to a long-term goal [S] before acting; other fills act inside encode(). Call once per goal.
  void fill_goal(std::span<float> goal) const;

 private:
  ag::MlpSpec spec_;
  PolicyEncoding encoding_;
  Normalizer in_, out_;
  LogStdRange range_;
  std::vector<int> hidden_from_;  // coordinates of the state that are not seen
  kernels::AlignedVector<float> theta_;
};

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
  std::span<const float> normalized_mean() const;  // u: [n][out]

  void mean(const GaussianPolicy& policy, float* y) const;  // [n][out] raw

  // y = mu + sigma * scale * eps. Row i's noise is Random(row_seeds[i], step): independent of batching.
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

  // 0.5 * mean_i |u_y,i - u_i|^2: the 'mse' loss of imitation.
  double mean_squared_error(const GaussianPolicy& policy, const float* y);

  // forward, the loss of outputs y [n][out] and its gradient, chunk of rows by chunk of rows: faster than one after the
  // other, with the same bits (but for rounding where products are by tiles: ag::MlpPass::forward_vjp). grad
  // [parameters()] is overwritten; that of log_std is zero with kSquaredError, which reads no weights.
  double fit(const GaussianPolicy& policy, PolicyLoss loss, const float* x, const float* y, int n,
             std::span<const float> weights, std::span<float> grad);

  // Keeps the present distributions; then, after another forward of the same rows, the mean over them of
  // KL(kept || present), of the normalised outputs.
  void remember(const GaussianPolicy& policy);
  double mean_kl(const GaussianPolicy& policy);

  // `fisher` multiplies by the Fisher matrix at the cached activations from now on.
  void set_fisher(const GaussianPolicy& policy, Fisher<float>& fisher);
  ag::MlpPass<float>& mlp() { return mlp_; }  // jvp and vjp over the cached activations

 private:
  void begin(const GaussianPolicy& policy, const float* x, int n);
  void set_weights(std::span<const float> weights);
  void require_counts(const GaussianPolicy& policy) const;
  void row_log_prob(const GaussianPolicy& policy, float* result) const;
  void likelihood_slope(const GaussianPolicy& policy, const float* u, int first, int rows, float* dy) const;
  double likelihood(const GaussianPolicy& policy, float* log_std_grad);
  void subtract_from_mean(const GaussianPolicy& policy, const float* u, int first, int rows);
  double half_mean_square(const GaussianPolicy& policy) const;

  ag::MlpPass<float> mlp_;
  std::vector<float> target_, dy_, per_row_, equal_weights_;  // [max_rows][...]
  std::vector<float> old_mean_, old_log_std_;                 // remember()
  const float* x_ = nullptr;
  std::span<const float> weights_;  // of the loss at hand
  std::span<const int> counted_;    // set_counted()
  int n_ = 0;
};

}  // namespace baton::rl
