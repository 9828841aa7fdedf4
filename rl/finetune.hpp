#pragma once
// Relay reinforcement fine-tuning (paper, algorithm 1 lines 3-7; equations 2 and 3) of one policy on one compound goal:
//   repeat: roll out the policy -> rewards -> advantages -> natural gradient step on the low level, the high or both
// Variants: npg (lambda = 0), dapg (demonstration term lambda_0 lambda_1^k on both data sets D_l, D_h), iril (dapg, and
// each iteration's own trajectories, relabelled, join D). Flat policies (gcbc, bc) are fine-tuned the same way. D_l and
// D_h are the tuples that the policy was imitated on: its method's, under its own TupleSettings.
// Deterministic: the same settings, policy, data and seed give the same bytes for any number of threads and batch size.
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "envs/env.hpp"
#include "rl/advantage.hpp"
#include "rl/baseline.hpp"
#include "rl/data/dataset.hpp"
#include "rl/evaluate.hpp"
#include "rl/npg.hpp"
#include "rl/policy/relay_policy.hpp"
#include "rl/run/progress.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

enum class Variant { kNpg, kDapg, kIril };
inline constexpr std::array<std::string_view, 3> kVariantNames = {"npg", "dapg", "iril"};
std::string_view variant_name(Variant variant);

enum class Levels { kLow, kHigh, kBoth };
inline constexpr std::array<std::string_view, 3> kLevelsNames = {"low", "high", "both"};

struct FinetuneSettings {
  Variant variant = Variant::kIril;
  Levels levels = Levels::kLow;  // that are trained; a flat policy has only low
  int iterations = 100;
  int episodes = 64;          // per iteration
  float explore_low = 1.0f;   // the low level's sigma is multiplied by this once, at the start
  float explore_high = 1.0f;  // same, high level (fine-tuned or not)
  bool sample_high = false;   // sample the frozen high level, too; it is always sampled when it is fine-tuned
  float gamma = 0.99f, lambda = 0.95f;            // low level, per step
  float high_gamma = 0.95f, high_lambda = 0.95f;  // high level, per segment
  // The low level's episode ends with its segment (paper); false: credit flows on.
  bool segment_terminal = false;
  float demo_weight = 0.02f;   // lambda_0
  float demo_decay = 0.97f;    // lambda_1
  int demo_rows = 4096;        // relabelled tuples per step and level
  float own_fraction = 0.5f;   // iril: of those tuples, from own trajectories
  int own_iterations = 5;      // iril: the latest iterations whose trajectories are kept
  bool own_successful = true;  // iril: keep episodes that complete at least as much as the iteration's mean
  int eval_every = 10;         // iterations between evaluations with mean actions; also first and last
  int eval_episodes = 24;
  LowRewardSettings low_reward;
  TaskRewardSettings high_reward;
  NpgSettings npg;
  BaselineSettings baseline;
};
// Adds "<section>.x" for each field; the inner structs are sections of their own: "reward.low.x", "reward.high.x",
// "npg.x", "baseline.x".
void list_settings(SettingsTable& table, const std::string& section, FinetuneSettings& settings);

struct FinetuneResult {
  RelayPolicy last, best;  // best: of the evaluations with mean actions, by success + share of elements
  GoalResult start_result, last_result, best_result;
  int best_iteration = 0;  // 0: the starting policy
};

// demos may be null for npg. Metrics objects, one per iteration: {"stage": "finetune", "iteration", "env_steps",
// "goal", "variant", "success", "step_completion", "return", "explained_variance", "low": {"kl", "predicted_kl",
// "improvement", "predicted_improvement", "step", "cg_residual", "cg_iterations", "log_std", ...}, "high": {...},
// "eval": {...}}. Wall-clock times: "seconds_rollout", "seconds_update". make_solve: where natural gradients are solved
// for, if not here.
FinetuneResult finetune(envs::BatchEnv& env, const RelayPolicy& init, const envs::Goal& goal,
                        const Dataset* demos, const FinetuneSettings& settings, std::uint64_t seed,
                        const ProgressCallback& progress = {}, MakeSolveDevice make_solve = nullptr);

}  // namespace baton::rl
