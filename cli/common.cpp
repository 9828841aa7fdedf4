#include "cli/common.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "cli/steps.hpp"
#include "cli/streams.hpp"
#include "cli/table.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "kernels/parallel.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {

void add_settings(CLI::App& command, SettingsOptions& options, std::vector<std::string> sections) {
  options.base = options.preset;
  options.command = command.get_name();
  options.sections = std::move(sections);
  command
      .add_option(
          "--preset", options.preset,
          fmt::format("Settings to start from: {} or a .toml file", fmt::join(rl::preset_names(), ", ")))
      ->capture_default_str();
  command
      .add_option("--set", options.overrides,
                  "One setting, key=value; may be given again (keys: config.toml)")
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Seed of everything random")->check(seed_range());
  command
      .add_option("--threads", options.threads, "Threads to use; 0: all cores. Results do not depend on it")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

CLI::Validator number_range(double low, double high) {
  const auto check = [=](const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good =
        error == std::errc() && end == text.data() + text.size() && value >= low && value <= high;
    return good ? std::string() : fmt::format("'{}' is not a number in {}..{}", printable(text), low, high);
  };
  return {check, fmt::format("{}..{}", low, high)};
}

CLI::Validator seed_range() {
  const auto check = [](const std::string& text) {
    std::int64_t seed = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    const bool good = error == std::errc() && end == text.data() + text.size() && seed >= 0;
    return good ? std::string() : fmt::format("'{}' is not an integer in 0..2^63-1", text);
  };
  return {check, ""};
}

void add_environment(CLI::App& command, EnvOptions& options, bool named, bool conditions) {
  if (named)
    command.add_option("--env", options.name,
                       fmt::format("Environment: {}; for imitate, too: {} (demonstrations alone)",
                                   fmt::join(envs::env_names(), " or "), rl::kNoEnvironment));
  command.add_option("--model", options.model,
                     "MJCF file in place of the environment's own model, or own; a policy's, where one is "
                     "read, unless given");
  if (!conditions) return;
  command.add_option("--noise", options.noise_ratio, "Sensor noise ratio; negative: the environment's own")
      ->check(number_range(-1, 10));
  command
      .add_option("--start-spread", options.start_spread,
                  "Each arm joint starts within +- this of the start configuration, rad")
      ->check(number_range(0, 0.5));
  command.add_option("--displace", options.displace,
                     "GROUP=LARGEST: x and y of an object start within +- this, m (kettle=0.03)");
  command
      .add_option("--push", options.push,
                  "A random constant action takes the place of so many in a row, once an episode")
      ->check(CLI::Range(0, 1000000));
}

rl::EnvSettings environment(const EnvOptions& options, rl::EnvSettings settings) {
  if (!options.name.empty()) settings.name = options.name;
  if (!options.model.empty()) settings.model = options.model;
  if (options.noise_ratio) settings.noise_ratio = *options.noise_ratio;
  if (options.start_spread) settings.start_spread = *options.start_spread;
  if (options.push) settings.push = *options.push;
  if (!options.displace.empty()) {
    const std::size_t equals = options.displace.find('=');
    const std::string size = equals == std::string::npos ? "" : options.displace.substr(equals + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value);
    if (equals == 0 || error != std::errc() || end != size.data() + size.size() ||
        !(value >= 0 && value <= 1))
      throw UsageError(
          fmt::format("--displace {}: GROUP=LARGEST with a number in 0..1 is expected, as in kettle=0.03",
                      printable(options.displace)));
    settings.displaced = options.displace.substr(0, equals);
    settings.displacement = static_cast<float>(value);
  }
  return rl::with_model_found(std::move(settings));
}

rl::Config resolve(const SettingsOptions& options) {
  rl::require_read_by(options.command, options.sections, options.overrides);
  rl::Config config = rl::load_config(options.preset, options.overrides, options.base);
  if (options.seed) config.seed = *options.seed;
  config.env = environment(options.env, config.env);
  if (options.preset.ends_with(".toml")) invocation().preset_file = options.preset;
  kernels::set_threads(options.threads);
  return config;
}

Invocation& invocation() {
  static Invocation called;
  return called;
}

rl::Provenance provenance(const std::string& command, std::vector<rl::RunInput> inputs) {
  if (!invocation().preset_file.empty()) inputs.push_back({"", invocation().preset_file});
  return {command, invocation().argv, inputs};
}

void add_model(std::vector<rl::RunInput>& inputs, const rl::EnvSettings& env) {
  if (rl::has_model_file(env)) inputs.push_back({"--model", env.model});
}

void add_inputs(std::vector<rl::RunInput>& inputs, const std::string& option,
                const std::vector<std::string>& paths) {
  for (const std::string& path : paths) inputs.push_back({option, path});
}

void add_obs_keys(CLI::App& command, std::vector<std::string>& keys) {
  command
      .add_option(
          "--obs-keys", keys,
          "Where demonstrations hold observations by name (robomimic, dicts): those taken, in order, commas "
          "between")
      ->delimiter(',')
      ->allow_extra_args(false);
}

rl::Dataset read_demos(const std::vector<std::string>& paths, const envs::Spec* spec,
                       const std::vector<std::string>& obs_keys) {
  BATON_REQUIRE(!paths.empty(), "no demonstrations given");
  rl::Dataset all;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::vector<std::string> notes;
    rl::Dataset one =
        rl::read_demonstrations(paths[i], {.spec = spec, .obs_keys = obs_keys, .notes = &notes});
    for (const std::string& each : notes) note(fmt::format("baton: note: {}", each));
    if (i == 0) {
      all = std::move(one);
    } else {
      rl::append(all, one);
    }
  }
  return all;
}

