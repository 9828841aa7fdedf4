// The MJCF loader against MuJoCo's own compiled models, and its errors.
#include "tests/sim/mjcf_compare.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

TEST_CASE("mjcf: every field and pair of every model of the folder equals MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  for (const auto& path : test::model_files()) {
    CAPTURE(path);
    test::check_model(path);
  }
#endif
}

TEST_CASE("mjcf: every field and pair of the kitchen equals MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  test::check_model(test::source_path("envs/kitchen/kitchen.xml"));
#endif
}

TEST_CASE("mjcf: every field and pair of the original kitchen equals MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  const std::string path = test::franka_kitchen();
  if (!path.empty()) test::check_model(path);
#endif
}

TEST_CASE("mjcf: flags carry out what they say") {
  const std::string text =
      R"(<mujoco><option><flag FLAG="disable"/></option><worldbody><geom type="plane" size="1 1 1"/>
    <body><joint range="-1 1" stiffness="1" damping="2" frictionloss="3"/><geom size="1"/>
    <body><joint name="j"/><geom size="1"/></body></body></worldbody>
    <equality><joint joint1="j"/></equality>
    <actuator><position joint="j" kp="5" ctrlrange="-1 1"/></actuator></mujoco>)";
  const auto with = [&](const std::string& flag) {
    std::string t = text;
    return mjcf::parse(t.replace(t.find("FLAG"), 4, flag));
  };
  const auto plain = with("sensor");
  CHECK(plain.pairs.size() == 2);
  CHECK(plain.joints[0].limited);
  CHECK(with("contact").pairs.empty());
  CHECK(with("filterparent").pairs.size() == 3);
  CHECK(!with("limit").joints[0].limited);
  CHECK(with("spring").joints[0].stiffness == 0);
  CHECK(with("damper").dofs[0].damping == 0);
  CHECK(with("frictionloss").dofs[0].frictionloss == 0);
  CHECK(with("gravity").option.gravity.z == 0);
  CHECK(!with("equality").equalities[0].active);
  CHECK(!with("clampctrl").actuators[0].ctrl_limited);
  CHECK(with("actuation").actuators[0].gain[0] == 0);
  const auto free = with("constraint");
  CHECK((free.pairs.empty() && !free.joints[0].limited && free.dofs[0].frictionloss == 0 &&
         !free.equalities[0].active));
}

TEST_CASE("mjcf: the float model holds the double model's numbers, each rounded once") {
  const Model<double> m = mjcf::load(test::model_path("contacts.xml"));
  const Model<float> f = to_float(m);
  REQUIRE(f.bodies.size() == m.bodies.size());
  REQUIRE(f.pairs.size() == m.pairs.size());
  REQUIRE(f.geoms.size() == m.geoms.size());
  REQUIRE(f.dofs.size() == m.dofs.size());
  CHECK((f.nq == m.nq && f.nv == m.nv && f.nu == m.nu && f.ntree == m.ntree));
  check_close(f.qpos0, m.qpos0, 1e-7, 0, "qpos0");
  for (std::size_t i = 0; i < m.bodies.size(); ++i) {
    CHECK(f.bodies[i].name == m.bodies[i].name);
    CHECK(f.bodies[i].mass == static_cast<float>(m.bodies[i].mass));
    CHECK(f.bodies[i].inertia.y == static_cast<float>(m.bodies[i].inertia.y));
    CHECK(f.bodies[i].invweight[0] == static_cast<float>(m.bodies[i].invweight[0]));
    CHECK(f.bodies[i].last_dof == m.bodies[i].last_dof);
  }
  for (std::size_t i = 0; i < m.pairs.size(); ++i) {
    CHECK(f.pairs[i].geom1 == m.pairs[i].geom1);
    CHECK(f.pairs[i].friction[2] == static_cast<float>(m.pairs[i].friction[2]));
    CHECK(f.pairs[i].softness.solimp[2] == static_cast<float>(m.pairs[i].softness.solimp[2]));
    CHECK(f.pairs[i].margin == static_cast<float>(m.pairs[i].margin));
  }
  CHECK(f.mean_inertia == static_cast<float>(m.mean_inertia));
}
