#pragma once
// Recorded actions executed in our kitchen, or recorded controls on a model from a file: how far a recording made
// elsewhere carries over.
#include <string>
#include <vector>

#include "rl/data/dataset.hpp"

namespace baton::cli {

struct ReplayCount {
  std::string element;
  int wanted = 0;    // episodes whose compound goal has the element
  int recorded = 0;  // of those, completed in the recorded states
  int replayed = 0;  // of those recorded, completed in ours
};

struct ReplayReport {
  int episodes = 0, steps = 0;
  std::vector<ReplayCount> elements;  // in the kitchen's order, those that any goal names
  double recorded_steps = 0;          // elements completed per episode, in the recording and in the replay
  double replayed_steps = 0;
};

// Starts each episode from its first recorded state (infos/qpos and infos/qvel where the file has them, else the
// observation, at rest), without sensor noise, and gives it the recorded actions. Throws when the recording is not
// of the kitchen's shape or names no goals.
ReplayReport replay(const rl::Dataset& data);

// The same recording on a model of the kitchen's shape (nq 30, nv 29, nu 9), with nothing fed back: targets are made
// from the recorded observation of the robot, clip(observed + 0.16 * action, bounds), and held for 40 steps, in double
// or in lanes of float. Throws when the model or the recording has another shape; models load as mjcf::load says.
ReplayReport replay_on_model(const rl::Dataset& data, const std::string& model_file, bool in_double);

std::string replay_table(const ReplayReport& report);

}  // namespace baton::cli
