#pragma once
// All settings of a run: defaults, then a preset (presets/<name>.toml, built into the binary, or a file), then
// overrides.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rl/collect.hpp"
#include "rl/distill.hpp"
#include "rl/finetune.hpp"
#include "rl/imitation.hpp"
#include "rl/run/env_settings.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct EvalSettings {
  int episodes = 20;  // per goal
  std::string goals = "all";
  int envs = 64;              // environments stepped together, in rollouts of any kind
  std::uint64_t seed = 1000;  // of the episodes: ones that training never sees
};

struct DemoSettings {
  std::string
      goals;      // what `baton demo` fine-tunes, names with commas; empty: the first and last it evaluates
  int seeds = 3;  // of training: seed, seed + 1, ...
};

struct Config {
  std::string preset = "full";
  int robot_dim = 0;  // without an environment: the first coordinates of a state that are the robot's own
  std::uint64_t seed = 1;
  EnvSettings env;
  CollectSettings collect;
  PolicySettings policy;
  const Method* method = methods().front();  // imitate.method
  ImitationSettings imitate;
  FinetuneSettings finetune;
  DistillSettings distill;
  EvalSettings eval;
  DemoSettings demo;
};

// The table over every setting of `config`, which must outlive it. Keys are "<section>.<field>": env, collect,
// policy, imitate, finetune, reward.low, reward.high, npg, baseline, distill, eval, demo; and seed.
SettingsTable settings_of(Config& config);

// Names of the presets built in.
std::vector<std::string> preset_names();

// preset: a built-in name, or a path to a .toml file (a run's config.toml, say). A file stands on another preset, that
// of its `preset` key or else `base`; what it says wins. A `preset` key may name a file, beside the one that names it;
// a circle is refused. overrides: "section.key=value". Config::preset is the built-in name at the bottom.
Config load_config(const std::string& preset, const std::vector<std::string>& overrides,
                   const std::string& base = "full");

// Throws UsageError for an override whose key is known but in none of `sections` (a section, or a key without one):
// `command` does not read it. Unknown keys are load_config()'s to refuse.
void require_read_by(const std::string& command, std::span<const std::string> sections,
                     const std::vector<std::string>& overrides);

// [policy] of the settings that a policy carries (RelayPolicy::config) over `otherwise`; `otherwise` where the text is
// empty. Other sections are not read. Throws UsageError where it is not such a text.
PolicySettings policy_settings(const std::string& toml, const PolicySettings& otherwise);

// The environment that a policy was made for, where `given` does not say otherwise: the policy's `name`
// (RelayPolicy::env) and env.model of the settings that it carries (`toml`). Another environment than the policy's
// has its own model.
EnvSettings environment_of(const std::string& name, const std::string& toml, EnvSettings given);

// The training seed in the settings that a policy carries; none where they are empty.
std::optional<std::uint64_t> training_seed(const std::string& toml);

// RelayPolicy::tuples, state_noise, goal_noise and subgoal_end of a policy from before they were saved with it: from
// [policy] and [imitate] of the settings that it carries; defaults where there are none.
void read_training(const std::string& toml, RelayPolicy& policy);

// The settings as TOML, every one resolved.
std::string to_toml(const Config& config);

}  // namespace baton::rl
