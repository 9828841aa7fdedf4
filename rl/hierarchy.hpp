#pragma once
// Acting with a relay policy (paper, section "Relay policy architecture"), batched: every H = subgoal_every steps the
// high level proposes a subgoal from [state, long-term goal], which is held; every step the low level acts on [state,
// subgoal]. A flat policy acts on [state, long-term goal].
#include <cstdint>
#include <span>
#include <vector>

#include "rl/policy/policy.hpp"

namespace baton::rl {

// Multiples of the policy's own sigma that are sampled: 0 acts with the mean, 1 samples the policy.
struct Exploration {
  float low = 0, high = 0;
};

// One forward pass per level and step for all rows. Row n's noise is a function of its seed and the step alone.
// The policy must outlive the actor and may change between episodes, not its shape. No allocation after construction.
class RelayActor {
 public:
  // rows: the number of environments. Throws when the two levels' sizes do not fit each other.
  RelayActor(const RelayPolicy& policy, int rows);

  // Starts an episode in every row. goals: [rows][S] targets as the environment gives them (the robot's coordinates
  // are filled here, the way the policy was trained); seeds: [rows].
  void begin(std::span<const float> goals, std::span<const std::uint64_t> seeds, Exploration exploration);

  // Step t = 0, 1, ...: observation [rows][S] -> actions [rows][A], overwritten, not clipped.
  void act(int t, std::span<const float> observation, std::span<float> actions);

  std::span<const float> goals() const { return goals_; }  // [rows][S], as filled by begin()
  std::span<const float> subgoals() const {
    return subgoals_;
  }  // [rows][S], held now; empty for a flat policy

 private:
  void join(std::span<const float> observation, std::span<const float> goal);

  const RelayPolicy* policy_;
  int rows_, state_dim_;
  Exploration exploration_;
  PolicyPass low_, high_;
  std::vector<float> goals_, subgoals_, x_;  // [rows][S], [rows][S], [rows][2S]
  std::vector<std::uint64_t> low_seeds_, high_seeds_;
};

}  // namespace baton::rl
