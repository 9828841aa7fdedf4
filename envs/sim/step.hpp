#pragma once
// One step of simulation: the stages in order, then semi-implicit Euler.
//
//   forward   kinematics, inertia, factor, bias, passive, actuation, smooth, collide, constraints, solve
//   step      forward, then
//             (M + h diag(damping)) a = qfrc_smooth + qfrc_constraint        (joint damping is implicit)
//             qvel += h a,  qpos <- qpos advanced by h qvel                  (quaternions: on the sphere)
//             qacc_warmstart = qacc
//
// MuJoCo, Computation, "Numerical integration". check_supported() refuses models that need more.
#include "envs/sim/bias.hpp"
#include "envs/sim/collide/collide.hpp"
#include "envs/sim/inertia.hpp"
#include "envs/sim/kinematics.hpp"
#include "envs/sim/smooth.hpp"
#include "envs/sim/solver.hpp"
#include "envs/sim/stage_clock.hpp"
#include "kernels/error.hpp"

namespace baton::sim {

// Throws when the model asks for something that this simulator would silently do differently.
template <class S>
void check_supported(const Model<S>& m) {
  BATON_REQUIRE(m.option.integrator == Integrator::kEuler,
                "{}: integrator implicitfast is not supported yet (use Euler)", m.file);
}

template <class T>
SolverReport forward(const Model<scalar_t<T>>& m, Data<T>& d, StageClock& clock) {
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
SolverReport forward(const Model<scalar_t<T>>& m, Data<T>& d) {
  StageClock off;
  return forward(m, d, off);
}

namespace detail {

// acceleration[nv] (in Data::scratch, returned) that advances the velocity.
template <class T>
T* damped_acceleration(const Model<scalar_t<T>>& m, Data<T>& d) {
  const auto nv = static_cast<std::size_t>(m.nv);
  T *LD = d.scratch.data(), *inverse = LD + nv * nv, *a = inverse + nv;
  const T h(m.option.timestep);
  bool damped = false;
  for (const auto& dof : m.dofs) damped = damped || dof.damping > 0;
  for (std::size_t i = 0; i < nv; ++i) a[i] = damped ? d.qfrc_smooth[i] + d.qfrc_constraint[i] : d.qacc[i];
  if (!damped) return a;
  for (int i = 0; i < m.nv; ++i) {
    const std::size_t row = static_cast<std::size_t>(i) * nv;
    LD[row + i] = d.M[row + i] + h * T(m.dofs[i].damping);
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) LD[row + j] = d.M[row + j];
  }
  factor_tree(m, LD, inverse);
  solve_tree(m, LD, inverse, a);
  return a;
}

template <class T>
void integrate_positions(const Model<scalar_t<T>>& m, Data<T>& d) {
  const T h(m.option.timestep);
  for (const auto& joint : m.joints) {
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
void integrate_state(const Model<scalar_t<T>>& m, Data<T>& d) {
  const T* a = detail::damped_acceleration(m, d);
  const T h(m.option.timestep);
  for (int i = 0; i < m.nv; ++i) {
    d.qvel[i] += h * a[i];
    d.qacc_warmstart[i] = d.qacc[i];
  }
  detail::integrate_positions(m, d);
}

template <class T>
SolverReport step(const Model<scalar_t<T>>& m, Data<T>& d, StageClock& clock) {
  const SolverReport report = forward(m, d, clock);
  integrate_state(m, d);
  clock.lap(Stage::kIntegrate);
  return report;
}

template <class T>
SolverReport step(const Model<scalar_t<T>>& m, Data<T>& d) {
  StageClock off;
  return step(m, d, off);
}

}  // namespace baton::sim
