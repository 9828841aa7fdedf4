#pragma once
// Recordings executed in an environment: how far one made elsewhere carries over.
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/dataset.hpp"
#include "rl/run/progress.hpp"

namespace baton::rl {

struct ReplayCount {
  std::string element;
  int wanted = 0;    // episodes whose compound goal has the element
  int recorded = 0;  // of those, completed in the recorded states
  int replayed = 0;  // of those recorded, completed in the replay
};

struct ReplayReport {
  int episodes = 0, steps = 0;
  std::vector<ReplayCount> elements;  // in the environment's order, those that any goal names
  double recorded_steps = 0;          // elements completed per episode, in the recording and in the replay
  double replayed_steps = 0;
};

enum class ReplayOf {
  kActions,  // the recorded actions, as taken by somebody who sees the replay
  kTargets,  // the recorded actions, as taken by somebody who sees the recording: nothing is fed back
};

// Starts each episode from its first recorded state (infos/qpos and infos/qvel where the file has them, else the
// observation, at rest) in an environment of its own. env: of data.episodes() environments; its sensor noise should be
// 0. Throws when the environment has no simulator or the recording another shape or no goals. Progress counts actions.
ReplayReport replay(envs::BatchEnv& env, const Dataset& data, ReplayOf what,
                    const ProgressCallback& progress = {});

}  // namespace baton::rl
