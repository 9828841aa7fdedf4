// What holds whatever the model: the factorisation of M, energy, momentum, Jacobians, and float beside double.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/sim/constraint_scene.hpp"
#include "tests/sim/mujoco_oracle.hpp"
#include "tests/sim/step_instances.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

template <class T>
void smooth_stages(const Model<scalar_t<T>>& m, Data<T>& d) {
  kinematics(m, d);
  inertia(m, d);
  factor(m, d);
  bias(m, d);
  passive(m, d);
  actuation(m, d);
  smooth(m, d);
}

Model<double> zoo() { return mjcf::load(test::model_path("zoo.xml")); }

// f(model, state drawn at random and carried through the smooth stages), on three states of every model.
template <class F>
void on_every_model(F f) {
  auto paths = test::model_files();
  paths.push_back(test::source_path("envs/kitchen/kitchen.xml"));
  for (const auto& path : paths) {
    CAPTURE(path);
    const Model<double> m = mjcf::load(path);
    for (unsigned seed = 1; seed <= 3; ++seed) {
      Data<double> d(m);
      test::draw_state(m, seed, d);
      smooth_stages(m, d);
      f(m, d);
    }
  }
}

// J; needs inertia().
double kinetic_energy(const Model<double>& m, Data<double>& d) {
  std::vector<double> momentum(d.qvel.size());
  mul_m(m, d, d.qvel.data(), momentum.data());
  double e = 0;
  for (std::size_t i = 0; i < momentum.size(); ++i) e += 0.5 * momentum[i] * d.qvel[i];
  return e;
}

// Kinetic energy, gravity's and that of the joints' springs, J.
double energy(const Model<double>& m, Data<double>& d) {
  kinematics(m, d);
  inertia(m, d);
  double e = kinetic_energy(m, d);
  for (std::size_t b = 1; b < m.bodies.size(); ++b) e -= m.bodies[b].mass * dot(m.option.gravity, d.xipos[b]);
  for (const auto& j : m.joints) {
    const double *q = &d.qpos[j.qpos], *r = &m.qpos_spring[j.qpos];
    if (j.type == JointType::kFree) continue;
    double stretch = q[0] - r[0];
    if (j.type == JointType::kBall)
      stretch = 2 * std::acos(std::fmin(1, std::fabs(q[0] * r[0] + q[1] * r[1] + q[2] * r[2] + q[3] * r[3])));
    e += 0.5 * j.stiffness * stretch * stretch;
  }
  return e;
}

// The model without what takes or gives energy.
Model<double> conservative(const std::string& name, double timestep) {
  Model<double> m = mjcf::load(test::model_path(name));
  m.option.timestep = timestep;
  for (auto& dof : m.dofs) dof.damping = dof.frictionloss = 0;
  for (auto& joint : m.joints) joint.limited = false;
  m.pairs.clear();
  m.equalities.clear();
  m.actuators.clear();
  m.nu = 0;
  return m;
}

// Largest departure from the first energy over 0.2 s, of the largest kinetic energy on the way.
double energy_error(const std::string& name, double timestep) {
  const Model<double> m = conservative(name, timestep);
  Data<double> d(m);
  test::draw_state(m, 3, d, 0.3, 1.0);
  const double start = energy(m, d);
  double worst = 0, kinetic = 0;
  for (int k = 0; k < static_cast<int>(0.2 / timestep + 0.5); ++k) {
    step(m, d);
    worst = std::fmax(worst, std::fabs(energy(m, d) - start));
    kinetic = std::fmax(kinetic, kinetic_energy(m, d));
  }
  return worst / kinetic;
}

