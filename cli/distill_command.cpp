// baton distill: several policies, each fine-tuned on one goal, become one policy for all their goals.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "cli/streams.hpp"
#include "kernels/error.hpp"
#include "rl/distill.hpp"
#include "rl/hierarchy.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/rollout.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::vector<std::string> from, demos, obs_keys;
  std::string init, out;
  bool force = false;
  SettingsOptions settings;
};

// What finetune wrote beside its policy.
struct Origin {
  std::string goal, init;
};

Origin read_origin(const std::string& directory) {
  const std::string path = directory + "/summary.json";
  const auto summary = nlohmann::json::parse(rl::read_text(path), nullptr, false);
  BATON_REQUIRE(summary.is_object(), "{}: not a JSON object (finetune writes one)", path);
  const auto goal = summary.find("goal");
  BATON_REQUIRE(goal != summary.end() && goal->is_string(),
                "{}: names no goal: a folder made by finetune is wanted", path);
  const auto init = summary.find("init");
  return {goal->get<std::string>(),
          init != summary.end() && init->is_string() ? init->get<std::string>() : ""};
}

// Where the policies were fine-tuned from, if it is still there; the first of them otherwise.
std::string start_of(const std::string& directory, const Origin& origin) {
  const std::string recorded = (std::filesystem::path(directory) / origin.init).lexically_normal();
  const bool there = !origin.init.empty() && std::filesystem::exists(rl::policy_file(recorded));
  return there ? recorded : directory;
}

double success_rate(const rl::Trajectories& rollouts) {
  const auto count = std::count(rollouts.success.begin(), rollouts.success.end(), 1);
  return static_cast<double>(count) / static_cast<double>(rollouts.success.size());
}

// Every policy on its own goal, with exploration so that the states around its path are seen, too.
std::vector<rl::Trajectories> roll_out(const rl::Config& config, const DistillStep& step,
                                       std::span<const rl::RelayPolicy> policies,
                                       std::span<const Origin> origins) {
  const auto env = rl::make_env(config.env, std::min(config.distill.episodes, config.eval.envs));
  std::vector<rl::Trajectories> rollouts;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    rl::RelayActor actor(policies[i], env->spec(), env->size());
    StageReporter reporter(nullptr, fmt::format("rollout {}", i + 1), "actions");
    rl::RolloutOptions options;
    options.episodes = config.distill.episodes;
    options.seed = config.seed;
    options.exploration = {config.distill.explore, 0};
    rollouts.push_back(rl::rollout(*env, actor, env->goals(origins[i].goal), options, reporter.callback()));
    if (config.distill.only_successful && success_rate(rollouts.back()) == 0)
      note(fmt::format(
          "{}: none of {} rollouts reached its goal '{}'; learning from all of them (distill.only_successful "
          "has nothing to choose from)",
          step.from[i], config.distill.episodes, origins[i].goal));
  }
  return rollouts;
}

void run_distill(const Options& options) {
  const rl::Config config = resolve(options.settings);
  require_unused(options.out, options.force);
  std::optional<rl::Dataset> demos;
  if (!options.demos.empty()) {
    const std::string env =
        rl::environment_of(rl::load_policy(options.from.front()).env, "", {.name = ""}).name;
    const envs::Spec spec = envs::make_env(env, {})->spec();
    demos = read_demos(options.demos, &spec, options.obs_keys);
  }
  distill_step(config, {options.from,
                        options.init,
                        {demos ? &*demos : nullptr, options.demos, options.obs_keys},
                        options.out});
  fmt::print("{}: one policy from {}\n", options.out, options.from.size());
}

}  // namespace

rl::RelayPolicy distill_step(const rl::Config& given, const DistillStep& step) {
  rl::Config config = given;
  std::vector<rl::RelayPolicy> policies;
  std::vector<Origin> origins;
  for (const std::string& directory : step.from) {
    policies.push_back(rl::load_policy(directory));
    origins.push_back(read_origin(directory));
  }
  BATON_REQUIRE(!policies.empty(), "no policies to distill");
  config.env.name = "";  // the policies'
  config.env = rl::environment_of(policies.front().env, policies.front().config, config.env);
  const std::string start = !step.start.empty() ? step.start : start_of(step.from.front(), origins.front());
  const rl::RelayPolicy begin = rl::load_policy(start);
  config.policy = rl::policy_settings(begin.config, config.policy);
  std::vector<rl::RunInput> inputs;
  add_inputs(inputs, "--from", step.from);
  inputs.push_back({"--init", start});
  add_inputs(inputs, "--demos", step.demos.paths);
  add_model(inputs, config.env);
  rl::Provenance origin = provenance("distill", inputs);
  add_option(origin, step.demos);
  RunDir run(step.out);

  rl::MetricsWriter metrics(run.partial());
  const std::vector<rl::Trajectories> rollouts = roll_out(config, step, policies, origins);
  std::vector<rl::Teacher> teachers;
  for (std::size_t i = 0; i < policies.size(); ++i) teachers.push_back({&policies[i], &rollouts[i]});
  StageReporter reporter(&metrics, "distill", "updates");
  rl::RelayPolicy policy = rl::distill(begin, teachers, step.demos.data, rl::make_env(config.env, 1)->spec(),
                                       config.distill, config.seed, reporter.callback());
  metrics.close();
  policy.config = rl::to_toml(config);
  rl::save_policy(policy, run.partial());
  rl::write_text_atomic(run.file("config.toml"), policy.config);
  nlohmann::ordered_json told = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < policies.size(); ++i) {
    told.push_back({{"policy", rl::relative_to(step.out, step.from[i])},
                    {"goal", origins[i].goal},
                    {"success", success_rate(rollouts[i])}});
  }
  rl::write_summary(run.partial(), {{"command", "distill"},
                                    {"method", policy.method},
                                    {"env", config.env.name},
                                    {"seed", config.seed},
                                    {"start", rl::relative_to(step.out, start)},
                                    {"episodes", config.distill.episodes},
                                    {"teachers", told}});
  write_run_json(run, step.out, origin);
  run.commit();
  return policy;
}

void add_distill(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("distill", "Make one policy of several fine-tuned ones");
  auto options = std::make_shared<Options>();
  command.add_option("--from", options->from, "Folders made by finetune, with commas between")
      ->required()
      ->delimiter(',');
  command.add_option("--init", options->init,
                     "Folder of the policy to start from; the one they were made from otherwise");
  command.add_option("--demos", options->demos, "Demonstrations to mix in; may be given again")
      ->allow_extra_args(false);
  add_obs_keys(command, options->obs_keys);
  command.add_option("--out", options->out, "Folder of the run")->required();
  add_force(command, options->force);
  add_environment(command, options->settings.env, false, true);
  add_settings(command, options->settings,
               {"seed", "env.model", "env.noise_ratio", "env.start_spread", "env.displaced",
                "env.displacement", "env.push", "distill", "eval.envs"});
  command.footer(
      "Example:\n"
      "  baton distill --from runs/ft_a,runs/ft_b --demos demos.h5 --out runs/distilled");
  command.callback([&registry, options] { registry.action = [options] { run_distill(*options); }; });
}

}  // namespace baton::cli
