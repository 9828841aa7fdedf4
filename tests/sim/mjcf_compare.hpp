#pragma once
// Our compiled model against MuJoCo's, field by field: check_model(path).
#include <map>
#include <set>
#include <tuple>

#include "tests/sim/mujoco_oracle.hpp"

#ifdef BATON_HAVE_MUJOCO

namespace baton::test {

using sim::Cone;
using sim::EqualityType;
using sim::GeomType;
using sim::Mat3;
using sim::Quat;
using sim::Vec3;

inline std::vector<double> values(const Vec3<double>& v) { return {v.x, v.y, v.z}; }
inline std::vector<double> values(const Mat3<double>& m) { return {m.m, m.m + 9}; }
inline std::vector<double> values(const mjtNum* p, int n) { return {p, p + n}; }
template <std::size_t N>
std::vector<double> values(const std::array<double, N>& a) {
  return {a.begin(), a.end()};
}

inline std::string name_of(const Oracle& o, int kind, int id) {
  const char* name = mj_id2name(o.m, kind, id);
  return name == nullptr ? "" : name;
}

// A quaternion as its matrix: q and -q are the same rotation.
inline std::vector<double> turn(const Quat<double>& q) { return values(rotation(q)); }
// MuJoCo draws a geom in its material's colour unless its own differs from the default.
inline std::vector<double> color(const Oracle& o, int geom) {
  const float* rgba = o.m->geom_rgba + 4 * geom;
  const bool own = rgba[0] != 0.5f || rgba[1] != 0.5f || rgba[2] != 0.5f || rgba[3] != 1.0f;
  if (!own && o.m->geom_matid[geom] >= 0) rgba = o.m->mat_rgba + 4 * o.m->geom_matid[geom];
  return {rgba, rgba + 4};
}
inline std::vector<double> turn(const mjtNum* q) { return turn(Quat<double>{q[0], q[1], q[2], q[3]}); }

// Inertia in the body's frame: principal axes are free where moments are equal.
inline std::vector<double> inertia(const Quat<double>& q, const Vec3<double>& moments) {
  const Mat3<double> r = rotation(q);
  std::vector<double> full(9);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) full[static_cast<std::size_t>(3 * i + j)] += r(i, k) * moments[k] * r(j, k);
  return full;
}

inline void check_bodies(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.bodies.size(); ++i) {
    const auto& b = o.model.bodies[i];
    const int n = static_cast<int>(i);
    CAPTURE(b.name);
    CHECK(b.name == name_of(o, mjOBJ_BODY, n));
    CHECK(b.parent == o.m->body_parentid[n]);
    CHECK(b.root == o.m->body_rootid[n]);
    CHECK(b.weld == o.m->body_weldid[n]);
    CHECK(b.joints == o.m->body_jntnum[n]);
    CHECK(b.joint == o.m->body_jntadr[n]);
    CHECK(b.dofs == o.m->body_dofnum[n]);
    CHECK(b.dof == o.m->body_dofadr[n]);
    CHECK(b.geoms == o.m->body_geomnum[n]);
    CHECK(b.geom == o.m->body_geomadr[n]);
    CHECK(b.mocap == o.m->body_mocapid[n]);
    check_close(values(b.pos), values(o.m->body_pos + 3 * n, 3), 1e-13, 1e-13, "pos");
    check_close(turn(b.quat), turn(o.m->body_quat + 4 * n), 1e-13, 1e-13, "quat");
    CHECK(b.mass == doctest::Approx(o.m->body_mass[n]).epsilon(1e-12));
    if (b.mass > 0) check_close(values(b.ipos), values(o.m->body_ipos + 3 * n, 3), 1e-11, 1e-12, "ipos");
    const mjtNum *q = o.m->body_iquat + 4 * n, *d = o.m->body_inertia + 3 * n;
    check_close(inertia(b.iquat, b.inertia), inertia({q[0], q[1], q[2], q[3]}, {d[0], d[1], d[2]}), 1e-9,
                1e-11 * (d[0] + d[1] + d[2]), "inertia");
    check_close(values(b.invweight), values(o.m->body_invweight0 + 2 * n, 2), 1e-8, 1e-12, "invweight");
  }
}

