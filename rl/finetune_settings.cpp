#include "rl/finetune.hpp"

namespace baton::rl {

std::string_view variant_name(Variant variant) { return kVariantNames.at(static_cast<std::size_t>(variant)); }

void list_settings(SettingsTable& table, const std::string& section, FinetuneSettings& settings) {
  const std::string s = section + ".";
  table.add_choice(s + "variant", &settings.variant, kVariantNames, "fine-tuning variant");
  table.add_choice(s + "levels", &settings.levels, kLevelsNames, "levels that are fine-tuned");
  table.add(s + "iterations", &settings.iterations, "policy updates", 0, 1e6);
  table.add(s + "episodes", &settings.episodes, "episodes per iteration", 2, 1e6);
  table.add(s + "explore_low", &settings.explore_low, "factor on the low level's sigma at the start", 1e-3,
            1e3);
  table.add(s + "explore_high", &settings.explore_high, "factor on the high level's sigma at the start", 1e-3,
            1e3);
  table.add(s + "sample_high", &settings.sample_high,
            "sample the frozen high level instead of taking its mean");
  table.add(s + "gamma", &settings.gamma, "discount per step, low level", 0, 1);
  table.add(s + "lambda", &settings.lambda, "GAE lambda, low level", 0, 1);
  table.add(s + "high_gamma", &settings.high_gamma, "discount per segment, high level", 0, 1);
  table.add(s + "high_lambda", &settings.high_lambda, "GAE lambda, high level", 0, 1);
  table.add(s + "segment_terminal", &settings.segment_terminal,
            "the low level's episode ends with its segment");
  table.add(s + "demo_weight", &settings.demo_weight, "lambda_0 of the demonstration term", 0, 1e6);
  table.add(s + "demo_decay", &settings.demo_decay, "lambda_1 of the demonstration term", 0, 1);
  table.add(s + "demo_rows", &settings.demo_rows, "relabelled tuples per step and level", 1, 1e7);
  table.add(s + "own_fraction", &settings.own_fraction, "iril: share of those from own trajectories", 0, 1);
  table.add(s + "own_iterations", &settings.own_iterations, "iril: iterations whose trajectories are kept", 1,
            1e4);
  table.add(s + "own_successful", &settings.own_successful,
            "iril: keep only episodes at least as good as the mean");
  table.add(s + "eval_every", &settings.eval_every,
            "iterations between evaluations with mean actions; 0: none", 0, 1e6);
  table.add(s + "eval_episodes", &settings.eval_episodes, "episodes of each such evaluation", 1, 1e6);
  list_settings(table, "reward.low", settings.low_reward);
  list_settings(table, "reward.high", settings.high_reward);
  list_settings(table, "npg", settings.npg);
  list_settings(table, "baseline", settings.baseline);
}

}  // namespace baton::rl
