#include "cli/common.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/table.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::cli {

void add_settings(CLI::App& command, SettingsOptions& options) {
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
  rl::Config config = rl::load_config(options.preset, options.overrides);
  if (options.seed) config.seed = *options.seed;
  kernels::set_threads(options.threads);
  return config;
}

rl::Dataset read_demos(const std::vector<std::string>& paths, int state_dim) {
  BATON_REQUIRE(!paths.empty(), "no demonstrations given");
  rl::Dataset all;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::vector<std::string> notes;
    rl::Dataset one = rl::read_demonstrations(paths[i], state_dim, &notes);
    for (const std::string& note : notes) fmt::print(stderr, "baton: note: {}\n", note);
    if (i == 0) {
      all = std::move(one);
    } else {
      rl::append(all, one);
    }
  }
  return all;
}

rl::TaskShape task_shape(const envs::Spec& spec) {
  return {spec.name, spec.state_dim, spec.action_dim, spec.robot_dim};
}

envs::EnvOptions env_options(const rl::Config& config, int size) {
  return {std::max(size, 1), kernels::threads(), config.noise_ratio};
}

std::string environment_of(const rl::RelayPolicy& policy, const std::string& given) {
  if (!given.empty()) return given;
  return policy.env.empty() ? "kitchen" : policy.env;
}

std::string percent(double rate) { return fmt::format("{:.1f}", 100 * rate); }

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
