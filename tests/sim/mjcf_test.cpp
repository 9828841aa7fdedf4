// The MJCF loader against MuJoCo's own compiled models, and its errors.
#include <map>
#include <set>
#include <tuple>

#include "envs/sim/mjcf/load.hpp"
#include "tests/sim/mujoco_oracle.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

#ifdef BATON_HAVE_MUJOCO
using baton::test::Oracle;

std::vector<double> values(const Vec3<double>& v) { return {v.x, v.y, v.z}; }
std::vector<double> values(const Mat3<double>& m) { return {m.m, m.m + 9}; }
std::vector<double> values(const mjtNum* p, int n) { return {p, p + n}; }
template <std::size_t N>
std::vector<double> values(const std::array<double, N>& a) {
  return {a.begin(), a.end()};
}

// A quaternion as its matrix: q and -q are the same rotation.
std::vector<double> turn(const Quat<double>& q) { return values(rotation(q)); }
// MuJoCo draws a geom in its material's colour unless its own differs from the default.
std::vector<double> color(const Oracle& o, int geom) {
  const float* rgba = o.m->geom_rgba + 4 * geom;
  const bool own = rgba[0] != 0.5f || rgba[1] != 0.5f || rgba[2] != 0.5f || rgba[3] != 1.0f;
  if (!own && o.m->geom_matid[geom] >= 0) rgba = o.m->mat_rgba + 4 * o.m->geom_matid[geom];
  return {rgba, rgba + 4};
}
std::vector<double> turn(const mjtNum* q) { return turn(Quat<double>{q[0], q[1], q[2], q[3]}); }

// Inertia in the body's frame: principal axes are free where moments are equal.
std::vector<double> inertia(const Quat<double>& q, const Vec3<double>& moments) {
  const Mat3<double> r = rotation(q);
  std::vector<double> full(9);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) full[static_cast<std::size_t>(3 * i + j)] += r(i, k) * moments[k] * r(j, k);
  return full;
}

