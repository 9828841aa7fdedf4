#pragma once
// What the model alone says about the work of a step: which bodies and geoms move, which bodies are lone.
//
// A lone body hangs on the static world by one hinge or slide and carries no other body: a knob, a door, a drawer. Its
// joint-space inertia is a constant and its bias is gravity alone, so that the recursions of inertia.hpp and bias.hpp
// pass it by:
//   hinge   M = axis' I axis + mass |axis x (ipos - pos)|^2 + armature,
//           bias = -mass gravity . (axis x (com - anchor))
//   slide   M = mass + armature,                                           bias = -mass gravity . axis
// Cost: one pass over the model, when Data is made.
#include <vector>

#include "envs/sim/model.hpp"

namespace baton::sim {

template <class S>
struct Plan {
  struct Lone {
    int body = 0, joint = 0, dof = 0;
    bool hinge = false;
    S inertia = 0;         // M at dof, armature included
    S inverse_damped = 0;  // 1 / (M + h damping)
    bool pivots = false;   // hinge through the body's origin: only its orientation changes
    Vec3<S> pos{};         // frame at qpos0, in the world
    Quat<S> quat{};
  };
  std::vector<int> chained;                          // bodies that move and are not lone, parents first
  std::vector<int> chained_dofs, damped_dofs, dofs;  // of those; of those in trees with damping; all
  std::vector<Lone> lone;
  std::vector<int> moving_geoms;
  std::vector<char> plain_body, plain_inertia,
      plain_geom;  // its orientation in its parent's frame is the identity

  void build(const Model<S>& m);

 private:
  static bool plain(const Quat<S>& q) { return q.w == 1 && q.x == 0 && q.y == 0 && q.z == 0; }
  static Lone lone_of(const Model<S>& m, int b);
  // Frame at qpos0 in the world, of a body that hangs on static ones.
  static void frame_of(const Model<S>& m, int b, Vec3<S>& pos, Quat<S>& quat);
};

template <class S>
void Plan<S>::frame_of(const Model<S>& m, int b, Vec3<S>& pos, Quat<S>& quat) {
  pos = m.bodies[b].pos;
  quat = m.bodies[b].quat;
  for (int p = m.bodies[b].parent; p != 0; p = m.bodies[p].parent) {
    pos = m.bodies[p].pos + rotate(m.bodies[p].quat, pos);
    quat = m.bodies[p].quat * quat;
  }
  quat = normalized(quat);
}

template <class S>
typename Plan<S>::Lone Plan<S>::lone_of(const Model<S>& m, int b) {
  const Body<S>& body = m.bodies[b];
  const Joint<S>& joint = m.joints[body.joint];
  Lone l{b, body.joint, body.dof, joint.type == JointType::kHinge, m.dofs[body.dof].armature};
  frame_of(m, b, l.pos, l.quat);
  l.pivots = l.hinge && joint.pos.x == 0 && joint.pos.y == 0 && joint.pos.z == 0;
  if (!l.hinge) {
    l.inertia += body.mass;
    return l;
  }
  const Vec3<S> along = rotate(conjugate(body.iquat), joint.axis),
                lever = cross(joint.axis, body.ipos - joint.pos);
  l.inertia += body.inertia.x * along.x * along.x + body.inertia.y * along.y * along.y +
               body.inertia.z * along.z * along.z + body.mass * dot(lever, lever);
  return l;
}

template <class S>
void Plan<S>::build(const Model<S>& m) {
  const int nb = static_cast<int>(m.bodies.size());
  std::vector<char> carries(m.bodies.size(), 0);
  for (int b = 1; b < nb; ++b) carries[m.bodies[b].parent] = 1;
  for (int b = 1; b < nb; ++b) {
    const Body<S>& body = m.bodies[b];
    if (body.weld == 0) continue;
    const bool single = body.joints == 1 && dof_count(m.joints[body.joint].type) == 1;
    if (single && !carries[b] && m.bodies[body.parent].weld == 0) {
      lone.push_back(lone_of(m, b));
      Lone& l = lone.back();
      l.inverse_damped = S(1) / (l.inertia + m.option.timestep * m.dofs[l.dof].damping);
      continue;
    }
    chained.push_back(b);
    for (int i = body.dof; i < body.dof + body.dofs; ++i) chained_dofs.push_back(i);
  }
  std::vector<char> damped(static_cast<std::size_t>(m.ntree), 0);
  for (int i = 0; i < m.nv; ++i) {
    dofs.push_back(i);
    if (m.dofs[i].damping > 0) damped[m.dofs[i].tree] = 1;
  }
  for (int i : chained_dofs)
    if (damped[m.dofs[i].tree]) damped_dofs.push_back(i);
  for (const Body<S>& body : m.bodies) {
    plain_body.push_back(plain(body.quat));
    plain_inertia.push_back(plain(body.iquat));
  }
  for (std::size_t g = 0; g < m.geoms.size(); ++g) {
    plain_geom.push_back(plain(m.geoms[g].quat));
    if (m.bodies[m.geoms[g].body].weld != 0) moving_geoms.push_back(static_cast<int>(g));
  }
}

}  // namespace baton::sim
