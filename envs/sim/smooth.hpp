#pragma once
// Everything that acts on the dofs besides constraints, and the acceleration it causes.
//
//   passive    qfrc_passive = -stiffness (q - q_spring) - damping v + gravity compensation. A rotation's
//              q - q_spring: the vector axis * angle that turns q_spring into q, in the body's frame. Compensation:
//              -gravcomp mass gravity at each body's centre of mass, on joints that do not leave it to their actuators
//   actuation  force = clamp(gain clamp(ctrl) + bias), gain and bias affine in length and velocity = moment . qvel,
//              qfrc_actuator = clamp(sum moment force + gravity compensation of joints that ask for it here)
//              moment, length: gear, gear q on hinge and slide; gear, rotation vector . gear on a ball joint (both
//              turned into the body's frame when the gear is in the parent's); gear, 0 on a free joint
//   smooth     qfrc_smooth = qfrc_passive - qfrc_bias + qfrc_actuator + J' xfrc,   qacc_smooth = M^-1 qfrc_smooth
//
// Each overwrites what it writes. actuation() needs passive(), smooth() needs all the others and factor(). MuJoCo,
// Computation, "Passive forces" and "Actuation model".
#include "envs/sim/inertia.hpp"
#include "envs/sim/jacobian.hpp"

namespace baton::sim {

namespace detail {

template <class T>
BATON_HD inline Quat<T> joint_quat(const Data<T>& d, int qpos) {
  const T* q = &d.qpos[qpos];
  return {q[0], q[1], q[2], q[3]};
}

template <class T>
BATON_HD void add_spring(const Model<scalar_t<T>>& m, Data<T>& d, const Joint<scalar_t<T>>& joint) {
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

template <class T>
BATON_HD void compensate_gravity(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (T& f : d.qfrc_gravcomp) f = T(0);
  for (std::size_t b = 1; b < m.bodies.size(); ++b) {
    const auto& body = m.bodies[b];
    if (body.gravcomp == 0) continue;
    const Vec3<T> force = cast<T>(m.option.gravity * (-body.mass * body.gravcomp));
    for (int i = body.last_dof; i >= 0; i = m.dofs[i].parent)
      d.qfrc_gravcomp[i] += dot(force, dof_point_velocity(d, m, i, d.xipos[b]));
  }
  for (const int i : d.rest.awake().dofs)
    if (m.joints[m.dofs[i].joint].gravcomp == Gravcomp::kPassive) d.qfrc_passive[i] += d.qfrc_gravcomp[i];
}

// The control that acts: inside the actuator's range, and of the angles that are the same the nearest to the length.
template <class T>
BATON_HD inline T control(const Actuator<scalar_t<T>>& actuator, T ctrl, const T& length) {
  using S = scalar_t<T>;
  if (actuator.ctrl_limited) ctrl = clamp(ctrl, T(actuator.ctrl_range[0]), T(actuator.ctrl_range[1]));
  if (actuator.period > 0) {
    const T turns = floor((ctrl - length) * T(S(1) / actuator.period) + T(S(0.5)));
    ctrl -= turns * T(actuator.period);
  }
  return ctrl;
}

// An actuator's length and its moment on the dofs of its joint.
template <class T>
struct Transmission {
  T length;
  T moment[6];
  int dof, count;
};

template <class T>
BATON_HD inline Transmission<T> transmission(const Model<scalar_t<T>>& m, const Data<T>& d,
                                             const Actuator<scalar_t<T>>& actuator) {
  const auto& joint = m.joints[actuator.joint];
  Transmission<T> t;
  t.dof = joint.dof, t.count = dof_count(joint.type);
  if (t.count == 1) {
    t.moment[0] = T(actuator.gear[0]);
    t.length = t.moment[0] * d.qpos[joint.qpos];
    return t;
  }
  const int spin = t.count - 3;  // first of the rotations
  const Quat<T> q = joint_quat(d, joint.qpos + spin);
  Vec3<T> axis{T(actuator.gear[spin]), T(actuator.gear[spin + 1]), T(actuator.gear[spin + 2])};
  if (actuator.in_parent) axis = rotate(conjugate(q), axis);
  for (int k = 0; k < spin; ++k) t.moment[k] = T(actuator.gear[k]);
  for (int k = 0; k < 3; ++k) t.moment[spin + k] = axis[k];
  t.length = spin > 0 ? T(0) : dot(rotation_vector(q), axis);
  return t;
}

template <class T>
BATON_INLINE T actuator_force(const Data<T>& d, const Actuator<scalar_t<T>>& actuator, int u, const T& length,
                              const T& velocity) {
  const auto affine = [&](const auto& p) { return T(p[0]) + T(p[1]) * length + T(p[2]) * velocity; };
  const T force = affine(actuator.gain) * control(actuator, d.ctrl[u], length) + affine(actuator.bias);
  return actuator.force_limited ? clamp(force, T(actuator.force_range[0]), T(actuator.force_range[1]))
                                : force;
}

}  // namespace detail

template <class T>
BATON_HD void passive(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (const int i : d.rest.awake().dofs) d.qfrc_passive[i] = T(-m.dofs[i].damping) * d.qvel[i];
  for (const int j : d.plan.sprung)
    if (!d.rest.still_dof(m.joints[j].dof)) detail::add_spring(m, d, m.joints[j]);
  if (!d.qfrc_gravcomp.empty()) detail::compensate_gravity(m, d);
}

template <class T>
BATON_HD void actuation(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (const int i : d.rest.awake().dofs) d.qfrc_actuator[i] = T(0);
  for (int u = 0; u < m.nu; ++u) {
    const auto& actuator = m.actuators[u];
    const auto& joint = m.joints[actuator.joint];
    T& force = d.actuator_force[u];
    if (dof_count(joint.type) == 1) {
      const T gear(actuator.gear[0]);
      force = detail::actuator_force(d, actuator, u, gear * d.qpos[joint.qpos], gear * d.qvel[joint.dof]);
      d.qfrc_actuator[joint.dof] += gear * force;
      continue;
    }
    const detail::Transmission<T> t = detail::transmission(m, d, actuator);
    T velocity = t.moment[0] * d.qvel[t.dof];
    for (int k = 1; k < t.count; ++k) velocity += t.moment[k] * d.qvel[t.dof + k];
    force = detail::actuator_force(d, actuator, u, t.length, velocity);
    for (int k = 0; k < t.count; ++k) d.qfrc_actuator[t.dof + k] += t.moment[k] * force;
  }
  if (!d.qfrc_gravcomp.empty())
    for (const int i : d.rest.awake().dofs)
      if (m.joints[m.dofs[i].joint].gravcomp == Gravcomp::kActuator) d.qfrc_actuator[i] += d.qfrc_gravcomp[i];
  for (const int j : d.plan.force_limited) {
    const auto& joint = m.joints[j];
    T& force = d.qfrc_actuator[joint.dof];
    force = clamp(force, T(joint.force_range[0]), T(joint.force_range[1]));
  }
}

template <class T>
BATON_HD void smooth(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (const int i : d.rest.awake().dofs)
    d.qfrc_smooth[i] = d.qfrc_passive[i] - d.qfrc_bias[i] + d.qfrc_actuator[i];
  for (std::size_t b = 1; 6 * b + 5 < d.xfrc.size(); ++b) {
    const T* f = &d.xfrc[6 * b];
    const Vec3<T> force{f[0], f[1], f[2]}, torque{f[3], f[4], f[5]};
    for (int i = m.bodies[b].last_dof; i >= 0; i = m.dofs[i].parent)
      d.qfrc_smooth[i] += dot(force, dof_point_velocity(d, m, i, d.xipos[b])) + dot(torque, d.cdof[i].a);
  }
  for (const int t : d.rest.awake().trees) {
    const DofTree& tree = d.plan.trees[t];
    std::copy_n(&d.qfrc_smooth[tree.begin], tree.count, &d.qacc_smooth[tree.begin]);
    solve_tree(m, tree, d.LD.data(), d.LDinv.data(), d.qacc_smooth.data());
  }
}

}  // namespace baton::sim
