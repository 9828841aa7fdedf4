// Forces, integrators and equalities against MuJoCo, on models made for each: tests/sim/models.
#include <doctest/doctest.h>

#include <random>
#include <span>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

#ifdef BATON_HAVE_MUJOCO
double largest(const mjtNum* v, std::size_t n) {
  double most = 0;
  for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::fabs(v[i]));
  return most;
}

// The forces of `states` random states, within 1e-9 of the largest entry.
void compare_forces(const char* file, unsigned states) {
  auto o = test::Oracle::from_file(test::model_path(file));
  Data<double> d(o.model);
  const auto nv = static_cast<std::size_t>(o.model.nv), nu = static_cast<std::size_t>(o.model.nu);
  for (unsigned seed = 1; seed <= states; ++seed) {
    CAPTURE(seed);
    o.random_state(seed, d);
    for (double& u : d.ctrl) u *= 4;  // beyond ranges and around the circle
    o.copy_state(d);
    mj_forward(o.m, o.d);
    forward(o.model, d);
    const auto check = [](const std::vector<double>& got, const mjtNum* want, std::size_t n,
                          const char* what) {
      check_close(std::span(got), std::span(want, n), 1e-9, 1e-9 * largest(want, n) + 1e-12, what);
    };
    check(d.qfrc_passive, o.d->qfrc_passive, nv, "qfrc_passive");
    check(d.actuator_force, o.d->actuator_force, nu, "actuator_force");
    check(d.qfrc_actuator, o.d->qfrc_actuator, nv, "qfrc_actuator");
    check(d.qfrc_smooth, o.d->qfrc_smooth, nv, "qfrc_smooth");
  }
}

// 1,000 steps side by side from a random state under random controls; mocap bodies wander. `adapt` may change both
// models first.
template <class Adapt>
void compare_trajectory(const char* file, unsigned seed, double speed, Adapt adapt) {
  auto o = test::Oracle::from_file(test::model_path(file));
  test::tighten(o);
  adapt(o);
  Data<double> d(o.model);
  o.random_state(seed, d, 0.1, speed);
  for (double& u : d.ctrl) u *= 1.5;  // some beyond their range
  o.copy_state(d);
  std::mt19937 gen(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int k = 1; k <= 1000; ++k) {
    for (double& p : d.mocap_pos) p += 0.001 * unit(gen);
    for (double& q : d.mocap_quat) q += 0.002 * unit(gen);
    std::copy(d.mocap_pos.begin(), d.mocap_pos.end(), o.d->mocap_pos);
    std::copy(d.mocap_quat.begin(), d.mocap_quat.end(), o.d->mocap_quat);
    mj_step(o.m, o.d);
    step(o.model, d);
    if (k % 100 != 0) continue;
    CAPTURE(file);
    CAPTURE(seed);
    CAPTURE(k);
    check_close(std::span(d.qpos), std::span(o.d->qpos, d.qpos.size()), 1e-8, 1e-8, "qpos");
    check_close(std::span(d.qvel), std::span(o.d->qvel, d.qvel.size()), 1e-7, 1e-7, "qvel");
  }
}

void as_it_is(test::Oracle&) {}
#endif

}  // namespace

TEST_CASE("springs, gravity compensation and transmissions of every joint type equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  compare_forces("forces.xml", 50);
  compare_forces("implicitfast.xml", 20);
#endif
}

TEST_CASE("contact-free trajectories of every integrator and equality follow MuJoCo's for 1000 steps") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  for (unsigned seed = 1; seed <= 3; ++seed) {
    compare_trajectory("forces.xml", seed, 0.5, as_it_is);
    compare_trajectory("implicitfast.xml", seed, 2.0, as_it_is);
    compare_trajectory("equality.xml", seed, 0.2, as_it_is);
  }
#endif
}

