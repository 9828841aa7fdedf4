// Kinematics, inertia, bias, passive and actuation forces: against MuJoCo on random states, and as identities.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "envs/sim/bias.hpp"
#include "envs/sim/constants.hpp"
#include "envs/sim/kinematics.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "envs/sim/smooth.hpp"
#include "tests/sim/mujoco_oracle.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

// Every joint type, several joints on a body, off-centre inertias, springs, gears, two trees and a static body
// between the world and a moving one.
const char* const kZoo = R"(
<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.002" gravity="0.3 -0.2 -9.81"/>
  <worldbody>
    <body name="frame" pos="0.4 0.1 1" euler="0.1 0.2 0.3">
      <geom type="box" size=".02 .02 .02" contype="0" conaffinity="0"/>
      <body name="upper" pos="0 0.1 0" quat="0.9 0.1 -0.3 0.2">
        <joint name="a" type="hinge" axis="0 1 1" pos="0.02 0 -0.1" damping="0.3" armature="0.05"/>
        <joint name="b" type="slide" axis="1 0 0.5" stiffness="4" springref="0.1" ref="0.05"/>
        <geom type="capsule" size=".04 .2" pos="0.05 0 0.1" contype="0" conaffinity="0"/>
        <body name="lower" pos="0.1 0 0.3" euler="0.5 0 0">
          <joint name="c" type="ball" pos="0 0 -0.05" damping="0.1"/>
          <geom type="box" size=".03 .05 .12" pos="0 0.03 0.1" contype="0" conaffinity="0"/>
          <body name="tip" pos="0 0 0.2">
            <joint name="d" type="hinge" axis="1 0 0" range="-2 2" stiffness="1"/>
            <inertial pos="0.01 0.02 0.03" mass="0.7" fullinertia="0.02 0.03 0.025 0.002 -0.001 0.003"/>
            <site name="end" pos="0 0.1 0" euler="0 0.4 0"/>
          </body>
        </body>
        <body name="branch" pos="-0.1 0 0.2">
          <joint name="e" type="hinge" axis="0 0 1" ref="0.3"/>
          <geom type="cylinder" size=".03 .1" contype="0" conaffinity="0"/>
        </body>
      </body>
    </body>
    <body name="free" pos="1 1 1" euler="0 0.5 0">
      <freejoint name="f"/>
      <geom type="box" size=".1 .05 .02" pos="0.1 0 0" contype="0" conaffinity="0"/>
      <body name="lid" pos="0 0 0.1">
        <joint name="g" type="hinge" axis="1 0 0"/>
        <geom type="sphere" size=".06" pos="0 0.1 0" contype="0" conaffinity="0"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position joint="a" kp="30" ctrlrange="-1 1" ctrllimited="true" forcerange="-8 8" forcelimited="true"/>
    <motor joint="b" gear="3"/>
    <velocity joint="d" kv="0.5"/>
    <general joint="e" gainprm="2" biastype="affine" biasprm="0.1 -2 -0.3"/>
  </actuator>
</mujoco>)";

void smooth_stages(const Model<double>& m, Data<double>& d) {
  kinematics(m, d);
  inertia(m, d);
  factor(m, d);
  bias(m, d);
  passive(m, d);
  actuation(m, d);
  smooth(m, d);
}

template <class V>
std::vector<double> flat(const std::vector<V>& items) {
  std::vector<double> out;
  for (const V& v : items)
    for (std::size_t k = 0; k < sizeof(V) / sizeof(double); ++k)
      out.push_back(reinterpret_cast<const double*>(&v)[k]);
  return out;
}

#ifdef BATON_HAVE_MUJOCO
std::vector<double> copy(const mjtNum* p, int n) { return {p, p + n}; }

double largest(const std::vector<double>& v) {
  double m = 0;
  for (double x : v) m = std::fmax(m, std::fabs(x));
  return m;
}

// Tolerance 1e-9 of the largest entry: the entries of one vector share their rounding.
void check_scaled(const std::vector<double>& got, const std::vector<double>& want, const char* what) {
  check_close(got, want, 1e-9, 1e-9 * (largest(want) + 1e-3), what);
}

