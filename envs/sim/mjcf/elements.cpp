// Reading of single elements: attributes over the settings of the class.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "envs/sim/mjcf/mass.hpp"
#include "envs/sim/mjcf/reader.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr double kTiny = 1e-14;  // lengths below are refused as directions (MuJoCo's bound)

void read_solref(const Element& e, const char* attribute, std::array<double, 2>& solref) {
  if (get_numbers(e, attribute, solref.data(), 1, 2) == 0) return;
  const bool standard = solref[0] > 0 && solref[1] > 0, direct = solref[0] <= 0 && solref[1] <= 0;
  if (!standard && !direct) {
    refuse(e, attribute,
           "{} {}: expected both positive (time constant, damping ratio) or both not (-stiffness, -damping)",
           solref[0], solref[1]);
  }
}

void not_negative(const Element& e, const char* attribute, double value) {
  if (value < 0) refuse(e, attribute, "{} is negative", value);
}

void read_name(const Element& e, std::string& name, Where& where) {
  where = e.where;
  name.clear();  // a class's settings carry none
  get(e, "name", name);
}

GeomType read_geom_type(const Element& e, GeomType otherwise) {
  int k = 0;
  if (!get_keyword(e, "type",
                   {"plane", "sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh", "hfield", "sdf"},
                   k)) {
    return otherwise;
  }
  if (k > static_cast<int>(GeomType::kMesh)) refuse(e, "type", "'{}' is not supported", *e.find("type"));
  return static_cast<GeomType>(k);
}

// By content_type, else by the file's extension.
MeshFormat mesh_format(const Element& e, const std::string& file) {
  std::string type;
  if (get(e, "content_type", type)) {
    if (type != "model/stl" && type != "model/obj")
      refuse(e, "content_type", "'{:.40}' is not supported, only 'model/stl' and 'model/obj'", type);
    return type == "model/stl" ? MeshFormat::kStl : MeshFormat::kObj;
  }
  const std::string extension = file.substr(std::min(file.rfind('.'), file.size()));
  if (extension == ".stl" || extension == ".STL") return MeshFormat::kStl;
  if (extension == ".obj" || extension == ".OBJ") return MeshFormat::kObj;
  refuse(e, "file", "'{:.60}' is not supported; save the mesh as .stl or .obj", file);
}

}  // namespace

void read_softness(const Element& e, const char* solref, const char* solimp, Softness<double>& s) {
  read_solref(e, solref, s.solref);
  if (get_numbers(e, solimp, s.solimp.data(), 1, 5) > 0) {
    if (!(s.solimp[4] >= 1)) refuse(e, solimp, "power {} is below 1", s.solimp[4]);
    if (!(s.solimp[2] >= 0)) refuse(e, solimp, "width {} is negative", s.solimp[2]);
  }
}

void read_orientation(const Element& e, const CompilerSpec& compiler, Quat<double>& quat) {
  const double unit = compiler.degree ? std::numbers::pi / 180 : 1;
  const char* form = nullptr;
  for (const char* name : {"quat", "axisangle", "xyaxes", "zaxis", "euler"}) {
    if (e.find(name) == nullptr) continue;
    if (form != nullptr) refuse(e, name, "a second orientation beside '{}'; give one", form);
    form = name;
  }
  if (form == nullptr) return;
  get(e, "quat", quat);
  std::array<double, 4> turn{};
  if (get(e, "axisangle", turn)) {
    const Vec3<double> axis{turn[0], turn[1], turn[2]};
    if (!(norm(axis) > kTiny)) refuse(e, "axisangle", "the axis has no length");
    quat = axis_angle(axis * (1 / norm(axis)), turn[3] * unit);
  }
  std::array<double, 6> axes{};
  if (get(e, "xyaxes", axes)) {
    Vec3<double> x{axes[0], axes[1], axes[2]}, y{axes[3], axes[4], axes[5]};
    if (!(norm(x) > kTiny)) refuse(e, "xyaxes", "the x axis has no length");
    x *= 1 / norm(x);
    y -= x * dot(x, y);
    if (!(norm(y) > kTiny)) refuse(e, "xyaxes", "the y axis has no length beside x");
    y *= 1 / norm(y);
    quat = frame_to_quat(x, y, cross(x, y));
  }
  Vec3<double> v{};
  if (get(e, "zaxis", v)) {
    if (!(norm(v) > kTiny)) refuse(e, "zaxis", "the axis has no length");
    quat = z_to_quat(v);
  }
  if (get(e, "euler", v)) {
    quat = {1, 0, 0, 0};
    for (int i = 0; i < 3; ++i) {
      const char letter = compiler.eulerseq[static_cast<std::size_t>(i)];
      const bool moving = letter >= 'x';
      Vec3<double> axis{0, 0, 0};
      axis[letter - (moving ? 'x' : 'X')] = 1;
      const Quat<double> turned = axis_angle(axis, v[i] * unit);
      quat = moving ? quat * turned : turned * quat;
    }
    quat = normalized(quat);
  }
}

