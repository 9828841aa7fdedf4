#include "envs/sim/mjcf/bodies.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "envs/sim/mesh/principal.hpp"
#include "envs/sim/mjcf/mass.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr int kMaxDofs = 2000;
constexpr double kTinyMass = 1e-15;  // kg, kg m^2: what moves needs more (MuJoCo's bound)
constexpr double kTinyPart = 1e-14;  // lighter geoms are left out of a body's inertia (MuJoCo's bound)

// pos, quat and half length of what stretches between two points.
template <class S>
double resolve_fromto(const S& s, const char* what, Vec3<double>& pos, Quat<double>& quat) {
  const auto& p = *s.fromto;
  const Vec3<double> a{p[0], p[1], p[2]}, b{p[3], p[4], p[5]};
  if (s.pos.x != 0 || s.pos.y != 0 || s.pos.z != 0) refuse_at(s.where, what, "given beside pos; give one");
  if (!(norm(a - b) / 2 > 1e-14)) refuse_at(s.where, what, "the two points are the same");
  pos = (a + b) * 0.5;
  quat = z_to_quat(a - b);
  return norm(a - b) / 2;
}

void check_size(const GeomSpec& s, const Vec3<double>& size) {
  const auto need = [&](int n, const char* what) {
    for (int i = 0; i < n; ++i) {
      if (!(size[i] > 0))
        refuse_at(s.where, "geom size", "number {} is {}, expected {}", i + 1, size[i], what);
    }
  };
  switch (s.type) {
    case GeomType::kPlane:
      if (size.x < 0 || size.y < 0)
        refuse_at(s.where, "geom size", "a plane's half sizes must not be negative");
      if (!(size.z > 0))
        refuse_at(s.where, "geom size", "a plane's third number is {}, expected a positive grid spacing",
                  size.z);
      break;
    case GeomType::kSphere:
      need(1, "a positive radius");
      break;
    case GeomType::kCapsule:
    case GeomType::kCylinder:
      need(2, s.fromto ? "positive" : "a positive radius and half length (or fromto)");
      break;
    case GeomType::kEllipsoid:
    case GeomType::kBox:
      need(3, "three positive half sizes");
      break;
    case GeomType::kMesh:
      break;
  }
}

// Sites only have places here; their shape must be one nevertheless.
void check_site(const SiteSpec& s) {
  const bool round = s.type == GeomType::kCapsule || s.type == GeomType::kCylinder;
  const bool wide = s.type == GeomType::kBox || s.type == GeomType::kEllipsoid;
  if (!round && !wide && s.type != GeomType::kSphere)
    refuse_at(s.where, "site type", "only sphere, capsule, cylinder, box and ellipsoid");
  if (s.fromto && s.type == GeomType::kSphere)
    refuse_at(s.where, "site fromto", "only for capsule, cylinder, box and ellipsoid");
  const std::size_t given = s.fromto ? 1 : round ? 2 : wide ? 3 : 1;
  for (std::size_t i = 0; i < given; ++i)
    if (!(s.size[i] > 0))
      refuse_at(s.where, "site size", "number {} is {}, expected positive", i + 1, s.size[i]);
}

const MeshAsset* find_mesh(const MeshAssets& meshes, const GeomSpec& s) {
  if (s.mesh.empty() && s.type != GeomType::kMesh) return nullptr;
  return &meshes.list[static_cast<std::size_t>(meshes.names.find(s.mesh, s.where, "geom mesh"))];
}

std::array<float, 4> color(const Spec& spec, const GeomSpec& s, const MeshAsset* mesh) {
  std::array<double, 4> rgba = s.rgba;
  const std::string& material =
      s.material.empty() && mesh != nullptr && s.type == GeomType::kMesh ? mesh->spec->material : s.material;
  if (!material.empty()) {
    const auto found = spec.materials.find(material);
    if (found == spec.materials.end()) {
      std::vector<std::string> names;
      for (const auto& [name, unused] : spec.materials) names.push_back(name);
      refuse_at(s.where, "geom material", "no material '{:.60}'{}", material, suggestion(material, names));
    }
    if (rgba == GeomSpec{}.rgba) rgba = found->second;
  }
  std::array<float, 4> out{};
  std::transform(rgba.begin(), rgba.end(), out.begin(), [](double v) { return static_cast<float>(v); });
  return out;
}

