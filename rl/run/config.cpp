#include "rl/run/config.hpp"

#include <algorithm>
#include <filesystem>

#include "kernels/error.hpp"
#include "rl/run/metrics.hpp"
#include "rl/run/presets.hpp"

namespace baton::rl {

SettingsTable settings_of(Config& c) {
  SettingsTable table;
  table.add("preset", &c.preset, "where these settings started from");
  table.add("env", &c.env, "environment");
  table.add("seed", &c.seed, "of everything random");
  table.add("noise_ratio", &c.noise_ratio, "sensor noise; negative: the environment's own", -1, 1e3);
  table.add("collect.episodes", &c.collect.episodes, "demonstrations to record", 1, 1e6);
  table.add("collect.goals", &c.collect.goals, "all, unseen, or names with commas");
  table.add("collect.spread", &c.collect.spread, "of the operator's style; 0: every episode the same", 0, 10);
  table.add("collect.tremor", &c.collect.tremor, "deviation of quick noise in the recorded action", 0, 1);
  table.add("collect.disturbance_low", &c.collect.disturbance_low,
            "deviation of slow noise in what is executed, from", 0, 1);
  table.add("collect.disturbance_high", &c.collect.disturbance_high, "... to; drawn for each episode", 0, 1);
  table.add("collect.start_spread", &c.collect.start_spread, "rad, of the arm's joints at the start", 0, 1);
  list_settings(table, "policy", c.policy);
  list_settings(table, "imitate", c.imitate);
  list_settings(table, "finetune", c.finetune);
  list_settings(table, "distill", c.distill);
  table.add("eval.episodes", &c.eval.episodes, "per goal", 1, 1e6);
  table.add("eval.goals", &c.eval.goals, "all, unseen, or names with commas");
  table.add("eval.envs", &c.eval.envs, "environments stepped together", 1, 1e5);
  table.add("eval.seed", &c.eval.seed, "of the episodes, which training never sees");
  table.add("demo.goals", &c.demo.goals, "goals that the demo fine-tunes; auto: two that RIL nearly does");
  return table;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

Config load_config(const std::string& preset, const std::vector<std::string>& overrides) {
  Config config;
  SettingsTable table = settings_of(config);
  const auto known = std::ranges::find(kPresets, preset, [](const Preset& p) { return std::string(p.name); });
  if (known != std::end(kPresets)) {
    table.apply_toml(known->text, fmt::format("presets/{}.toml", preset));
  } else if (preset.ends_with(".toml")) {
    table.apply_toml(read_text(preset), preset);
  } else {
    const std::vector<std::string> names = preset_names();
    throw UsageError(fmt::format("preset '{}' is unknown; did you mean '{}'? ({}, or a path to a .toml file)",
                                 preset, nearest_name(preset, names), fmt::join(names, ", ")));
  }
  if (!preset.ends_with(".toml")) config.preset = preset;
  for (const std::string& assignment : overrides) table.apply_override(assignment);
  return config;
}

PolicySettings policy_settings(const std::string& toml, const PolicySettings& otherwise) {
  Config config;
  config.policy = otherwise;
  try {
    settings_of(config).apply_toml(toml, "config");
  } catch (const std::exception&) {
    return otherwise;
  }
  return config.policy;
}

std::string to_toml(const Config& config) {
  Config copy = config;
  return settings_of(copy).to_toml();
}

}  // namespace baton::rl
