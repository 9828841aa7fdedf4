#pragma once
// Rollouts of whole episodes, as collected by rl/rollout and consumed by advantages, evaluation, relabeling and
// distillation. Plain arrays, row-major, episodes of one fixed length T = horizon.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rl/data/dataset.hpp"

namespace baton::rl {

// A stretch of an episode.
struct Segment {
  int start = 0, length = 0;  // steps
  bool operator==(const Segment&) const = default;
};

// What one level decided in some episodes: each decision holds from its step until the next one's.
struct Decided {
  int width = 0;                 // numbers of a decision
  std::vector<Segment> spans;    // of all episodes, in order; each episode's cover its steps without gaps
  std::vector<float> values;     // [spans][width]
  std::vector<int> offsets{0};   // [n+1]: episode e has spans offsets[e] .. offsets[e+1]-1
  std::vector<std::int32_t> at;  // [n][T], the span of each step

  // Forgets all; decisions of so many numbers.
  void reset(int numbers);
  // The next episode's, of `horizon` steps: decisions begin at `starts` (the first at 0, ascending) and are `held`
  // [starts][width].
  void add_episode(std::span<const int> starts, std::span<const float> held, int horizon);
  std::span<const float> value(int span) const;
  bool empty() const { return spans.empty(); }
};

struct Trajectories {
  int n = 0;              // episodes
  int horizon = 0;        // T, environment steps per episode
  int state_dim = 0;      // S
  int action_dim = 0;     // A
  int subgoal_every = 0;  // H, the longest that a subgoal is held; 0: a flat policy

  std::vector<float> observations;  // [n][T+1][S], noisy: what the policy saw; row T is after the last action
  std::vector<float> states;        // [n][T+1][S], true: what completion is judged on
  std::vector<float> actions;       // [n][T][A], as sampled (not clipped)
  std::vector<float> goal_targets;  // [n][S], the compound goal as the policy saw it
  std::vector<std::string> goal_names;  // [n]
  std::vector<std::uint64_t> seeds;     // [n], the environment's seed of each episode
  std::vector<std::uint8_t> success;    // [n], all elements of the goal completed at some time

  // The subgoals that the high level held, of S numbers, as sampled; none of a flat policy.
  Decided high;
  // The chunks that the low level, or a flat policy, executed: labels [T_p][A] (rl/policy/chunk.hpp), as sampled. None
  // of actors that are not relay policies.
  Decided low;

  // Sizes every array for n episodes (zeros), without decisions. Sizes above must be set.
  void resize(int episodes);
  bool hierarchical() const { return subgoal_every > 0; }
  std::span<const float> observation(int episode, int t) const;  // [S]
  std::span<const float> state(int episode, int t) const;        // [S]
  std::span<const float> episode_states(int episode) const;      // [T+1][S]
  std::span<const float> action(int episode, int t) const;       // [A]
  std::span<const float> goal(int episode) const;                // [S]
  // Of a hierarchy: the segment that step t belongs to, and the subgoal [S] of a segment.
  int segment(int episode, int t) const { return high.at[static_cast<std::size_t>(episode) * horizon + t]; }
  std::span<const float> subgoal(int segment) const;
  // What the low level was to reach at step t: the subgoal held, or the compound goal of a flat policy.
  std::span<const float> low_goal(int episode, int t) const;
};

// The trajectories as demonstrations (for IRIL and distillation): states = observations[0..T-1], actions clipped to
// [-1, 1] as the environment does, compound goals kept. `only_successful` keeps the successful episodes alone.
Dataset to_dataset(const Trajectories& trajectories, bool only_successful = false);

}  // namespace baton::rl
