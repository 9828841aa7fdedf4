#include "rl/replay.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "rl/completion.hpp"

namespace baton::rl {
namespace {

void check(const Dataset& data, const envs::BatchEnv& env) {
  const envs::Spec& spec = env.spec();
  BATON_REQUIRE(data.state_dim == spec.state_dim && data.action_dim == spec.action_dim,
                "replay: the recording has states of {} and actions of {} numbers; {} has {} and {}",
                data.state_dim, data.action_dim, spec.name, spec.state_dim, spec.action_dim);
  BATON_REQUIRE(env.qpos_dim() > 0, "replay: {} has no simulator whose state can be set", spec.name);
  BATON_REQUIRE(!data.goal_names.empty(), "replay: the recording names no compound goals (episode_goals)");
  BATON_REQUIRE(env.size() == data.episodes(), "replay: {} environments for {} episodes", env.size(),
                data.episodes());
}

// The first recorded states: exact where the file has them, else as observed and at rest.
void start(envs::BatchEnv& env, const Dataset& data) {
  env.reset(std::vector<std::uint64_t>(static_cast<std::size_t>(data.episodes()), 0));
  const bool exact = data.qpos_dim == env.qpos_dim() && data.qvel_dim == env.qvel_dim();
  BATON_REQUIRE(exact || data.state_dim == env.qpos_dim(),
                "replay: the recording has states of {} numbers and no infos/qpos of {}", data.state_dim,
                env.qpos_dim());
  for (int e = 0; e < data.episodes(); ++e) {
    std::vector<double> qpos(static_cast<std::size_t>(env.qpos_dim())),
        qvel(static_cast<std::size_t>(env.qvel_dim()));
    const auto row = static_cast<std::size_t>(data.offsets[static_cast<std::size_t>(e)]);
    if (exact) {
      std::copy_n(&data.qpos[row * qpos.size()], qpos.size(), qpos.begin());
      std::copy_n(&data.qvel[row * qvel.size()], qvel.size(), qvel.begin());
    } else {
      std::copy_n(data.state(e, 0), qpos.size(), qpos.begin());
    }
    env.set_state(e, qpos, qvel);
  }
}

// states[e]: [length + 1][S], the true states before each action and after the last.
std::vector<std::vector<float>> run(envs::BatchEnv& env, const Dataset& data, ReplayOf what,
                                    const ProgressCallback& progress) {
  const auto s = static_cast<std::size_t>(data.state_dim), a = static_cast<std::size_t>(data.action_dim);
  const auto n = static_cast<std::size_t>(data.episodes());
  std::vector<std::vector<float>> states(n);
  std::vector<float> actions(n * a), seen(n * s);
  int longest = 0;
  for (int e = 0; e < data.episodes(); ++e) longest = std::max(longest, data.length(e));
  for (int t = 0; t <= longest; ++t) {
    std::fill(actions.begin(), actions.end(), 0.0f);
    for (std::size_t e = 0; e < n; ++e) {
      const int length = data.length(static_cast<int>(e));
      const auto state = env.state().subspan(e * s, s);
      if (t <= length) states[e].insert(states[e].end(), state.begin(), state.end());
      std::copy_n(data.state(static_cast<int>(e), std::min(t, length - 1)), s, &seen[e * s]);
      if (t < length) std::copy_n(data.action(static_cast<int>(e), t), a, &actions[e * a]);
    }
    report(progress, {.stage = "replay", .done = t, .total = longest});
    if (t == longest) break;
    if (what == ReplayOf::kTargets) {
      env.step_from(seen, actions);
    } else {
      env.step(actions);
    }
  }
  return states;
}

// What the goals' elements came to: `states` as run() gives them.
ReplayReport judge(const envs::BatchEnv& env, const Dataset& data,
                   const std::vector<std::vector<float>>& states) {
  const envs::Spec& spec = env.spec();
  const auto& all = spec.elements;
  std::vector<ReplayCount> counts(all.size());
  ReplayReport report;
  report.episodes = data.episodes();
  report.steps = static_cast<int>(data.steps());
  for (int e = 0; e < data.episodes(); ++e) {
    const envs::Goal goal = env.goals(data.goal_names[static_cast<std::size_t>(e)]).front();
    const std::size_t rows =
        static_cast<std::size_t>(data.length(e)) * static_cast<std::size_t>(data.state_dim);
    const auto recorded = completion(spec, goal, std::span(data.state(e, 0), rows)).any_time,
               replayed = completion(spec, goal, states[static_cast<std::size_t>(e)]).any_time;
    for (std::size_t k = 0; k < goal.elements.size(); ++k) {
      ReplayCount& count = counts[static_cast<std::size_t>(goal.elements[k])];
      ++count.wanted;
      count.recorded += recorded[k];
      count.replayed += recorded[k] && replayed[k];
      report.recorded_steps += recorded[k];
      report.replayed_steps += replayed[k];
    }
  }
  report.recorded_steps /= std::max(1, data.episodes());
  report.replayed_steps /= std::max(1, data.episodes());
  for (std::size_t i = 0; i < all.size(); ++i) {
    counts[i].element = all[i].name;
    if (counts[i].wanted > 0) report.elements.push_back(counts[i]);
  }
  return report;
}

}  // namespace

ReplayReport replay(envs::BatchEnv& env, const Dataset& data, ReplayOf what,
                    const ProgressCallback& progress) {
  check(data, env);
  start(env, data);
  return judge(env, data, run(env, data, what, progress));
}

}  // namespace baton::rl
