#include "envs/kitchen/arm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/bias.hpp"
#include "envs/sim/inertia.hpp"
#include "envs/sim/kinematics.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

namespace baton::envs {
namespace {

ArmJoints random_joints(kernels::Random& random) {
  ArmJoints q;
  for (int j = 0; j < kArmJoints; ++j) {
    const auto& range = kitchen_model().joints[j].range;
    q[j] = range[0] + 0.1 + (range[1] - range[0] - 0.2) * random.uniform_double();
  }
  return q;
}

TEST_CASE("arm: pose and gravity load are the simulator's") {
  const auto& model = kitchen_model();
  const Arm arm(model);
  sim::Data<double> d(model);
  kernels::Random random(3);
  const int site = model.site_id("end_effector");
  for (int trial = 0; trial < 20; ++trial) {
    const ArmJoints q = random_joints(random);
    for (int j = 0; j < kArmJoints; ++j) d.qpos[j] = q[j];
    sim::kinematics(model, d);
    sim::inertia(model, d);
    sim::bias(model, d);
    const ArmPose pose = arm.pose(q);
    const Vec3d tip = d.site_xpos[site] + d.site_xmat[site].col(2) * 0.043;
    test::check_close(std::vector<double>{pose.tip.x, pose.tip.y, pose.tip.z},
                      std::vector<double>{tip.x, tip.y, tip.z}, 0, 1e-12, "tip");
    test::check_close(std::vector<double>(pose.rotation.m, pose.rotation.m + 9),
                      std::vector<double>(d.site_xmat[site].m, d.site_xmat[site].m + 9), 0, 1e-12,
                      "rotation");
    const ArmJoints load = arm.gravity_load(q);
    test::check_close(std::vector<double>(load.begin(), load.end()),
                      std::vector<double>(d.qfrc_bias.begin(), d.qfrc_bias.begin() + kArmJoints), 0, 1e-9,
                      "gravity");
  }
}

TEST_CASE(
    "arm: repeated approaches reach a reachable pose, step by bounded step, within the joints' ranges") {
  const Arm arm(kitchen_model());
  ArmJoints q{0.15, -1.4, 1.84, -2.4, 0.26, 0.9, 1.6};
  ArmTarget target;
  target.tip = {-0.3, 0.5, 2.25};
  target.pointing = {0.2, 0.95, -0.15};
  target.finger = {1, 0, 0};
  target.posture = {-1.20, -1.0, 1.42, -2.05, 0, 1.38, 1.03};
  for (int i = 0; i < 120; ++i) {
    const Vec3d before = arm.pose(q).tip;
    q = arm.approach(q, target);
    CHECK(sim::norm(arm.pose(q).tip - before) < 1.3 * target.max_step);
    for (int j = 0; j < kArmJoints; ++j) {
      CHECK(q[j] >= kitchen_model().joints[j].range[0]);
      CHECK(q[j] <= kitchen_model().joints[j].range[1]);
    }
  }
  const ArmPose pose = arm.pose(q);
  CHECK(sim::norm(pose.tip - target.tip) < 0.003);
  const Vec3d z = target.pointing * (1 / sim::norm(target.pointing));
  CHECK(sim::dot(pose.rotation.col(2), z) > 0.999);
}

}  // namespace
}  // namespace baton::envs