inline void check_joints(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.joints.size(); ++i) {
    const auto& j = o.model.joints[i];
    const int n = static_cast<int>(i);
    CAPTURE(j.name);
    CHECK(j.name == name_of(o, mjOBJ_JOINT, n));
    CHECK(static_cast<int>(j.type) == o.m->jnt_type[n]);
    CHECK(j.body == o.m->jnt_bodyid[n]);
    CHECK(j.qpos == o.m->jnt_qposadr[n]);
    CHECK(j.dof == o.m->jnt_dofadr[n]);
    CHECK(j.limited == (o.m->jnt_limited[n] != 0));
    check_close(values(j.pos), values(o.m->jnt_pos + 3 * n, 3), 1e-13, 1e-13, "pos");
    check_close(values(j.axis), values(o.m->jnt_axis + 3 * n, 3), 1e-13, 1e-13, "axis");
    if (j.limited) check_close(values(j.range), values(o.m->jnt_range + 2 * n, 2), 1e-13, 1e-13, "range");
    CHECK(j.margin == o.m->jnt_margin[n]);
    CHECK(j.stiffness == o.m->jnt_stiffness[n]);
    check_close(values(j.limit_softness.solref), values(o.m->jnt_solref + mjNREF * n, 2), 0, 0, "solref");
    check_close(values(j.limit_softness.solimp), values(o.m->jnt_solimp + mjNIMP * n, 5), 0, 0, "solimp");
  }
  for (std::size_t i = 0; i < o.model.dofs.size(); ++i) {
    const auto& d = o.model.dofs[i];
    const int n = static_cast<int>(i);
    CAPTURE(n);
    CHECK(d.body == o.m->dof_bodyid[n]);
    CHECK(d.joint == o.m->dof_jntid[n]);
    CHECK(d.parent == o.m->dof_parentid[n]);
    CHECK(d.tree == o.m->dof_treeid[n]);
    CHECK(d.damping == o.m->dof_damping[n]);
    CHECK(d.armature == o.m->dof_armature[n]);
    CHECK(d.frictionloss == o.m->dof_frictionloss[n]);
    CHECK(d.invweight == doctest::Approx(o.m->dof_invweight0[n]).epsilon(1e-8));
    check_close(values(d.friction_softness.solref), values(o.m->dof_solref + mjNREF * n, 2), 0, 0, "solref");
    check_close(values(d.friction_softness.solimp), values(o.m->dof_solimp + mjNIMP * n, 5), 0, 0, "solimp");
  }
  check_close(o.model.qpos0, values(o.m->qpos0, o.m->nq), 1e-13, 1e-13, "qpos0");
  check_close(o.model.qpos_spring, values(o.m->qpos_spring, o.m->nq), 1e-13, 1e-13, "qpos_spring");
}

inline void check_geoms(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.geoms.size(); ++i) {
    const auto& g = o.model.geoms[i];
    const int n = static_cast<int>(i);
    CAPTURE(n);
    CAPTURE(g.name);
    CHECK(g.name == name_of(o, mjOBJ_GEOM, n));
    CHECK(g.body == o.m->geom_bodyid[n]);
    CHECK(g.contype == o.m->geom_contype[n]);
    CHECK(g.conaffinity == o.m->geom_conaffinity[n]);
    CHECK(g.group == o.m->geom_group[n]);
    CHECK(g.condim == o.m->geom_condim[n]);
    CHECK(g.priority == o.m->geom_priority[n]);
    CHECK(g.solmix == o.m->geom_solmix[n]);
    CHECK(g.margin == o.m->geom_margin[n]);
    CHECK(g.gap == o.m->geom_gap[n]);
    CHECK(g.mesh == (g.type == GeomType::kMesh ? o.m->geom_dataid[n] : -1));
    check_close(values(g.friction), values(o.m->geom_friction + 3 * n, 3), 0, 0, "friction");
    check_close(values(g.softness.solref), values(o.m->geom_solref + mjNREF * n, 2), 0, 0, "solref");
    check_close(values(g.softness.solimp), values(o.m->geom_solimp + mjNIMP * n, 5), 0, 0, "solimp");
    const std::map<GeomType, int> types = {
        {GeomType::kPlane, mjGEOM_PLANE},      {GeomType::kMesh, mjGEOM_MESH},
        {GeomType::kSphere, mjGEOM_SPHERE},    {GeomType::kCapsule, mjGEOM_CAPSULE},
        {GeomType::kBox, mjGEOM_BOX},          {GeomType::kEllipsoid, mjGEOM_ELLIPSOID},
        {GeomType::kCylinder, mjGEOM_CYLINDER}};
    CHECK(types.at(g.type) == o.m->geom_type[n]);
    // Frames and boxes of meshes are sums over thousands of faces.
    const bool exact = o.m->geom_dataid[n] < 0;
    const double slack = exact ? 1e-12 : 1e-9;
    check_close(values(g.pos), values(o.m->geom_pos + 3 * n, 3), slack, slack, "pos");
    check_close(turn(g.quat), turn(o.m->geom_quat + 4 * n), slack, slack, "quat");
    const int sizes = g.type == GeomType::kSphere                                     ? 1
                      : g.type == GeomType::kCapsule || g.type == GeomType::kCylinder ? 2
                                                                                      : 3;
    check_close(std::vector<double>(&g.size.x, &g.size.x + sizes), values(o.m->geom_size + 3 * n, sizes),
                slack, 0, "size");
    CHECK(g.radius == doctest::Approx(o.m->geom_rbound[n]).epsilon(slack));
    for (std::size_t c = 0; c < 4; ++c) CHECK(g.rgba[c] == doctest::Approx(color(o, n)[c]));
  }
}