// Two balls and a rod fly into each other, without gravity.
const char* const kCollision = R"(
<mujoco><option timestep="0.002" gravity="0 0 0"/><worldbody>
  <body pos="-0.3 0 0"><freejoint/><geom size=".1" density="500"/></body>
  <body pos="0.02 0.05 0.01"><freejoint/><geom size=".08" density="2000" condim="6" friction="0.8 0.01 0.01"/></body>
  <body pos="0.3 0.1 0"><freejoint/><geom type="capsule" size=".05 .1" euler="20 0 40"/></body>
</worldbody></mujoco>)";

template <class T>
Vec3<T> linear_momentum(const Model<scalar_t<T>>& m, const Data<T>& d) {
  Vec3<T> p{T(0), T(0), T(0)};
  for (const auto& j : m.joints)
    p += Vec3<T>{d.qvel[j.dof], d.qvel[j.dof + 1], d.qvel[j.dof + 2]} * T(m.bodies[j.body].mass);
  return p;
}

}  // namespace

TEST_CASE("L' D L rebuilds the inertia matrix of every model, and solve_m inverts mul_m") {
  on_every_model([](const Model<double>& m, Data<double>& d) {
    const int nv = m.nv;
    const auto want = test::dense_inertia(m, d.plan, d.M), LD = test::dense_inertia(m, d.plan, d.LD);
    std::vector<double> rebuilt(want.size(), 0.0);
    double largest = 0;
    const auto unit_l = [&](int k, int i) { return k == i ? 1.0 : i < k ? LD[k * nv + i] : 0.0; };
    for (int i = 0; i < nv; ++i)
      for (int j = 0; j < nv; ++j) {
        largest = std::fmax(largest, std::fabs(want[i * nv + j]));
        for (int k = 0; k < nv; ++k) rebuilt[i * nv + j] += unit_l(k, i) * LD[k * nv + k] * unit_l(k, j);
      }
    check_close(rebuilt, want, 1e-12, 1e-13 * largest, "L' D L");
    std::vector<double> x(nv), y(nv);
    for (int i = 0; i < nv; ++i) x[i] = std::cos(static_cast<double>(i));
    mul_m(m, d, x.data(), y.data());
    solve_m(m, d, y.data());
    check_close(y, x, 1e-9, 1e-9, "M^-1 M x");
  });
}

TEST_CASE("the kinetic energy of every model is v' M v / 2 and equals the bodies' own") {
  on_every_model([](const Model<double>& m, Data<double>& d) {
    std::vector<double> momentum(d.qvel.size());
    mul_m(m, d, d.qvel.data(), momentum.data());
    double joint_space = 0, bodies = 0;
    for (int i = 0; i < m.nv; ++i)
      joint_space += 0.5 * d.qvel[i] * (momentum[i] - m.dofs[i].armature * d.qvel[i]);
    for (std::size_t k = 0; k < d.plan.links.size(); ++k)
      bodies += 0.5 * dot(d.cvel[k], d.cinert[k] * d.cvel[k]);
    // Lone bodies: from the energy of their centre of mass and of their spin, in the body's axes.
    for (const auto& l : d.plan.lone) {
      const auto& body = m.bodies[l.body];
      const double speed = d.qvel[l.dof];
      const Vec3<double> axis = d.xaxis[l.joint], none{0, 0, 0};
      const Vec3<double> spin =
          transpose_mul(d.xmat[l.body] * rotation(body.iquat), l.hinge ? axis * speed : none);
      const Vec3<double> way =
          l.hinge ? cross(axis, d.xipos[l.body] - d.xanchor[l.joint]) * speed : axis * speed;
      bodies += 0.5 * (body.mass * dot(way, way) + body.inertia.x * spin.x * spin.x +
                       body.inertia.y * spin.y * spin.y + body.inertia.z * spin.z * spin.z);
    }
    check_close(std::vector{joint_space}, std::vector{bodies}, 1e-11, 0);
  });
}

