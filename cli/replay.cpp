#include "cli/replay.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/table.hpp"
#include "envs/kitchen/kitchen_env.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/evaluate.hpp"

namespace baton::cli {
namespace {

void check(const rl::Dataset& data, const envs::Spec& spec) {
  BATON_REQUIRE(data.state_dim == spec.state_dim && data.action_dim == spec.action_dim,
                "replay: the recording has states of {} and actions of {} numbers; the kitchen has {} and {}",
                data.state_dim, data.action_dim, spec.state_dim, spec.action_dim);
  BATON_REQUIRE(!data.goal_names.empty(), "replay: the recording names no compound goals (episode_goals)");
}

void start(envs::KitchenEnv& env, const rl::Dataset& data) {
  std::vector<std::uint64_t> seeds(static_cast<std::size_t>(data.episodes()), 0);
  env.reset(seeds);
  std::vector<double> qpos(envs::kKitchenStateDim), qvel(envs::kKitchenStateDim - 1), zero = qvel;
  const bool exact =
      data.qpos_dim == static_cast<int>(qpos.size()) && data.qvel_dim == static_cast<int>(qvel.size());
  for (int e = 0; e < data.episodes(); ++e) {
    const auto row = static_cast<std::size_t>(data.offsets[static_cast<std::size_t>(e)]);
    if (exact) {
      std::copy_n(&data.qpos[row * qpos.size()], qpos.size(), qpos.begin());
      std::copy_n(&data.qvel[row * qvel.size()], qvel.size(), qvel.begin());
    } else {
      std::copy_n(data.state(e, 0), qpos.size(), qpos.begin());
    }
    env.set_state(e, qpos, exact ? qvel : zero);
  }
}

// states[e]: [length + 1][S], the true states before each action and after the last.
std::vector<std::vector<float>> run(envs::KitchenEnv& env, const rl::Dataset& data) {
  const auto s = static_cast<std::size_t>(data.state_dim), a = static_cast<std::size_t>(data.action_dim);
  const auto n = static_cast<std::size_t>(data.episodes());
  std::vector<std::vector<float>> states(n);
  std::vector<float> actions(n * a);
  int longest = 0;
  for (int e = 0; e < data.episodes(); ++e) longest = std::max(longest, data.length(e));
  for (int t = 0; t <= longest; ++t) {
    std::fill(actions.begin(), actions.end(), 0.0f);
    for (std::size_t e = 0; e < n; ++e) {
      const int length = data.length(static_cast<int>(e));
      const auto state = env.state().subspan(e * s, s);
      if (t <= length) states[e].insert(states[e].end(), state.begin(), state.end());
      if (t < length) std::copy_n(data.action(static_cast<int>(e), t), a, &actions[e * a]);
    }
    if (t < longest) env.step(actions);
  }
  return states;
}

}  // namespace

ReplayReport replay(const rl::Dataset& data) {
  envs::EnvOptions options;
  options.size = std::max(1, data.episodes());
  options.threads = kernels::threads();
  options.noise_ratio = 0;
  envs::KitchenEnv env(options);
  check(data, env.spec());
  start(env, data);
  const auto states = run(env, data);
  const auto& all = env.spec().elements;
  std::vector<ReplayCount> counts(all.size());
  ReplayReport report;
  report.episodes = data.episodes();
  report.steps = static_cast<int>(data.steps());
  std::vector<std::uint8_t> recorded, replayed, at_end;
  for (int e = 0; e < data.episodes(); ++e) {
    const envs::Goal goal = env.goals(data.goal_names[static_cast<std::size_t>(e)]).front();
    const std::size_t rows =
        static_cast<std::size_t>(data.length(e)) * static_cast<std::size_t>(data.state_dim);
    for (auto* flags : {&recorded, &replayed, &at_end}) flags->resize(goal.elements.size());
    rl::completion(env.spec(), goal, std::span(data.state(e, 0), rows), recorded, at_end);
    rl::completion(env.spec(), goal, states[static_cast<std::size_t>(e)], replayed, at_end);
    for (std::size_t k = 0; k < goal.elements.size(); ++k) {
      ReplayCount& count = counts[static_cast<std::size_t>(goal.elements[k])];
      ++count.wanted;
      count.recorded += recorded[k];
      count.replayed += recorded[k] && replayed[k];
      report.recorded_steps += recorded[k];
      report.replayed_steps += replayed[k];
    }
  }
  report.recorded_steps /= options.size;
  report.replayed_steps /= options.size;
  for (std::size_t i = 0; i < all.size(); ++i) {
    counts[i].element = all[i].name;
    if (counts[i].wanted > 0) report.elements.push_back(counts[i]);
  }
  return report;
}

std::string replay_table(const ReplayReport& report) {
  Table table({"element", "wanted", "completed in the recording", "of those, in the replay"});
  for (const ReplayCount& c : report.elements)
    table.add_row({c.element, fmt::format("{}", c.wanted), fmt::format("{}", c.recorded),
                   fmt::format("{}", c.replayed)});
  return fmt::format(
      "{}{} episodes, {} actions: {:.2f} elements an episode in the recording, {:.2f} in the replay\n",
      table.text(), report.episodes, report.steps, report.recorded_steps, report.replayed_steps);
}

}  // namespace baton::cli
