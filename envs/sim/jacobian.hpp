#pragma once
// How points of bodies move with the dofs. Needs kinematics().
#include "envs/sim/data.hpp"

namespace baton::sim {

// Velocity of `point` (world, m), carried by the body that dof i moves, per unit qvel[i].
template <class T>
BATON_HD inline Vec3<T> dof_point_velocity(const Data<T>& d, const Model<scalar_t<T>>& m, int i,
                                           const Vec3<T>& point) {
  const Spatial<T>& c = d.cdof[i];
  return c.l + cross(c.a, point - d.tree_origin[m.dofs[i].body]);
}

// Jacobian of `point` fixed to `body`: jacp[nv] linear, jacr[nv] angular, column i for dof i. Both overwritten;
// either may be null.
template <class T>
BATON_HD void point_jacobian(const Model<scalar_t<T>>& m, const Data<T>& d, int body, const Vec3<T>& point,
                             Vec3<T>* jacp, Vec3<T>* jacr) {
  const Vec3<T> zero{T(0), T(0), T(0)};
  for (int i = 0; i < m.nv; ++i) {
    if (jacp) jacp[i] = zero;
    if (jacr) jacr[i] = zero;
  }
  for (int i = m.bodies[body].last_dof; i >= 0; i = m.dofs[i].parent) {
    if (jacp) jacp[i] = dof_point_velocity(d, m, i, point);
    if (jacr) jacr[i] = d.cdof[i].a;
  }
}

}  // namespace baton::sim
