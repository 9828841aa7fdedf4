#pragma once
// One step of simulation: the stages in order, then semi-implicit Euler.
//
//   forward   kinematics, inertia, factor, bias, passive, actuation, smooth, collide, constraints, solve
//   step      forward, then
//             a = the acceleration, implicit in damping (implicit.hpp: Euler or implicitfast)
//             qvel += h a,  qpos <- qpos advanced by h qvel                  (quaternions: on the sphere)
//             qacc_warmstart = qacc
//             but where a step changes as good as nothing: rest (rest.hpp), in float
//
// MuJoCo, Computation, "Numerical integration".
#include "envs/sim/bias.hpp"
#include "envs/sim/collide/collide.hpp"
#include "envs/sim/implicit.hpp"
#include "envs/sim/inertia.hpp"
#include "envs/sim/kinematics.hpp"
#include "envs/sim/smooth.hpp"
#include "envs/sim/solver.hpp"
#include "envs/sim/stage_clock.hpp"
#include "kernels/error.hpp"

namespace baton::sim {

// Throws when the model asks for something that this simulator would silently do differently. The loader refuses what
// it can see in a file; this is for models made or changed by hand.
template <class S>
void check_supported(const Model<S>& m) {
  BATON_REQUIRE(m.option.timestep > 0, "{}: timestep {} is not positive", m.file, m.option.timestep);
  for (const auto& joint : m.joints)
    BATON_REQUIRE(!joint.force_limited || dof_count(joint.type) == 1,
                  "{}: joint '{}': a range of actuator forces is for hinge and slide joints", m.file,
                  joint.name);
}

template <class T, class Clock>
BATON_HD SolverReport forward(const Model<scalar_t<T>>& m, Data<T>& d, Clock& clock) {
  clock.start();
  kinematics(m, d);
  clock.lap(Stage::kKinematics);
  inertia(m, d);
  factor(m, d);
  clock.lap(Stage::kInertia);
  bias(m, d);
  clock.lap(Stage::kBias);
  passive(m, d);
  actuation(m, d);
  smooth(m, d);
  clock.lap(Stage::kSmooth);
  collide(m, d);
  clock.lap(Stage::kCollide);
  make_constraints(m, d);
  clock.lap(Stage::kConstraints);
  const SolverReport report = solve_constraints(m, d);
  clock.lap(Stage::kSolve);
  return report;
}

template <class T>
BATON_HD SolverReport forward(const Model<scalar_t<T>>& m, Data<T>& d) {
  NoClock off;
  return forward(m, d, off);
}

namespace detail {

template <class T>
BATON_HD void integrate_positions(const Model<scalar_t<T>>& m, Data<T>& d) {
  const T h(m.option.timestep);
  for (const int j : d.rest.awake().joints) {
    const auto& joint = m.joints[j];
    T* q = &d.qpos[joint.qpos];
    const T* v = &d.qvel[joint.dof];
    if (joint.type == JointType::kSlide || joint.type == JointType::kHinge) {
      q[0] += h * v[0];
      continue;
    }
    if (joint.type == JointType::kFree) {
      for (int k = 0; k < 3; ++k) q[k] += h * v[k];
      q += 3, v += 3;
    }
    const Quat<T> turned = integrate(Quat<T>{q[0], q[1], q[2], q[3]}, Vec3<T>{v[0], v[1], v[2]}, h);
    q[0] = turned.w, q[1] = turned.x, q[2] = turned.y, q[3] = turned.z;
  }
}

}  // namespace detail

// The second half of step(): advances qvel and qpos by one timestep from the results of forward().
template <class T>
BATON_HD void integrate_state(const Model<scalar_t<T>>& m, Data<T>& d) {
  const T* a = advancing_acceleration(m, d);
  const T h(m.option.timestep);
  d.rest.note(d);
  for (const int i : d.rest.awake().dofs) {
    d.qvel[i] += h * a[i];
    d.qacc_warmstart[i] = d.qacc[i];
  }
  detail::integrate_positions(m, d);
  d.rest.settle(d);
}

template <class T, class Clock>
BATON_HD SolverReport step(const Model<scalar_t<T>>& m, Data<T>& d, Clock& clock) {
  const SolverReport report = forward(m, d, clock);
  integrate_state(m, d);
  clock.lap(Stage::kIntegrate);
  return report;
}

template <class T>
BATON_HD SolverReport step(const Model<scalar_t<T>>& m, Data<T>& d) {
  NoClock off;
  return step(m, d, off);
}

}  // namespace baton::sim
