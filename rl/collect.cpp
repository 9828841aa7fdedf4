#include "rl/collect.hpp"

#include <algorithm>
#include <memory>

#include "envs/demonstrator.hpp"
#include "envs/env.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {
namespace {

constexpr int kBatch = 64;            // environments stepped together
constexpr int kActionsAfterDone = 5;  // kept after the last element is done: the policy sees where to stop
constexpr std::uint64_t kStream = 0xc0113c7ull;  // keeps these seeds apart from those of evaluations

struct Episode {
  std::vector<float> states, actions;
  std::vector<double> qpos, qvel;
  std::vector<char> reached;  // of the goal's elements, at some time
  int after_done = 0;
  bool over = false;
};

// Episodes first .. first + goals.size() - 1, one in each environment.
class Round {
 public:
  Round(envs::BatchEnv& env, envs::Demonstrator& demonstrator, std::vector<envs::Goal> goals,
        std::vector<std::uint64_t> seeds)
      : env_(env),
        demonstrator_(demonstrator),
        spec_(env.spec()),
        goals_(std::move(goals)),
        seeds_(std::move(seeds)),
        episodes_(goals_.size()) {
    wanted_.resize(goals_.size() * static_cast<std::size_t>(spec_.action_dim));
    executed_.resize(wanted_.size());
    qpos_.resize(static_cast<std::size_t>(env.qpos_dim()));
    qvel_.resize(static_cast<std::size_t>(env.qvel_dim()));
    env_.reset(seeds_);
    for (std::size_t i = 0; i < goals_.size(); ++i) {
      demonstrator_.reset(static_cast<int>(i), goals_[i], kernels::mix_seed(seeds_[i], kStream));
      episodes_[i].reached.assign(goals_[i].elements.size(), 0);
    }
  }

  // Returns false when no episode is running any more.
  bool step() {
    demonstrator_.act(env_.observation(), wanted_, executed_);
    bool running = false;
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
      if (!episodes_[i].over) record(i);
      running = running || !episodes_[i].over;
    }
    if (!running) return false;
    env_.step(executed_);
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
      if (!episodes_[i].over) judge(i);
    }
    return true;
  }

  void append_to(Dataset& data) const {
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
    const auto state = env_.observation().subspan(i * s, s);
    e.states.insert(e.states.end(), state.begin(), state.end());
    e.actions.insert(e.actions.end(), &wanted_[i * a], &wanted_[i * a] + a);
    env_.get_state(static_cast<int>(i), qpos_, qvel_);
    e.qpos.insert(e.qpos.end(), qpos_.begin(), qpos_.end());
    e.qvel.insert(e.qvel.end(), qvel_.begin(), qvel_.end());
    if (demonstrator_.done(static_cast<int>(i))) ++e.after_done;
    const auto length = static_cast<int>(e.actions.size() / a);
    e.over = e.after_done > kActionsAfterDone || length >= spec_.horizon;
  }

  // Completion on the true state, after the action.
  void judge(std::size_t i) {
    const auto s = static_cast<std::size_t>(spec_.state_dim);
    for (std::size_t k = 0; k < goals_[i].elements.size(); ++k) {
      const envs::Element& element = spec_.elements[static_cast<std::size_t>(goals_[i].elements[k])];
      if (envs::element_done(element, env_.state().subspan(i * s, s), goals_[i].target))
        episodes_[i].reached[k] = 1;
    }
  }

  envs::BatchEnv& env_;
  envs::Demonstrator& demonstrator_;
  envs::Spec spec_;
  std::vector<envs::Goal> goals_;
  std::vector<std::uint64_t> seeds_;
  std::vector<Episode> episodes_;
  std::vector<float> wanted_, executed_;
  std::vector<double> qpos_, qvel_;
};

}  // namespace

void list_settings(SettingsTable& table, const std::string& section, CollectSettings& s) {
  const std::string p = section + ".";
  table.add(p + "episodes", &s.episodes, "demonstrations to record", 1, 1e6);
  table.add(p + "goals", &s.goals, "all, unseen, or names with commas");
  table.add(p + "spread", &s.spread, "of the operator's style; 0: every episode the same", 0, 10);
  table.add(p + "tremor", &s.tremor, "deviation of quick noise in the recorded action", 0, 1);
  table.add(p + "disturbance_low", &s.disturbance_low, "deviation of slow noise in what is executed, from", 0,
            1);
  table.add(p + "disturbance_high", &s.disturbance_high, "... to; drawn for each episode", 0, 1);
}

void collect(const EnvSettings& where, const CollectSettings& settings, std::uint64_t seed,
             const std::function<void(const Dataset&)>& take, const ProgressCallback& progress) {
  BATON_REQUIRE(settings.episodes >= 1, "collect.episodes: {} (at least 1 is wanted)", settings.episodes);
  const auto goals = make_env(where, 1)->goals(settings.goals);
  const envs::DemonstratorOptions style{.spread = settings.spread,
                                        .tremor = settings.tremor,
                                        .disturbance_low = settings.disturbance_low,
                                        .disturbance_high = settings.disturbance_high};
  for (int first = 0; first < settings.episodes; first += kBatch) {
    const int size = std::min(kBatch, settings.episodes - first);
    const auto env = make_env(where, size);
    const auto demonstrator = envs::make_demonstrator(where.name, size, style);
    Dataset data;
    data.state_dim = env->spec().state_dim, data.action_dim = env->spec().action_dim;
    data.qpos_dim = env->qpos_dim(), data.qvel_dim = env->qvel_dim();
    std::vector<envs::Goal> chosen;
    std::vector<std::uint64_t> seeds;
    for (int k = first; k < first + size; ++k) {
      chosen.push_back(goals[static_cast<std::size_t>(k) % goals.size()]);
      seeds.push_back(kernels::mix_seed(seed, kStream, static_cast<std::uint64_t>(k)));
    }
    Round round(*env, *demonstrator, std::move(chosen), std::move(seeds));
    while (round.step()) report(progress, {.stage = "collect", .done = first, .total = settings.episodes});
    round.append_to(data);
    take(data);
    report(progress, {.stage = "collect", .done = first + size, .total = settings.episodes});
  }
}

}  // namespace baton::rl
