// baton imitate: a policy from demonstrations.
#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/device.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "cli/streams.hpp"
#include "rl/imitation.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::vector<std::string> demos, obs_keys;
  std::string method, out, device = "cpu";
  bool force = false;
  SettingsOptions settings;
};

nlohmann::ordered_json summary_of(const rl::Config& config, const rl::Dataset& data, const rl::Agent& agent,
                                  const nlohmann::ordered_json& last) {
  nlohmann::ordered_json summary{{"command", "imitate"},        {"method", agent.method},
                                 {"env", config.env.name},      {"seed", config.seed},
                                 {"episodes", data.episodes()}, {"actions", data.steps()}};
  const rl::RelayPolicy* policy = agent.relay();
  if (policy != nullptr) summary["low_parameters"] = policy->low.parameters();
  if (policy != nullptr && policy->high) summary["high_parameters"] = policy->high->parameters();
  for (const char* level : {"low", "high"}) {
    if (last.contains(level)) summary[level] = last[level];
  }
  return summary;
}

// Settings that only an environment gives a meaning to.
void use_no_environment(rl::Config& config) {
  const bool changed = config.policy.chunk.labels != rl::ActionLabels::kVelocity ||
                       config.policy.observe != "all" || config.imitate.sensor_noise > 0;
  config.policy.chunk.labels = rl::ActionLabels::kVelocity;
  config.policy.observe = "all";
  config.imitate.sensor_noise = 0;
  if (changed)
    note(
        "baton: note: without an environment policy.labels is velocity (actions as they stand), "
        "policy.observe is all and imitate.sensor_noise is 0");
}

void imitate(const Options& options) {
  rl::Config config = resolve(options.settings);
  if (!options.method.empty()) config.method = &rl::find_method(options.method);
  require_unused(options.out, options.force);
  const Device device = use_device(options.device);
  const std::optional<envs::Spec> spec = find_spec(config.env);
  if (!spec) use_no_environment(config);
  const rl::Dataset data = read_demos(options.demos, spec ? &*spec : nullptr, options.obs_keys);
  imitate_step(config, {&data, options.demos, options.obs_keys}, options.out, device);
  fmt::print("{}: {} from {} episodes, {} actions\n", options.out, config.method->name, data.episodes(),
             data.steps());
}

std::string method_help() {
  std::string help;
  for (const rl::Method* method : rl::methods())
    help += fmt::format("{}{}: {}", help.empty() ? "" : "; ", method->name, method->help);
  return help + ". The preset's unless given";
}

}  // namespace

std::unique_ptr<rl::Agent> imitate_step(const rl::Config& config, const Demos& demos, const std::string& out,
                                        const Device& device) {
  std::vector<rl::RunInput> inputs;
  add_inputs(inputs, "--demos", demos.paths);
  add_model(inputs, config.env);
  rl::Provenance origin = provenance("imitate", inputs);
  add_option(origin, demos);
  if (device.name != "cpu") origin.add_option("--device", device.name);
  const std::optional<envs::Spec> known = find_spec(config.env);
  const envs::Spec spec = known ? *known : rl::spec_of(*demos.data, config.robot_dim);
  if (spec.elements.empty() && !config.method->needs_no_elements())
    throw UsageError(fmt::format("--method {} looks at the environment's elements; env is '{}'",
                                 config.method->name, config.env.name));
  RunDir run(out);
  std::unique_ptr<rl::Agent> agent;
  nlohmann::ordered_json last;
  {
    rl::MetricsWriter metrics(run.partial());
    StageReporter reporter(&metrics, std::string(config.method->name), "updates");
    agent = rl::learn(*demos.data, spec, *config.method, config.policy, config.imitate, config.seed,
                      reporter.callback(), device.level);
    last = reporter.last_metrics();
    metrics.close();
  }
  agent->config = rl::to_toml(config);
  agent->save(run.partial());
  rl::write_text_atomic(run.file("config.toml"), agent->config);
  rl::write_summary(run.partial(), summary_of(config, *demos.data, *agent, last));
  write_run_json(run, out, origin);
  run.commit();
  return agent;
}

void add_imitate(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("imitate", "Train a policy from demonstrations");
  auto options = std::make_shared<Options>();
  command
      .add_option("--demos", options->demos,
                  "Demonstrations: HDF5 (D4RL, Minari, robomimic), .mjl, a folder of these or of BeT's .npy; "
                  "may be given "
                  "again")
      ->required()
      ->allow_extra_args(false);
  add_obs_keys(command, options->obs_keys);
  command.add_option("--method", options->method, method_help())->check(CLI::IsMember(rl::method_names()));
  command
      .add_option("--out", options->out,
                  "Folder of the run: config.toml, metrics.jsonl, policy.safetensors, summary.json")
      ->required();
  add_force(command, options->force);
  add_environment(command, options->settings.env, true, false);
  add_settings(command, options->settings,
               {"env.name", "env.model", "robot_dim", "seed", "policy", "imitate"});
  add_device(command, options->device);
  command.footer(
      "Examples:\n"
      "  baton imitate --demos demos.h5 --method ril --out runs/ril\n"
      "  baton imitate --demos demos.h5 --method bc --out runs/bc --seed 3 --set imitate.updates=20000\n"
      "  baton imitate --demos demos.h5 --out runs/gpu --device cuda --set imitate.batch=4096\n"
      "  baton imitate --demos low_dim.hdf5 --obs-keys object,robot0_eef_pos --env none --method bc --out "
      "runs/own");
  command.callback([&registry, options] { registry.action = [options] { imitate(*options); }; });
}

}  // namespace baton::cli
