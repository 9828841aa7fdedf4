#pragma once
// Step completion and success (paper.md, "Evaluation"): an element counts when || state[element] - target[element] || <
// epsilon at any time of the episode (any of rows 0..T); the strict figures count at the last row only.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/rollout.hpp"

namespace baton::rl {

struct ElementRate {
  std::string name;
  double completed = 0;  // at any time, 0..1
  double at_end = 0;     // at the last step, 0..1
};

struct GoalResult {
  std::string name;
  int episodes = 0;
  double success = 0;                // all elements at some time (not necessarily the same), 0..1
  double step_completion = 0;        // elements completed at some time, 0..number of elements
  double success_final = 0;          // all elements at the last step
  double step_completion_final = 0;  // elements at the last step
  std::vector<ElementRate> elements;
};

struct Evaluation {
  std::string env, policy;  // names, for the report
  std::uint64_t seed = 0;
  int episodes = 0;  // per goal
  std::vector<GoalResult> goals;
  GoalResult mean;             // unweighted mean over goals, name "mean"; elements empty
  std::uint64_t diverged = 0;  // environments put back to their start because physics diverged
};

// Mean and standard error (deviation with n - 1, over sqrt n; 0 for one value) of independent results.
struct MeanError {
  double mean = 0, error = 0;
};
MeanError mean_and_error(std::span<const double> values);

// Scores of trajectories, goals in the order given; episodes are matched by goal name.
std::vector<GoalResult> score(const envs::Spec& spec, std::span<const envs::Goal> goals,
                              const Trajectories& trajectories);
GoalResult mean_over_goals(std::span<const GoalResult> goals);

// Rolls out (mean actions unless exploration is set in options) and scores. policy_name is for the report.
Evaluation evaluate(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                    const RolloutOptions& options, const std::string& policy_name = "",
                    const ProgressCallback& progress = {});

// The object of `baton eval --json`: {"env", "policy", "seed", "episodes", "goals": [{"name", "success",
// "step_completion", "success_final", "elements": {name: rate at any time}, "elements_final": {...}}], "mean": {...}}.
nlohmann::ordered_json to_json(const Evaluation& evaluation);

}  // namespace baton::rl
