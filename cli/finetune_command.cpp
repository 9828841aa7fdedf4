// baton finetune: relay reinforcement fine-tuning of a policy on one compound goal.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/device.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "kernels/error.hpp"
#include "rl/finetune.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string init, goal, variant, out, device = "cpu";
  std::vector<std::string> demos, obs_keys;
  bool force = false;
  SettingsOptions settings;
};

nlohmann::ordered_json rates(const rl::GoalResult& result) {
  return {{"success", result.success},
          {"step_completion", result.step_completion},
          {"success_final", result.success_final},
          {"step_completion_final", result.step_completion_final},
          {"success_exact", result.success_exact}};
}

// One name, although a list of goals could be read here.
envs::Goal one_goal(const envs::BatchEnv& env, const std::string& name) {
  auto goals = env.goals(name);
  if (goals.size() != 1)
    throw UsageError(fmt::format("--goal {}: one goal is wanted, these are {}", name, goals.size()));
  return std::move(goals.front());
}

void run_finetune(const Options& options) {
  rl::Config config = resolve(options.settings);
  const auto variant = std::ranges::find(rl::kVariantNames, options.variant);
  if (variant != rl::kVariantNames.end())
    config.finetune.variant = static_cast<rl::Variant>(variant - rl::kVariantNames.begin());
  const std::string_view name = rl::variant_name(config.finetune.variant);
  if (config.finetune.variant != rl::Variant::kNpg && options.demos.empty())
    throw UsageError(fmt::format("--variant {} learns from demonstrations, too: give --demos", name));
  require_unused(options.out, options.force);
  const Device device = use_device(options.device);
  std::optional<rl::Dataset> demos;
  if (!options.demos.empty()) {
    const rl::RelayPolicy init = rl::load_policy(options.init);
    const envs::Spec spec = envs::make_env(rl::environment_of(init.env, "", {.name = ""}).name, {})->spec();
    demos = read_demos(options.demos, &spec, options.obs_keys);
  }
  const auto outcome = finetune_step(config, {options.init,
                                              options.goal,
                                              {demos ? &*demos : nullptr, options.demos, options.obs_keys},
                                              options.out,
                                              device});
  fmt::print("{}: {} on {}: success {} -> {} %, steps {:.2f} -> {:.2f}\n", options.out, name, options.goal,
             percent(outcome.before.success), percent(outcome.after.success), outcome.before.step_completion,
             outcome.after.step_completion);
}

}  // namespace

FinetuneOutcome finetune_step(const rl::Config& given, const FinetuneStep& step) {
  rl::Config config = given;
  const rl::RelayPolicy init = rl::load_policy(step.init);
  config.env.name = "";  // the policy's
  config.env = rl::environment_of(init.env, init.config, config.env);
  std::vector<rl::RunInput> inputs{{"--init", step.init}};
  add_inputs(inputs, "--demos", step.demos.paths);
  add_model(inputs, config.env);
  rl::Provenance origin = provenance("finetune", inputs);
  origin.add_option("--goal", step.goal);
  add_option(origin, step.demos);
  if (step.device.name != "cpu") origin.add_option("--device", step.device.name);
  config.policy = rl::policy_settings(init.config, config.policy);
  const auto env = rl::make_env(config.env, std::min(config.finetune.episodes, config.eval.envs));
  const envs::Goal goal = one_goal(*env, step.goal);
  RunDir run(step.out);

  rl::FinetuneResult result;
  {
    rl::MetricsWriter metrics(run.partial());
    StageReporter reporter(&metrics, std::string(rl::variant_name(config.finetune.variant)), "actions");
    result = rl::finetune(*env, init, goal, step.demos.data, config.finetune, config.seed,
                          reporter.callback(), step.device.solve);
    metrics.close();
  }
  result.best.config = result.last.config = rl::to_toml(config);
  rl::save_policy(result.best, run.partial());
  rl::save_policy(result.last, run.file("last"));
  rl::write_text_atomic(run.file("config.toml"), result.best.config);
  rl::write_summary(run.partial(), {{"command", "finetune"},
                                    {"method", result.best.method},
                                    {"env", config.env.name},
                                    {"seed", config.seed},
                                    {"init", rl::relative_to(step.out, step.init)},
                                    {"goal", goal.name},
                                    {"variant", rl::variant_name(config.finetune.variant)},
                                    {"iterations", config.finetune.iterations},
                                    {"best_iteration", result.best_iteration},
                                    {"start", rates(result.start_result)},
                                    {"best", rates(result.best_result)},
                                    {"last", rates(result.last_result)}});
  write_run_json(run, step.out, origin);
  run.commit();
  return {result.start_result, result.best_result};
}

void add_finetune(Registry& registry) {
  CLI::App& command =
      *registry.app.add_subcommand("finetune", "Improve a policy on one compound goal by trial");
  auto options = std::make_shared<Options>();
  command.add_option("--init", options->init, "Folder of the policy to start from")->required();
  command.add_option("--goal", options->goal, "Name of one compound goal")->required();
  command
      .add_option(
          "--variant", options->variant,
          "npg: natural gradient; dapg: with demonstrations; iril: with its own relabelled episodes, too")
      ->check(CLI::IsMember(std::vector<std::string>(rl::kVariantNames.begin(), rl::kVariantNames.end())));
  command.add_option("--demos", options->demos, "Demonstrations, for dapg and iril; may be given again")
      ->allow_extra_args(false);
  add_obs_keys(command, options->obs_keys);
  command
      .add_option("--out", options->out,
                  "Folder of the run; policy.safetensors is the best policy, last/ the last")
      ->required();
  add_force(command, options->force);
  add_environment(command, options->settings.env, false, true);
  add_settings(command, options->settings,
               {"seed", "env.model", "env.noise_ratio", "env.start_spread", "env.displaced",
                "env.displacement", "env.push", "finetune", "reward", "npg", "baseline", "eval.envs"});
  add_device(command, options->device);
  command.footer(
      "Examples:\n"
      "  baton finetune --init runs/ril --goal microwave_kettle_topknob_hinge --variant iril --demos "
      "demos.h5 \\\n"
      "      --out runs/ft\n"
      "  baton finetune --init runs/ril --goal microwave_kettle_hinge_slide --variant npg --out runs/npg \\\n"
      "      --set finetune.iterations=50");
  command.callback([&registry, options] { registry.action = [options] { run_finetune(*options); }; });
}

}  // namespace baton::cli
