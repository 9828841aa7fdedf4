#pragma once
// Everything that acts on the dofs besides constraints, and the acceleration it causes.
//
//   passive    qfrc_passive = -stiffness (q - q_spring) - damping v           (a rotation's q - q_spring: the vector
//                             axis * angle that turns q_spring into q, in the body's frame)
//   actuation  force = clamp(gain clamp(ctrl) + b0 + b1 length + b2 velocity), length = gear q,
//              qfrc_actuator = gear force
//   smooth     qfrc_smooth = qfrc_passive - qfrc_bias + qfrc_actuator + J' xfrc,   qacc_smooth = M^-1 qfrc_smooth
//
// Each overwrites what it writes. smooth() needs all the others and factor(). MuJoCo, Computation, "Passive forces"
// and "Actuation model".
#include "envs/sim/inertia.hpp"
#include "envs/sim/jacobian.hpp"

namespace baton::sim {

namespace detail {

template <class T>
void add_spring(const Model<scalar_t<T>>& m, Data<T>& d, const Joint<scalar_t<T>>& joint) {
  const T k(joint.stiffness);
  const T* q = &d.qpos[joint.qpos];
  const auto* rest = &m.qpos_spring[joint.qpos];
  T* force = &d.qfrc_passive[joint.dof];
  const int scalars = joint.type == JointType::kFree ? 3 : joint.type == JointType::kBall ? 0 : 1;
  for (int i = 0; i < scalars; ++i) force[i] -= k * (q[i] - T(rest[i]));
  if (scalars == 1) return;
  q += scalars, rest += scalars, force += scalars;
  const Quat<T> spring{T(rest[0]), T(rest[1]), T(rest[2]), T(rest[3])};
  const Vec3<T> turn = rotation_vector(conjugate(spring) * normalized(Quat<T>{q[0], q[1], q[2], q[3]}));
  for (int i = 0; i < 3; ++i) force[i] -= k * turn[i];
}

}  // namespace detail

template <class T>
void passive(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (int i = 0; i < m.nv; ++i) d.qfrc_passive[i] = T(-m.dofs[i].damping) * d.qvel[i];
  for (const auto& joint : m.joints)
    if (joint.stiffness != 0) detail::add_spring(m, d, joint);
}

template <class T>
void actuation(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (int i = 0; i < m.nv; ++i) d.qfrc_actuator[i] = T(0);
  for (int u = 0; u < m.nu; ++u) {
    const auto& actuator = m.actuators[u];
    const auto& joint = m.joints[actuator.joint];
    T ctrl = d.ctrl[u];
    if (actuator.ctrl_limited) ctrl = clamp(ctrl, T(actuator.ctrl_range[0]), T(actuator.ctrl_range[1]));
    const T gear(actuator.gear);
    T force = T(actuator.gain) * ctrl + T(actuator.bias[0]) +
              T(actuator.bias[1]) * (gear * d.qpos[joint.qpos]) +
              T(actuator.bias[2]) * (gear * d.qvel[joint.dof]);
    if (actuator.force_limited) force = clamp(force, T(actuator.force_range[0]), T(actuator.force_range[1]));
    d.actuator_force[u] = force;
    d.qfrc_actuator[joint.dof] += gear * force;
  }
}

template <class T>
void smooth(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (int i = 0; i < m.nv; ++i) d.qfrc_smooth[i] = d.qfrc_passive[i] - d.qfrc_bias[i] + d.qfrc_actuator[i];
  for (std::size_t b = 1; 6 * b + 5 < d.xfrc.size(); ++b) {
    const T* f = &d.xfrc[6 * b];
    const Vec3<T> force{f[0], f[1], f[2]}, torque{f[3], f[4], f[5]};
    for (int i = m.bodies[b].last_dof; i >= 0; i = m.dofs[i].parent)
      d.qfrc_smooth[i] += dot(force, dof_point_velocity(d, m, i, d.xipos[b])) + dot(torque, d.cdof[i].a);
  }
  for (int i = 0; i < m.nv; ++i) d.qacc_smooth[i] = d.qfrc_smooth[i];
  solve_m(m, d, d.qacc_smooth.data());
}

}  // namespace baton::sim
