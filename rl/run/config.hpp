#pragma once
// All settings of a run: defaults, then a preset (presets/<name>.toml, built into the binary), then overrides.
#include <cstdint>
#include <string>
#include <vector>

#include "rl/distill.hpp"
#include "rl/finetune.hpp"
#include "rl/imitation.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

// Recording of demonstrations; the operator itself is the environment's.
struct CollectSettings {
  int episodes = 400;
  std::string goals = "all";
  float spread = 1.0f;   // of the operator's style; 0: every episode the same
  float tremor = 0.02f;  // deviation of quick noise in the recorded action, action units
  // Deviation of slow noise in the executed action only, action units: drawn for each episode between these two.
  float disturbance_low = 0.05f, disturbance_high = 0.30f;
  float start_spread = 0;  // rad: each arm joint starts within +- this of the start configuration
};

struct EvalSettings {
  int episodes = 20;  // per goal
  std::string goals = "all";
  int envs = 64;              // environments stepped together, in rollouts of any kind
  std::uint64_t seed = 1000;  // of the episodes: ones that training never sees
};

// What `baton demo` fine-tunes: names with commas, or auto: the two goals on which RIL gets farthest, none of them
// reliable yet.
struct DemoSettings {
  std::string goals = "auto";
};

struct Config {
  std::string preset = "full";
  std::string env = "kitchen";
  std::uint64_t seed = 1;
  float noise_ratio = -1;  // sensor noise; negative: the environment's own
  CollectSettings collect;
  PolicySettings policy;
  ImitationSettings imitate;
  FinetuneSettings finetune;
  DistillSettings distill;
  EvalSettings eval;
  DemoSettings demo;
};

// The table over every setting of `config`, which must outlive it. Keys are "<section>.<field>": collect, policy,
// imitate, finetune, distill, eval, demo; and env, seed, noise_ratio.
SettingsTable settings_of(Config& config);

// Names of the presets built in.
std::vector<std::string> preset_names();

// preset: a built-in name, or a path to a .toml file (a run's config.toml, say). overrides: "section.key=value".
// Throws UsageError.
Config load_config(const std::string& preset, const std::vector<std::string>& overrides);

// The [policy] settings of a config.toml's text, as a policy carries it (RelayPolicy::config); `otherwise` where this
// program cannot read it (any more).
PolicySettings policy_settings(const std::string& toml, const PolicySettings& otherwise);

// Every setting with its value: what config.toml holds. load_config(path of it, {}) gives the same settings.
std::string to_toml(const Config& config);

}  // namespace baton::rl
