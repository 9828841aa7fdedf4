// What stands still is passed by: without changing a bit, until something touches or moves it.
#include "envs/sim/rest.hpp"

#include <doctest/doctest.h>

#include <random>

#include "envs/sim/batch.hpp"
#include "tests/sim/constraint_scene.hpp"
#include "tests/sim/step_instances.hpp"

using namespace baton;
using namespace baton::sim;
using L = Lanes<float, 4>;

namespace {

// A box on the floor, a plate that hangs from a point, a door, a knob and its flame, and a pusher that reaches the box
// when its control is 1.
Model<double> workshop(const std::string& more = "") {
  return mjcf::parse(R"(
    <mujoco>
      <compiler angle="radian" autolimits="true"/>
      <option timestep="0.002"/>
      <worldbody>
        <geom name="floor" type="plane" size="2 2 .1"/>
        <body name="box" pos="0 0 .05"> <freejoint/> <geom type="box" size=".1 .07 .05"/> </body>
        <body name="plate" pos="1 0 .5" gravcomp=".5"> <freejoint/> <geom type="box" size=".1 .1 .01"/> </body>
        <body name="door" pos="0 1 .5">
          <joint axis="0 0 1" range="0 1.5" damping="1" frictionloss=".1"/>
          <geom type="box" pos=".2 0 0" size=".2 .01 .3"/>
        </body>
        <body name="knob" pos="0 -1 .5">
          <joint name="knob" axis="0 0 1" damping=".5" armature=".01"/>
          <geom type="capsule" fromto="0 0 0 .1 0 0" size=".02"/>
        </body>
        <body name="flame" pos="0 -1 .8">
          <joint name="flame" type="slide" axis="0 1 0" damping="50" armature="1"/>
          <geom type="sphere" size=".02"/>
        </body>
        <body name="pusher" pos="-.5 0 .1">
          <joint name="push" type="slide" axis="1 0 0" damping="20"/>
          <geom type="sphere" size=".05" mass="1"/>
        </body>)" + more +
                     R"(
      </worldbody>
      <equality>
        <joint joint1="flame" joint2="knob" polycoef="0 .1 0 0 0"/>
        <connect body1="plate" anchor="0 0 .2"/>
      </equality>
      <actuator> <position joint="push" kp="200" ctrlrange="0 1"/> </actuator>
    </mujoco>)");
}

int body(const Model<float>& m, const std::string& name) {
  for (std::size_t b = 0; b < m.bodies.size(); ++b)
    if (m.bodies[b].name == name) return static_cast<int>(b);
  FAIL("no body '", name, "'");
  return -1;
}

template <class T>
void steps(const Model<scalar_t<T>>& m, Data<T>& d, int count) {
  for (int k = 0; k < count; ++k) step(m, d);
}

constexpr int kSettling = 3000;  // steps after which nothing of the workshop moves

void check_lane(const Data<L>& got, int at, const Data<L>& want, int want_at) {
  const auto same = [&](const std::vector<L>& g, const std::vector<L>& w) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      CAPTURE(i);
      CHECK(g[i][at] == w[i][want_at]);
    }
  };
  same(got.qpos, want.qpos);
  same(got.qvel, want.qvel);
  same(got.qacc_warmstart, want.qacc_warmstart);
  same(got.qacc, want.qacc);
  same(got.qfrc_constraint, want.qfrc_constraint);
  for (std::size_t b = 0; b < want.xpos.size(); ++b) CHECK(got.xpos[b].z[at] == want.xpos[b].z[want_at]);
}

}  // namespace

TEST_CASE("rest: what nothing drives comes to a standstill, in float") {
  const Model<float> m = to_float(workshop());
  Data<float> d(m);
  steps(m, d, kSettling);
  for (const std::string name : {"box", "plate", "door", "knob", "flame"}) {
    CAPTURE(name);
    CHECK(d.rest.still_body(body(m, name)));
  }
  CHECK_FALSE(d.rest.still_body(body(m, "pusher")));
  CHECK(d.ncontact == 4);  // the box on the floor
  CHECK(d.contact_count == 4.0f);
  const float height = d.qpos[2];
  CHECK(height < 0.05f);
  CHECK(height > 0.049f);
}

TEST_CASE("rest: double, the reference, never rests, nor does a model with a hand that no dof moves") {
  const Model<double> m = workshop();
  Data<double> d(m);
  steps(m, d, kSettling);
  for (std::size_t b = 0; b < m.bodies.size(); ++b) CHECK_FALSE(d.rest.still_body(static_cast<int>(b)));
  const Model<float> hand = to_float(workshop(R"(<body mocap="true" pos="0 0 2"><geom size=".1"/></body>)"));
  Data<float> held(hand);
  steps(hand, held, kSettling);
  for (std::size_t b = 0; b < hand.bodies.size(); ++b) CHECK_FALSE(held.rest.still_body(static_cast<int>(b)));
}

