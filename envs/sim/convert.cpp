// Model<double> to Model<float>: every number rounded once, every integer and name kept.
#include <algorithm>

#include "envs/sim/model.hpp"

namespace baton::sim {
namespace {

float to(double v) { return static_cast<float>(v); }
Vec3<float> to(const Vec3<double>& v) { return {to(v.x), to(v.y), to(v.z)}; }
Quat<float> to(const Quat<double>& q) { return {to(q.w), to(q.x), to(q.y), to(q.z)}; }

template <std::size_t N>
std::array<float, N> to(const std::array<double, N>& a) {
  std::array<float, N> b{};
  std::transform(a.begin(), a.end(), b.begin(), [](double v) { return to(v); });
  return b;
}

Softness<float> to(const Softness<double>& s) { return {to(s.solref), to(s.solimp)}; }

std::vector<float> to(const std::vector<double>& a) {
  std::vector<float> b(a.size());
  std::transform(a.begin(), a.end(), b.begin(), [](double v) { return to(v); });
  return b;
}

Option<float> to(const Option<double>& o) {
  Option<float> r;
  r.timestep = to(o.timestep), r.gravity = to(o.gravity);
  r.integrator = o.integrator, r.cone = o.cone, r.refsafe = o.refsafe, r.eulerdamp = o.eulerdamp;
  r.impratio = to(o.impratio), r.tolerance = to(o.tolerance), r.iterations = o.iterations;
  r.ls_tolerance = to(o.ls_tolerance), r.ls_iterations = o.ls_iterations;
  return r;
}

Body<float> to(const Body<double>& b) {
  Body<float> r;
  r.name = b.name, r.parent = b.parent, r.root = b.root, r.weld = b.weld;
  r.joint = b.joint, r.joints = b.joints, r.dof = b.dof, r.dofs = b.dofs, r.geom = b.geom, r.geoms = b.geoms;
  r.mocap = b.mocap, r.pos = to(b.pos), r.quat = to(b.quat);
  r.mass = to(b.mass), r.ipos = to(b.ipos), r.iquat = to(b.iquat), r.inertia = to(b.inertia);
  r.gravcomp = to(b.gravcomp), r.invweight = to(b.invweight), r.last_dof = b.last_dof;
  return r;
}

Joint<float> to(const Joint<double>& j) {
  Joint<float> r;
  r.name = j.name, r.type = j.type, r.body = j.body, r.qpos = j.qpos, r.dof = j.dof;
  r.pos = to(j.pos), r.axis = to(j.axis), r.limited = j.limited, r.range = to(j.range),
  r.margin = to(j.margin);
  r.stiffness = to(j.stiffness), r.limit_softness = to(j.limit_softness);
  r.force_limited = j.force_limited, r.force_range = to(j.force_range);
  r.gravcomp = j.gravcomp, r.floating = j.floating;
  return r;
}

Dof<float> to(const Dof<double>& d) {
  Dof<float> r;
  r.body = d.body, r.joint = d.joint, r.parent = d.parent, r.tree = d.tree;
  r.damping = to(d.damping), r.armature = to(d.armature), r.frictionloss = to(d.frictionloss);
  r.invweight = to(d.invweight), r.friction_softness = to(d.friction_softness);
  return r;
}

Geom<float> to(const Geom<double>& g) {
  Geom<float> r;
  r.name = g.name, r.type = g.type, r.body = g.body, r.pos = to(g.pos), r.quat = to(g.quat),
  r.size = to(g.size);
  r.radius = to(g.radius), r.contype = g.contype, r.conaffinity = g.conaffinity, r.condim = g.condim;
  r.priority = g.priority, r.group = g.group, r.friction = to(g.friction), r.solmix = to(g.solmix);
  r.margin = to(g.margin), r.gap = to(g.gap), r.softness = to(g.softness), r.rgba = g.rgba, r.mesh = g.mesh;
  return r;
}

Mesh<float> to(const Mesh<double>& mesh) {
  Mesh<float> r;
  r.name = mesh.name, r.hull_faces = mesh.hull_faces;
  r.neighbor_begin = mesh.neighbor_begin, r.neighbors = mesh.neighbors;
  r.polygon_begin = mesh.polygon_begin, r.polygon_vertices = mesh.polygon_vertices;
  r.vertex_polygon_begin = mesh.vertex_polygon_begin, r.vertex_polygons = mesh.vertex_polygons;
  r.vertices = mesh.vertices, r.faces = mesh.faces;
  for (const auto& v : mesh.hull) r.hull.push_back(to(v));
  for (const auto& n : mesh.polygon_normals) r.polygon_normals.push_back(to(n));
  return r;
}

Pair<float> to(const Pair<double>& p) {
  Pair<float> r;
  r.geom1 = p.geom1, r.geom2 = p.geom2, r.condim = p.condim, r.friction = to(p.friction);
  r.margin = to(p.margin), r.gap = to(p.gap), r.softness = to(p.softness);
  r.friction_solref = to(p.friction_solref);
  return r;
}

Equality<float> to(const Equality<double>& e) {
  Equality<float> r;
  r.name = e.name, r.type = e.type, r.obj1 = e.obj1, r.obj2 = e.obj2, r.polycoef = to(e.polycoef);
  r.anchor1 = to(e.anchor1), r.anchor2 = to(e.anchor2), r.quat1 = to(e.quat1), r.quat2 = to(e.quat2);
  r.torquescale = to(e.torquescale), r.active = e.active, r.softness = to(e.softness);
  return r;
}

Actuator<float> to(const Actuator<double>& a) {
  Actuator<float> r;
  r.name = a.name, r.joint = a.joint, r.in_parent = a.in_parent, r.gear = to(a.gear);
  r.gain = to(a.gain), r.bias = to(a.bias), r.period = to(a.period);
  r.ctrl_limited = a.ctrl_limited, r.force_limited = a.force_limited;
  r.ctrl_range = to(a.ctrl_range), r.force_range = to(a.force_range);
  return r;
}

Site<float> to(const Site<double>& s) { return {s.name, s.body, to(s.pos), to(s.quat)}; }

Keyframe<float> to(const Keyframe<double>& k) {
  return {k.name, to(k.qpos), to(k.qvel), to(k.ctrl), to(k.mocap_pos), to(k.mocap_quat)};
}

template <class A, class B>
void to(const std::vector<A>& from, std::vector<B>& into) {
  into.reserve(from.size());
  for (const A& a : from) into.push_back(to(a));
}

}  // namespace

Model<float> to_float(const Model<double>& m) {
  Model<float> r;
  r.name = m.name, r.file = m.file, r.option = to(m.option);
  r.nq = m.nq, r.nv = m.nv, r.nu = m.nu, r.ntree = m.ntree, r.nmocap = m.nmocap;
  to(m.bodies, r.bodies);
  to(m.joints, r.joints);
  to(m.dofs, r.dofs);
  to(m.geoms, r.geoms);
  to(m.meshes, r.meshes);
  to(m.pairs, r.pairs);
  to(m.equalities, r.equalities);
  to(m.actuators, r.actuators);
  to(m.sites, r.sites);
  to(m.keyframes, r.keyframes);
  r.qpos0 = to(m.qpos0), r.qpos_spring = to(m.qpos_spring), r.mean_inertia = to(m.mean_inertia);
  return r;
}

}  // namespace baton::sim
