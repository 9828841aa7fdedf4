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
#include <algorithm>
#include <vector>

#include "envs/sim/dense.hpp"
#include "envs/sim/model.hpp"
#include "envs/sim/turn.hpp"

namespace baton::sim {

// The dofs of a kinematic tree, [begin, begin + count): they are consecutive. M and matrices like it hold the lower
// triangle of each tree, packed row by row (dense.hpp), one tree after the other.
struct DofTree {
  int begin = 0, count = 0;
  int matrix = 0;  // where the tree's triangle begins
  // M(i, j) = M[row(i) + j], j <= i, both of this tree.
  BATON_HD constexpr int row(int i) const { return matrix + packed_row(i - begin) - begin; }
};

// [ntree], by Dof::tree.
template <class S>
std::vector<DofTree> dof_trees(const Model<S>& m) {
  std::vector<DofTree> trees(static_cast<std::size_t>(m.ntree));
  for (int i = 0; i < m.nv; ++i) {
    DofTree& tree = trees[static_cast<std::size_t>(m.dofs[i].tree)];
    if (tree.count++ == 0) tree.begin = i;
  }
  int entries = 0;
  for (DofTree& tree : trees) {
    tree.matrix = entries;
    entries += packed_row(tree.count);
  }
  return trees;
}

// A body's frame in the world at qpos0.
template <class S>
struct Placement {
  Vec3<S> pos{};
  Quat<S> quat{S(1), S(0), S(0), S(0)};
};

// [nbody]
template <class S>
std::vector<Placement<S>> place_bodies(const Model<S>& m) {
  std::vector<Placement<S>> placed(m.bodies.size());
  for (std::size_t b = 1; b < m.bodies.size(); ++b) {
    const Body<S>& body = m.bodies[b];
    const Placement<S>& parent = placed[body.parent];
    placed[b] = {parent.pos + rotate(parent.quat, body.pos), normalized(parent.quat * body.quat)};
  }
  return placed;
}

template <class S>
struct Plan {
  struct Lone {
    int body = 0, joint = 0, dof = 0;
    bool hinge = false;
    S inertia = 0;         // M at dof, armature included
    S inverse_damped = 0;  // 1 / (M + h damping)
    Vec3<S> pos{};         // frame at qpos0, in the world
    Mat3<S> mat{};
  };
  // A body that moves and is not lone.
  struct Link {
    int body = 0;
    int up = -1;  // its parent's link; -1: it hangs on the static world
    int dof = 0, dofs = 0;
  };
  std::vector<Link> links;                                  // parents first
  std::vector<int> link_of;                                 // [nbody] index into links; -1: static or lone
  std::vector<int> dof_parent;                              // [nv] Dof::parent, close together
  std::vector<int> row_at;                                  // [nv] DofTree::row()
  int entries = 0;                                          // of M: those of all trees
  std::vector<DofTree> trees, chained_trees, damped_trees;  // dof_trees(); of links; of those with damping
  std::vector<Lone> lone;
  std::vector<int> colliders;        // geoms of some candidate pair; the others are only drawn
  std::vector<int> collider_of;      // [ngeom] index into colliders; -1: only drawn
  std::vector<char> collider_moves;  // [ncollider]
  std::vector<Turn<S>> body_turn, inertia_turn, site_turn,
      collider_turn;  // orientations in the parent's, body's frame
  struct JointForm {
    int axis = -1;        // coordinate_axis() of its axis
    bool pivots = false;  // through the body's origin, which a hinge then leaves where it is
  };
  std::vector<JointForm> joint_forms;  // [njnt]

  void build(const Model<S>& m);

 private:
  void add_trees(const Model<S>& m);
  void add_colliders(const Model<S>& m);
  static Lone lone_of(const Model<S>& m, int b, const Placement<S>& placed);
};

template <class S>
typename Plan<S>::Lone Plan<S>::lone_of(const Model<S>& m, int b, const Placement<S>& placed) {
  const Body<S>& body = m.bodies[b];
  const Joint<S>& joint = m.joints[body.joint];
  Lone l{b, body.joint, body.dof, joint.type == JointType::kHinge, m.dofs[body.dof].armature};
  l.pos = placed.pos;
  l.mat = rotation(placed.quat);
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
  link_of.assign(m.bodies.size(), -1);
  const auto placed = place_bodies(m);
  for (int b = 1; b < nb; ++b) carries[m.bodies[b].parent] = 1;
  for (int b = 1; b < nb; ++b) {
    const Body<S>& body = m.bodies[b];
    if (body.weld == 0) continue;
    const bool single = body.joints == 1 && dof_count(m.joints[body.joint].type) == 1;
    if (single && !carries[b] && m.bodies[body.parent].weld == 0) {
      lone.push_back(lone_of(m, b, placed[b]));
      Lone& l = lone.back();
      l.inverse_damped = S(1) / (l.inertia + m.option.timestep * m.dofs[l.dof].damping);
      continue;
    }
    link_of[b] = static_cast<int>(links.size());
    links.push_back({b, link_of[body.parent], body.dof, body.dofs});
  }
  add_trees(m);
  for (const Body<S>& body : m.bodies) {
    body_turn.emplace_back(body.quat);
    inertia_turn.emplace_back(body.iquat);
  }
  for (const auto& site : m.sites) site_turn.emplace_back(site.quat);
  for (const auto& joint : m.joints)
    joint_forms.push_back({coordinate_axis(joint.axis), coordinate_axis(joint.pos) == 3});
  add_colliders(m);
}

template <class S>
void Plan<S>::add_colliders(const Model<S>& m) {
  collider_of.assign(m.geoms.size(), -1);
  for (const auto& pair : m.pairs) collider_of[pair.geom1] = collider_of[pair.geom2] = 0;
  for (std::size_t g = 0; g < m.geoms.size(); ++g) {
    if (collider_of[g] < 0) continue;
    collider_of[g] = static_cast<int>(colliders.size());
    colliders.push_back(static_cast<int>(g));
    collider_turn.emplace_back(m.geoms[g].quat);
    collider_moves.push_back(m.bodies[m.geoms[g].body].weld != 0);
  }
}

// Needs links.
template <class S>
void Plan<S>::add_trees(const Model<S>& m) {
  trees = dof_trees(m);
  for (int i = 0; i < m.nv; ++i) dof_parent.push_back(m.dofs[i].parent);
  for (const DofTree& t : trees) {
    for (int i = t.begin; i < t.begin + t.count; ++i) row_at.push_back(t.row(i));
    entries = t.matrix + packed_row(t.count);
  }
  std::vector<char> chains(static_cast<std::size_t>(m.nv), 0);
  for (const Link& l : links) std::fill_n(chains.begin() + l.dof, l.dofs, 1);
  for (const DofTree& t : trees) {
    if (!chains[t.begin]) continue;
    chained_trees.push_back(t);
    bool damped = false;
    for (int i = t.begin; i < t.begin + t.count; ++i) damped = damped || m.dofs[i].damping > 0;
    if (damped) damped_trees.push_back(t);
  }
}

}  // namespace baton::sim
