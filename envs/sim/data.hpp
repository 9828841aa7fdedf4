#pragma once
// What changes during simulation, for one environment (T = double, float) or for a tile of W environments
// (T = Lanes<float, W>): every number is a T, so a tile is laid out [field][lane]. Sizes are fixed by the model when
// Data is made, but for room for contacts, which doubles the few times that a step needs more; otherwise no stage
// allocates. Each field says its shape, unit and writer; pipeline order as in step.hpp.
#include <algorithm>
#include <vector>

#include "envs/sim/broadphase.hpp"
#include "envs/sim/collide/ccd.hpp"
#include "envs/sim/collide/motion.hpp"
#include "envs/sim/constraint_data.hpp"
#include "envs/sim/contact.hpp"
#include "envs/sim/model.hpp"
#include "envs/sim/plan.hpp"
#include "envs/sim/rest.hpp"

namespace baton::sim {

// Pairs for which only their support functions are known (t1 <= t2).
BATON_HD inline bool is_general_convex(GeomType t1, GeomType t2) {
  return t1 != GeomType::kPlane &&
         (t1 == GeomType::kEllipsoid || t2 == GeomType::kEllipsoid || t2 == GeomType::kMesh);
}

// For some pairs of geoms a direction, per lane, along which they were apart when last looked at. Only ever a hint: a
// collider checks it against the poses of now, so that results do not depend on it.
template <class T>
struct SeparationCache {
  static constexpr std::size_t kEntries =
      128;                          // pairs share entries by their number; the last one to come stays
  std::vector<int> pairs;           // [entry] whose it is; -1: none
  std::vector<Vec3<T>> directions;  // [entry] unit, from geom 1 to geom 2; zero where unknown

  void build(const Model<scalar_t<T>>& m) {
    const auto general = std::count_if(m.pairs.begin(), m.pairs.end(), [&](const auto& p) {
      return is_general_convex(m.geoms[p.geom1].type, m.geoms[p.geom2].type);
    });
    pairs.assign(std::min(static_cast<std::size_t>(general), kEntries), -1);
    const T zero(0);
    directions.assign(pairs.size(), {zero, zero, zero});
  }
  BATON_HD Vec3<T>& of(int pair) {
    const std::size_t at = static_cast<std::size_t>(pair) % pairs.size();
    if (pairs[at] != pair) {
      const T zero(0);
      pairs[at] = pair;
      directions[at] = {zero, zero, zero};
    }
    return directions[at];
  }
};

template <class T>
struct Data {
  using S = scalar_t<T>;
  explicit Data(const Model<S>& m);

  // ---- state (written by the user and by integrate) ----
  std::vector<T> qpos;  // [nq] m, rad, quaternions
  std::vector<T> qvel;  // [nv] m/s, rad/s; free joint: linear in world axes, angular in the body's own
  std::vector<T> ctrl;  // [nu] actuator controls
  std::vector<T> mocap_pos, mocap_quat;  // [3 nmocap] m, [4 nmocap] poses of mocap bodies, in the world
  std::vector<T> qacc_warmstart;         // [nv] last acceleration: where the solver starts
  std::vector<T>
      xfrc;  // unused when empty; [6 * nbody] external (force, torque) at body centres of mass, world axes

  // ---- plan.hpp ----
  Plan<S> plan;  // which work each body and geom needs: made once from the model

  // ---- rest.hpp ----
  Rest<T> rest;  // what stands still and is passed by

  // ---- kinematics.hpp ----
  bool static_done = false;      // bodies welded to the world never move: their frames are computed once
  std::vector<Vec3<T>> xpos;     // [nbody] body frames in the world, m
  std::vector<Mat3<T>> xmat;     // [nbody]
  std::vector<Vec3<T>> xipos;    // [nbody] centres of mass
  std::vector<Vec3<T>> xanchor;  // [njnt] joint anchors
  std::vector<Vec3<T>> xaxis;    // [njnt] joint axes
  std::vector<Pose<T>> collider_pose;  // [Plan::colliders] of geoms that may touch; geom_pose() for any other
  std::vector<char> collider_stale;    // [Plan::colliders] its frame is older than its body's
  std::vector<Vec3<T>> site_xpos;      // [nsite]
  std::vector<Mat3<T>> site_xmat;      // [nsite]
  std::vector<Vec3<T>>
      tree_origin;               // [nbody] reference point of spatial quantities: the root body's position
  std::vector<Spatial<T>> cdof;  // [nv] motion of each dof about its tree's origin, per unit velocity

  // ---- inertia.hpp ----
  std::vector<Inertia<T>> cinert;  // [Plan::links] about the tree's origin
  std::vector<Inertia<T>> crb;     // [Plan::links] composite: the subtree's
  std::vector<T>
      M;  // [Plan::entries] joint-space inertia, armature included, a triangle a tree (DofTree); of
          // dofs that are not ancestor and descendant, zero and never touched
  std::vector<T> LD;     // [Plan::entries] M = L' D L (unit L, ancestors only), D on the diagonal
  std::vector<T> LDinv;  // [nv] 1 / D

