// baton collect: demonstrations of the scripted operator.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/operators.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::cli {
namespace {

constexpr int kBatch = 64;            // environments stepped together
constexpr int kActionsAfterDone = 5;  // kept after the last element is done: the policy sees where to stop
constexpr std::uint64_t kStream = 0xc0113c7ull;  // keeps these seeds apart from those of evaluations

struct Options {
  std::string out, env, goals;
  int episodes = -1;
  bool undisturbed = false;
  SettingsOptions settings;
};

struct Episode {
  std::vector<float> states, actions;
  std::vector<double> qpos, qvel;
  std::vector<char> reached;  // of the goal's elements, at some time
  int after_done = 0;
  bool over = false;
};

// Episodes first .. first + goals.size() - 1, one in each environment of the bench.
class Round {
 public:
  Round(DemoBench& bench, std::vector<envs::Goal> goals, std::vector<std::uint64_t> seeds)
      : bench_(bench),
        spec_(bench.env->spec()),
        goals_(std::move(goals)),
        seeds_(std::move(seeds)),
        episodes_(goals_.size()) {
    wanted_.resize(goals_.size() * static_cast<std::size_t>(spec_.action_dim));
    executed_.resize(wanted_.size());
    qpos_.resize(static_cast<std::size_t>(bench.qpos_dim));
    qvel_.resize(static_cast<std::size_t>(bench.qvel_dim));
    bench_.env->reset(seeds_);
    for (std::size_t i = 0; i < goals_.size(); ++i) {
      bench_.operators->reset(static_cast<int>(i), goals_[i], kernels::mix_seed(seeds_[i], kStream));
      episodes_[i].reached.assign(goals_[i].elements.size(), 0);
    }
  }

  // Returns false when no episode is running any more.
  bool step() {
    bench_.operators->act(bench_.env->observation(), wanted_, executed_);
    bool running = false;
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
      if (!episodes_[i].over) record(i);
      running = running || !episodes_[i].over;
    }
    if (!running) return false;
    bench_.env->step(executed_);
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
      if (!episodes_[i].over) judge(i);
    }
    return true;
  }

  void append_to(rl::Dataset& data) const {
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
      const Episode& e = episodes_[i];
      data.states.insert(data.states.end(), e.states.begin(), e.states.end());
      data.actions.insert(data.actions.end(), e.actions.begin(), e.actions.end());
      data.qpos.insert(data.qpos.end(), e.qpos.begin(), e.qpos.end());
      data.qvel.insert(data.qvel.end(), e.qvel.begin(), e.qvel.end());
      data.offsets.push_back(data.offsets.back() +
                             static_cast<std::int64_t>(e.actions.size()) / spec_.action_dim);
      data.goal_names.push_back(goals_[i].name);
      data.goal_targets.insert(data.goal_targets.end(), goals_[i].target.begin(), goals_[i].target.end());
      data.seeds.push_back(seeds_[i]);
      data.completed.push_back(std::count(e.reached.begin(), e.reached.end(), 1) ==
                               static_cast<long>(e.reached.size()));
    }
  }

 private:
  void record(std::size_t i) {
    Episode& e = episodes_[i];
    const auto s = static_cast<std::size_t>(spec_.state_dim), a = static_cast<std::size_t>(spec_.action_dim);
    const auto state = bench_.env->observation().subspan(i * s, s);
    e.states.insert(e.states.end(), state.begin(), state.end());
    e.actions.insert(e.actions.end(), &wanted_[i * a], &wanted_[i * a] + a);
    bench_.simulator_state(static_cast<int>(i), qpos_, qvel_);
    e.qpos.insert(e.qpos.end(), qpos_.begin(), qpos_.end());
    e.qvel.insert(e.qvel.end(), qvel_.begin(), qvel_.end());
    if (bench_.operators->done(static_cast<int>(i))) ++e.after_done;
    const auto length = static_cast<int>(e.actions.size() / a);
    e.over = e.after_done > kActionsAfterDone || length >= spec_.horizon;
  }

  // Completion on the true state, after the action.
  void judge(std::size_t i) {
    const auto s = static_cast<std::size_t>(spec_.state_dim);
    for (std::size_t k = 0; k < goals_[i].elements.size(); ++k) {
      const envs::Element& element = spec_.elements[static_cast<std::size_t>(goals_[i].elements[k])];
      const float error =
          envs::element_error(element, bench_.env->state().subspan(i * s, s), goals_[i].target);
      if (error < element.epsilon) episodes_[i].reached[k] = 1;
    }
  }

  DemoBench& bench_;
  envs::Spec spec_;
  std::vector<envs::Goal> goals_;
  std::vector<std::uint64_t> seeds_;
  std::vector<Episode> episodes_;
  std::vector<float> wanted_, executed_;
  std::vector<double> qpos_, qvel_;
};

