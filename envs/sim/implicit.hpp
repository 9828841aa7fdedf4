#pragma once
// The acceleration that advances the velocity, implicit in damping. Needs forward()'s results.
//
//   Euler          (M + h diag(damping)) a = f,      f = qfrc_smooth + qfrc_constraint; a = qacc without damping, or
//                  with Option::eulerdamp off
//   implicitfast   (M - h D) a = f,   D = d(qfrc_passive + qfrc_actuator)/dv
//                    = -diag(damping) + sum over actuators of (bias[2] + gain[2] ctrl) moment moment', without those
//                    whose force, or whose joint's total, is at an end of its range
//                  and for a free body with nothing jointed to it (Joint::floating; 6 x 6, not symmetric):
//                  (M - h D + h d(qfrc_bias)/dv) a = f
//
// MuJoCo, Computation, "Numerical integration"; the free bodies' bias as MuJoCo 4.0.0's engine takes it.
#include "envs/sim/inertia.hpp"
#include "envs/sim/smooth.hpp"

namespace baton::sim {

namespace detail {

// A = M - h D at `trees`; laid out as M.
template <class T>
BATON_HD void implicit_matrix(const Model<scalar_t<T>>& m, const Data<T>& d,
                              const std::vector<DofTree>& trees, bool actuators, T* A) {
  const auto& row_at = d.plan.row_at;
  const T h(m.option.timestep), zero(0);
  for (const DofTree& tree : trees) {
    copy_tree(tree, d.M.data(), A);
    for (int i = tree.begin; i < tree.begin + tree.count; ++i) A[row_at[i] + i] += h * T(m.dofs[i].damping);
  }
  for (int u = 0; actuators && u < m.nu; ++u) {
    const auto& actuator = m.actuators[u];
    if (actuator.bias[2] == 0 && actuator.gain[2] == 0) continue;
    const Transmission<T> t = transmission(m, d, actuator);
    T slope = T(actuator.bias[2]) + T(actuator.gain[2]) * control(actuator, d.ctrl[u], t.length);
    const auto keep_inside = [&](const T& force, const auto& range) {
      slope = select(force > T(range[0]) && force < T(range[1]), slope, zero);
    };
    if (actuator.force_limited) keep_inside(d.actuator_force[u], actuator.force_range);
    const auto& joint = m.joints[actuator.joint];
    if (joint.force_limited) keep_inside(d.qfrc_actuator[joint.dof], joint.force_range);
    for (int i = 0; i < t.count; ++i)
      for (int j = 0; j <= i; ++j) A[row_at[t.dof + i] + t.dof + j] -= h * slope * t.moment[i] * t.moment[j];
  }
}

// x <- A^-1 x. No pivoting: A is a mass matrix changed by terms of the order of the timestep.
template <class T>
BATON_HD inline void solve6(T (&A)[6][6], T (&x)[6]) {
  for (int k = 0; k < 6; ++k) {
    const T inverse = T(1) / A[k][k];
    for (int i = k + 1; i < 6; ++i) {
      const T l = A[i][k] * inverse;
      for (int j = k + 1; j < 6; ++j) A[i][j] -= l * A[k][j];
      x[i] -= l * x[k];
    }
  }
  for (int k = 5; k >= 0; --k) {
    for (int j = k + 1; j < 6; ++j) x[k] -= A[k][j] * x[j];
    x[k] *= T(1) / A[k][k];
  }
}

// A floating body's acceleration, over its force at a[joint.dof]; `matrix` is implicit_matrix()'s. M's blocks say all
// that the bias needs: column k of the first is c_k = u_k x h (u_k the body's axis k in the world, h the first moment
// of all that moves with it), the second the inertia I about the joint, armature aside, in the body's axes. The bias
// is w x (w x h) and, in the body's axes, w x I w; the derivative along u_k is taken term by term.
template <class T>
BATON_HD void floating_acceleration(const Model<scalar_t<T>>& m, const Data<T>& d,
                                    const Joint<scalar_t<T>>& joint, const T* matrix, T* a) {
  const auto at = static_cast<std::size_t>(joint.dof);
  T A[6][6], M[6][6];
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const std::size_t entry = static_cast<std::size_t>(d.plan.row_at[at + i]) + at + j;
      A[i][j] = A[j][i] = matrix[entry];
      M[i][j] = M[j][i] = d.M[entry] - T(i == j ? m.dofs[at + i].armature : 0);
    }
  const Mat3<T>& R = d.xmat[joint.body];
  const Vec3<T> spin{d.qvel[at + 3], d.qvel[at + 4], d.qvel[at + 5]}, w = R * spin;
  const auto shift = [&](int k) { return Vec3<T>{M[0][3 + k], M[1][3 + k], M[2][3 + k]}; };
  const auto moment = [&](int k) { return Vec3<T>{M[3][3 + k], M[4][3 + k], M[5][3 + k]}; };
  const Vec3<T> sweep = shift(0) * spin.x + shift(1) * spin.y + shift(2) * spin.z;
  const Vec3<T> momentum = moment(0) * spin.x + moment(1) * spin.y + moment(2) * spin.z;
  const T h(m.option.timestep);
  for (int k = 0; k < 3; ++k) {
    const Vec3<T> axis{T(k == 0), T(k == 1), T(k == 2)};
    const Vec3<T> force = cross(R.col(k), sweep) + cross(w, shift(k));
    const Vec3<T> torque = cross(axis, momentum) + cross(spin, moment(k));
    for (int i = 0; i < 3; ++i) {
      A[i][3 + k] += h * force[i];
      A[3 + i][3 + k] += h * torque[i];
    }
  }
  T x[6];
  for (std::size_t i = 0; i < 6; ++i) x[i] = a[at + i];
  solve6(A, x);
  for (std::size_t i = 0; i < 6; ++i) a[at + i] = x[i];
}

}  // namespace detail