  // ---- bias.hpp ----
  std::vector<Spatial<T>> cvel;        // [Plan::links] velocities about the tree's origin
  std::vector<Spatial<T>> cacc, cfrc;  // [Plan::links] scratch of RNEA
  std::vector<T> qfrc_bias;            // [nv] Coriolis, centrifugal, gravity

  // ---- passive.hpp, actuation.hpp ----
  std::vector<T> qfrc_passive;    // [nv] springs, damping, gravity compensation
  std::vector<T> qfrc_gravcomp;   // [nv] all of it, whoever carries it; empty when no body asks for any
  std::vector<T> actuator_force;  // [nu]
  std::vector<T> qfrc_actuator;   // [nv]
  std::vector<T> qfrc_smooth;     // [nv] passive - bias + actuator + external
  std::vector<T> qacc_smooth;     // [nv] M^-1 qfrc_smooth

  // ---- collide/collide.hpp ----
  Broadphase<S> broadphase;          // which pairs may touch: made once from the model
  std::vector<Contact<T>> contacts;  // [room], the first ncontact are in use
  int ncontact = 0;
  int contacts_missed = 0;  // slots for which there was no room
  bool fixed_room = false;  // what there is no room for is dropped: memory on a GPU does not grow
  T contact_count{};        // contacts of each lane, those beyond kMaxContacts included
  void reserve_contacts(const Model<S>& m, int room);
  SeparationCache<T> separations;
  std::vector<ccd::Workspace> convex_work;  // [1] on a device, for pairs that are general convex; else empty
  Motion<T> motion;                         // when pairs must be looked at again

  // ---- constraint.hpp, solver.hpp ----
  ConstraintData<T> efc;
  std::vector<T> qfrc_constraint;  // [nv] J' force
  std::vector<T> qacc;             // [nv]

  // ---- scratch ----
  std::vector<T> scratch;  // [Plan::entries + 8 * nv], any stage, never kept across stages
};

template <class T>
Data<T>::Data(const Model<S>& m) {
  const auto nb = m.bodies.size(), nj = m.joints.size(), ns = m.sites.size();
  const auto nq = static_cast<std::size_t>(m.nq), nv = static_cast<std::size_t>(m.nv),
             nu = static_cast<std::size_t>(m.nu);
  const T zero(S(0));
  qpos.resize(nq);
  for (std::size_t i = 0; i < nq; ++i) qpos[i] = T(m.qpos0[i]);
  for (auto* v : {&qvel, &qacc_warmstart, &LDinv, &qfrc_bias, &qfrc_passive, &qfrc_actuator, &qfrc_smooth,
                  &qacc_smooth, &qfrc_constraint, &qacc})
    v->assign(nv, zero);
  ctrl.assign(nu, zero);
  for (const auto& b : m.bodies) {
    if (b.mocap < 0) continue;
    for (S v : std::array{b.pos.x, b.pos.y, b.pos.z}) mocap_pos.push_back(T(v));
    for (S v : std::array{b.quat.w, b.quat.x, b.quat.y, b.quat.z}) mocap_quat.push_back(T(v));
  }
  actuator_force.assign(nu, zero);
  for (const auto& b : m.bodies)
    if (b.gravcomp != 0) qfrc_gravcomp.assign(nv, zero);
  const Vec3<T> zero3{zero, zero, zero};
  const Quat<T> unit{T(S(1)), zero, zero, zero};
  const Mat3<T> eye = rotation(unit);
  const Spatial<T> zero6{zero3, zero3};
  const Inertia<T> no_inertia{zero, zero3, zero, zero, zero, zero, zero, zero};
  for (auto* v : {&xpos, &xipos, &tree_origin}) v->assign(nb, zero3);
  xmat.assign(nb, eye);
  xanchor.assign(nj, zero3);
  xaxis.assign(nj, zero3);
  site_xpos.assign(ns, zero3);
  site_xmat.assign(ns, eye);
  cdof.assign(nv, zero6);
  separations.build(m);
  plan.build(m);
  broadphase.build(m, plan);
  motion.build(m, broadphase, plan);
  for (auto* v : {&cinert, &crb}) v->assign(plan.links.size(), no_inertia);
  for (auto* v : {&cvel, &cacc, &cfrc}) v->assign(plan.links.size(), zero6);
  collider_pose.assign(plan.colliders.size(), {zero3, eye});
  collider_stale.assign(plan.colliders.size(), 0);
  const auto entries = static_cast<std::size_t>(plan.entries);
  M.assign(entries, zero);
  LD.assign(entries, zero);
  scratch.assign(entries + 8 * nv, zero);
  for (const auto& l : plan.lone) {
    M[plan.row_at[l.dof] + l.dof] = LD[plan.row_at[l.dof] + l.dof] = T(l.inertia);
    LDinv[l.dof] = T(S(1) / l.inertia);
  }
  reserve_contacts(m, kFirstContacts);
  rest.build(m, plan, broadphase, efc);
}

template <class T>
void Data<T>::reserve_contacts(const Model<S>& m, int room) {
  contacts.resize(static_cast<std::size_t>(room));
  efc.reserve(m, room);
  rest.reserve_contacts(room);
}

}  // namespace baton::sim
