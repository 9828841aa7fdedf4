#pragma once
// The environment of a run: which, on which model, and under what conditions an episode starts and goes.
#include <memory>
#include <string>

#include "envs/env.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct EnvSettings {
  std::string name = "kitchen";  // one of envs::env_names()
  // MJCF file in place of the environment's own model, recorded absolute. "own": the environment's own. Empty: a
  // policy's, where there is one that says which, else the environment's own.
  std::string model = {};
  float noise_ratio = -1;      // sensor noise; negative: the environment's own
  float start_spread = 0;      // rad: each arm joint starts within +- this of the start configuration
  std::string displaced = {};  // group of coordinates that starts elsewhere; empty: none
  float displacement = 0;      // m, rad: its first two coordinates start within +- this
  int push = 0;                // consecutive actions of an episode that a random constant one replaces
};
void list_settings(SettingsTable& table, const std::string& section, EnvSettings& settings);

// Whether the model is a file.
bool has_model_file(const EnvSettings& settings);

// The settings with the file of their model absolute. Throws Error where there is no such file, and names it.
EnvSettings with_model_found(EnvSettings settings);

// `size` environments under these settings.
std::unique_ptr<envs::BatchEnv> make_env(const EnvSettings& settings, int size, bool in_double = false);

}  // namespace baton::rl
