#include "rl/run/config.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/data/demonstrations.hpp"
#include "rl/run/metrics.hpp"
#include "rl/run/presets.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;

void add_method(SettingsTable& table, Config& c) {
  const auto names = method_names();
  const auto set = [&c](int i) { c.method = methods()[static_cast<std::size_t>(i)]; };
  const auto get = [&c] {
    return static_cast<int>(std::ranges::find(methods(), c.method) - methods().begin());
  };
  table.add("imitate.method", Choice{names, set, get}, "what learns from demonstrations");
}

const Preset* built_in(const std::string& name) {
  const auto known = std::ranges::find(kPresets, name, [](const Preset& p) { return std::string(p.name); });
  return known == std::end(kPresets) ? nullptr : &*known;
}

// The `preset` key of a text, or empty.
std::string named_preset(const std::string& text, const std::string& where) {
  std::string name;
  SettingsTable table;
  table.add("preset", &name, "");
  table.apply_keys(text, where, [](const std::string& key) { return key == "preset"; });
  return name;
}

// Applies a preset and, before it, those that it stands on. `seen`: files on the way here.
void apply_preset(SettingsTable& table, std::string& at_bottom, const std::string& preset,
                  const std::string& base, std::set<std::string>& seen) {
  if (const Preset* known = built_in(preset)) {
    table.apply_toml(known->text, fmt::format("presets/{}.toml", preset));
    at_bottom = preset;
    return;
  }
  if (!preset.ends_with(".toml"))
    throw UsageError(fmt::format("preset '{}' is unknown{} ({}, or a path to a .toml file)",
                                 printable(preset), suggestion(preset, preset_names()),
                                 fmt::join(preset_names(), ", ")));
  if (!seen.insert(fs::weakly_canonical(preset).string()).second)
    throw UsageError(fmt::format("{}: stands on itself by its key 'preset'", preset));
  const std::string text = read_text(preset);
  std::string below = named_preset(text, preset);
  if (below.ends_with(".toml") && !fs::path(below).is_absolute())
    below = (fs::path(preset).parent_path() / below).string();
  apply_preset(table, at_bottom, below.empty() ? base : below, base, seen);
  table.apply_toml(text, preset);
}

}  // namespace

SettingsTable settings_of(Config& c) {
  SettingsTable table;
  table.add("preset", &c.preset, "where these settings started from");
  table.add("robot_dim", &c.robot_dim,
            "without an environment: the first coordinates of a state that are the robot's own", 0, 1e5);
  table.add("seed", &c.seed, "of everything random");
  list_settings(table, "env", c.env);
  table.add_former("env", "env.name");
  table.add_former("noise_ratio", "env.noise_ratio");
  table.add_former("collect.start_spread", "env.start_spread");
  list_settings(table, "collect", c.collect);
  list_settings(table, "policy", c.policy);
  add_method(table, c);
  list_settings(table, "imitate", c.imitate);
  list_settings(table, "finetune", c.finetune);
  list_settings(table, "distill", c.distill);
  table.add("eval.episodes", &c.eval.episodes, "per goal", 1, 1e6);
  table.add("eval.goals", &c.eval.goals, "all, unseen, or names with commas");
  table.add("eval.envs", &c.eval.envs, "environments stepped together", 1, 1e5);
  table.add("eval.seed", &c.eval.seed, "of the episodes, which training never sees");
  table.add("demo.goals", &c.demo.goals,
            "goals that the demo fine-tunes; empty: the first and the last it evaluates");
  table.add("demo.seeds", &c.demo.seeds, "training seeds of the demo: seed, seed + 1, ...", 1, 1000);
  return table;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

Config load_config(const std::string& preset, const std::vector<std::string>& overrides,
                   const std::string& base) {
  Config config;
  SettingsTable table = settings_of(config);
  std::set<std::string> seen;
  std::string at_bottom;
  apply_preset(table, at_bottom, preset, base, seen);
  for (const std::string& assignment : overrides) table.apply_override(assignment);
  config.preset = at_bottom;
  return config;
}

void require_read_by(const std::string& command, std::span<const std::string> sections,
                     const std::vector<std::string>& overrides) {
  Config config;
  const SettingsTable table = settings_of(config);
  for (const std::string& assignment : overrides) {
    const std::string key = table.present(SettingsTable::key_of(assignment));
    const bool known =
        std::ranges::any_of(table.entries(), [&](const auto& entry) { return entry.key == key; });
    const auto holds = [&](const std::string& section) {
      return key == section || key.starts_with(section + ".");
    };
    if (known && std::ranges::none_of(sections, holds))
      throw UsageError(fmt::format("--set {}: {} does not read {} (it reads {})", assignment, command, key,
                                   fmt::join(sections, ", ")));
  }
}

PolicySettings policy_settings(const std::string& toml, const PolicySettings& otherwise) {
  Config config;
  config.policy = otherwise;
  settings_of(config).apply_keys(toml, "config",
                                 [](const std::string& key) { return key.starts_with("policy."); });
  return config.policy;
}

EnvSettings environment_of(const std::string& name, const std::string& toml, EnvSettings given) {
  Config own;
  settings_of(own).apply_keys(toml, "config", [](const std::string& key) { return key == "env.model"; });
  if (given.name.empty()) given.name = name.empty() ? EnvSettings().name : name;
  if (given.name == kNoEnvironment)
    throw UsageError(fmt::format(
        "env is '{}': what was learned without an environment acts in none (eval --env NAME tries one)",
        given.name));
  const bool same = given.name == name;
  if (given.model.empty() && same) given.model = own.env.model;
  return with_model_found(std::move(given));
}

std::optional<std::uint64_t> training_seed(const std::string& toml) {
  Config config;
  std::optional<std::uint64_t> seed;
  settings_of(config).apply_keys(toml, "config", [&](const std::string& key) {
    if (key == "seed") seed = 0;
    return key == "seed";
  });
  if (seed) seed = config.seed;
  return seed;
}

void read_training(const std::string& toml, RelayPolicy& policy) {
  const auto wanted = [](const std::string& key) {
    return key == "policy.low_window" || key == "policy.high_window" ||
           key == "imitate.final_goal_fraction" || key == "imitate.target_goal_fraction" ||
           key == "imitate.bc_goal" || key == "imitate.state_noise" || key == "imitate.goal_noise";
  };
  Config config;
  settings_of(config).apply_keys(toml, "config", wanted);
  const ImitationSettings& imitate = config.imitate;
  policy.subgoal_end = SubgoalEnd::kClock;
  policy.tuples = {.low_window = config.policy.low_window,
                   .high_window = config.policy.high_window,
                   .final_goal_fraction = imitate.final_goal_fraction,
                   .target_goal_fraction = imitate.target_goal_fraction,
                   .bc_goal = imitate.bc_goal,
                   .chunk = {}};
  policy.state_noise = imitate.state_noise, policy.goal_noise = imitate.goal_noise;
}

std::string to_toml(const Config& config) {
  Config copy = config;
  return settings_of(copy).to_toml();
}

}  // namespace baton::rl