inline void check_sites(const Oracle& o) {
  REQUIRE(static_cast<int>(o.model.sites.size()) == o.m->nsite);
  for (std::size_t i = 0; i < o.model.sites.size(); ++i) {
    const auto& s = o.model.sites[i];
    const int n = static_cast<int>(i);
    CAPTURE(s.name);
    CHECK(s.name == name_of(o, mjOBJ_SITE, n));
    CHECK(s.body == o.m->site_bodyid[n]);
    check_close(values(s.pos), values(o.m->site_pos + 3 * n, 3), 1e-13, 1e-13, "pos");
    check_close(turn(s.quat), turn(o.m->site_quat + 4 * n), 1e-12, 1e-12, "quat");
  }
}

// Vertices are floats in both; rounding may fall either way.
inline void check_meshes(const Oracle& o) {
  REQUIRE(static_cast<int>(o.model.meshes.size()) == o.m->nmesh);
  for (std::size_t i = 0; i < o.model.meshes.size(); ++i) {
    const auto& mesh = o.model.meshes[i];
    const int n = static_cast<int>(i), first = o.m->mesh_vertadr[n];
    CAPTURE(mesh.name);
    CHECK(mesh.name == name_of(o, mjOBJ_MESH, n));
    REQUIRE(static_cast<int>(mesh.vertices.size()) == o.m->mesh_vertnum[n]);
    REQUIRE(static_cast<int>(mesh.faces.size()) == o.m->mesh_facenum[n]);
    std::vector<double> ours, theirs, our_faces, their_faces;
    double size = 0;
    for (std::size_t v = 0; v < mesh.vertices.size(); ++v) {
      for (int k = 0; k < 3; ++k) {
        ours.push_back(static_cast<double>(mesh.vertices[v][k]));
        theirs.push_back(static_cast<double>(o.m->mesh_vert[3 * (static_cast<std::size_t>(first) + v) + k]));
        size = std::max(size, std::fabs(theirs.back()));
      }
    }
    check_close(ours, theirs, 2e-7, 1e-8 * size, "vertices");
    for (std::size_t f = 0; f < 3 * mesh.faces.size(); ++f) {
      our_faces.push_back(mesh.faces[f / 3][f % 3]);
      their_faces.push_back(o.m->mesh_face[3 * static_cast<std::size_t>(o.m->mesh_faceadr[n]) + f]);
    }
    check_close(our_faces, their_faces, 0, 0, "faces");
    // The hull's vertices, in MuJoCo's order: number of vertices and faces, addresses, then the vertices' own ids.
    const int graph = o.m->mesh_graphadr[n];
    REQUIRE(mesh.hull.empty() == (graph < 0));
    if (graph < 0) continue;
    const int* g = o.m->mesh_graph + graph;
    REQUIRE(static_cast<int>(mesh.hull.size()) == g[0]);
    CHECK(static_cast<int>(mesh.hull_faces.size()) == g[1]);
    std::set<std::vector<double>> hull, hull_theirs;
    for (int v = 0; v < g[0]; ++v) {
      const auto id = static_cast<std::size_t>(g[2 + g[0] + v]);
      hull_theirs.insert(values(sim::cast<double>(mesh.vertices[id])));
      hull.insert(values(mesh.hull[static_cast<std::size_t>(v)]));
    }
    CHECK_MESSAGE(hull == hull_theirs, "hull of " << mesh.name);
  }
}