TEST_CASE(
    "energy errors of chains, trees and ball joints with springs fall with the timestep, to first order") {
  for (const std::string name : {"chain.xml", "tree.xml", "balls.xml", "zoo.xml", "cart.xml"}) {
    CAPTURE(name);
    const double coarse = energy_error(name, 1e-3 / 16), fine = energy_error(name, 1e-3 / 32);
    CHECK(fine < 0.01);
    CHECK(coarse / fine > 1.8);
    CHECK(coarse / fine < 2.2);
  }
}

TEST_CASE_TEMPLATE("bodies that collide keep the sum of their momenta", T, double, Lanes<float, 4>) {
  using S = scalar_t<T>;
  const Model<double> md = mjcf::parse(kCollision, "collision.xml");
  Model<S> m;
  if constexpr (std::is_same_v<S, double>)
    m = md;
  else
    m = to_float(md);
  Data<T> d(m);
  for (int l = 0; l < width_v<T>; ++l) {
    set_lane(d.qvel[0], l, static_cast<S>(3 + l));
    set_lane(d.qvel[12], l, S(-2));
    set_lane(d.qvel[15], l, S(5));
  }
  const Vec3<T> before = linear_momentum<T>(m, d);
  int touching = 0;
  const double rounding = std::is_same_v<S, double> ? 1e-12 : 1e-5;
  for (int k = 0; k < 200; ++k) {
    step(m, d);
    touching += d.ncontact > 0;
    const Vec3<T> now = linear_momentum<T>(m, d);
    for (int l = 0; l < width_v<T>; ++l) {
      const auto part = [&](const Vec3<T>& p) {
        return std::vector<double>{lane(p.x, l), lane(p.y, l), lane(p.z, l)};
      };
      CAPTURE(k);
      check_close(part(now), part(before), 0, rounding * 10, "momentum");
    }
  }
  CHECK(touching > 5);
  for (int l = 0; l < width_v<T>; ++l)
    CHECK(lane(d.qvel[0], l) < S(2.5) + static_cast<S>(l));  // it did collide
}

TEST_CASE("a spinning ball and one at rest that touch keep the angular momentum about the origin") {
  Model<double> m = mjcf::parse(kCollision, "collision.xml");
  Data<double> d(m);
  d.qpos[14] = 5;  // the rod, far away: the balls' inertia is the same about every axis
  d.qvel[0] = 2;
  for (int k = 0; k < 3; ++k) d.qvel[3 + k] = 4 - 3 * k;
  const auto angular = [&] {
    Vec3<double> sum{0, 0, 0};
    for (int b = 0; b < 2; ++b) {
      const double *q = &d.qpos[7 * b], *v = &d.qvel[6 * b];
      const Vec3<double> spin{v[3], v[4], v[5]};
      sum += cross(Vec3<double>{q[0], q[1], q[2]}, Vec3<double>{v[0], v[1], v[2]}) * m.bodies[b + 1].mass;
      sum += rotate(normalized(Quat<double>{q[3], q[4], q[5], q[6]}), spin) * m.bodies[b + 1].inertia.x;
    }
    return std::vector{sum.x, sum.y, sum.z};
  };
  const auto before = angular();
  bool touched = false;
  for (int k = 0; k < 200; ++k) {
    step(m, d);
    touched = touched || d.ncontact > 0;
    check_close(angular(), before, 1e-11, 1e-11, "angular momentum");
  }
  CHECK(touched);
}

TEST_CASE("a point's Jacobian equals central differences of its position") {
  const Model<double> m = zoo();
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
  const Model<double> m = zoo();
  const Model<float> mf = to_float(m);
  Data<double> d(m);
  Data<float> f(mf);
  for (std::size_t i = 0; i < d.qvel.size(); ++i)
    d.qvel[i] = std::sin(2.0 + static_cast<double>(i)), f.qvel[i] = static_cast<float>(d.qvel[i]);
  smooth_stages(m, d);
  smooth_stages(mf, f);
  check_close(f.qacc_smooth, d.qacc_smooth, 1e-4, 1e-3);
}
