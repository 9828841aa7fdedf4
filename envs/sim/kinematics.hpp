#pragma once
// Forward kinematics: from qpos to the frames of bodies, joints, geoms and sites, and to the motion of every dof.
//
//   body frame  = parent's frame * (pos, quat) * joints in order (hinge, ball: rotate about the anchor; slide: move
//                 along the axis; free: the frame itself)
//   cdof[i]     = (angular, linear) velocity per unit qvel[i], world axes, about the tree's origin
//
// Writes Data: xpos xmat xipos xanchor xaxis site_* tree_origin cdof. Reads qpos, mocap_pos and mocap_quat
// (frames of mocap bodies); quaternions in qpos are normalised in place. Frames of geoms are left to those who read
// them: geom_pose() makes any, collide() those of the pairs it looks at; colliders of the static world are made once.
// Source: MuJoCo, Computation, "Kinematics".
#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// The unit quaternion along q[4], written there, too.
template <class T>
BATON_INLINE Quat<T> normalize_in_place(T* q) {
  const Quat<T> unit = normalized(Quat<T>{q[0], q[1], q[2], q[3]});
  q[0] = unit.w, q[1] = unit.x, q[2] = unit.y, q[3] = unit.z;
  return unit;
}

// Applies one joint to the frame (pos, R) of its body; records its anchor and axis in the world.
template <class T>
BATON_INLINE void apply_joint(const Model<scalar_t<T>>& m, Data<T>& d, int j, Vec3<T>& pos, Mat3<T>& R) {
  const auto& joint = m.joints[j];
  T* q = &d.qpos[joint.qpos];
  if (joint.type == JointType::kFree) {
    pos = {q[0], q[1], q[2]};
    R = rotation(normalize_in_place(q + 3));
    d.xanchor[j] = pos;
    d.xaxis[j] = Vec3<T>{T(0), T(0), T(1)};
    return;
  }
  const auto [k, pivots] = d.plan.joint_forms[j];
  d.xanchor[j] = pivots ? pos : pos + R * cast<T>(joint.pos);
  if (k < 0) {
    d.xaxis[j] = R * cast<T>(joint.axis);
  } else {
    with_axis(k, [&](auto x) BATON_INLINE_LAMBDA { d.xaxis[j] = R.col(x) * T(joint.axis[x]); });
  }
  if (joint.type == JointType::kSlide) {
    pos += d.xaxis[j] * (q[0] - T(m.qpos0[joint.qpos]));
    return;
  }
  if (joint.type == JointType::kBall) {
    R = R * rotation(normalize_in_place(q));
  } else {
    turn_about(joint.axis, k, q[0] - T(m.qpos0[joint.qpos]), R);
  }
  if (!pivots) pos = d.xanchor[j] - R * cast<T>(joint.pos);
}

template <class T>
BATON_INLINE void dof_motions(const Model<scalar_t<T>>& m, Data<T>& d, int b) {
  const Vec3<T> zero{T(0), T(0), T(0)};
  for (int j = m.bodies[b].joint, end = j + m.bodies[b].joints; j < end; ++j) {
    const auto& joint = m.joints[j];
    const Vec3<T> arm = d.tree_origin[b] - d.xanchor[j];
    Spatial<T>* c = &d.cdof[joint.dof];
    switch (joint.type) {
      case JointType::kSlide:
        c[0] = {zero, d.xaxis[j]};
        break;
      case JointType::kHinge:
        c[0] = {d.xaxis[j], cross(d.xaxis[j], arm)};
        break;
      case JointType::kFree:  // its anchor is the tree's origin
        for (int k = 0; k < 3; ++k) c[k] = {zero, {T(k == 0), T(k == 1), T(k == 2)}};
        for (int k = 0; k < 3; ++k) c[3 + k] = {d.xmat[b].col(k), zero};
        break;
      case JointType::kBall:  // angular velocity is in the body's own axes
        for (int k = 0; k < 3; ++k) {
          const Vec3<T> axis = d.xmat[b].col(k);
          c[k] = {axis, cross(axis, arm)};
        }
        break;
    }
  }
}

