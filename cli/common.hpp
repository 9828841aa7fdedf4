#pragma once
// What several subcommands share: settings from presets and overrides, reading of demonstrations, reports.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/dataset.hpp"
#include "rl/evaluate.hpp"
#include "rl/run/config.hpp"

namespace baton::cli {

// Options of every command that trains: --preset, --set, --seed, --threads.
struct SettingsOptions {
  std::string preset = "full";
  std::vector<std::string> overrides;
  std::optional<std::uint64_t> seed;
  int threads = 0;
};
void add_settings(CLI::App& command, SettingsOptions& options);

// What a seed may be: whatever a TOML file can hold of it.
CLI::Validator seed_range();

// Preset, then overrides, then --seed and --threads; the threads are in force from here on. Throws UsageError.
rl::Config resolve(const SettingsOptions& options);

// Demonstrations of one or several paths, in the given order: HDF5 (D4RL, Minari), .mjl logs or folders of them. What
// is odd about them is printed on standard error, a line each.
rl::Dataset read_demos(const std::vector<std::string>& paths, int state_dim = 0);

// Options of an environment for work under these settings.
envs::EnvOptions env_options(const rl::Config& config, int size);

rl::TaskShape task_shape(const envs::Spec& spec);

// "env" of the folder's policy unless given; "kitchen" where the policy does not say.
std::string environment_of(const rl::RelayPolicy& policy, const std::string& given);

// Goals as rows: success, step completion, both at the last step, and each element.
std::string evaluation_table(const rl::Evaluation& evaluation);

// A rate as a percentage, "57.5".
std::string percent(double rate);

}  // namespace baton::cli
