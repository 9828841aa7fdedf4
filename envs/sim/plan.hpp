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
#include <cmath>
#include <utility>
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

// How a body's mass lies about its centre: its rotational inertia is most 1 - u u' - v v', most the largest principal
// moment, u and v along the axes of the other two. Of three axes only two vectors have to be turned with the body.
template <class S>
struct Spread {
  S most = 0;
  Vec3<S> u{}, v{};  // in the body's frame

  Spread() = default;
  Spread(const Vec3<S>& moments, const Quat<S>& axes) {
    const Mat3<S> columns = rotation(axes);
    const int k = moments.x >= moments.y ? (moments.x >= moments.z ? 0 : 2) : moments.y >= moments.z ? 1 : 2;
    const int i = (k + 1) % 3, j = (k + 2) % 3;
    most = moments[k];
    u = columns.col(i) * std::sqrt(most - moments[i]);
    v = columns.col(j) * std::sqrt(most - moments[j]);
  }
};

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
  // A body that moves and is not lone: what kinematics, inertia and bias need of it at every step, close together.
  struct Link {
    int body = 0, parent = 0;
    int up = -1;  // its parent's link; -1: it hangs on the static world
    int dof = 0, dofs = 0;
    bool carries = false;     // another link hangs on it
    bool last_child = false;  // of its parent's link, in order
    // Its only joint, where that is a hinge or slide along an axis of coordinates through the body's origin.
    int single = -1;  // -1: anything else
    bool hinge = false;
    int axis = 0, qpos = 0;
    S sign = 1, qpos0 = 0;  // of the axis; qpos that leaves the body where the file has it
    Vec3<S> pos{}, ipos{};  // Body's
    Turn<S> turn;           // Body::quat
    S mass = 0;
    Spread<S> spread;
  };
  std::vector<Link> links;      // parents first
  std::vector<int> link_of;     // [nbody] index into links; -1: static or lone
  std::vector<int> dof_parent;  // [nv] Dof::parent, close together
  std::vector<int> run_begin;   // [nv] from here to the dof each is the next one's parent
  std::vector<int> row_at;      // [nv] DofTree::row()
  int entries = 0;              // of M: those of all trees
  std::vector<DofTree> trees, chained_trees, damped_trees;  // dof_trees(); of links; of those with damping
  std::vector<Lone> lone;
  std::vector<int> colliders;        // geoms of some candidate pair; the others are only drawn
  std::vector<int> collider_of;      // [ngeom] index into colliders; -1: only drawn
  std::vector<char> collider_moves;  // [ncollider]
  std::vector<Turn<S>> body_turn, site_turn, collider_turn;  // orientations in the parent's, body's frame
  struct JointForm {
    int axis = -1;        // coordinate_axis() of its axis
    bool pivots = false;  // through the body's origin, which a hinge then leaves where it is
  };
  std::vector<JointForm> joint_forms;      // [njnt]
  std::vector<int> sprung, force_limited;  // joints with stiffness, with Joint::force_limited

  void build(const Model<S>& m);

  // f(j) for the ancestors of dof i, nearest first.
  template <class F>
  BATON_INLINE void for_ancestors(int i, const F& f) const {
    for (int j = dof_parent[i]; j >= 0;) {
      const int begin = run_begin[j];
      for (; j >= begin; --j) f(j);
      j = dof_parent[begin];
    }
  }

 private:
  void add_trees(const Model<S>& m);
  void add_colliders(const Model<S>& m);
  Link link_to(const Model<S>& m, int b) const;
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
    links.push_back(link_to(m, b));
  }
  std::vector<char> met(links.size(), 0);
  for (std::size_t k = links.size(); k-- > 0;) {
    if (links[k].up < 0) continue;
    links[k].last_child = !std::exchange(met[links[k].up], 1);
    links[links[k].up].carries = true;
  }
  add_trees(m);
  for (const Body<S>& body : m.bodies) body_turn.emplace_back(body.quat);
  for (const auto& site : m.sites) site_turn.emplace_back(site.quat);
  for (const auto& joint : m.joints)
    joint_forms.push_back({coordinate_axis(joint.axis), coordinate_axis(joint.pos) == 3});
  for (std::size_t j = 0; j < m.joints.size(); ++j) {
    if (m.joints[j].stiffness != 0) sprung.push_back(static_cast<int>(j));
    if (m.joints[j].force_limited) force_limited.push_back(static_cast<int>(j));
  }
  add_colliders(m);
}

// Needs link_of of the body's parent.
template <class S>
typename Plan<S>::Link Plan<S>::link_to(const Model<S>& m, int b) const {
  const Body<S>& body = m.bodies[b];
  Link l;
  l.body = b, l.parent = body.parent, l.up = link_of[body.parent];
  l.dof = body.dof, l.dofs = body.dofs;
  l.pos = body.pos, l.ipos = body.ipos, l.turn = Turn<S>(body.quat);
  l.mass = body.mass, l.spread = Spread<S>(body.inertia, body.iquat);
  if (body.joints != 1 || body.mocap >= 0) return l;
  const Joint<S>& joint = m.joints[body.joint];
  l.axis = coordinate_axis(joint.axis);
  if (dof_count(joint.type) != 1 || l.axis < 0 || coordinate_axis(joint.pos) != 3) return l;
  l.single = body.joint, l.hinge = joint.type == JointType::kHinge;
  l.qpos = joint.qpos, l.qpos0 = m.qpos0[joint.qpos], l.sign = joint.axis[l.axis];
  return l;
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
  for (int i = 0; i < m.nv; ++i) {
    dof_parent.push_back(m.dofs[i].parent);
    run_begin.push_back(i > 0 && dof_parent[i] == i - 1 ? run_begin[i - 1] : i);
  }
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
