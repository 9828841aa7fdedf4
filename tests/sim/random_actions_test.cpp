// The workload of the measurements: what its definition says, and the same whoever asks.
#include "envs/sim/random_actions.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::sim {
namespace {

const char* const kModel = R"(<mujoco>
  <worldbody>
    <body pos="0 0 2">
      <joint name="a" axis="0 1 0" damping="0.5"/><geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.05"/>
      <body pos="0.5 0 0">
        <joint name="b" axis="0 1 0" damping="0.5"/><geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.05"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position joint="a" kp="50" gear="2" ctrllimited="true" ctrlrange="-0.1 0.1"/>
    <position joint="b" kp="50"/>
    <motor joint="a" ctrllimited="true" ctrlrange="2 6"/>
    <motor joint="b"/>
  </actuator>
  <keyframe><key qpos="0.3 -0.4" qvel="0.1 0.2"/></keyframe>
</mujoco>)";

TEST_CASE("random actions: each control is what the definition says") {
  const Model<double> m = mjcf::parse(kModel, "m.xml");
  const std::vector<double> qpos{0.02, 1.5};
  std::vector<double> c(4);
  double low = 1e9, high = -1e9;
  for (int action = 0; action < 400; ++action) {
    random_action(m, 7, 3, action, qpos, c);
    const auto u = [&](int i) {
      return 2.0 * kernels::uniform_at(7, 3, static_cast<std::uint64_t>(4 * action + i)) - 1.0;
    };
    CHECK(c[0] == std::clamp(2 * 0.02 + 0.16 * u(0), -0.1, 0.1));
    CHECK(std::fabs(c[1] - (1.5 + 0.16 * u(1))) < 1e-15);
    CHECK(std::fabs(c[2] - (4.0 + 2.0 * u(2))) < 1e-14);
    CHECK(std::fabs(c[3] - u(3)) < 1e-15);
    low = std::min(low, c[3]), high = std::max(high, c[3]);
  }
  CHECK(low < -0.97);
  CHECK(high > 0.97);
  CHECK_THROWS_AS(random_action(m, 7, 3, 0, {}, c), Error);
}

TEST_CASE(
    "random actions: an episode starts at keyframe 0; a recording is what the loop did, for any batch") {
  const Model<double> m = mjcf::parse(kModel, "m.xml");
  const RecordedActions three = record_random_actions(m, 3, 5, 11), one = record_random_actions(m, 1, 2, 11);
  BatchOptions options;
  options.precision = Precision::kDouble;
  Batch batch(m, 3, options);
  std::vector<double> qpos(2), ctrl(4);
  for (int action = 0; action < 5; ++action) {
    act_randomly(batch, 11, action);
    for (int e = 0; e < 3; ++e) {
      batch.get_qpos(e, qpos);
      batch.get_ctrl(e, ctrl);
      if (action == 0) CHECK(qpos == m.keyframes[0].qpos);
      CHECK(std::equal(ctrl.begin(), ctrl.end(), three.at(e, action).begin(), three.at(e, action).end()));
    }
    batch.step(kActionSteps);
  }
  for (int action = 0; action < 2; ++action)
    CHECK(std::ranges::equal(one.at(0, action), three.at(0, action)));
  CHECK_FALSE(std::ranges::equal(three.at(0, 1), three.at(1, 1)));
  CHECK_THROWS_AS(record_random_actions(m, 1, kEpisodeActions + 1, 1), Error);
}

TEST_CASE("batch: stages are timed only when asked for, and change no bit") {
  const Model<double> m = mjcf::parse(kModel, "m.xml");
  Batch timed(m, 5), plain(m, 5);
  for (Batch* b : {&timed, &plain}) act_randomly(*b, 1, 0);
  timed.time_stages(true);
  timed.step(7);
  timed.time_stages(false);
  timed.step(3);
  plain.step(10);
  const StageTimes times = timed.stage_times();
  CHECK(times.steps + times.interrupted == 35);
  for (std::size_t i = 0; i < kStages; ++i)
    CHECK_MESSAGE((times.ticks[i] > 0) == (times.steps > 0), kStageNames[i]);
  CHECK(plain.stage_times().steps == 0);
  CHECK(plain.stage_times().ticks == std::array<std::uint64_t, kStages>{});
  std::vector<double> a(2), b(2);
  for (int e = 0; e < 5; ++e) {
    timed.get_qpos(e, a), plain.get_qpos(e, b);
    CHECK(a == b);
  }
}

}  // namespace
}  // namespace baton::sim
