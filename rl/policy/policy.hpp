#pragma once
// Goal-conditioned policies (paper, section "Relay policy architecture"), Gaussian but for the head that says how the
// network's numbers make a distribution (rl/policy/heads/head.hpp): pi(y | s, g) = N(y; mu, sigma^2).
//
//   x = [s, g] raw                                     state and goal, S numbers each
//   z = (f(x) - in.mean) / in.std                      f: g replaced by g - s when `relative_goal`; robot part filled;
//                                                      zero for coordinates that are not `seen`, of s and g
//   u = MLP(z)                                         mean, normalised output; other heads: see there
//   mu = out.mean + out.std * u  (+ s[residual_of] when `residual`)
//   sigma = out.std * exp(log_std)                     state-independent, learned
//
// A mixture has K such means. Everything about the encoding lives in the policy, so that training and evaluation
// cannot differ. theta is one flat vector [network's parameters..., log_std...]. Log-probabilities and gradients are
// of the NORMALISED output u_y = (y - out.mean (- s)) / out.std: they differ from those of y by a constant, which no
// ratio or gradient sees.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/normalizer.hpp"
#include "kernels/aligned.hpp"
#include "rl/policy/heads/head.hpp"

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

// What a policy with a Gaussian head is fitted by: the weighted sum of log-likelihoods, or half the mean squared
// error of its mean. The two-pass head has the squared errors of its two passes, a mixture the log-likelihood.
enum class PolicyLoss { kLogLikelihood, kSquaredError };
inline constexpr std::array<std::string_view, 2> kPolicyLossNames = {"nll", "mse"};

class PolicyPass;

class GaussianPolicy {
 public:
  using Pass = PolicyPass;  // what rl/npg.hpp asks of a policy: these two, theta, parameter_name
  using Output = float;

  GaussianPolicy() = default;
  // spec: from encoded input to output, whatever more the head's network takes and gives. Initialises the network
  // (orthogonal or scaled, see init_parameters; the last layer times 0.01) and log_std.
  // Throws when sizes disagree: in = 2 S, out = normaliser's size, residual needs out = S.
  GaussianPolicy(ag::MlpSpec spec, PolicyEncoding encoding, Normalizer in, Normalizer out, LogStdRange range,
                 std::uint64_t seed, Head head = {});

  const ag::MlpSpec& spec() const { return spec_; }
  const Head& head() const { return head_; }
  const ag::MlpSpec& network() const { return network_; }  // network_of(spec(), head())
  // What fitting by `wanted` minimises under this head.
  PolicyLoss loss(PolicyLoss wanted) const;
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
  ag::MlpSpec spec_, network_;
  Head head_;
  PolicyEncoding encoding_;
  Normalizer in_, out_;
  LogStdRange range_;
  std::vector<int> hidden_from_;  // coordinates of the state that are not seen
  kernels::AlignedVector<float> theta_;
};

}  // namespace baton::rl
