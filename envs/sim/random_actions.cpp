#include "envs/sim/random_actions.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::sim {

namespace {

constexpr double kReach = 0.16;  // how far from its joint a position target is, in units of length

}  // namespace

void restart(Batch& batch, int env) {
  const Model<double>& m = batch.model();
  if (m.keyframes.empty())
    batch.reset(env, m.qpos0, std::vector<double>(static_cast<std::size_t>(m.nv)));
  else
    batch.reset(env, m.keyframes[0].qpos, m.keyframes[0].qvel);
}

void random_action(const Model<double>& model, std::uint64_t seed, int env, std::int64_t action,
                   std::span<const double> qpos, std::span<double> ctrl) {
  BATON_REQUIRE(qpos.size() == static_cast<std::size_t>(model.nq), "{} positions given for nq = {}",
                qpos.size(), model.nq);
  BATON_REQUIRE(ctrl.size() == static_cast<std::size_t>(model.nu), "room for {} controls, nu = {}",
                ctrl.size(), model.nu);
  const std::uint64_t first = static_cast<std::uint64_t>(action) * static_cast<std::uint64_t>(model.nu);
  for (std::size_t i = 0; i < ctrl.size(); ++i) {
    const Actuator<double>& a = model.actuators[i];
    const double u = 2.0 * kernels::uniform_at(seed, static_cast<std::uint64_t>(env), first + i) - 1.0;
    const auto [low, high] = a.ctrl_limited ? a.ctrl_range : std::array<double, 2>{-1.0, 1.0};
    if (a.bias[1] == 0) {
      ctrl[i] = 0.5 * (low + high + u * (high - low));
      continue;
    }
    const Joint<double>& joint = model.joints[static_cast<std::size_t>(a.joint)];
    const bool scalar = joint.type == JointType::kHinge || joint.type == JointType::kSlide;
    ctrl[i] = (scalar ? a.gear[0] * qpos[static_cast<std::size_t>(joint.qpos)] : 0.0) + kReach * u;
    if (a.ctrl_limited) ctrl[i] = std::clamp(ctrl[i], low, high);
  }
}

void act_randomly(Batch& batch, std::uint64_t seed, std::int64_t action) {
  std::vector<double> qpos(static_cast<std::size_t>(batch.nq())), ctrl(static_cast<std::size_t>(batch.nu()));
  for (int e = 0; e < batch.size(); ++e) {
    if (action % kEpisodeActions == 0) restart(batch, e);
    batch.get_qpos(e, qpos);
    random_action(batch.model(), seed, e, action, qpos, ctrl);
    batch.set_ctrl(e, ctrl);
  }
}

std::span<const double> RecordedActions::at(int env, int action) const {
  const auto width = static_cast<std::size_t>(nu);
  const auto row =
      static_cast<std::size_t>(env) * static_cast<std::size_t>(actions) + static_cast<std::size_t>(action);
  return std::span(ctrl).subspan(row * width, width);
}

RecordedActions record_random_actions(const Model<double>& model, int envs, int actions, std::uint64_t seed) {
  BATON_REQUIRE(actions >= 0 && actions <= kEpisodeActions, "{} actions do not fit into an episode of {}",
                actions, kEpisodeActions);
  BatchOptions options;
  options.precision = Precision::kDouble;
  Batch batch(model, envs, options);
  RecordedActions record{envs, actions, model.nu, {}};
  const auto width = static_cast<std::size_t>(model.nu);
  record.ctrl.resize(static_cast<std::size_t>(envs) * static_cast<std::size_t>(actions) * width);
  for (int a = 0; a < actions; ++a) {
    act_randomly(batch, seed, a);
    for (int e = 0; e < envs; ++e) {
      const std::size_t row =
          static_cast<std::size_t>(e) * static_cast<std::size_t>(actions) + static_cast<std::size_t>(a);
      batch.get_ctrl(e, std::span(record.ctrl).subspan(row * width, width));
    }
    batch.step(kActionSteps);
    BATON_REQUIRE(batch.counts().diverged == 0, "{}: a trajectory of random actions diverged in action {}",
                  model.file, a);
  }
  return record;
}

}  // namespace baton::sim