void compare_smooth(test::Oracle& o, unsigned seed) {
  const Model<double>& m = o.model;
  Data<double> d(m);
  o.random_state(seed, d);
  mj_forward(o.m, o.d);
  smooth_stages(m, d);
  const int nb = static_cast<int>(m.bodies.size()), nv = m.nv;
  check_scaled(flat(d.xpos), copy(o.d->xpos, 3 * nb), "xpos");
  check_scaled(flat(d.xmat), copy(o.d->xmat, 9 * nb), "xmat");
  check_scaled(flat(d.xipos), copy(o.d->xipos, 3 * nb), "xipos");
  check_scaled(flat(d.site_xpos), copy(o.d->site_xpos, 3 * static_cast<int>(m.sites.size())), "site_xpos");
  check_scaled(flat(d.site_xmat), copy(o.d->site_xmat, 9 * static_cast<int>(m.sites.size())), "site_xmat");
  std::vector<double> full(static_cast<std::size_t>(nv * nv));
  mj_fullM(o.m, o.d, full.data());
  std::vector<double> ours(full.size());
  for (int i = 0; i < nv; ++i)
    for (int j = 0; j <= i; ++j) ours[i * nv + j] = ours[j * nv + i] = d.M[i * nv + j];
  check_scaled(ours, full, "M");
  check_scaled(d.qfrc_bias, copy(o.d->qfrc_bias, nv), "qfrc_bias");
  check_scaled(d.qfrc_passive, copy(o.d->qfrc_passive, nv), "qfrc_passive");
  check_scaled(d.qfrc_actuator, copy(o.d->qfrc_actuator, nv), "qfrc_actuator");
  check_scaled(d.qacc_smooth, copy(o.d->qacc_smooth, nv), "qacc_smooth");
}
#endif

}  // namespace

TEST_CASE("smooth dynamics equal MuJoCo's on random states of every joint type") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  auto o = test::Oracle::from_text(kZoo);
  for (unsigned seed = 1; seed <= 20; ++seed) compare_smooth(o, seed);
#endif
}

TEST_CASE("smooth dynamics equal MuJoCo's on random states of the kitchen") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  auto o = test::Oracle::from_file(test::source_path("envs/kitchen/kitchen.xml"));
  for (unsigned seed = 1; seed <= 20; ++seed) compare_smooth(o, seed);
#endif
}

TEST_CASE("inverse weights and mean inertia equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  auto o = test::Oracle::from_text(kZoo);
  for (std::size_t b = 0; b < o.model.bodies.size(); ++b) {
    CAPTURE(o.model.bodies[b].name);
    check_scaled({o.model.bodies[b].invweight.begin(), o.model.bodies[b].invweight.end()},
                 copy(o.m->body_invweight0 + 2 * b, 2), "body_invweight0");
  }
  for (int i = 0; i < o.model.nv; ++i)
    check_scaled({o.model.dofs[static_cast<std::size_t>(i)].invweight}, copy(o.m->dof_invweight0 + i, 1),
                 "dof_invweight0");
  check_scaled({o.model.mean_inertia}, {o.m->stat.meaninertia}, "mean inertia");
#endif
}

TEST_CASE("L' D L rebuilds the inertia matrix, and solve_m inverts mul_m") {
  const Model<double> m = mjcf::parse(kZoo, "zoo.xml");
  Data<double> d(m);
  for (std::size_t i = 0; i < d.qpos.size(); ++i)
    d.qpos[i] += 0.3 * std::sin(1.0 + 3.0 * static_cast<double>(i));
  kinematics(m, d);
  inertia(m, d);
  factor(m, d);
  const int nv = m.nv;
  std::vector<double> rebuilt(d.M.size(), 0.0), want(d.M.size(), 0.0);
  auto unit_l = [&](int k, int i) { return k == i ? 1.0 : i < k ? d.LD[k * nv + i] : 0.0; };
  for (int i = 0; i < nv; ++i)
    for (int j = 0; j <= i; ++j) {
      want[i * nv + j] = d.M[i * nv + j];
      for (int k = 0; k < nv; ++k) rebuilt[i * nv + j] += unit_l(k, i) * d.LD[k * nv + k] * unit_l(k, j);
    }
  check_close(rebuilt, want, 1e-12, 1e-12);
  std::vector<double> x(nv), y(nv);
  for (int i = 0; i < nv; ++i) x[i] = std::cos(static_cast<double>(i));
  mul_m(m, d, x.data(), y.data());
  solve_m(m, d, y.data());
  check_close(y, x, 1e-9, 1e-10);
}

