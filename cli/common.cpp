#include "cli/common.hpp"

#include <fmt/format.h>

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
  command.add_option("--preset", options.preset, "Settings to start from: full, quick or a .toml file")
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

rl::Config resolve(const SettingsOptions& options) {
  rl::require_read_by(options.command, options.sections, options.overrides);
  rl::Config config = rl::load_config(options.preset, options.overrides, options.base);
  if (options.seed) config.seed = *options.seed;
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

std::optional<envs::Spec> find_spec(const std::string& env) {
  if (env == rl::kNoEnvironment) return {};
  return envs::make_env(env, {})->spec();
}

void add_option(rl::Provenance& origin, const Demos& demos) {
  if (!demos.obs_keys.empty())
    origin.add_option("--obs-keys", fmt::format("{}", fmt::join(demos.obs_keys, ",")));
}

envs::EnvOptions env_options(const rl::Config& config, int size) {
  return {.size = std::max(size, 1), .threads = kernels::threads(), .noise_ratio = config.noise_ratio};
}

std::string environment_of(const std::string& own, const std::string& given) {
  const std::string name = !given.empty() ? given : own.empty() ? rl::Config().env : own;
  if (name == rl::kNoEnvironment)
    throw UsageError(fmt::format(
        "env is '{}': what was learned without an environment acts in none (eval --env NAME tries one)",
        name));
  return name;
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
  Table table({"goal", "success %", "steps", "success at end %", "steps at end"});
  const auto add = [&](const rl::GoalResult& goal) {
    table.add_row({goal.name, percent(goal.success), fmt::format("{:.2f}", goal.step_completion),
                   percent(goal.success_final), fmt::format("{:.2f}", goal.step_completion_final)});
  };
  for (const rl::GoalResult& goal : evaluation.goals) add(goal);
  if (evaluation.goals.size() > 1) {
    table.add_rule();
    add(evaluation.mean);
  }
  return table.text();
}

}  // namespace baton::cli
