#pragma once
// Coriolis, centrifugal and gravitational forces: recursive Newton-Euler at zero acceleration. Needs kinematics()
// and inertia() (cinert).
//
//   qfrc_bias = C(q, v): what M(q) qacc + qfrc_bias = applied + constraint forces balances
//
// Writes cvel, cdof_dot, cacc, cfrc, qfrc_bias. Featherstone, Rigid Body Dynamics Algorithms, ch. 5.
#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// Adds the joints of body b to its velocity, and the rate of change of their motions.
template <class T>
inline void joint_velocities(const Model<scalar_t<T>>& m, Data<T>& d, int b, Spatial<T>& v) {
  const Spatial<T> zero{{T(0), T(0), T(0)}, {T(0), T(0), T(0)}};
  for (int j = m.bodies[b].joint, end = j + m.bodies[b].joints; j < end; ++j) {
    const auto& joint = m.joints[j];
    int i = joint.dof;
    if (joint.type == JointType::kFree) {  // translations are along fixed world axes
      for (int k = 0; k < 3; ++k, ++i) {
        d.cdof_dot[i] = zero;
        v += d.cdof[i] * d.qvel[i];
      }
    }
    const int last = joint.dof + dof_count(joint.type);
    for (int k = i; k < last; ++k) d.cdof_dot[k] = cross_motion(v, d.cdof[k]);
    for (int k = i; k < last; ++k) v += d.cdof[k] * d.qvel[k];
  }
}

}  // namespace detail

template <class T>
void bias(const Model<scalar_t<T>>& m, Data<T>& d) {
  const int nb = static_cast<int>(m.bodies.size());
  const Vec3<T> zero{T(0), T(0), T(0)};
  const Spatial<T> rest{zero, zero}, lift{zero, -cast<T>(m.option.gravity)};
  for (int b = 1; b < nb; ++b) {
    const auto& body = m.bodies[b];
    if (body.weld == 0) continue;
    const bool tree_start = m.bodies[body.parent].weld == 0;
    Spatial<T> v = tree_start ? rest : d.cvel[body.parent], a = tree_start ? lift : d.cacc[body.parent];
    detail::joint_velocities(m, d, b, v);
    for (int i = body.dof, end = i + body.dofs; i < end; ++i) a += d.cdof_dot[i] * d.qvel[i];
    d.cvel[b] = v;
    d.cacc[b] = a;
    d.cfrc[b] = d.cinert[b] * a + cross_force(v, d.cinert[b] * v);
  }
  for (int b = nb - 1; b > 0; --b) {
    const auto& body = m.bodies[b];
    if (body.weld == 0) continue;
    for (int i = body.dof, end = i + body.dofs; i < end; ++i) d.qfrc_bias[i] = dot(d.cdof[i], d.cfrc[b]);
    if (m.bodies[body.parent].weld != 0) d.cfrc[body.parent] += d.cfrc[b];
  }
}

}  // namespace baton::sim