void check_bodies(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.bodies.size(); ++i) {
    const auto& b = o.model.bodies[i];
    const int n = static_cast<int>(i);
    CAPTURE(b.name);
    const char* name = mj_id2name(o.m, mjOBJ_BODY, n);
    CHECK(b.name == (name == nullptr ? "" : name));
    CHECK(b.parent == o.m->body_parentid[n]);
    CHECK(b.root == o.m->body_rootid[n]);
    CHECK(b.weld == o.m->body_weldid[n]);
    CHECK(b.joints == o.m->body_jntnum[n]);
    CHECK(b.joint == o.m->body_jntadr[n]);
    CHECK(b.dofs == o.m->body_dofnum[n]);
    CHECK(b.dof == o.m->body_dofadr[n]);
    CHECK(b.geoms == o.m->body_geomnum[n]);
    CHECK(b.geom == o.m->body_geomadr[n]);
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

void check_joints(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.joints.size(); ++i) {
    const auto& j = o.model.joints[i];
    const int n = static_cast<int>(i);
    CAPTURE(j.name);
    const char* name = mj_id2name(o.m, mjOBJ_JOINT, n);
    CHECK(j.name == (name == nullptr ? "" : name));
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

void check_geoms(const Oracle& o) {
  for (std::size_t i = 0; i < o.model.geoms.size(); ++i) {
    const auto& g = o.model.geoms[i];
    const int n = static_cast<int>(i);
    CAPTURE(n);
    CAPTURE(g.name);
    CHECK(g.body == o.m->geom_bodyid[n]);
    CHECK(g.contype == o.m->geom_contype[n]);
    CHECK(g.conaffinity == o.m->geom_conaffinity[n]);
    CHECK(g.group == o.m->geom_group[n]);
    if (g.type == GeomType::kMesh) continue;  // MuJoCo moves meshes to their centres
    const std::map<GeomType, int> types = {
        {GeomType::kPlane, mjGEOM_PLANE},         {GeomType::kSphere, mjGEOM_SPHERE},
        {GeomType::kCapsule, mjGEOM_CAPSULE},     {GeomType::kBox, mjGEOM_BOX},
        {GeomType::kEllipsoid, mjGEOM_ELLIPSOID}, {GeomType::kCylinder, mjGEOM_CYLINDER}};
    CHECK(types.at(g.type) == o.m->geom_type[n]);
    check_close(values(g.pos), values(o.m->geom_pos + 3 * n, 3), 1e-13, 1e-13, "pos");
    check_close(turn(g.quat), turn(o.m->geom_quat + 4 * n), 1e-12, 1e-12, "quat");
    const int sizes = g.type == GeomType::kSphere                                     ? 1
                      : g.type == GeomType::kCapsule || g.type == GeomType::kCylinder ? 2
                                                                                      : 3;
    check_close(std::vector<double>(&g.size.x, &g.size.x + sizes), values(o.m->geom_size + 3 * n, sizes),
                1e-13, 0, "size");
    CHECK(g.radius == doctest::Approx(o.m->geom_rbound[n]).epsilon(1e-12));
    for (std::size_t c = 0; c < 4; ++c) CHECK(g.rgba[c] == doctest::Approx(color(o, n)[c]));
  }
  REQUIRE(static_cast<int>(o.model.sites.size()) == o.m->nsite);
  for (std::size_t i = 0; i < o.model.sites.size(); ++i) {
    const auto& s = o.model.sites[i];
    const int n = static_cast<int>(i);
    CAPTURE(s.name);
    CHECK(s.body == o.m->site_bodyid[n]);
    check_close(values(s.pos), values(o.m->site_pos + 3 * n, 3), 1e-13, 1e-13, "pos");
    check_close(turn(s.quat), turn(o.m->site_quat + 4 * n), 1e-12, 1e-12, "quat");
  }
}

// MuJoCo's pairs are those that make contacts when every geom is a sphere that reaches all others.
std::map<std::pair<int, int>, mjContact> grown_contacts(Oracle& o) {
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

void check_pairs(Oracle& o) {
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

void check_rest(const Oracle& o) {
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
  REQUIRE(static_cast<int>(o.model.equalities.size()) == o.m->neq);
  for (std::size_t i = 0; i < o.model.equalities.size(); ++i) {
    const auto& q = o.model.equalities[i];
    const int n = static_cast<int>(i);
    CHECK((q.type == EqualityType::kJoint) == (o.m->eq_type[n] == mjEQ_JOINT));
    CHECK(q.active == (o.m->eq_active0[n] != 0));
    if (q.type == EqualityType::kJoint) {  // the others' frames show in their rows (fidelity_test.cpp)
      CHECK(q.obj1 == o.m->eq_obj1id[n]);
      CHECK(q.obj2 == o.m->eq_obj2id[n]);
      check_close(values(q.polycoef), values(o.m->eq_data + mjNEQDATA * n, 5), 0, 0, "polycoef");
    }
    check_close(values(q.softness.solref), values(o.m->eq_solref + mjNREF * n, 2), 0, 0, "solref");
    check_close(values(q.softness.solimp), values(o.m->eq_solimp + mjNIMP * n, 5), 0, 0, "solimp");
  }
  REQUIRE(static_cast<int>(o.model.actuators.size()) == o.m->nu);
  for (std::size_t i = 0; i < o.model.actuators.size(); ++i) {
    const auto& a = o.model.actuators[i];
    const int n = static_cast<int>(i);
    CAPTURE(a.name);
    CHECK(a.joint == o.m->actuator_trnid[2 * n]);
    check_close(values(a.gear), values(o.m->actuator_gear + 6 * n, 6), 0, 0, "gear");
    CHECK(a.gain == o.m->actuator_gainprm[mjNGAIN * n]);
    const bool affine = o.m->actuator_biastype[n] == mjBIAS_AFFINE;
    const auto bias = affine ? values(o.m->actuator_biasprm + mjNBIAS * n, 3) : std::vector<double>(3);
    check_close(values(a.bias), bias, 0, 0, "bias");
    CHECK(a.ctrl_limited == (o.m->actuator_ctrllimited[n] != 0));
    CHECK(a.force_limited == (o.m->actuator_forcelimited[n] != 0));
    if (a.ctrl_limited)
      check_close(values(a.ctrl_range), values(o.m->actuator_ctrlrange + 2 * n, 2), 1e-13, 1e-13, "ctrl");
    if (a.force_limited)
      check_close(values(a.force_range), values(o.m->actuator_forcerange + 2 * n, 2), 0, 0, "force");
  }
  REQUIRE(static_cast<int>(o.model.keyframes.size()) == o.m->nkey);
  for (std::size_t i = 0; i < o.model.keyframes.size(); ++i) {
    const auto& k = o.model.keyframes[i];
    const int n = static_cast<int>(i);
    check_close(k.qpos, values(o.m->key_qpos + o.m->nq * n, o.m->nq), 1e-13, 1e-13, "key qpos");
    check_close(k.qvel, values(o.m->key_qvel + o.m->nv * n, o.m->nv), 0, 0, "key qvel");
    check_close(k.ctrl, values(o.m->key_ctrl + o.m->nu * n, o.m->nu), 0, 0, "key ctrl");
  }
}

void check_model(const std::string& path) {
  Oracle o = Oracle::from_file(path);
  check_bodies(o);
  check_joints(o);
  check_geoms(o);
  check_rest(o);
  check_pairs(o);  // last: it changes MuJoCo's model
}
#endif  // BATON_HAVE_MUJOCO

}  // namespace

TEST_CASE("mjcf: every field and pair of every model of the folder equals MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  for (const auto& path : test::model_files()) {
    CAPTURE(path);
    check_model(path);
  }
#endif
}

TEST_CASE("mjcf: every field and pair of the kitchen equals MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  check_model(test::source_path("envs/kitchen/kitchen.xml"));
#endif
}

TEST_CASE("mjcf: flags carry out what they say") {
  const std::string text =
      R"(<mujoco><option><flag FLAG="disable"/></option><worldbody><geom type="plane" size="1 1 1"/>
    <body><joint range="-1 1" stiffness="1" damping="2" frictionloss="3"/><geom size="1"/>
    <body><joint name="j"/><geom size="1"/></body></body></worldbody>
    <equality><joint joint1="j"/></equality>
    <actuator><position joint="j" kp="5" ctrlrange="-1 1"/></actuator></mujoco>)";
  const auto with = [&](const std::string& flag) {
    std::string t = text;
    return mjcf::parse(t.replace(t.find("FLAG"), 4, flag));
  };
  const auto plain = with("sensor");
  CHECK(plain.pairs.size() == 2);
  CHECK(plain.joints[0].limited);
  CHECK(with("contact").pairs.empty());
  CHECK(with("filterparent").pairs.size() == 3);
  CHECK(!with("limit").joints[0].limited);
  CHECK(with("spring").joints[0].stiffness == 0);
  CHECK(with("damper").dofs[0].damping == 0);
  CHECK(with("frictionloss").dofs[0].frictionloss == 0);
  CHECK(with("gravity").option.gravity.z == 0);
  CHECK(!with("equality").equalities[0].active);
  CHECK(!with("clampctrl").actuators[0].ctrl_limited);
  CHECK(with("actuation").actuators[0].gain == 0);
  const auto free = with("constraint");
  CHECK((free.pairs.empty() && !free.joints[0].limited && free.dofs[0].frictionloss == 0 &&
         !free.equalities[0].active));
}

TEST_CASE("mjcf: the float model holds the double model's numbers, each rounded once") {
  const Model<double> m = mjcf::load(test::model_path("contacts.xml"));
  const Model<float> f = to_float(m);
  REQUIRE(f.bodies.size() == m.bodies.size());
  REQUIRE(f.pairs.size() == m.pairs.size());
  REQUIRE(f.geoms.size() == m.geoms.size());
  REQUIRE(f.dofs.size() == m.dofs.size());
  CHECK((f.nq == m.nq && f.nv == m.nv && f.nu == m.nu && f.ntree == m.ntree));
  check_close(f.qpos0, m.qpos0, 1e-7, 0, "qpos0");
  for (std::size_t i = 0; i < m.bodies.size(); ++i) {
    CHECK(f.bodies[i].name == m.bodies[i].name);
    CHECK(f.bodies[i].mass == static_cast<float>(m.bodies[i].mass));
    CHECK(f.bodies[i].inertia.y == static_cast<float>(m.bodies[i].inertia.y));
    CHECK(f.bodies[i].invweight[0] == static_cast<float>(m.bodies[i].invweight[0]));
    CHECK(f.bodies[i].last_dof == m.bodies[i].last_dof);
  }
  for (std::size_t i = 0; i < m.pairs.size(); ++i) {
    CHECK(f.pairs[i].geom1 == m.pairs[i].geom1);
    CHECK(f.pairs[i].friction[2] == static_cast<float>(m.pairs[i].friction[2]));
    CHECK(f.pairs[i].softness.solimp[2] == static_cast<float>(m.pairs[i].softness.solimp[2]));
    CHECK(f.pairs[i].margin == static_cast<float>(m.pairs[i].margin));
  }
  CHECK(f.mean_inertia == static_cast<float>(m.mean_inertia));
}
