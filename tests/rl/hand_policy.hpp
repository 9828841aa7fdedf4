#pragma once
// Untrained policies with parameters large enough that everything matters, for tests of acting and rollouts.
#include <cstdint>
#include <vector>

#include "kernels/rng.hpp"
#include "rl/npg.hpp"
#include "rl/policy/relay_policy.hpp"

namespace baton::test {

// 700 normal rows for hand_policy(5, 2, ...): what a natural gradient step takes.
struct HandRows {
  static constexpr int n = 700;
  std::vector<float> x = std::vector<float>(n * 10), y = std::vector<float>(n * 2),
                     advantages = std::vector<float>(n);
  HandRows() {
    kernels::Random random(6);
    for (std::vector<float>* each : {&x, &y, &advantages})
      for (float& value : *each) value = random.normal();
  }
  rl::PolicyRows first(int rows) const { return {x.data(), y.data(), rows}; }
};

inline rl::GaussianPolicy hand_policy(int state_dim, int out, bool residual, std::uint64_t seed,
                                      rl::Head head = {}) {
  const auto normalizer = [](int n, float mean, float std) {
    return rl::Normalizer{std::vector<float>(n, mean), std::vector<float>(n, std)};
  };
  rl::PolicyEncoding encoding{.state_dim = state_dim, .robot_dim = 2, .typical_robot = {}};
  encoding.relative_goal = true;
  encoding.residual = residual;
  rl::GaussianPolicy policy({.in = 2 * state_dim, .hidden = {8}, .out = out}, encoding,
                            normalizer(2 * state_dim, 0.1f, 0.5f), normalizer(out, 0.05f, 0.4f),
                            {.initial = -0.7f}, seed, head);
  kernels::Random random(seed, 9);
  for (float& value : policy.theta().first(policy.mlp_parameters())) value += 0.3f * random.normal();
  return policy;
}

inline constexpr rl::Head kHeads[] = {
    {}, {.kind = rl::HeadKind::kTwoPass}, {.kind = rl::HeadKind::kMixture, .components = 3}};

// state_dim 5 and action_dim 2 fit point_goal.
inline rl::RelayPolicy hand_relay(bool hierarchical, int subgoal_every = 10, int state_dim = 5,
                                  int action_dim = 2) {
  rl::RelayPolicy policy;
  policy.method = policy.base = hierarchical ? "ril" : "gcbc";
  policy.env = "point_goal";
  policy.subgoal_every = subgoal_every;
  policy.low = hand_policy(state_dim, action_dim, false, 21);
  if (hierarchical) policy.high = hand_policy(state_dim, state_dim, true, 22);
  return policy;
}

}  // namespace baton::test