TEST_CASE("the other integrator on the same model follows MuJoCo's, with damping implicit and explicit") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  compare_trajectory("forces.xml", 4, 0.5, [](test::Oracle& o) {
    o.m->opt.integrator = mjINT_IMPLICITFAST;
    o.model.option.integrator = Integrator::kImplicitFast;
  });
  compare_trajectory("equality.xml", 4, 0.2, [](test::Oracle& o) {
    o.m->opt.integrator = mjINT_IMPLICITFAST;
    o.model.option.integrator = Integrator::kImplicitFast;
  });
  compare_trajectory("forces.xml", 5, 0.5, [](test::Oracle& o) {
    o.m->opt.disableflags |= mjDSBL_EULERDAMP;
    o.model.option.eulerdamp = false;
  });
#endif
}

namespace {

// An environment of a family, `steps` steps after a random start; what it holds is exact in float.
Data<double> wander(const Model<double>& m, unsigned number, int steps) {
  Data<double> d(m);
  std::mt19937 gen(number);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (double& v : d.qvel) v = unit(gen);
  for (double& u : d.ctrl) u = unit(gen);
  for (double& p : d.mocap_pos) p += 0.05 * unit(gen);
  for (double& q : d.mocap_quat) q += 0.05 * unit(gen);
  for (int k = 0; k < steps; ++k) step(m, d);
  for (double& a : d.qacc_warmstart) a = 0;
  for (auto* field : {&d.qpos, &d.qvel, &d.ctrl, &d.mocap_pos, &d.mocap_quat})
    for (double& x : *field) x = static_cast<float>(x);
  return d;
}

template <class L>
void put(const Data<double>& from, Data<L>& into, int lane) {
  const auto copy = [&](const std::vector<double>& a, std::vector<L>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) b[i].set(lane, static_cast<float>(a[i]));
  };
  copy(from.qpos, into.qpos), copy(from.qvel, into.qvel), copy(from.ctrl, into.ctrl);
  copy(from.mocap_pos, into.mocap_pos), copy(from.mocap_quat, into.mocap_quat);
  copy(from.qacc_warmstart, into.qacc_warmstart);
}

}  // namespace

TEST_CASE("on lanes, the new features keep a lane's bits to itself and follow double") {
  using L = Lanes<float, 4>;
  for (const char* file : {"forces.xml", "implicitfast.xml", "equality.xml", "elliptic.xml"}) {
    CAPTURE(file);
    const Model<double> m = mjcf::load(test::model_path(file));
    const Model<float> mf = to_float(m);
    Data<L> mixed(mf);
    std::vector<Data<double>> family;
    for (int lane = 0; lane < 4; ++lane) {
      family.push_back(wander(m, static_cast<unsigned>(lane) + 1, 25 * lane + 2));
      put(family.back(), mixed, lane);
    }
    step(mf, mixed);
    const auto first = mixed.qvel;
    for (int k = 1; k < 20; ++k) step(mf, mixed);
    for (int lane = 0; lane < 4; ++lane) {
      CAPTURE(lane);
      Data<L> alone(mf);
      for (int other = 0; other < 4; ++other) put(family[lane], alone, other);
      for (int k = 0; k < 20; ++k) step(mf, alone);
      for (int i = 0; i < m.nq; ++i) CHECK(mixed.qpos[i][lane] == alone.qpos[i][(lane + 1) % 4]);
      for (int i = 0; i < m.nv; ++i) CHECK(mixed.qvel[i][lane] == alone.qvel[i][(lane + 1) % 4]);
      step(m, family[lane]);
      double size = 1;
      for (double v : family[lane].qvel) size = std::max(size, std::fabs(v));
      for (int i = 0; i < m.nv; ++i) {
        CAPTURE(i);
        CAPTURE(first[i][lane]);
        CAPTURE(family[lane].qvel[i]);
        CHECK(std::fabs(first[i][lane] - family[lane].qvel[i]) <= 2e-4 * size);
      }
    }
  }
}