TEST_CASE("rest: a lane's bits are the same whether its neighbours let a tile pass things by or not") {
  const Model<float> m = to_float(workshop());
  Data<L> quiet(m), busy(m);
  std::mt19937 gen(5);
  std::uniform_real_distribution<float> unit(-1, 1);
  int passed_by = 0, woken = 0;
  for (int k = 0; k < 5000; ++k) {
    quiet.ctrl[0] = L(k < 4000 ? 0.0f : 1.0f);
    busy.ctrl[0] = quiet.ctrl[0];
    if (k % 5 == 0)
      for (L& v : busy.qvel)
        for (int at = 1; at < 4; ++at) v.set(at, unit(gen));
    step(m, quiet);
    step(m, busy);
    passed_by += quiet.rest.still_body(body(m, "box"));
    woken += k >= 4000 && !quiet.rest.still_body(body(m, "box"));
    for (std::size_t b = 0; b < m.bodies.size(); ++b) CHECK_FALSE(busy.rest.still_body(static_cast<int>(b)));
    if (k % 100 == 99 || (k > 4000 && k < 4400)) {
      CAPTURE(k);
      check_lane(busy, 0, quiet, 0);
      check_lane(quiet, 3, quiet, 0);
    }
  }
  CHECK(passed_by > 1000);
  CHECK(woken > 100);
  CHECK(quiet.qpos[0][0] > 0.2f);  // pushed away
}

TEST_CASE("rest: contacts and rows of a woken tile are those of a fresh one") {
  const Model<float> m = to_float(workshop());
  Data<float> d(m);
  steps(m, d, kSettling);
  REQUIRE(d.rest.still_body(body(m, "box")));
  CHECK(d.efc.nrow == 0);
  d.qvel[m.joints[m.bodies[body(m, "door")].joint].dof] = 0.5f;
  Data<float> fresh(m);
  fresh.qpos = d.qpos, fresh.qvel = d.qvel, fresh.qacc_warmstart = d.qacc_warmstart;
  forward(m, d);
  forward(m, fresh);
  CHECK_FALSE(d.rest.still_body(body(m, "door")));
  CHECK(d.rest.still_body(body(m, "box")));
  REQUIRE(d.ncontact == fresh.ncontact);
  for (int n = 0; n < d.ncontact; ++n) {
    CAPTURE(n);
    CHECK(d.contacts[n].pair == fresh.contacts[n].pair);
    CHECK(d.contacts[n].dist == fresh.contacts[n].dist);
    CHECK(d.contacts[n].pos.x == fresh.contacts[n].pos.x);
    CHECK(d.contacts[n].frame.m[4] == fresh.contacts[n].frame.m[4]);
  }
  for (int i = 0; i < m.nv; ++i) {
    CAPTURE(i);
    CHECK(d.qacc[i] == fresh.qacc[i]);
    CHECK(d.qfrc_passive[i] == fresh.qfrc_passive[i]);
  }
}

TEST_CASE("rest: a batch notices what is set between its steps") {
  const Model<double> m = workshop();
  const auto dof = static_cast<std::size_t>(m.joints[m.joint_id("knob")].dof);
  Batch batch(m, 3, {.precision = Precision::kLanes, .isa = "base"});
  batch.step(kSettling);
  std::vector<double> q(static_cast<std::size_t>(m.nq)), v(static_cast<std::size_t>(m.nv));
  batch.get_qvel(1, v);
  v[dof] = 2;
  batch.set_qvel(1, v);
  const auto knob = [&](int env) {
    batch.get_qpos(env, q);
    return q[static_cast<std::size_t>(m.joints[m.joint_id("knob")].qpos)];
  };
  const double before[] = {knob(0), knob(1), knob(2)};
  batch.step(5);
  CHECK(knob(0) == before[0]);
  CHECK(knob(1) > before[1] + 1e-3);
  CHECK(knob(2) == before[2]);
}

TEST_CASE("rest: a push by hand, by a force from outside or of a neighbour ends it") {
  const Model<float> m = to_float(workshop());
  const int box = body(m, "box");
  Data<float> d(m);
  steps(m, d, kSettling);
  REQUIRE(d.rest.still_body(box));
  SUBCASE("velocity") { d.qvel[0] = 1; }
  SUBCASE("force") {
    d.xfrc.assign(6 * m.bodies.size(), 0.0f);
    d.xfrc[static_cast<std::size_t>(6 * box)] = 100;
  }
  SUBCASE("place") { d.qpos[2] += 0.1f; }
  const float x = d.qpos[0], z = d.qpos[2];
  steps(m, d, 50);
  CHECK_FALSE(d.rest.still_body(box));
  CHECK(std::fabs(d.qpos[0] - x) + std::fabs(d.qpos[2] - z) > 0.01f);
}

TEST_CASE("rest: what accelerates slowly is not held back") {
  // Down a slope of a thousandth, without friction: g sin(a) t^2 / 2 after a second.
  const Model<double> slope = mjcf::parse(R"(
    <mujoco>
      <option timestep="0.002" gravity="0.00981 0 -9.81"/>
      <worldbody>
        <body pos="0 0 .05"> <joint type="slide" axis="1 0 0"/> <geom type="box" size=".1 .1 .05"/> </body>
      </worldbody>
    </mujoco>)");
  const Model<float> m = to_float(slope);
  Data<float> d(m);
  Data<double> want(slope);
  steps(m, d, 500);
  steps(slope, want, 500);
  CHECK(std::fabs(d.qpos[0] - want.qpos[0]) < 1e-6);
  CHECK(d.qpos[0] > 0.004f);
}
