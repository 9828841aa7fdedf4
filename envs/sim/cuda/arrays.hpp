#pragma once
// The arrays of a model and of an environment, by name: what has to be in a GPU's memory for a step.
// f is called with each std::vector, and with those of its elements after it. A new array of Data belongs into one of
// the two lists; the test of the image (tests/sim/cuda_batch_test.cpp) finds one that is in neither.
#include "envs/sim/data.hpp"

namespace baton::sim::cuda {

template <class S, class F>
void for_each_array(const Model<S>& m, F&& f) {
  f(m.bodies), f(m.joints), f(m.dofs), f(m.geoms), f(m.pairs), f(m.equalities), f(m.actuators), f(m.sites);
  f(m.qpos0), f(m.qpos_spring);
  f(m.meshes);
  for (const Mesh<S>& mesh : m.meshes) {
    f(mesh.hull), f(mesh.hull_faces), f(mesh.neighbor_begin), f(mesh.neighbors);
    f(mesh.polygon_normals), f(mesh.polygon_begin), f(mesh.polygon_vertices);
    f(mesh.vertex_polygon_begin), f(mesh.vertex_polygons), f(mesh.vertices), f(mesh.faces);
  }
}

// Tables made once from the model: the same in every environment.
template <class T, class F>
void for_each_table(const Data<T>& d, F&& f) {
  const auto& p = d.plan;
  f(p.links), f(p.link_of), f(p.chained_trees), f(p.damped_trees), f(p.trees), f(p.lone), f(p.dof_parent),
      f(p.run_begin), f(p.row_at), f(p.colliders), f(p.collider_of), f(p.collider_moves);
  f(p.body_turn), f(p.collider_turn), f(p.site_turn), f(p.joint_forms), f(p.sprung), f(p.force_limited);
  d.broadphase.for_each_array(f);
  d.rest.for_each_table(f);
  const auto& e = d.efc;
  f(e.weld_table), f(e.weld_dof), f(e.weld_side), f(e.pair_table), f(e.pair_kind), f(e.pair_soft),
      f(e.pair_dof), f(e.pair_side);
  f(e.friction_D), f(e.friction_damp), f(e.limit_soft), f(e.equality_soft), f(e.rank);
  f(e.tree_order), f(e.clusters), f(e.dof_cluster);
  f(e.apart.dof), f(e.apart.local), f(e.apart.first), f(e.apart.row_at);
}

// What an environment writes.
template <class T, class F>
void for_each_own_array(const Data<T>& d, F&& f) {
  f(d.qpos), f(d.qvel), f(d.ctrl), f(d.mocap_pos), f(d.mocap_quat), f(d.qacc_warmstart), f(d.xfrc);
  f(d.xpos), f(d.xmat), f(d.xipos), f(d.xanchor), f(d.xaxis);
  f(d.collider_pose), f(d.collider_stale), f(d.site_xpos), f(d.site_xmat);
  f(d.tree_origin), f(d.cdof), f(d.cinert), f(d.crb), f(d.M), f(d.LD), f(d.LDinv);
  f(d.cvel), f(d.cacc), f(d.cfrc), f(d.qfrc_bias);
  f(d.qfrc_passive), f(d.qfrc_gravcomp), f(d.actuator_force), f(d.qfrc_actuator);
  f(d.qfrc_smooth), f(d.qacc_smooth), f(d.qfrc_constraint), f(d.qacc), f(d.scratch);
  f(d.contacts), f(d.separations.pairs), f(d.separations.directions), f(d.convex_work);
  d.motion.for_each_array(f);
  d.rest.for_each_array(f);
  const auto& e = d.efc;
  f(e.blocks), f(e.dof_index), f(e.block_contact), f(e.jac), f(e.D), f(e.aref), f(e.jar), f(e.jp), f(e.force);
  f(e.damp), f(e.floss), f(e.mu), f(e.block_cluster), f(e.touched), f(e.joined);
  f(e.noted_dofs), f(e.noted_begins), f(e.block_list), f(e.apart_kinds), f(e.small_rows);
  f(e.joint.dof), f(e.joint.local), f(e.joint.first), f(e.joint.row_at);
  f(e.joint_blocks), f(e.tree_root), f(e.columns);
  f(e.H), f(e.inverse_diagonal), f(e.x), f(e.mx), f(e.p), f(e.mp), f(e.grad), f(e.held_D);
}

}  // namespace baton::sim::cuda