template <class T>
BATON_HD void body_frame(const Model<scalar_t<T>>& m, Data<T>& d, int b) {
  const auto& body = m.bodies[b];
  const int parent = body.parent;
  Vec3<T> pos = cast<T>(body.pos);
  Mat3<T> R = d.xmat[parent];
  if (parent != 0) pos = d.xpos[parent] + R * pos;
  apply(d.plan.body_turn[b], R);
  if (body.mocap >= 0) {
    const T *p = &d.mocap_pos[3 * body.mocap], *q = &d.mocap_quat[4 * body.mocap];
    pos = {p[0], p[1], p[2]};
    R = rotation(normalized(Quat<T>{q[0], q[1], q[2], q[3]}));
  }
  for (int j = body.joint, end = j + body.joints; j < end; ++j) apply_joint(m, d, j, pos, R);
  d.xpos[b] = pos;
  d.xmat[b] = R;
  d.xipos[b] = pos + R * cast<T>(body.ipos);
  // Trees start at the first body that moves: its position keeps spatial quantities small numbers.
  d.tree_origin[b] = m.bodies[parent].weld == 0 ? pos : d.tree_origin[parent];
  dof_motions(m, d, b);
}

// body_frame() of a link with a single joint along an axis of coordinates.
template <class T>
BATON_INLINE void single_frame(Data<T>& d, const typename Plan<scalar_t<T>>::Link& l) {
  Vec3<T> pos = cast<T>(l.pos), axis;
  Mat3<T> R = d.xmat[l.parent];
  if (l.parent != 0) pos = d.xpos[l.parent] + R * pos;
  apply(l.turn, R);
  d.xanchor[l.single] = pos;
  const T moved = d.qpos[l.qpos] - T(l.qpos0), sign(l.sign), zero(scalar_t<T>(0));
  const Vec3<T> none{zero, zero, zero};
  T s, c;
  if (l.hinge) sincos(moved, s, c);
  with_axis(l.axis, [&](auto k) BATON_INLINE_LAMBDA {
    axis = R.col(k) * sign;
    if (l.hinge) mix_columns<k>(R, s * sign, c);
  });
  const Vec3<T> origin = l.up < 0 ? pos : d.tree_origin[l.parent];
  Spatial<T>& motion = d.cdof[l.dof];
  if (l.hinge) {
    motion = {axis, cross(axis, origin - pos)};
  } else {
    motion = {none, axis};
    pos += axis * moved;
  }
  d.xaxis[l.single] = axis;
  d.xpos[l.body] = pos;
  d.xmat[l.body] = R;
  d.xipos[l.body] = pos + R * cast<T>(l.ipos);
  d.tree_origin[l.body] = l.up < 0 ? pos : origin;
}

// body_frame() of a lone body once its anchor and axis, which never move, are known.
template <class T>
BATON_HD void lone_frame(const Model<scalar_t<T>>& m, Data<T>& d, const typename Plan<scalar_t<T>>::Lone& l) {
  const auto& joint = m.joints[l.joint];
  const T moved = d.qpos[joint.qpos] - T(m.qpos0[joint.qpos]);
  Vec3<T>& pos = d.xpos[l.body];
  if (!l.hinge) {
    pos = cast<T>(l.pos) + d.xaxis[l.joint] * moved;
  } else {
    Mat3<T> R = cast<T>(l.mat);
    const auto [k, pivots] = d.plan.joint_forms[l.joint];
    turn_about(joint.axis, k, moved, R);
    d.xmat[l.body] = R;
    // Nothing is kept from the first step, in which a lane may have held what is no number.
    const T zero(scalar_t<T>(0));
    const Vec3<T> lever = pivots ? Vec3<T>{zero, zero, zero} : R * cast<T>(joint.pos);
    pos = d.xanchor[l.joint] - lever;
    d.cdof[l.dof].l = cross(lever, d.xaxis[l.joint]);
  }
  d.xipos[l.body] = pos + d.xmat[l.body] * cast<T>(m.bodies[l.body].ipos);
  d.tree_origin[l.body] = pos;
}