void read_joint(const Element& e, JointSpec& j) {
  read_name(e, j.name, j.where);
  int k = 0;
  if (get_keyword(e, "type", {"free", "ball", "slide", "hinge"}, k)) j.type = static_cast<JointType>(k);
  get(e, "pos", j.pos);
  if (get(e, "axis", j.axis) && !(norm(j.axis) > kTiny)) refuse(e, "axis", "the axis has no length");
  get(e, "limited", j.limited);
  get(e, "range", j.range);
  get(e, "margin", j.margin);
  get(e, "actuatorfrclimited", j.force_limited);
  get(e, "actuatorfrcrange", j.force_range);
  get(e, "actuatorgravcomp", j.actuator_gravcomp);
  // Higher coefficients of MuJoCo's polynomial springs and dampers must be zero.
  for (const auto& [name, value] : {std::pair{"stiffness", &j.stiffness}, std::pair{"damping", &j.damping}}) {
    std::array<double, 3> c{};
    if (get_numbers(e, name, c.data(), 1, 3) == 0) continue;
    if (c[1] != 0 || c[2] != 0) refuse(e, name, "polynomial coefficients are not supported, only one number");
    *value = c[0];
    not_negative(e, name, c[0]);
  }
  get(e, "armature", j.armature);
  not_negative(e, "armature", j.armature);
  get(e, "frictionloss", j.frictionloss);
  not_negative(e, "frictionloss", j.frictionloss);
  get(e, "ref", j.ref);
  get(e, "springref", j.springref);
  read_softness(e, "solreflimit", "solimplimit", j.limit);
  read_softness(e, "solreffriction", "solimpfriction", j.friction);
}

void read_geom(const Element& e, const CompilerSpec& compiler, GeomSpec& g) {
  read_name(e, g.name, g.where);
  g.type = read_geom_type(e, g.type);
  get(e, "pos", g.pos);
  read_orientation(e, compiler, g.quat);
  std::array<double, 6> fromto{};
  if (get(e, "fromto", fromto)) g.fromto = fromto;
  std::array<double, 3> size{g.size.x, g.size.y, g.size.z};
  if (get_numbers(e, "size", size.data(), 1, 3) > 0) g.size = {size[0], size[1], size[2]};
  get(e, "mesh", g.mesh);
  get(e, "fitscale", g.fit_scale);
  if (!(g.fit_scale > 0)) refuse(e, "fitscale", "{} is not positive", g.fit_scale);
  get(e, "material", g.material);
  double mass = 0;
  if (get(e, "mass", mass)) g.mass = mass;
  not_negative(e, "mass", mass);
  get(e, "density", g.density);
  not_negative(e, "density", g.density);
  get(e, "contype", g.contype);
  get(e, "conaffinity", g.conaffinity);
  if (get(e, "condim", g.condim) && g.condim != 1 && g.condim != 3 && g.condim != 4 && g.condim != 6) {
    refuse(e, "condim", "{} is not 1, 3, 4 or 6", g.condim);
  }
  get(e, "priority", g.priority);
  get(e, "group", g.group);
  get_numbers(e, "friction", g.friction.data(), 1, 3);
  for (double f : g.friction) not_negative(e, "friction", f);
  get(e, "solmix", g.solmix);
  not_negative(e, "solmix", g.solmix);
  get(e, "margin", g.margin);
  get(e, "gap", g.gap);
  not_negative(e, "gap", g.gap);
  read_softness(e, "solref", "solimp", g.softness);
  get_numbers(e, "rgba", g.rgba.data(), 1, 4);
}

void read_site(const Element& e, const CompilerSpec& compiler, SiteSpec& s) {
  read_name(e, s.name, s.where);
  get(e, "pos", s.pos);
  read_orientation(e, compiler, s.quat);
  std::array<double, 6> fromto{};
  if (get(e, "fromto", fromto)) s.fromto = fromto;
  s.type = read_geom_type(e, s.type);
  get_numbers(e, "size", s.size.data(), 1, 3);
}