// The mesh's frame on top of the geom's; a primitive gets its size.
void place_mesh(const Spec& spec, const GeomSpec& s, const MeshAsset& asset, Geom<double>& g) {
  if (s.fromto) refuse_at(s.where, "geom fromto", "given beside a mesh");
  Vec3<double> offset = asset.solid.center;
  if (g.type == GeomType::kMesh) {
    for (int i = 0; i < 3; ++i) g.size[i] = std::max(std::fabs(asset.low[i]), std::fabs(asset.high[i]));
  } else {
    if (g.type == GeomType::kPlane) refuse_at(s.where, "geom mesh", "a plane cannot be fitted to a mesh");
    offset += rotate(asset.solid.axes, fit(asset, g.type, spec.compiler.fit_box, s.fit_scale, g.size));
  }
  g.pos = s.pos + rotate(s.quat, offset);
  g.quat = normalized(s.quat * asset.solid.axes);
}

Geom<double> make_geom(const Spec& spec, const MeshAssets& meshes, const GeomSpec& s) {
  const MeshAsset* mesh = find_mesh(meshes, s);
  Geom<double> g;
  g.name = s.name, g.type = s.type, g.pos = s.pos, g.quat = s.quat, g.size = s.size;
  if (mesh != nullptr) {
    place_mesh(spec, s, *mesh, g);
  } else if (s.fromto) {
    if (s.type == GeomType::kPlane || s.type == GeomType::kSphere)
      refuse_at(s.where, "geom fromto", "only for capsule, cylinder, box and ellipsoid");
    const double half = resolve_fromto(s, "geom fromto", g.pos, g.quat);
    const bool round = s.type == GeomType::kCapsule || s.type == GeomType::kCylinder;
    g.size = round ? Vec3<double>{s.size.x, half, s.size.z} : Vec3<double>{s.size.x, s.size.x, half};
  }
  check_size(s, g.size);
  g.mesh = g.type == GeomType::kMesh ? static_cast<int>(mesh - meshes.list.data()) : -1;
  g.radius = geom_radius(g.type, g.size);
  g.contype = s.contype, g.conaffinity = s.conaffinity, g.condim = s.condim, g.priority = s.priority,
  g.group = s.group;
  g.friction = s.friction, g.solmix = s.solmix, g.margin = s.margin, g.gap = s.gap, g.softness = s.softness;
  if (!(g.margin + g.gap >= 0))
    refuse_at(s.where, "geom margin", "margin + gap is {}, below 0", g.margin + g.gap);
  g.rgba = color(spec, s, mesh);
  return g;
}

// The geom's part in its body's mass; none for those outside the compiler's groups.
void add_part(const Spec& spec, const MeshAssets& meshes, const GeomSpec& s, const Geom<double>& g,
              std::vector<MassPart>& parts) {
  const auto& groups = spec.compiler.inertia_groups;
  if (s.group < groups[0] || s.group > groups[1]) return;
  const mesh::Solid* solid = g.mesh >= 0 ? &meshes.list[static_cast<std::size_t>(g.mesh)].solid : nullptr;
  const double volume = solid != nullptr ? solid->volume : geom_volume(g.type, g.size);
  const double mass = s.mass ? (volume > kTinyPart ? *s.mass : 0) : s.density * volume;
  if (!std::isfinite(mass)) refuse_at(s.where, "geom size", "the geom's mass is not a finite number");
  if (!(mass > kTinyPart)) return;
  const Vec3<double> moments =
      solid != nullptr ? geom_inertia(GeomType::kBox, solid->box, mass) : geom_inertia(g.type, g.size, mass);
  parts.push_back({mass, g.pos, moments, g.quat});
}

