#include "cli/replay.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/interrupt.hpp"
#include "cli/table.hpp"
#include "envs/kitchen/kitchen_env.hpp"
#include "envs/sim/batch.hpp"
#include "envs/sim/mjcf/load.hpp"
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

struct Start {
  std::vector<double> qpos, qvel;
};

// The first recorded state of an episode: exact where the file has it, else as observed and at rest.
Start first_state(const rl::Dataset& data, int episode) {
  Start s{std::vector<double>(envs::kKitchenStateDim), std::vector<double>(envs::kKitchenQvelDim)};
  const auto row = static_cast<std::size_t>(data.offsets[static_cast<std::size_t>(episode)]);
  if (data.qpos_dim == envs::kKitchenStateDim && data.qvel_dim == envs::kKitchenQvelDim) {
    std::copy_n(&data.qpos[row * s.qpos.size()], s.qpos.size(), s.qpos.begin());
    std::copy_n(&data.qvel[row * s.qvel.size()], s.qvel.size(), s.qvel.begin());
  } else {
    std::copy_n(data.state(episode, 0), s.qpos.size(), s.qpos.begin());
  }
  return s;
}

void start(envs::KitchenEnv& env, const rl::Dataset& data) {
  env.reset(std::vector<std::uint64_t>(static_cast<std::size_t>(data.episodes()), 0));
  for (int e = 0; e < data.episodes(); ++e) {
    const Start s = first_state(data, e);
    env.set_state(e, s.qpos, s.qvel);
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
    throw_if_interrupted();
    if (t < longest) env.step(actions);
  }
  return states;
}

// The batch counterpart of run(): the recording's own targets on any model of the kitchen's shape.
std::vector<std::vector<float>> run_open_loop(sim::Batch& batch, const rl::Dataset& data) {
  const auto n = static_cast<std::size_t>(data.episodes()), s = static_cast<std::size_t>(data.state_dim);
  std::vector<std::vector<float>> states(n);
  std::vector<double> qpos(s), target(envs::kKitchenActionDim);
  int longest = 0;
  for (int e = 0; e < data.episodes(); ++e) longest = std::max(longest, data.length(e));
  for (int t = 0; t <= longest; ++t) {
    for (int e = 0; e < data.episodes(); ++e) {
      if (t > data.length(e)) continue;
      batch.get_qpos(e, qpos);
      states[static_cast<std::size_t>(e)].insert(states[static_cast<std::size_t>(e)].end(), qpos.begin(),
                                                 qpos.end());
      if (t == data.length(e)) continue;
      const float *seen = data.state(e, t), *action = data.action(e, t);
      for (std::size_t j = 0; j < target.size(); ++j) {
        const double wanted =
            seen[j] + 0.16 * static_cast<double>(action[j]);  // in double, as it was recorded
        target[j] = std::clamp<double>(wanted, envs::kKitchenTargetLow[j], envs::kKitchenTargetHigh[j]);
      }
      batch.set_ctrl(e, target);
    }
    throw_if_interrupted();
    if (t < longest) batch.step(envs::kKitchenSubsteps);
  }
  return states;
}

// What the goals' elements came to: `states` as run() gives them.
ReplayReport judge(const rl::Dataset& data, const std::vector<std::vector<float>>& states) {
  const envs::Spec& spec = envs::kitchen_spec();
  const auto& all = spec.elements;
  std::vector<ReplayCount> counts(all.size());
  ReplayReport report;
  report.episodes = data.episodes();
  report.steps = static_cast<int>(data.steps());
  std::vector<std::uint8_t> recorded, replayed, at_end;
  for (int e = 0; e < data.episodes(); ++e) {
    const envs::Goal goal = envs::kitchen_goals(data.goal_names[static_cast<std::size_t>(e)]).front();
    const std::size_t rows =
        static_cast<std::size_t>(data.length(e)) * static_cast<std::size_t>(data.state_dim);
    for (auto* flags : {&recorded, &replayed, &at_end}) flags->resize(goal.elements.size());
    rl::completion(spec, goal, std::span(data.state(e, 0), rows), recorded, at_end);
    rl::completion(spec, goal, states[static_cast<std::size_t>(e)], replayed, at_end);
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

ReplayReport replay(const rl::Dataset& data) {
  envs::EnvOptions options;
  options.size = std::max(1, data.episodes());
  options.threads = kernels::threads();
  options.noise_ratio = 0;
  envs::KitchenEnv env(options);
  check(data, env.spec());
  start(env, data);
  return judge(data, run(env, data));
}

ReplayReport replay_on_model(const rl::Dataset& data, const std::string& model_file, bool in_double) {
  check(data, envs::kitchen_spec());
  const sim::Model<double> model = sim::mjcf::load(model_file);
  BATON_REQUIRE(model.nq == envs::kKitchenStateDim && model.nv == envs::kKitchenQvelDim &&
                    model.nu == envs::kKitchenActionDim,
                "{}: nq {}, nv {}, nu {}; a kitchen has {}, {} and {}", model_file, model.nq, model.nv,
                model.nu, envs::kKitchenStateDim, envs::kKitchenQvelDim, envs::kKitchenActionDim);
  sim::BatchOptions options;
  if (in_double) options.precision = sim::Precision::kDouble;
  sim::Batch batch(model, std::max(1, data.episodes()), options);
  for (int e = 0; e < data.episodes(); ++e) {
    const Start first = first_state(data, e);
    batch.reset(e, first.qpos, first.qvel);
  }
  return judge(data, run_open_loop(batch, data));
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
