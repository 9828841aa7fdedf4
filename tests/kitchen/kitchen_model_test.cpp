#include "envs/kitchen/kitchen_model.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "envs/kitchen/goals.hpp"
#include "envs/sim/batch.hpp"
#include "tests/support/compare.hpp"

namespace baton::envs {
namespace {

TEST_CASE("kitchen model: qpos holds the joints in the published order") {
  const auto& m = kitchen_model();
  CHECK(m.nq == 30);
  CHECK(m.nv == 29);
  CHECK(m.nu == 9);
  const std::vector<std::string> names{"arm_1",
                                       "arm_2",
                                       "arm_3",
                                       "arm_4",
                                       "arm_5",
                                       "arm_6",
                                       "arm_7",
                                       "finger_1",
                                       "finger_2",
                                       "knob_1",
                                       "burner_1",
                                       "knob_2",
                                       "burner_2",
                                       "knob_3",
                                       "burner_3",
                                       "knob_4",
                                       "burner_4",
                                       "light_switch",
                                       "light",
                                       "slide_cabinet",
                                       "left_hinge_cabinet",
                                       "right_hinge_cabinet",
                                       "microwave",
                                       "kettle"};
  REQUIRE(m.joints.size() == names.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    CHECK(m.joints[j].name == names[j]);
    CHECK(m.joints[j].qpos == static_cast<int>(j));
  }
}

TEST_CASE("kitchen model: ranges, gains and couplings are the published ones") {
  const auto& m = kitchen_model();
  const std::array<double, 23> low{-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -1.6573, -2.8973, 0,
                                   0,       -1.57,   -0.009,  -1.57,   -0.009,  -1.57,   -0.009,  -1.57,
                                   -0.009,  -0.7,    -0.05,   0,       -1.57,   0,       -2.094};
  const std::array<double, 23> high{2.8973, 1.7628, 2.8973, -0.4, 2.8973, 2.1127, 2.8973, 0.04,
                                    0.04,   0,      0,      0,    0,      0,      0,      0,
                                    0,      0,      0,      0.44, 0,      1.57,   0};
  for (std::size_t j = 0; j < low.size(); ++j) {
    CHECK(m.joints[j].limited);
    CHECK(m.joints[j].range[0] == low[j]);
    CHECK(m.joints[j].range[1] == high[j]);
  }
  const std::array<double, 9> gain{870, 870, 870, 870, 120, 120, 120, 500, 500},
      force{87, 87, 87, 87, 12, 12, 12, 70, 70};
  for (std::size_t u = 0; u < gain.size(); ++u) {
    CHECK(m.actuators[u].gain[0] == gain[u]);
    CHECK(m.actuators[u].bias[1] == -gain[u]);
    CHECK(m.actuators[u].force_range[1] == force[u]);
  }
  REQUIRE(m.equalities.size() == 5);
  for (int k = 0; k < 5; ++k) CHECK(m.equalities[k].polycoef[1] == (k < 4 ? 174 : 14));
  REQUIRE(m.keyframe_id("start") == 0);
  const std::vector<double> start(kitchen_start().begin(), kitchen_start().end());
  test::check_close(m.keyframes[0].qpos, start, 0, 1e-6, "keyframe");
}

TEST_CASE("kitchen model: at the start nothing touches but the kettle's feet") {
  sim::Batch batch(kitchen_model(), 1, {sim::Precision::kDouble, ""});
  std::array<double, 30> qpos;
  for (int i = 0; i < 30; ++i) qpos[i] = kitchen_start()[i];
  qpos[25] -= 0.0015;  // the kettle, set down
  batch.reset(0, qpos, std::array<double, 29>{});
  batch.step(1);
  CHECK(batch.contacts(0) == 4);
}

}  // namespace
}  // namespace baton::envs
