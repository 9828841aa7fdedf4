#pragma once
// The policy of the benchmarks, demonstrations of noise to train it on, and the same network in double.
#include <vector>

#include "rl/policy/policy_pass.hpp"
#include "rl/trainer.hpp"

namespace baton::bench {

// Multiply-adds of one row, two operations each. The backward pass leaves the gradient of the input out.
constexpr double kForwardFlops = 2.0 * (60 * 256 + 256 * 256 + 256 * 9);
constexpr double kBackwardFlops = 2 * kForwardFlops - 2.0 * 60 * 256;
constexpr double kJvpFlops = kBackwardFlops;  // a tangent enters by the weights, but not by the input

struct InDouble {
  ag::MlpPass<double> pass;
  std::vector<double> theta, log_std, target;  // target: normalised outputs
  std::vector<double> mean() const { return {pass.output().begin(), pass.output().end()}; }
  // Of the mean log-likelihood in the network's parameters.
  std::vector<double> log_likelihood_gradient();
};

struct FixtureShape {
  std::vector<int> hidden = {256, 256};
  int chunk = 1;  // actions in an output
  ag::Activation activation = ag::Activation::kTanh;
};
// What people's recordings are learnt with: chunks of 8 actions.
inline const FixtureShape kChunks = {{256, 256, 256}, 8, ag::Activation::kGelu};

struct PolicyFixture {
  int rows;
  int chunk;
  rl::Dataset data;  // 400 episodes of 280 steps
  rl::GaussianPolicy policy;
  std::vector<float> x, y;  // raw inputs [rows][60], outputs [rows][9 chunk]

  explicit PolicyFixture(int rows, const FixtureShape& shape = {});
  double step_flops() const;                        // a row's forward and backward pass
  InDouble in_double() const;                       // after a forward of x
  rl::TupleStream stream(bool high = false) const;  // relabelled tuples of all episodes
};

}  // namespace baton::bench