void collect(const Options& options) {
  rl::Config config = resolve(options.settings);
  if (options.episodes >= 0) config.collect.episodes = options.episodes;
  if (!options.goals.empty()) config.collect.goals = options.goals;
  if (!options.env.empty()) config.env = options.env;
  const OutputLock lock = require_writable_file(options.out, Writing::kFileOnly);
  const rl::Dataset data = collect_step(config, !options.undisturbed);
  rl::write_dataset(data, options.out);
  const auto complete = std::count(data.completed.begin(), data.completed.end(), 1);
  fmt::print("{}: {} episodes, {} actions, {} episodes with all elements done ({} %)\n", options.out,
             data.episodes(), data.steps(), complete,
             percent(static_cast<double>(complete) / data.episodes()));
}

}  // namespace

rl::Dataset collect_step(const rl::Config& config, bool disturbed) {
  const int episodes = config.collect.episodes;
  BATON_REQUIRE(episodes >= 1, "collect.episodes: {} (at least 1 is wanted)", episodes);
  const auto goals = envs::make_env(config.env, {})->goals(config.collect.goals);
  rl::Dataset data;
  Progress bar("collect", episodes, "episodes");
  for (int first = 0; first < episodes; first += kBatch) {
    const int size = std::min(kBatch, episodes - first);
    DemoBench bench = make_demo_bench(config, size, disturbed);
    data.state_dim = bench.env->spec().state_dim;
    data.action_dim = bench.env->spec().action_dim;
    data.qpos_dim = bench.qpos_dim;
    data.qvel_dim = bench.qvel_dim;
    std::vector<envs::Goal> chosen;
    std::vector<std::uint64_t> seeds;
    for (int k = first; k < first + size; ++k) {
      chosen.push_back(goals[static_cast<std::size_t>(k) % goals.size()]);
      seeds.push_back(kernels::mix_seed(config.seed, kStream, static_cast<std::uint64_t>(k)));
    }
    Round round(bench, std::move(chosen), std::move(seeds));
    while (round.step()) bar.update(first);
    round.append_to(data);
    bar.update(first + size);
  }
  return data;
}

void add_collect(Registry& registry) {
  CLI::App& command =
      *registry.app.add_subcommand("collect", "Record demonstrations of the scripted operator");
  auto options = std::make_shared<Options>();
  command.add_option("--episodes", options->episodes, "How many, goal after goal; the preset's unless given")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--goals", options->goals,
                     "all, unseen, or names with commas between; the preset's unless given");
  command.add_option("--out", options->out, "HDF5 file to write (D4RL's flat form)")->required();
  command.add_option("--env", options->env, "Environment: kitchen or point_goal");
  command.add_flag("--undisturbed", options->undisturbed,
                   "Execute what the operator wants, without disturbances");
  add_settings(command, options->settings);
  command.footer(
      "Examples:\n"
      "  baton collect --episodes 400 --seed 1 --goals all --out demos.h5\n"
      "  baton collect --episodes 34 --undisturbed --out clean.h5 --set collect.spread=0.5");
  command.callback([&registry, options] { registry.action = [options] { collect(*options); }; });
}

}  // namespace baton::cli