void set_inertia(const Spec& spec, const BodySpec& s, const std::vector<MassPart>& parts, Body<double>& b) {
  const CompilerSpec& c = spec.compiler;
  b.ipos = s.pos, b.iquat = s.quat;  // as MuJoCo leaves it without mass
  if (s.inertial && c.inertia_from_geom != FromGeom::kTrue) {
    b.mass = s.inertial->mass, b.ipos = s.inertial->pos, b.iquat = s.inertial->quat,
    b.inertia = s.inertial->diagonal;
    if (s.inertial->full) mesh::principal_axes(*s.inertial->full, b.inertia, b.iquat);
  } else if (c.inertia_from_geom != FromGeom::kFalse && !parts.empty()) {
    const MassPart all = combine(parts);
    b.mass = all.mass, b.ipos = all.pos, b.iquat = all.quat, b.inertia = all.inertia;
  }
  const Where& where = s.inertial ? s.inertial->where : s.where;
  const char* what = s.inertial ? "inertial" : "body";
  if (s.inertial && s.inertial->full && !(b.inertia.z > 0)) {
    refuse_at(where, "inertial fullinertia", "not positive definite (smallest moment {:g})", b.inertia.z);
  }
  b.mass = std::max(b.mass, c.bound_mass);
  for (int i = 0; i < 3; ++i) b.inertia[i] = std::max(b.inertia[i], c.bound_inertia);
  const Vec3<double>& m = b.inertia;
  if (!std::isfinite(b.mass) || !std::isfinite(m.x + m.y + m.z))
    refuse_at(where, what, "mass or inertia is not finite");
  if (m.x + m.y < m.z || m.x + m.z < m.y || m.y + m.z < m.x) {
    if (!c.balance_inertia) {
      refuse_at(where, what,
                "principal moments {:g} {:g} {:g}: one exceeds the sum of the others, no body has that "
                "(compiler balanceinertia=\"true\" averages them)",
                m.x, m.y, m.z);
    }
    const double mean = (m.x + m.y + m.z) / 3;
    b.inertia = {mean, mean, mean};
  }
}

class TreeMaker {
 public:
  TreeMaker(const Spec& spec, const MeshAssets& meshes, Model<double>& m)
      : spec_(spec), meshes_(meshes), model_(m) {}

  void body(std::size_t index) {
    const BodySpec& s = spec_.bodies[index];
    Body<double> b;
    b.name = s.name, b.parent = s.parent, b.pos = s.pos, b.quat = s.quat, b.gravcomp = s.gravcomp;
    if (index > 0) {
      const Body<double>& parent = model_.bodies[static_cast<std::size_t>(s.parent)];
      b.root = s.parent == 0 ? static_cast<int>(index) : parent.root;
      b.weld = s.joints.empty() && !s.mocap ? parent.weld : static_cast<int>(index);
      b.last_dof = parent.last_dof;
    }
    if (s.mocap) {
      if (b.parent != 0 || !s.joints.empty())
        refuse_at(s.where, "body mocap", "'{}' must be a child of the world without joints", s.name);
      b.mocap = model_.nmocap++;
    }
    if (!s.joints.empty()) b.joint = static_cast<int>(model_.joints.size());
    b.joints = static_cast<int>(s.joints.size());
    check_joints(s, b);
    for (const JointSpec& j : s.joints) joint(s, j, static_cast<int>(index), b);
    if (!s.geoms.empty()) b.geom = static_cast<int>(model_.geoms.size());
    b.geoms = static_cast<int>(s.geoms.size());
    const bool infer = index > 0 && (!s.inertial || spec_.compiler.inertia_from_geom == FromGeom::kTrue);
    std::vector<MassPart> parts;
    for (const GeomSpec& g : s.geoms) {
      Geom<double>& geom = model_.geoms.emplace_back(make_geom(spec_, meshes_, g));
      geom.body = static_cast<int>(index);
      if (geom.type == GeomType::kPlane && b.last_dof >= 0)
        refuse_at(g.where, "geom type", "a plane on a body that moves");
      if (infer) add_part(spec_, meshes_, g, geom, parts);
    }
    for (const SiteSpec& p : s.sites) {
      Site<double> site{p.name, static_cast<int>(index), p.pos, p.quat};
      check_site(p);
      if (p.fromto) resolve_fromto(p, "site fromto", site.pos, site.quat);
      model_.sites.push_back(site);
    }
    if (index > 0) set_inertia(spec_, s, parts, b);
    model_.bodies.push_back(b);
  }

