#pragma once
// All settings of a run: defaults, then a preset (presets/<name>.toml, built into the binary), then overrides.
#include <cstdint>
#include <string>
#include <vector>

#include "rl/distill.hpp"
#include "rl/imitation.hpp"
#include "rl/settings.hpp"

namespace baton::rl {

// Recording of demonstrations; the teleoperator is the environment's.
struct CollectSettings {
  int episodes = 400;
  std::string goals = "all";
};

struct Config {
  std::string preset = "full";
  std::string env = "kitchen";
  std::uint64_t seed = 1;
  int threads = 0;  // 0: all cores
  CollectSettings collect;
  PolicySettings policy;
  ImitationSettings imitate;
  DistillSettings distill;
};

// The table over every setting of `config`, which must outlive it.
SettingsTable settings_of(Config& config);

// Names of the presets built in.
std::vector<std::string> preset_names();

// preset: a built-in name, or a path to a .toml file. overrides: "section.key=value". Throws UsageError.
Config load_config(const std::string& preset, const std::vector<std::string>& overrides);

std::string to_toml(const Config& config);

}  // namespace baton::rl
