#pragma once
// Coriolis, centrifugal and gravitational forces: recursive Newton-Euler at zero acceleration. Needs kinematics()
// and inertia() (cinert).
//
//   qfrc_bias = C(q, v): what M(q) qacc + qfrc_bias = applied + constraint forces balances
//
// Of lone bodies (plan.hpp) that is gravity alone, and cdof_dot stays zero.
// Writes cvel, cdof_dot, cacc, cfrc, qfrc_bias. Featherstone, Rigid Body Dynamics Algorithms, ch. 5.
#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// Adds the joints of body b to its velocity, and the rate of change of their motions.
template <class T>
BATON_INLINE void joint_velocities(const Model<scalar_t<T>>& m, Data<T>& d, int b, Spatial<T>& v) {
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
BATON_HD void bias(const Model<scalar_t<T>>& m, Data<T>& d) {
  const Vec3<T> zero{T(0), T(0), T(0)}, gravity = cast<T>(m.option.gravity);
  const Spatial<T> rest{zero, zero}, lift{zero, -gravity};
  for (const auto& l : d.plan.lone) {
    const Vec3<T>& axis = d.xaxis[l.joint];
    const Vec3<T> way = l.hinge ? cross(axis, d.xipos[l.body] - d.xanchor[l.joint]) : axis;
    d.qfrc_bias[l.dof] = T(-m.bodies[l.body].mass) * dot(gravity, way);
  }
  const auto& chained = d.plan.chained;
  for (int b : chained) {
    const auto& body = m.bodies[b];
    const bool tree_start = m.bodies[body.parent].weld == 0;
    Spatial<T> v = tree_start ? rest : d.cvel[body.parent], a = tree_start ? lift : d.cacc[body.parent];
    detail::joint_velocities(m, d, b, v);
    for (int i = body.dof, end = i + body.dofs; i < end; ++i) a += d.cdof_dot[i] * d.qvel[i];
    d.cvel[b] = v;
    d.cacc[b] = a;
    d.cfrc[b] = d.cinert[b] * a + cross_force(v, d.cinert[b] * v);
  }
  for (auto at = chained.rbegin(); at != chained.rend(); ++at) {
    const int b = *at;
    const auto& body = m.bodies[b];
    for (int i = body.dof, end = i + body.dofs; i < end; ++i) d.qfrc_bias[i] = dot(d.cdof[i], d.cfrc[b]);
    if (m.bodies[body.parent].weld != 0) d.cfrc[body.parent] += d.cfrc[b];
  }
}

}  // namespace baton::sim