void read_inertial(const Element& e, const CompilerSpec& compiler, InertialSpec& i) {
  i.where = e.where;
  if (!get(e, "pos", i.pos)) refuse(e, "pos", "missing: the centre of mass");
  if (!get(e, "mass", i.mass)) refuse(e, "mass", "missing: the body's mass");
  not_negative(e, "mass", i.mass);
  read_orientation(e, compiler, i.quat);
  std::array<double, 6> full{};
  const bool diagonal = get(e, "diaginertia", i.diagonal);
  if (get(e, "fullinertia", full)) {
    if (diagonal) refuse(e, "fullinertia", "given beside diaginertia; give one");
    for (const char* name : {"quat", "axisangle", "xyaxes", "zaxis", "euler"})
      if (e.find(name) != nullptr) refuse(e, name, "an orientation beside fullinertia; remove one");
    i.full = full;
  } else if (!diagonal) {
    refuse(e, "diaginertia", "missing: the principal moments (or fullinertia)");
  }
  for (int k = 0; k < 3; ++k) not_negative(e, "diaginertia", i.diagonal[k]);
}

void read_pair(const Element& e, PairSpec& p) {
  p.where = e.where;
  get(e, "geom1", p.geom1);
  get(e, "geom2", p.geom2);
  if (get(e, "condim", p.condim) && p.condim != 1 && p.condim != 3 && p.condim != 4 && p.condim != 6) {
    refuse(e, "condim", "{} is not 1, 3, 4 or 6", p.condim);
  }
  get_numbers(e, "friction", p.friction.data(), 1, 5);
  for (double f : p.friction) not_negative(e, "friction", f);
  get(e, "margin", p.margin);
  get(e, "gap", p.gap);
  not_negative(e, "gap", p.gap);
  read_softness(e, "solref", "solimp", p.softness);
  read_solref(e, "solreffriction", p.friction_solref);
}

namespace {

void read_general(const Element& e, ActuatorSpec& a) {
  if (a.is_motor) a.gain = {1, 0, 0}, a.gain_affine = false, a.bias = {}, a.bias_affine = false;
  a.is_motor = false, a.origin = ActuatorSpec::Origin::kGeneral;
  int k = a.gain_affine ? 1 : 0;
  std::array<double, 10> gain{a.gain[0], a.gain[1], a.gain[2]}, bias{a.bias[0], a.bias[1], a.bias[2]};
  get_keyword(e, "gaintype", {"fixed", "affine", "muscle", "dcmotor", "pid", "so3", "user"}, k);
  get_numbers(e, "gainprm", gain.data(), 1, 10);
  if (k > 1) refuse(e, "gaintype", "'{}' is not supported, only 'fixed' and 'affine'", *e.find("gaintype"));
  a.gain_affine = k == 1;
  k = a.bias_affine ? 1 : 0;
  if (get_keyword(e, "biastype", {"none", "affine", "muscle", "dcmotor", "so3", "user"}, k) && k > 1) {
    refuse(e, "biastype", "'{}' is not supported, only 'none' and 'affine'", *e.find("biastype"));
  }
  a.bias_affine = k == 1;
  get_numbers(e, "biasprm", bias.data(), 1, 10);
  const std::string* dynamics = e.find("dyntype");
  if (dynamics != nullptr && *dynamics != "none")
    refuse(e, "dyntype", "'{}' is not supported, only 'none'", *dynamics);
  get(e, "inheritrange", a.inherit_range);
  a.gain = {gain[0], gain[1], gain[2]}, a.bias = {bias[0], bias[1], bias[2]};
}

// position and velocity: each starts from the gains of its own kind or of <general>, not from the other's.
void read_servo(const Element& e, ActuatorSpec& a) {
  using Origin = ActuatorSpec::Origin;
  const Origin own = e.name == "position" ? Origin::kPosition : Origin::kVelocity;
  if (a.origin != own && a.origin != Origin::kGeneral) a.gain = {1, 0, 0}, a.bias = {};
  a.origin = own, a.is_motor = false, a.gain_affine = false, a.bias_affine = true;
  if (own == Origin::kVelocity) {
    get(e, "kv", a.gain[0]);
    not_negative(e, "kv", a.gain[0]);
    a.bias = {0, 0, -a.gain[0]};
    return;
  }
  get(e, "kp", a.gain[0]);
  not_negative(e, "kp", a.gain[0]);
  a.bias = {0, -a.gain[0], a.bias[2]};
  double kv = 0, ratio = 0;
  if (get(e, "kv", kv)) a.bias[2] = -kv;
  if (get(e, "dampratio", ratio)) {
    if (e.find("kv") != nullptr) refuse(e, "dampratio", "given beside kv; give one");
    a.bias[2] = ratio;  // positive: damping by ratio, made a coefficient by compute_constants()
  }
  not_negative(e, "kv", kv);
  not_negative(e, "dampratio", ratio);
  get(e, "inheritrange", a.inherit_range);
  not_negative(e, "inheritrange", a.inherit_range);
}

}  // namespace