// acceleration[nv], in Data::scratch or Data::qacc; not of what is still (rest.hpp).
// With Euler only trees that are damped have anything implicit about them.
template <class T>
BATON_HD const T* advancing_acceleration(const Model<scalar_t<T>>& m, Data<T>& d) {
  const auto nv = static_cast<std::size_t>(m.nv);
  T *A = d.scratch.data(), *inverse = A + d.M.size(), *a = inverse + nv, *force = a + nv;
  const bool fast = m.option.integrator == Integrator::kImplicitFast;
  const auto total = [&](std::size_t i) { return d.qfrc_smooth[i] + d.qfrc_constraint[i]; };
  if (fast) {
    for (std::size_t i = 0; i < nv; ++i) a[i] = force[i] = total(i);
  } else {
    if (!m.option.eulerdamp) return d.qacc.data();
    for (const int i : d.rest.awake().dofs) a[i] = d.qacc[i];
    for (const int k : d.rest.awake().lone) {
      const auto& l = d.plan.lone[k];
      a[l.dof] = total(l.dof) * T(l.inverse_damped);
    }
    for (const DofTree& tree : d.plan.damped_trees)
      for (int i = tree.begin; i < tree.begin + tree.count; ++i) a[i] = total(i);
  }
  const auto& trees = fast ? d.plan.trees : d.plan.damped_trees;
  detail::implicit_matrix(m, d, trees, fast, A);
  if (fast) {
    for (const auto& joint : m.joints)
      if (joint.floating) detail::floating_acceleration(m, d, joint, A, force);
  }
  factor_trees(m, trees, A, inverse);
  solve_trees(m, trees, A, inverse, a);
  if (fast) {
    for (const auto& joint : m.joints)
      for (int i = joint.dof; joint.floating && i < joint.dof + 6; ++i) a[i] = force[i];
  }
  return a;
}

}  // namespace baton::sim