// MuJoCo's pairs are those that make contacts when every geom is a sphere that reaches all others.
inline std::map<std::pair<int, int>, mjContact> grown_contacts(Oracle& o) {
  mj_resetData(o.m, o.d);
  for (int i = 0; i < o.m->ngeom; ++i) {
    if (o.m->geom_type[i] == mjGEOM_PLANE) continue;
    o.m->geom_type[i] = mjGEOM_SPHERE;
    o.m->geom_size[3 * i] = 20 + 0.01 * i;
    o.m->geom_rbound[i] = 100;
    for (int k = 3; k < 6; ++k) o.m->geom_aabb[6 * i + k] = 100;
  }
  o.m->opt.disableflags |= mjDSBL_MIDPHASE;
  for (int i = 0; i < o.m->nbvhstatic; ++i) {
    for (int k = 0; k < 6; ++k) o.m->bvh_aabb[6 * i + k] = k < 3 ? 0 : 100;
  }
  mj_fwdKinematics(o.m, o.d);
  mj_comPos(o.m, o.d);
  mj_collision(o.m, o.d);
  std::map<std::pair<int, int>, mjContact> found;
  for (int i = 0; i < o.d->ncon; ++i) {
    const mjContact& c = o.d->contact[i];
    found.emplace(std::pair(std::min(c.geom[0], c.geom[1]), std::max(c.geom[0], c.geom[1])), c);
  }
  return found;
}

inline void check_pairs(Oracle& o) {
  const auto theirs = grown_contacts(o);
  std::set<std::pair<int, int>> ours;
  for (const auto& p : o.model.pairs) {
    const std::pair key(std::min(p.geom1, p.geom2), std::max(p.geom1, p.geom2));
    CAPTURE(p.geom1);
    CAPTURE(p.geom2);
    CHECK(ours.insert(key).second);
    const auto found = theirs.find(key);
    REQUIRE_MESSAGE(found != theirs.end(), "a pair MuJoCo does not have");
    const mjContact& c = found->second;
    const auto type = [&](int g) { return o.model.geoms[static_cast<std::size_t>(g)].type; };
    CHECK(std::tuple(type(p.geom1), p.geom1) < std::tuple(type(p.geom2), p.geom2));
    CHECK(p.condim == c.dim);
    check_close(values(p.friction), values(c.friction, 5), 1e-13, 0, "friction");
    check_close(values(p.softness.solref), values(c.solref, 2), 1e-13, 0, "solref");
    check_close(values(p.softness.solimp), values(c.solimp, 5), 1e-13, 0, "solimp");
    CHECK(p.margin - p.gap == doctest::Approx(c.includemargin).epsilon(1e-12));
  }
  for (const auto& [key, contact] : theirs)
    CHECK_MESSAGE(ours.count(key) == 1, "missing " << key.first << " " << key.second);
}

inline void check_options(const Oracle& o) {
  const auto& opt = o.m->opt;
  CHECK(o.model.option.timestep == opt.timestep);
  check_close(values(o.model.option.gravity), values(opt.gravity, 3), 0, 0, "gravity");
  CHECK(o.model.option.impratio == opt.impratio);
  CHECK(o.model.option.tolerance == opt.tolerance);
  CHECK(o.model.option.iterations == opt.iterations);
  CHECK(o.model.option.ls_iterations == opt.ls_iterations);
  CHECK((o.model.option.cone == Cone::kElliptic) == (opt.cone == mjCONE_ELLIPTIC));
  CHECK(o.model.ntree == o.m->ntree);
  CHECK(o.model.mean_inertia == doctest::Approx(o.m->stat.meaninertia).epsilon(1e-9));
}

inline void check_equality_data(const sim::Equality<double>& q, const mjtNum* data, bool sites) {
  if (q.type == EqualityType::kJoint) {
    check_close(values(q.polycoef), values(data, 5), 0, 0, "polycoef");
  } else if (q.type == EqualityType::kConnect && !sites) {
    check_close(values(q.anchor1), values(data, 3), 1e-13, 1e-13, "anchor1");
    check_close(values(q.anchor2), values(data + 3, 3), 1e-12, 1e-12, "anchor2");
  } else if (q.type == EqualityType::kWeld && !sites) {
    check_close(values(q.anchor2), values(data, 3), 1e-13, 1e-13, "anchor2");
    check_close(values(q.anchor1), values(data + 3, 3), 1e-12, 1e-12, "anchor1");
    check_close(turn(q.quat1), turn(data + 6), 1e-12, 1e-12, "quat1");
  }
  if (q.type == EqualityType::kWeld) CHECK(q.torquescale == data[10]);
}

