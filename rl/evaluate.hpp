#pragma once
// Step completion and success (paper.md, "Evaluation"): an element counts when || state[element] - target[element] || <
// epsilon at any time of the episode (any of rows 0..T); the strict figures count at the last row only. Beside them the
// figures that others report of the same episodes: p1, p2, ... (at least k elements) and D4RL's score.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/rollout.hpp"
#include "rl/run/env_settings.hpp"

namespace baton::rl {

struct ElementRate {
  std::string name;
  double completed = 0;  // at any time, 0..1
  double at_end = 0;     // at the last step, 0..1
};

struct EpisodeResult {
  std::uint64_t seed = 0;
  std::vector<int> first;   // of each of the goal's elements: the first row in which it is done, -1: none
  std::vector<int> at_end;  // elements of the environment, the goal's or not, that are done in the last row
};

struct GoalResult {
  std::string name;
  int episodes = 0;
  double success = 0;                // all elements at some time (not necessarily the same), 0..1
  double step_completion = 0;        // elements completed at some time, 0..number of elements
  double success_final = 0;          // all elements at the last step
  double step_completion_final = 0;  // elements at the last step
  double success_exact = 0;          // all elements, and no other of the environment, at the last step
  std::vector<double> p = {};        // p[k]: k + 1 elements or more at some time, 0..1
  double d4rl_score = 0;             // 0..100: 100 * step_completion / number of elements (25 a task of four)
  std::vector<ElementRate> elements = {};
  std::vector<EpisodeResult> each = {};  // [episodes]
};

struct Evaluation {
  std::string policy, method;               // names, for the report
  std::optional<std::uint64_t> train_seed;  // of the policy, where it is known
  EnvSettings env;
  std::vector<std::string> elements;  // of the environment: names of EpisodeResult::at_end
  std::uint64_t seed = 0;
  int episodes = 0;  // per goal
  std::vector<GoalResult> goals;
  GoalResult mean;             // unweighted mean over goals, name "mean"; elements and each empty
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
// p[k]: over the goals with more than k elements.
GoalResult mean_over_goals(std::span<const GoalResult> goals);

// Rolls out (mean actions unless exploration is set in options) and scores. policy, method, train_seed and all of env
// but its name are the caller's to fill.
Evaluation evaluate(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                    const RolloutOptions& options, const ProgressCallback& progress = {});

// The object of `baton eval --json`, rates in 0..1:
//   env, model (a path, or "own"), noise_ratio, start_spread, displaced, displacement, push: EnvSettings
//   policy, method, train_seed (null: not known), seed, episodes (of each goal), diverged
//   goals [{name, success, step_completion, success_final, step_completion_final, success_exact, p [p1, p2, ...],
//     d4rl_score, elements {name: rate at any time}, elements_final {name: rate at the end},
//     episodes [{seed, completed [names of the goal's elements], first [row of each of them, 0: the start],
//       at_end [names of the environment's elements]}]}]
//   mean {the goals' figures from success to d4rl_score}
nlohmann::ordered_json to_json(const Evaluation& evaluation);

}  // namespace baton::rl
