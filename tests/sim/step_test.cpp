// Whole steps: closed forms, and trajectories against MuJoCo.
#include <doctest/doctest.h>

#include <random>
#include <span>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

const char* const kBallOnFloor = R"(
<mujoco><worldbody>
  <geom type="plane" size="1 1 .1"/>
  <body pos="0 0 0.5"><freejoint/><geom type="sphere" size=".1" density="500"/></body>
</worldbody></mujoco>)";

const char* const kBoxOnFloor = R"(
<mujoco><worldbody>
  <geom type="plane" size="1 1 .1"/>
  <body pos="0 0 0.2" euler="5 8 20"><freejoint/><geom type="box" size=".1 .08 .05"/></body>
</worldbody></mujoco>)";

// The floor is level and gravity leans: a box starts at rest on a slope of 30 degrees (friction 0.4: it slides).
const char* const kSlope = R"(
<mujoco><option gravity="4.905 0 -8.4957"/><worldbody>
  <geom type="plane" size="5 5 .1" friction="0.4"/>
  <body pos="0 0 0.05"><freejoint/><geom type="box" size=".1 .1 .05" friction="0.4"/></body>
</worldbody></mujoco>)";

const char* const kPendulum = R"(
<mujoco><option timestep="0.0005"/><worldbody>
  <body pos="0 0 1"><joint axis="0 1 0"/><geom type="capsule" size=".02" fromto="0 0 0 .3 0 0"/>
    <body pos=".3 0 0">
      <joint axis="0 1 0"/>
      <geom type="capsule" size=".02" fromto="0 0 0 .3 0 0" contype="0" conaffinity="0"/>
    </body>
  </body>
</worldbody></mujoco>)";

#ifdef BATON_HAVE_MUJOCO
// Both simulators from the same random state for `steps` steps; checks the state every hundredth.
void compare_trajectories(const char* xml, unsigned seed, int steps, double spread, double speed,
                          double tolerance) {
  auto o = test::Oracle::from_text(xml);
  test::tighten(o);
  Data<double> d(o.model);
  if (seed > 0) o.random_state(seed, d, spread, speed);
  o.copy_state(d);
  for (int k = 1; k <= steps; ++k) {
    mj_step(o.m, o.d);
    step(o.model, d);
    if (k % 100 != 0) continue;
    CAPTURE(k);
    check_close(std::span(d.qpos), std::span(o.d->qpos, d.qpos.size()), tolerance, tolerance, "qpos");
    check_close(std::span(d.qvel), std::span(o.d->qvel, d.qvel.size()), 100 * tolerance, 100 * tolerance,
                "qvel");
  }
}
#endif

}  // namespace

TEST_CASE("free fall follows the closed form of semi-implicit Euler") {
  const Model<double> m = mjcf::parse(kBallOnFloor, "ball");
  Data<double> d(m);
  const double h = m.option.timestep, g = 9.81;
  for (int n = 1; n <= 100; ++n) {
    step(m, d);
    CHECK(std::fabs(d.qpos[2] - (0.5 - g * h * h * n * (n + 1) / 2)) < 1e-12);
    CHECK(std::fabs(d.qvel[2] + g * h * n) < 1e-12);
  }
}

TEST_CASE("a ball comes to rest on the floor and is carried by its weight") {
  const Model<double> m = mjcf::parse(kBallOnFloor, "ball");
  Data<double> d(m);
  for (int k = 0; k < 2000; ++k) step(m, d);
  CHECK(std::fabs(d.qvel[2]) < 1e-6);
  CHECK(d.qpos[2] > 0.099);
  CHECK(d.qpos[2] < 0.1);
  CHECK(std::fabs(d.qfrc_constraint[2] - 9.81 * m.bodies[1].mass) < 1e-6 * 9.81 * m.bodies[1].mass);
}

TEST_CASE("a box falls onto the floor and lies still, flat") {
  const Model<double> m = mjcf::parse(kBoxOnFloor, "box");
  Data<double> d(m);
  for (int k = 0; k < 2000; ++k) step(m, d);
  const double x = d.qpos[0], y = d.qpos[1];
  for (int k = 0; k < 1000; ++k) step(m, d);
  for (double v : d.qvel) CHECK(std::fabs(v) < 1e-5);
  CHECK(std::fabs(d.qpos[2] - 0.05) < 1e-3);
  CHECK(d.xmat[1](2, 2) > 0.99999);
  CHECK(std::fabs(d.qpos[0] - x) < 1e-5);
  CHECK(std::fabs(d.qpos[1] - y) < 1e-5);
}

TEST_CASE("a box slides down a slope as Coulomb friction says") {
  const Model<double> m = mjcf::parse(kSlope, "slope");
  Data<double> d(m);
  for (int k = 0; k < 500; ++k) step(m, d);
  // Soft contacts creep and the start is a small bounce: within 2 %.
  const double expected = (4.905 - 0.4 * 8.4957) * 500 * m.option.timestep;
  CHECK(std::fabs(d.qvel[0] - expected) < 0.02 * expected);
}

TEST_CASE("balls and boxes on the floor and on a slope follow MuJoCo's trajectories") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  compare_trajectories(kBallOnFloor, 0, 1000, 0, 0, 1e-8);
  compare_trajectories(kSlope, 0, 500, 0, 0, 1e-6);
  compare_trajectories(kBoxOnFloor, 0, 300, 0, 0, 1e-6);
#endif
}

TEST_CASE("the kitchen's accelerations equal MuJoCo's along a random motion of the arm") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  auto o = test::Oracle::from_file(test::source_path("envs/kitchen/kitchen.xml"));
  test::tighten(o);
  Data<double> d(o.model);
  REQUIRE(!o.model.keyframes.empty());
  d.qpos = o.model.keyframes[0].qpos;
  std::mt19937 gen(7);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int k = 0; k < 1200; ++k) {
    if (k % 40 == 0)
      for (std::size_t u = 0; u < d.ctrl.size(); ++u)
        d.ctrl[u] = d.qpos[o.model.joints[o.model.actuators[u].joint].qpos] + 0.3 * unit(gen);
    if (k % 30 == 29) {
      forward(o.model, d);
      o.copy_state(d);
      mj_forward(o.m, o.d);
      REQUIRE(d.ncontact == o.d->ncon);
      double size = 1;
      for (double a : d.qacc) size = std::max(size, std::fabs(a));
      check_close(std::span(d.qacc), std::span(o.d->qacc, d.qacc.size()), 0, 1e-6 * size, "qacc");
    }
    step(o.model, d);
  }
  CHECK(d.ncontact > 0);
#endif
}

TEST_CASE("what the simulator cannot do is refused") {
  Model<double> m = mjcf::parse(kBallOnFloor, "ball");
  CHECK_NOTHROW(check_supported(m));
  m.joints[0].force_limited = true;
  CHECK_THROWS_WITH_AS(check_supported(m), doctest::Contains("hinge and slide"), Error);
}
