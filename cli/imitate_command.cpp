// baton imitate: a policy from demonstrations.
#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/device.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "rl/imitation.hpp"
#include "rl/policy/checkpoint.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::vector<std::string> demos;
  std::string method = "ril", out, device = "cpu";
  SettingsOptions settings;
};

nlohmann::ordered_json summary_of(const rl::Config& config, const rl::Dataset& data,
                                  const rl::RelayPolicy& policy, const nlohmann::ordered_json& last) {
  nlohmann::ordered_json summary{{"command", "imitate"},
                                 {"method", policy.method},
                                 {"env", config.env},
                                 {"seed", config.seed},
                                 {"episodes", data.episodes()},
                                 {"actions", data.steps()},
                                 {"low_parameters", policy.low.parameters()}};
  if (policy.high) summary["high_parameters"] = policy.high->parameters();
  for (const char* level : {"low", "high"}) {
    if (last.contains(level)) summary[level] = last[level];
  }
  return summary;
}

void imitate(const Options& options) {
  const rl::Config config = resolve(options.settings);
  const Device device = use_device(options.device);
  const rl::Dataset data = read_demos(options.demos, envs::make_env(config.env, {})->spec().state_dim);
  imitate_step(config, data, options.method, options.out, device.level);
  fmt::print("{}: {} from {} episodes, {} actions\n", options.out, options.method, data.episodes(),
             data.steps());
}

}  // namespace

rl::RelayPolicy imitate_step(const rl::Config& config, const rl::Dataset& data, const std::string& method,
                             const std::string& out, rl::MakeLevelDevice device) {
  const rl::TaskShape shape = task_shape(envs::make_env(config.env, {})->spec());
  RunDir run(out);
  rl::RelayPolicy policy;
  nlohmann::ordered_json last;
  {
    rl::MetricsWriter metrics(run.partial());
    StageReporter reporter(&metrics, method, "updates");
    policy = rl::imitate(data, shape, method, config.policy, config.imitate, config.seed, reporter.callback(),
                         device);
    last = reporter.last_metrics();
    metrics.close();
  }
  policy.config = rl::to_toml(config);
  rl::save_policy(policy, run.partial());
  rl::write_text_atomic(run.file("config.toml"), policy.config);
  rl::write_summary(run.partial(), summary_of(config, data, policy, last));
  run.commit();
  return policy;
}

void add_imitate(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("imitate", "Train a policy from demonstrations");
  auto options = std::make_shared<Options>();
  command
      .add_option("--demos", options->demos,
                  "Demonstrations: HDF5 (D4RL or Minari), .mjl or a folder of .mjl; may be given again")
      ->required()
      ->allow_extra_args(false);
  command
      .add_option("--method", options->method,
                  "ril: both levels, relabelled; gcbc: flat, relabelled; bc: flat, not")
      ->check(CLI::IsMember({"ril", "gcbc", "bc"}))
      ->capture_default_str();
  command
      .add_option("--out", options->out,
                  "Folder of the run: config.toml, metrics.jsonl, policy.h5, summary.json")
      ->required();
  add_settings(command, options->settings);
  add_device(command, options->device);
  command.footer(
      "Examples:\n"
      "  baton imitate --demos demos.h5 --method ril --out runs/ril\n"
      "  baton imitate --demos demos.h5 --method bc --out runs/bc --seed 3 --set imitate.updates=20000\n"
      "  baton imitate --demos demos.h5 --out runs/gpu --device cuda --set imitate.batch=4096");
  command.callback([&registry, options] { registry.action = [options] { imitate(*options); }; });
}

}  // namespace baton::cli