TEST_CASE("the kinetic energy is v' M v / 2 and equals the bodies' own") {
  const Model<double> m = mjcf::parse(kZoo, "zoo.xml");
  Data<double> d(m);
  for (std::size_t i = 0; i < d.qvel.size(); ++i) d.qvel[i] = std::sin(2.0 + static_cast<double>(i));
  smooth_stages(m, d);
  std::vector<double> momentum(d.qvel.size());
  mul_m(m, d, d.qvel.data(), momentum.data());
  double joint_space = 0, bodies = 0;
  for (int i = 0; i < m.nv; ++i)
    joint_space += 0.5 * d.qvel[i] * (momentum[i] - m.dofs[i].armature * d.qvel[i]);
  for (std::size_t b = 1; b < m.bodies.size(); ++b)
    if (m.bodies[b].weld != 0) bodies += 0.5 * dot(d.cvel[b], d.cinert[b] * d.cvel[b]);
  check_close(std::vector{joint_space}, std::vector{bodies}, 1e-12, 0);
}

TEST_CASE("a point's Jacobian equals central differences of its position") {
  const Model<double> m = mjcf::parse(kZoo, "zoo.xml");
  Data<double> d(m);
  const int site = m.site_id("end"), joint = m.joint_id("a"), slide = m.joint_id("b");
  REQUIRE(site >= 0);
  kinematics(m, d);
  std::vector<Vec3<double>> jacobian(m.nv);
  point_jacobian(m, d, m.sites[site].body, d.site_xpos[site], jacobian.data(),
                 static_cast<Vec3<double>*>(nullptr));
  for (int j : {joint, slide}) {
    const double h = 1e-6, q0 = d.qpos[m.joints[j].qpos];
    d.qpos[m.joints[j].qpos] = q0 + h;
    kinematics(m, d);
    const Vec3<double> up = d.site_xpos[site];
    d.qpos[m.joints[j].qpos] = q0 - h;
    kinematics(m, d);
    const Vec3<double> slope = (up - d.site_xpos[site]) * (0.5 / h), want = jacobian[m.joints[j].dof];
    d.qpos[m.joints[j].qpos] = q0;
    check_close(std::vector{slope.x, slope.y, slope.z}, std::vector{want.x, want.y, want.z}, 1e-7, 1e-8);
  }
}

TEST_CASE("a free body in zero gravity keeps its momentum: bias is the gyroscopic torque alone") {
  const Model<double> m = mjcf::parse(R"(<mujoco><option gravity="0 0 0"/><worldbody><body><freejoint/>
      <inertial pos="0 0 0" mass="2" diaginertia="1 2 3"/></body></worldbody></mujoco>)",
                                      "free.xml");
  Data<double> d(m);
  const double w[3] = {0.3, -0.5, 0.7};
  for (int k = 0; k < 3; ++k) d.qvel[k] = 1.0 + k, d.qvel[3 + k] = w[k];
  smooth_stages(m, d);
  const std::vector<double> want = {0,
                                    0,
                                    0,
                                    w[1] * 3 * w[2] - w[2] * 2 * w[1],
                                    w[2] * 1 * w[0] - w[0] * 3 * w[2],
                                    w[0] * 2 * w[1] - w[1] * 1 * w[0]};
  check_close(d.qfrc_bias, want, 1e-12, 1e-14);
}

TEST_CASE("float and double agree on the smooth acceleration to float rounding") {
  const Model<double> m = mjcf::parse(kZoo, "zoo.xml");
  const Model<float> mf = to_float(m);
  Data<double> d(m);
  Data<float> f(mf);
  for (std::size_t i = 0; i < d.qvel.size(); ++i)
    d.qvel[i] = std::sin(2.0 + static_cast<double>(i)), f.qvel[i] = static_cast<float>(d.qvel[i]);
  smooth_stages(m, d);
  kinematics(mf, f);
  inertia(mf, f);
  factor(mf, f);
  bias(mf, f);
  passive(mf, f);
  actuation(mf, f);
  smooth(mf, f);
  check_close(f.qacc_smooth, d.qacc_smooth, 1e-4, 1e-3);
}