std::optional<envs::Spec> find_spec(const rl::EnvSettings& env) {
  if (env.name == rl::kNoEnvironment) return {};
  return rl::make_env(env, 1)->spec();
}

void add_option(rl::Provenance& origin, const Demos& demos) {
  if (!demos.obs_keys.empty())
    origin.add_option("--obs-keys", fmt::format("{}", fmt::join(demos.obs_keys, ",")));
}

void add_force(CLI::App& command, bool& force) {
  command.add_flag("--force", force, "Replace what stands under --out; refused otherwise");
}

void require_unused(const std::string& out, bool force) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool used = fs::is_regular_file(out, error) || fs::exists(fs::path(out) / "config.toml", error);
  if (force || !used) return;
  throw UsageError(fmt::format("{}: is there already; --force replaces it, or name another", out));
}

std::string percent(double rate) { return fmt::format("{:.1f}", 100 * rate); }

std::string with_error(const rl::MeanError& value, double scale, int decimals) {
  return fmt::format("{:.{}f} +- {:.{}f}", scale * value.mean, decimals, scale * value.error, decimals);
}

std::string evaluation_table(const rl::Evaluation& evaluation) {
  std::vector<std::string> columns{"goal"};
  for (std::size_t k = 0; k < evaluation.mean.p.size(); ++k) columns.push_back(fmt::format("p{} %", k + 1));
  for (const char* name : {"tasks", "success %", "at end %", "exact %", "D4RL"}) columns.emplace_back(name);
  Table table(columns);
  const auto add = [&](const rl::GoalResult& goal) {
    std::vector<std::string> row{goal.name};
    for (std::size_t k = 0; k < evaluation.mean.p.size(); ++k)
      row.push_back(k < goal.p.size() ? percent(goal.p[k]) : "-");
    row.insert(row.end(), {fmt::format("{:.2f}", goal.step_completion), percent(goal.success),
                           percent(goal.success_final), percent(goal.success_exact),
                           fmt::format("{:.1f}", goal.d4rl_score)});
    table.add_row(row);
  };
  for (const rl::GoalResult& goal : evaluation.goals) add(goal);
  if (evaluation.goals.size() > 1) {
    table.add_rule();
    add(evaluation.mean);
  }
  return table.text();
}

}  // namespace baton::cli
