#pragma once
// Coriolis, centrifugal and gravitational forces: recursive Newton-Euler at zero acceleration. Needs kinematics()
// and inertia() (cinert).
//
//   qfrc_bias = C(q, v): what M(q) qacc + qfrc_bias = applied + constraint forces balances
//
// Of lone bodies (plan.hpp) that is gravity alone. Writes cvel, cacc, cfrc, qfrc_bias.
// Featherstone, Rigid Body Dynamics Algorithms, ch. 5.
#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// Adds the joints of body b to its velocity, and how their motions change to its acceleration.
template <class T>
BATON_INLINE void add_joints(const Model<scalar_t<T>>& m, const Data<T>& d, int b, Spatial<T>& v,
                             Spatial<T>& a) {
  for (int j = m.bodies[b].joint, end = j + m.bodies[b].joints; j < end; ++j) {
    const auto& joint = m.joints[j];
    const Spatial<T>* c = &d.cdof[joint.dof];
    const T* speed = &d.qvel[joint.dof];
    if (joint.type == JointType::kFree) {  // its translations are along fixed axes of the world
      v.l += Vec3<T>{speed[0], speed[1], speed[2]};
      c += 3, speed += 3;
    }
    Spatial<T> own = c[0] * speed[0];
    if (dof_count(joint.type) > 1) own += c[1] * speed[1] + c[2] * speed[2];
    a += cross_motion(v, own);
    v += own;
  }
}

}  // namespace detail

template <class T>
BATON_HD void bias(const Model<scalar_t<T>>& m, Data<T>& d) {
  const Vec3<T> zero{T(0), T(0), T(0)}, gravity = cast<T>(m.option.gravity);
  const Spatial<T> rest{zero, zero}, lift{zero, -gravity};
  for (const int k : d.rest.awake().lone) {
    const auto& l = d.plan.lone[k];
    const Vec3<T>& axis = d.xaxis[l.joint];
    const Vec3<T> way = l.hinge ? cross(axis, d.xipos[l.body] - d.xanchor[l.joint]) : axis;
    d.qfrc_bias[l.dof] = T(-m.bodies[l.body].mass) * dot(gravity, way);
  }
  const auto& links = d.plan.links;
  const auto& awake = d.rest.awake().links;
  for (const int k : awake) {
    const auto& link = links[k];
    Spatial<T> v = link.up < 0 ? rest : d.cvel[link.up], a = link.up < 0 ? lift : d.cacc[link.up];
    if (link.single >= 0) {
      const Spatial<T> own = d.cdof[link.dof] * d.qvel[link.dof];
      a += cross_motion(v, own);
      v += own;
    } else {
      detail::add_joints(m, d, link.body, v, a);
    }
    d.cvel[k] = v;
    d.cacc[k] = a;
    d.cfrc[k] = inertial_force(d.cinert[k], v, a);
  }
  for (int n = awake.size(); n-- > 0;) {
    const int k = awake[n];
    const auto& link = links[k];
    for (int i = link.dof; i < link.dof + link.dofs; ++i) d.qfrc_bias[i] = dot(d.cdof[i], d.cfrc[k]);
    if (link.up >= 0) d.cfrc[link.up] += d.cfrc[k];
  }
}

}  // namespace baton::sim