// Of geom g, whose orientation in its body is `turn`.
template <class T>
BATON_INLINE Pose<T> geom_pose(const Model<scalar_t<T>>& m, const Data<T>& d, int g,
                               const Turn<scalar_t<T>>& turn) {
  const auto& geom = m.geoms[g];
  Pose<T> pose{d.xpos[geom.body] + d.xmat[geom.body] * cast<T>(geom.pos), d.xmat[geom.body]};
  apply(turn, pose.mat);
  return pose;
}

template <class T>
BATON_INLINE void make_collider_pose(const Model<scalar_t<T>>& m, Data<T>& d, int collider) {
  d.collider_stale[collider] = 0;
  d.collider_pose[collider] = geom_pose(m, d, d.plan.colliders[collider], d.plan.collider_turn[collider]);
}

}  // namespace detail

// The frame of any geom, those that are only drawn included.
template <class T>
Pose<T> geom_pose(const Model<scalar_t<T>>& m, const Data<T>& d, int g) {
  return detail::geom_pose(m, d, g, Turn<scalar_t<T>>(m.geoms[g].quat));
}

// Data::collider_pose of all of them.
template <class T>
BATON_HD void collider_poses(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (int c = 0; c < static_cast<int>(d.collider_pose.size()); ++c) detail::make_collider_pose(m, d, c);
}

// Data::collider_pose of one, if kinematics() moved its body since it was last made.
template <class T>
BATON_INLINE void refresh_collider(const Model<scalar_t<T>>& m, Data<T>& d, int collider) {
  if (d.collider_stale[collider]) detail::make_collider_pose(m, d, collider);
}

template <class T>
BATON_HD void kinematics(const Model<scalar_t<T>>& m, Data<T>& d) {
  d.rest.check(d);
  const bool first = !d.static_done;
  if (first) {  // what never moves, and the anchors and axes of lone bodies
    for (int b = 1; b < static_cast<int>(m.bodies.size()); ++b)
      if (m.bodies[b].weld == 0) detail::body_frame(m, d, b);
    for (const auto& l : d.plan.lone) detail::body_frame(m, d, l.body);
    d.static_done = true;
  }
  for (const int k : d.rest.awake().links) {
    const auto& l = d.plan.links[k];
    l.single >= 0 ? detail::single_frame(d, l) : detail::body_frame(m, d, l.body);
  }
  for (const int k : d.rest.awake().lone) detail::lone_frame(m, d, d.plan.lone[k]);
  if (first) collider_poses(m, d);
  std::copy(d.plan.collider_moves.begin(), d.plan.collider_moves.end(), d.collider_stale.begin());
  for (std::size_t s = 0; s < m.sites.size(); ++s) {
    const auto& site = m.sites[s];
    d.site_xpos[s] = d.xpos[site.body] + d.xmat[site.body] * cast<T>(site.pos);
    d.site_xmat[s] = d.xmat[site.body];
    apply(d.plan.site_turn[s], d.site_xmat[s]);
  }
}

// Orientation of body b in the world as a quaternion: a product along its ancestors. For the few who need more than
// xmat.
template <class T>
BATON_HD Quat<T> orientation(const Model<scalar_t<T>>& m, const Data<T>& d, int b) {
  const T zero(scalar_t<T>(0));
  Quat<T> world{T(scalar_t<T>(1)), zero, zero, zero};
  for (; b != 0; b = m.bodies[b].parent) {
    const auto& body = m.bodies[b];
    if (body.mocap >= 0) {
      const T* q = &d.mocap_quat[4 * body.mocap];
      return normalized(Quat<T>{q[0], q[1], q[2], q[3]} * world);
    }
    Quat<T> local = cast<T>(body.quat);
    for (int j = body.joint, end = j + body.joints; j < end; ++j) {
      const auto& joint = m.joints[j];
      const T* q = &d.qpos[joint.qpos];
      if (joint.type == JointType::kFree) return normalized(Quat<T>{q[3], q[4], q[5], q[6]} * world);
      if (joint.type == JointType::kBall) local = local * Quat<T>{q[0], q[1], q[2], q[3]};
      if (joint.type == JointType::kHinge)
        local = local * axis_angle(cast<T>(joint.axis), q[0] - T(m.qpos0[joint.qpos]));
    }
    world = local * world;
  }
  return normalized(world);
}

}  // namespace baton::sim
