#pragma once
// Random actions: the workload on which speed, precision and soundness of a model are measured, the same in every
// tool. An action is held for kActionSteps steps; an episode has kEpisodeActions actions and starts at keyframe 0
// (qpos0 at rest without one). With u uniform in [-1, 1), a pure function of (seed, environment, action, actuator):
//
//   an actuator of position kind (bias[1] != 0):  ctrl = clip(gear q + 0.16 u, ctrlrange),  q: where its joint is
//   any other:                                    ctrl uniform in ctrlrange; in [-1, 1) if there is none
//
// So a robot arm wanders, and its targets are never far from it (0.16 rad an action is 2 rad/s at 0.08 s).
#include <cstdint>
#include <span>
#include <vector>

#include "envs/sim/batch.hpp"
#include "envs/sim/model.hpp"

namespace baton::sim {

inline constexpr int kActionSteps = 40, kEpisodeActions = 280;

// Puts an environment to where its episodes start (Batch::reset: controls and warm start zero).
void restart(Batch& batch, int env);

// ctrl[nu] of one action from the configuration qpos[nq]; overwrites.
void random_action(const Model<double>& model, std::uint64_t seed, int env, std::int64_t action,
                   std::span<const double> qpos, std::span<double> ctrl);

// Closed loop: each environment restarts where its episode does, and gets its next action. To be called before every
// kActionSteps steps with action = 0, 1, 2, ...
void act_randomly(Batch& batch, std::uint64_t seed, std::int64_t action);

// Open loop: what random_action chose along the trajectories of this simulator in double, one row of nu controls for
// each (environment, action), for replay by anything that simulates the same model. An episode starts with action 0.
struct RecordedActions {
  int envs = 0, actions = 0, nu = 0;
  std::vector<double> ctrl;  // [envs][actions][nu]
  std::span<const double> at(int env, int action) const;
};

// Throws when one of the trajectories leaves sane bounds (BatchOptions). actions <= kEpisodeActions.
RecordedActions record_random_actions(const Model<double>& model, int envs, int actions, std::uint64_t seed);

}  // namespace baton::sim
