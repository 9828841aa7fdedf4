#pragma once
// The part of compilation that follows the body tree.
#include "envs/sim/mjcf/meshes.hpp"

namespace baton::sim::mjcf {

// Fills bodies, joints, dofs, geoms, sites, qpos0, qpos_spring, nq, nv, ntree. Masses are checked: what moves has mass
// and inertia.
void make_bodies(const Spec& spec, const MeshAssets& meshes, Model<double>& model);

// One joint without its place in the model (body, qpos, dof).
Joint<double> make_joint(const CompilerSpec& compiler, const JointSpec& spec);

}  // namespace baton::sim::mjcf
