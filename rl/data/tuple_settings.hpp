#pragma once
// What decides which tuples a policy is trained on. A policy carries its own (rl/policy/relay_policy.hpp), so that
// fine-tuning and distillation draw the same kind of tuples as its imitation did.
#include <array>
#include <string_view>

#include "rl/policy/chunk.hpp"

namespace baton::rl {

// The goal of BC, which is given per episode: the demonstration's last state, or the compound goal's state.
enum class EpisodeGoal { kFinal, kTarget };
inline constexpr std::array<std::string_view, 2> kEpisodeGoalNames = {"final", "target"};

struct TupleSettings {
  int low_window = 30;            // W_l
  int high_window = 260;          // W_h
  float final_goal_fraction = 0;  // of tuples with a long-term goal: goal moved to the episode's end
  float target_goal_fraction =
      0;  // of those: goal moved to the episode's compound goal (uses labels; the paper: 0)
  EpisodeGoal bc_goal = EpisodeGoal::kFinal;
  ActionChunk chunk = {};  // what the output of tuples with actions is
};

// What a tuple's output is, and where its goal comes from.
enum class TupleKind {
  kLow,   // algorithm 2: output the chunk of labels from t on, goal s_{t+w}; also GCBC, with the long window
  kHigh,  // algorithm 3: output s_{t+min(w, W_l)}, goal s_{t+w}
  kGoal,  // BC: output the chunk of labels from t on, the goal given per episode
};

// How far behind t the goal may lie.
enum class TupleWindow {
  kOne,   // every t once
  kLow,   // w = 1 .. W_l
  kHigh,  // w = 1 .. W_h: a long-term goal
};

// The tuples of one level of a method.
struct TupleRule {
  TupleKind kind = TupleKind::kLow;
  TupleWindow window = TupleWindow::kLow;
  // Demonstrations are cut where an element of their compound goal is completed (uses labels). kLow: the goal is the
  // state at the end of t's piece. kHigh: the output is that state instead of s_{t+W_l}, unless the goal comes first.
  bool cut_at_completions = false;
};

}  // namespace baton::rl