void read_actuator(const Element& e, ActuatorSpec& a) {
  read_name(e, a.name, a.where);
  get(e, "ctrllimited", a.ctrl_limited);
  get(e, "forcelimited", a.force_limited);
  get(e, "ctrlrange", a.ctrl_range);
  get(e, "forcerange", a.force_range);
  if (get(e, "jointinparent", a.joint)) a.in_parent = true;
  if (get(e, "joint", a.joint)) {
    if (e.find("jointinparent") != nullptr) refuse(e, "jointinparent", "given beside joint; give one");
    a.in_parent = false;
  }
  get_numbers(e, "gear", a.gear.data(), 1, 6);
  if (e.name == "motor") {
    a.is_motor = true;
  } else if (e.name == "general") {
    read_general(e, a);
  } else {
    read_servo(e, a);
  }
}

void read_key(const Element& e, KeySpec& k) {
  constexpr int kMost = 100'000;
  k.where = e.where;
  get(e, "name", k.name);
  k.has_qpos = e.find("qpos") != nullptr, k.has_qvel = e.find("qvel") != nullptr,
  k.has_ctrl = e.find("ctrl") != nullptr;
  k.has_mpos = e.find("mpos") != nullptr, k.has_mquat = e.find("mquat") != nullptr;
  k.qpos = get_list(e, "qpos", kMost);
  k.qvel = get_list(e, "qvel", kMost);
  k.ctrl = get_list(e, "ctrl", kMost);
  k.mpos = get_list(e, "mpos", kMost);
  k.mquat = get_list(e, "mquat", kMost);
}

void read_mesh_settings(const Element& e, MeshSpec& m) {
  get(e, "scale", m.scale);
  for (int k = 0; k < 3; ++k)
    if (m.scale[k] == 0) refuse(e, "scale", "number {} is 0: the mesh would be flat", k + 1);
  int inertia = static_cast<int>(m.inertia);
  get_keyword(e, "inertia", {"convex", "legacy", "exact", "shell"}, inertia);
  m.inertia = static_cast<mesh::Inertia>(inertia);
  if (get(e, "maxhullvert", m.max_hull_vertices) && m.max_hull_vertices != -1 && m.max_hull_vertices < 4)
    refuse(e, "maxhullvert", "{} is not -1 (any number) or at least 4", m.max_hull_vertices);
}

void read_mesh(const Element& e, const CompilerSpec& compiler, const Folder& folder, MeshSpec& m) {
  read_name(e, m.name, m.where);
  read_mesh_settings(e, m);
  get(e, "material", m.material);
  get(e, "refpos", m.refpos);
  get(e, "refquat", m.refquat);
  constexpr int kMost = 10'000'000;  // what a model file of the largest size could hold
  const std::vector<double> corners = get_list(e, "face", kMost);
  if (corners.size() % 3 != 0) refuse(e, "face", "{} numbers, expected three for each face", corners.size());
  for (std::size_t i = 0; i < corners.size(); i += 3) {
    std::array<int, 3> face{};
    for (std::size_t k = 0; k < 3; ++k) {
      const double v = corners[i + k];
      if (!(v >= 0 && v <= kMost && v == std::floor(v))) refuse(e, "face", "{} is not a vertex's number", v);
      face[k] = static_cast<int>(v);
    }
    m.faces.push_back(face);
  }
  m.vertices = get_list(e, "vertex", kMost);
  if (m.vertices.size() % 3 != 0)
    refuse(e, "vertex", "{} numbers, expected three for each vertex", m.vertices.size());
  if (get(e, "file", m.shown)) {
    if (!m.vertices.empty()) refuse(e, "vertex", "given beside a file; give one");
    const std::string bare = m.shown.substr(m.shown.find_last_of('/') + 1);
    if (compiler.strip_path) m.shown = bare;
    if (m.name.empty()) m.name = bare.substr(0, bare.rfind('.'));
    m.format = mesh_format(e, bare);
    m.file = folder.find(e, "file", compiler.meshdir, m.shown).string();
  } else if (m.vertices.empty()) {
    refuse(e, "file", "missing: an STL or OBJ file (or vertex=\"x y z ...\")");
  }
  if (m.name.empty()) refuse(e, "name", "missing: a mesh without a file needs a name");
}

}  // namespace baton::sim::mjcf
