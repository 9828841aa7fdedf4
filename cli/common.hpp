#pragma once
// What several subcommands share: settings from presets and overrides, reading of demonstrations, reports.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/demonstrations.hpp"
#include "rl/evaluate.hpp"
#include "rl/run/config.hpp"
#include "rl/run/provenance.hpp"

namespace baton::cli {

// What is said of the environment on the command line, over settings.
struct EnvOptions {
  std::string name, model, displace;
  std::optional<float> noise_ratio, start_spread;
  std::optional<int> push;
};
// --env (where `named`), --model, and (where `conditions`) --noise, --start-spread, --displace, --push.
void add_environment(CLI::App& command, EnvOptions& options, bool named, bool conditions);
// `settings` with what the options say; the file of a model is looked for.
rl::EnvSettings environment(const EnvOptions& options, rl::EnvSettings settings);

// Options of every command that trains: --preset, --set, --seed, --threads; the environment's are added by themselves.
struct SettingsOptions {
  EnvOptions env;
  std::string preset = "full";        // as given
  std::string base = "full";          // that a preset file stands on unless it says otherwise
  std::string command;                // its name, for messages
  std::vector<std::string> sections;  // of the settings that the command reads; --set of another is refused
  std::vector<std::string> overrides;
  std::optional<std::uint64_t> seed;
  int threads = 0;
};
// options.preset at this time is the command's default.
void add_settings(CLI::App& command, SettingsOptions& options, std::vector<std::string> sections);

// "--force": replace an existing output.
void add_force(CLI::App& command, bool& force);
// Throws UsageError where a file, or a run's folder, stands under `out` and `force` is not set. What else may stand
// there is for cli/output.hpp to refuse.
void require_unused(const std::string& out, bool force);

// A finite number in low..high (CLI::Range lets NaN pass).
CLI::Validator number_range(double low, double high);

// What a seed may be: whatever a TOML file can hold of it.
CLI::Validator seed_range();

// Preset, then overrides, then --seed and --threads; the threads are in force from here on. Throws UsageError.
rl::Config resolve(const SettingsOptions& options);

// How this process was called. main() and resolve() set it; runs record it.
struct Invocation {
  std::vector<std::string> argv;
  std::string preset_file;  // of --preset, where that is a file
};
Invocation& invocation();

// The provenance of a run by this process: a command that read `inputs`, and the preset's file.
rl::Provenance provenance(const std::string& command, std::vector<rl::RunInput> inputs);
// The file of a model, if there is one, as an input.
void add_model(std::vector<rl::RunInput>& inputs, const rl::EnvSettings& env);
// One input an option's path.
void add_inputs(std::vector<rl::RunInput>& inputs, const std::string& option,
                const std::vector<std::string>& paths);

// "--obs-keys a,b,c", for every command that reads demonstrations.
void add_obs_keys(CLI::App& command, std::vector<std::string>& keys);

// Demonstrations of one or several paths, in the given order (rl/data/demonstrations.hpp), for the environment `spec`
// (null: for none). What is odd about them is printed on standard error, a line each.
rl::Dataset read_demos(const std::vector<std::string>& paths, const envs::Spec* spec,
                       const std::vector<std::string>& obs_keys);

// The specification of the environment; nothing where that is rl::kNoEnvironment.
std::optional<envs::Spec> find_spec(const rl::EnvSettings& env);

// What run.json keeps of how demonstrations were read.
struct Demos;
void add_option(rl::Provenance& origin, const Demos& demos);

// Goals as rows: p1, p2, ..., elements completed, success, the same at the last step, the same with no other element
// done, D4RL's score.
std::string evaluation_table(const rl::Evaluation& evaluation);

// A rate as a percentage, "57.5".
std::string percent(double rate);

// "23.5 +- 2.1": mean and standard error, times `scale`.
std::string with_error(const rl::MeanError& value, double scale, int decimals);

}  // namespace baton::cli
