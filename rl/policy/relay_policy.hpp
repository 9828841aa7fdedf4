#pragma once
// The relay policy (paper, section "Relay policy architecture"): what imitation makes, fine-tuning improves,
// distillation joins and a run keeps.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "rl/data/tuple_settings.hpp"
#include "rl/policy/policy.hpp"

namespace baton::rl {

// When a subgoal gives way to the next.
enum class SubgoalEnd {
  kClock,    // after H steps
  kReached,  // when every element is within its epsilon of it, after H steps at the latest
};
inline constexpr std::array<std::string_view, 2> kSubgoalEndNames = {"clock", "reached"};

// A hierarchy (low conditioned on subgoals that high proposes), or a flat policy (no high: `low` is conditioned on the
// long-term goal itself).
struct RelayPolicy {
  std::string method;      // as recorded: ril | gcbc | ... | <variant>-<...> | distilled
  std::string base;        // the method of imitation that it began with (rl/methods/): its kind of tuples
  std::string env;         // the environment it was trained for
  int subgoal_every = 30;  // H, the longest that a subgoal is held, in steps
  SubgoalEnd subgoal_end = SubgoalEnd::kClock;
  GaussianPolicy low;
  std::optional<GaussianPolicy> high;
  // How it was trained: its tuples, and the noise on its inputs (deviations in normalised units).
  TupleSettings tuples;
  float state_noise = 0, goal_noise = 0;
  std::string config;  // resolved settings it was made with (TOML text), carried along

  bool hierarchical() const { return high.has_value(); }
  int levels() const { return hierarchical() ? 2 : 1; }
  // level 0: low or flat, 1: high.
  GaussianPolicy& level(int index) { return index == 1 ? *high : low; }
  const GaussianPolicy& level(int index) const { return index == 1 ? *high : low; }
  // The policy that sees the long-term goal.
  const GaussianPolicy& top() const { return high ? *high : low; }
};

}  // namespace baton::rl
