#pragma once
// Recording demonstrations of an environment's scripted operator (envs/demonstrator.hpp).
#include <cstdint>
#include <functional>
#include <string>

#include "rl/data/dataset.hpp"
#include "rl/run/env_settings.hpp"
#include "rl/run/progress.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct CollectSettings {
  int episodes = 400;
  std::string goals = "all";
  float spread = 1.0f;   // of the operator's style; 0: every episode the same
  float tremor = 0.02f;  // deviation of quick noise in the recorded action, action units
  // Deviation of slow noise in the executed action only, action units: drawn for each episode between these two.
  float disturbance_low = 0.05f, disturbance_high = 0.30f;
};
void list_settings(SettingsTable& table, const std::string& section, CollectSettings& settings);

// Episodes towards the goals in turn. Each ends some actions after its operator has nothing left to do, at the
// environment's horizon at the latest. Recorded: observations, the operator's own actions, the simulator's coordinates,
// goals, seeds, and whether all elements were done at some time. Episode k is a function of (seed, k). Progress
// counts episodes. take: gets the episodes, some at a time, in order; nothing is kept here.
void collect(const EnvSettings& env, const CollectSettings& settings, std::uint64_t seed,
             const std::function<void(const Dataset&)>& take, const ProgressCallback& progress = {});

}  // namespace baton::rl
