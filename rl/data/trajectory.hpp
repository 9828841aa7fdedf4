#pragma once
// Rollouts of whole episodes, as collected by rl/rollout and consumed by advantages, evaluation, relabeling and
// distillation. Plain arrays, row-major, episodes of one fixed length T = horizon.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rl/data/dataset.hpp"

namespace baton::rl {

struct Trajectories {
  int n = 0;              // episodes
  int horizon = 0;        // T, environment steps per episode
  int state_dim = 0;      // S
  int action_dim = 0;     // A
  int subgoal_every = 0;  // H, steps a subgoal is held; 0: a flat policy, no subgoals

  std::vector<float> observations;  // [n][T+1][S], noisy: what the policy saw; row T is after the last action
  std::vector<float> states;        // [n][T+1][S], true: what completion is judged on
  std::vector<float> actions;       // [n][T][A], as sampled (not clipped)
  std::vector<float> subgoals;      // [n][ceil(T/H)][S], as sampled; empty for a flat policy
  std::vector<float> goal_targets;  // [n][S], the compound goal as the policy saw it
  std::vector<std::string> goal_names;  // [n]
  std::vector<std::uint64_t> seeds;     // [n], the environment's seed of each episode
  std::vector<std::uint8_t> success;    // [n], all elements of the goal completed at some time

  // Number of subgoals per episode: ceil(T / H); 0 for a flat policy.
  int segments() const { return subgoal_every > 0 ? (horizon + subgoal_every - 1) / subgoal_every : 0; }

  // Sizes every array for n episodes (zeros). Sizes above must be set.
  void resize(int episodes);

  std::span<const float> observation(int episode, int t) const;    // [S]
  std::span<const float> state(int episode, int t) const;          // [S]
  std::span<const float> action(int episode, int t) const;         // [A]
  std::span<const float> subgoal(int episode, int segment) const;  // [S]
  std::span<const float> goal(int episode) const;                  // [S]
};

// The trajectories as demonstrations (for IRIL and distillation): states = observations[0..T-1], actions clipped to
// [-1, 1] as the environment does, compound goals kept. `only_successful` keeps the successful episodes alone.
Dataset to_dataset(const Trajectories& trajectories, bool only_successful = false);

}  // namespace baton::rl
