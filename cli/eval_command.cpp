// baton eval: success and step completion of a policy on compound goals.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "cli/streams.hpp"
#include "cli/table.hpp"
#include "envs/env.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/methods/method.hpp"
#include "rl/replay.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::vector<std::string> obs_keys;
  std::string policy, replay, replay_as, precision, json;
  int threads = 0;
  EnvOptions env;
  EvalStep step;
};

std::string replay_table(const rl::ReplayReport& report) {
  Table table({"element", "wanted", "completed in the recording", "of those, in the replay"});
  for (const rl::ReplayCount& c : report.elements)
    table.add_row({c.element, fmt::format("{}", c.wanted), fmt::format("{}", c.recorded),
                   fmt::format("{}", c.replayed)});
  return fmt::format(
      "{}{} episodes, {} actions: {:.2f} elements an episode in the recording, {:.2f} in the replay\n",
      table.text(), report.episodes, report.steps, report.recorded_steps, report.replayed_steps);
}

// Actions or targets; unless told, targets on a model that is given, else actions.
void replay(const Options& options) {
  rl::EnvSettings settings = environment(options.env, {.noise_ratio = 0});
  const bool targets =
      options.replay_as.empty() ? rl::has_model_file(settings) : options.replay_as == "targets";
  const bool in_double = options.precision.empty() ? targets : options.precision == "double";
  const envs::Spec spec = rl::make_env(settings, 1)->spec();
  const rl::Dataset data = read_demos({options.replay}, &spec, options.obs_keys);
  const auto env = rl::make_env(settings, data.episodes(), in_double);
  StageReporter reporter(nullptr, "replay", "actions");
  const auto what = targets ? rl::ReplayOf::kTargets : rl::ReplayOf::kActions;
  fmt::print("{}", replay_table(rl::replay(*env, data, what, reporter.callback())));
  if (!targets)
    note(
        "Actions are replayed as they stand, from observations that drift; what disturbed them while they "
        "were recorded (collect without --undisturbed) is not in the file. --replay-as targets replays the "
        "recorded targets instead.");
}

void eval(const Options& options) {
  kernels::set_threads(options.threads);
  if (!options.replay.empty()) {
    replay(options);
    return;
  }
  const auto agent = rl::load_agent(options.policy);
  if (!options.json.empty()) require_not_input(options.json, options.policy);
  const OutputLock lock = options.json.empty() ? OutputLock() : require_writable_file(options.json);
  EvalStep step = options.step;
  step.env = environment(options.env, step.env);
  step.in_double = options.precision == "double";
  const rl::Evaluation evaluation = eval_step(*agent, step);
  if (!options.json.empty()) rl::write_text_atomic(options.json, rl::to_json(evaluation).dump(2) + "\n");
  fmt::print("{}", evaluation_table(evaluation));
  if (evaluation.diverged > 0)
    note(fmt::format("{} environments diverged and were put back", evaluation.diverged));
}

// Which episodes, and under what noise.
void add_episodes(CLI::App& command, EvalStep& step) {
  command
      .add_option("--goals", step.goals, "all (the demonstrated ones), unseen, or names with commas between")
      ->capture_default_str();
  command.add_option("--episodes", step.episodes, "Episodes for each goal")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--seed", step.seed, "Seed of the episodes")->check(seed_range())->capture_default_str();
  command.add_option("--batch", step.batch, "Environments stepped together; results do not depend on it")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--explore", step.explore, "Noise of the policy, in its own sigma; 0: mean actions")
      ->check(number_range(0, 10))
      ->capture_default_str();
}

}  // namespace

rl::Evaluation eval_step(const rl::Agent& agent, const EvalStep& step) {
  const rl::EnvSettings where = rl::environment_of(agent.env, agent.config, step.env);
  const auto goals = rl::make_env(where, 1)->goals(step.goals);
  const std::int64_t episodes = static_cast<std::int64_t>(goals.size()) * step.episodes;
  const auto env =
      rl::make_env(where, static_cast<int>(std::min<std::int64_t>(step.batch, episodes)), step.in_double);
  const auto actor = agent.make_actor(env->spec(), env->size());
  rl::RolloutOptions options;
  options.episodes = step.episodes;
  options.seed = step.seed;
  options.exploration = {step.explore, step.explore};
  StageReporter reporter(nullptr, "evaluate", "actions");
  rl::Evaluation evaluation = rl::evaluate(*env, *actor, goals, options, reporter.callback());
  evaluation.policy = step.policy_name;
  evaluation.method = agent.method;
  evaluation.train_seed = rl::training_seed(agent.config);
  evaluation.env = where;
  return evaluation;
}

void add_eval(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("eval", "Measure success and step completion of a policy");
  auto options = std::make_shared<Options>();
  CLI::Option* policy =
      command.add_option("--policy", options->policy, "Folder of the policy (imitate, finetune, distill)");
  CLI::Option* replay = command.add_option("--replay", options->replay,
                                           "Instead: demonstrations whose actions are executed open loop");
  policy->excludes(replay);
  command
      .add_option("--replay-as", options->replay_as,
                  "actions: fed back through what is observed; targets: as they were recorded. Targets with "
                  "--model, else actions, unless given")
      ->check(CLI::IsMember({"actions", "targets"}))
      ->needs(replay);
  command
      .add_option("--precision", options->precision,
                  "Of the physics: double or float; double for targets, else float, unless given")
      ->check(CLI::IsMember({"double", "float"}));
  add_obs_keys(command, options->obs_keys);
  command.add_option("--json", options->json, "File for the figures, rates in 0..1")->excludes(replay);
  add_environment(command, options->env, true, true);
  add_episodes(command, options->step);
  add_threads(command, options->threads);
  command.footer(
      "Examples:\n"
      "  baton eval --policy runs/ril --goals all --episodes 20 --json ril.json\n"
      "  baton eval --policy runs/ril --goals unseen --episodes 20 --seed 7\n"
      "  baton eval --policy runs/ril --goals microwave_kettle_switch_slide --noise 0.1 --start-spread 0.1\n"
      "  baton eval --policy runs/ril --goals microwave_kettle --displace kettle=0.03 --push 5\n"
      "  baton eval --replay demos.h5\n"
      "  baton eval --replay demos.h5 --model franka_kitchen/kitchen_assets/kitchen_env_model.xml");
  command.callback([&registry, options] {
    if (options->policy.empty() && options->replay.empty())
      throw UsageError("eval: --policy is required (or --replay FILE)");
    options->step.policy_name = options->policy;
    registry.action = [options] { eval(*options); };
  });
}

}  // namespace baton::cli