inline void check_equalities(const Oracle& o) {
  REQUIRE(static_cast<int>(o.model.equalities.size()) == o.m->neq);
  for (std::size_t i = 0; i < o.model.equalities.size(); ++i) {
    const auto& q = o.model.equalities[i];
    const int n = static_cast<int>(i);
    const bool sites = o.m->eq_objtype[n] == mjOBJ_SITE;  // ours holds the sites' bodies
    const std::map<EqualityType, int> types = {{EqualityType::kJoint, mjEQ_JOINT},
                                               {EqualityType::kWeld, mjEQ_WELD},
                                               {EqualityType::kConnect, mjEQ_CONNECT}};
    CHECK(types.at(q.type) == o.m->eq_type[n]);
    if (!sites) CHECK(q.obj1 == o.m->eq_obj1id[n]);
    if (!sites) CHECK(q.obj2 == o.m->eq_obj2id[n]);
    CHECK(q.active == (o.m->eq_active0[n] != 0));
    check_equality_data(q, o.m->eq_data + mjNEQDATA * n, sites);
    check_close(values(q.softness.solref), values(o.m->eq_solref + mjNREF * n, 2), 0, 0, "solref");
    check_close(values(q.softness.solimp), values(o.m->eq_solimp + mjNIMP * n, 5), 0, 0, "solimp");
  }
}

inline void check_actuators(const Oracle& o) {
  REQUIRE(static_cast<int>(o.model.actuators.size()) == o.m->nu);
  for (std::size_t i = 0; i < o.model.actuators.size(); ++i) {
    const auto& a = o.model.actuators[i];
    const int n = static_cast<int>(i);
    CAPTURE(a.name);
    CHECK(a.name == name_of(o, mjOBJ_ACTUATOR, n));
    CHECK(a.joint == o.m->actuator_trnid[2 * n]);
    check_close(values(a.gear), values(o.m->actuator_gear + 6 * n, 6), 0, 0, "gear");
    const bool affine_gain = o.m->actuator_gaintype[n] == mjGAIN_AFFINE;
    auto gain = values(o.m->actuator_gainprm + mjNGAIN * n, 3);
    if (!affine_gain) gain[1] = gain[2] = 0;
    check_close(values(a.gain), gain, 0, 0, "gain");
    const bool affine = o.m->actuator_biastype[n] == mjBIAS_AFFINE;
    const auto bias = affine ? values(o.m->actuator_biasprm + mjNBIAS * n, 3) : std::vector<double>(3);
    check_close(values(a.bias), bias, 1e-12, 0, "bias");
    CHECK(a.ctrl_limited == (o.m->actuator_ctrllimited[n] != 0));
    CHECK(a.force_limited == (o.m->actuator_forcelimited[n] != 0));
    if (a.ctrl_limited)
      check_close(values(a.ctrl_range), values(o.m->actuator_ctrlrange + 2 * n, 2), 1e-13, 1e-13, "ctrl");
    if (a.force_limited)
      check_close(values(a.force_range), values(o.m->actuator_forcerange + 2 * n, 2), 0, 0, "force");
  }
}

inline void check_keyframes(const Oracle& o) {
  REQUIRE(static_cast<int>(o.model.keyframes.size()) == o.m->nkey);
  for (std::size_t i = 0; i < o.model.keyframes.size(); ++i) {
    const auto& k = o.model.keyframes[i];
    const int n = static_cast<int>(i);
    CHECK(k.name == name_of(o, mjOBJ_KEY, n));
    check_close(k.qpos, values(o.m->key_qpos + o.m->nq * n, o.m->nq), 1e-13, 1e-13, "key qpos");
    check_close(k.qvel, values(o.m->key_qvel + o.m->nv * n, o.m->nv), 0, 0, "key qvel");
    check_close(k.ctrl, values(o.m->key_ctrl + o.m->nu * n, o.m->nu), 0, 0, "key ctrl");
    const int mocaps = o.m->nmocap;
    check_close(k.mocap_pos, values(o.m->key_mpos + 3 * mocaps * n, 3 * mocaps), 1e-13, 1e-13, "key mpos");
    check_close(k.mocap_quat, values(o.m->key_mquat + 4 * mocaps * n, 4 * mocaps), 1e-13, 1e-13, "key mquat");
  }
}

inline void check_model(Oracle& o) {
  check_bodies(o);
  check_joints(o);
  check_geoms(o);
  check_sites(o);
  check_meshes(o);
  check_options(o);
  check_equalities(o);
  check_actuators(o);
  check_keyframes(o);
  check_pairs(o);  // last: it changes MuJoCo's model
}

inline void check_model(const std::string& path) {
  Oracle o = Oracle::from_file(path);
  check_model(o);
}

}  // namespace baton::test

#endif  // BATON_HAVE_MUJOCO