  // compiler settotalmass: all masses and moments by one factor.
  void scale_masses() {
    double total = 0;
    for (const auto& b : model_.bodies) total += b.mass;
    if (!(spec_.compiler.total_mass > 0) || !(total > 0)) return;
    for (auto& b : model_.bodies) {
      b.mass *= spec_.compiler.total_mass / total;
      b.inertia *= spec_.compiler.total_mass / total;
    }
  }

  // What has joints must have mass and inertia itself or in a body fixed to it.
  void check_masses() const {
    std::vector<char> heavy(model_.bodies.size(), 0);
    for (std::size_t i = model_.bodies.size(); i-- > 1;) {
      const Body<double>& b = model_.bodies[i];
      if (b.mass >= kTinyMass && std::min({b.inertia.x, b.inertia.y, b.inertia.z}) >= kTinyMass) heavy[i] = 1;
      if (heavy[i] != 0 && b.joints == 0) heavy[static_cast<std::size_t>(b.parent)] = 1;
      if (heavy[i] == 0 && b.joints > 0) {
        refuse_at(spec_.bodies[i].where, "body",
                  "'{}' moves but has no mass or inertia (mass {:g} kg); give it geoms or an "
                  "<inertial>",
                  b.name, b.mass);
      }
    }
  }

 private:
  void check_joints(const BodySpec& s, const Body<double>& b) const {
    int dofs = 0;
    bool ball = false;
    for (const JointSpec& j : s.joints) {
      if (j.type == JointType::kFree && (b.parent != 0 || s.joints.size() > 1)) {
        refuse_at(j.where, "joint type", "a free joint must be the only joint of a child of the world");
      }
      if (ball && (j.type == JointType::kBall || j.type == JointType::kHinge)) {
        refuse_at(j.where, "joint type", "a rotation after a ball joint in one body");
      }
      ball = ball || j.type == JointType::kBall;
      dofs += dof_count(j.type);
    }
    if (dofs > 6)
      refuse_at(s.where, "body", "'{}' has {} degrees of freedom, at most 6 make sense", s.name, dofs);
  }

  void joint(const BodySpec& s, const JointSpec& spec, int body, Body<double>& b) {
    Joint<double> j = make_joint(spec_.compiler, spec);
    j.body = body, j.qpos = model_.nq, j.dof = model_.nv;
    const double unit = spec_.compiler.degree && j.type == JointType::kHinge ? std::numbers::pi / 180 : 1;
    switch (j.type) {
      case JointType::kFree:
        for (double v : {s.pos.x, s.pos.y, s.pos.z, s.quat.w, s.quat.x, s.quat.y, s.quat.z}) rest(v, v);
        break;
      case JointType::kBall:
        for (double v : {1.0, 0.0, 0.0, 0.0}) rest(v, v);
        break;
      default:
        rest(spec.ref * unit, spec.springref * unit);
    }
    const int index = static_cast<int>(model_.joints.size());
    for (int k = 0; k < dof_count(j.type); ++k) {
      Dof<double> d;
      d.body = body, d.joint = index, d.parent = b.last_dof;
      d.tree = d.parent < 0 ? model_.ntree++ : model_.dofs[static_cast<std::size_t>(d.parent)].tree;
      d.damping = spec.damping, d.armature = spec.armature, d.frictionloss = spec.frictionloss;
      d.friction_softness = spec.friction;
      b.last_dof = model_.nv++;
      if (b.dof < 0) b.dof = b.last_dof;
      ++b.dofs;
      model_.dofs.push_back(d);
    }
    if (model_.nv > kMaxDofs)
      refuse_at(spec.where, "joint", "more than {} degrees of freedom in one model", kMaxDofs);
    model_.nq += qpos_count(j.type);
    model_.joints.push_back(j);
  }

  void rest(double q, double spring) {
    model_.qpos0.push_back(q);
    model_.qpos_spring.push_back(spring);
  }

  const Spec& spec_;
  const MeshAssets& meshes_;
  Model<double>& model_;
};

}  // namespace

void make_bodies(const Spec& spec, const MeshAssets& meshes, Model<double>& model) {
  TreeMaker maker(spec, meshes, model);
  for (std::size_t i = 0; i < spec.bodies.size(); ++i) maker.body(i);
  maker.check_masses();
  maker.scale_masses();
}

}  // namespace baton::sim::mjcf
