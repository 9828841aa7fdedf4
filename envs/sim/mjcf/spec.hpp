#pragma once
// The parsed model, before compilation: what the elements said, defaults applied, names not yet looked up. Angles of
// orientations are resolved already (quaternions); joint angles are still in the file's unit.
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "envs/sim/mesh/solid.hpp"
#include "envs/sim/mjcf/attributes.hpp"
#include "envs/sim/model.hpp"

namespace baton::sim::mjcf {

enum class FromGeom { kFalse, kTrue, kAuto };

struct CompilerSpec {
  bool degree = true, autolimits = true, balance_inertia = false, strip_path = false, fit_box = false;
  std::string eulerseq = "xyz", meshdir, texturedir;
  FromGeom inertia_from_geom = FromGeom::kAuto;
  std::array<int, 2> inertia_groups{0, 5};
  double bound_mass = 0, bound_inertia = 0;
  double total_mass = -1;  // kg; not positive: as it comes
};

// <option> beyond Option: flags are carried out when the model is compiled.
struct FlagSpec {
  bool constraint = true, contact = true, limit = true, equality = true, frictionloss = true, spring = true,
       damper = true, gravity = true, clampctrl = true, actuation = true, filterparent = true;
};

struct JointSpec {
  Where where;
  std::string name;
  JointType type = JointType::kHinge;
  Vec3<double> pos{0, 0, 0}, axis{0, 0, 1};
  Tri limited = Tri::kAuto, force_limited = Tri::kAuto;
  std::array<double, 2> range{0, 0}, force_range{0, 0};
  bool actuator_gravcomp = false;
  double margin = 0, stiffness = 0, damping = 0, armature = 0, frictionloss = 0, ref = 0, springref = 0;
  Softness<double> limit, friction;
};

struct GeomSpec {
  Where where;
  std::string name, material, mesh;
  GeomType type = GeomType::kSphere;
  Vec3<double> pos{0, 0, 0}, size{0, 0, 0};
  Quat<double> quat{1, 0, 0, 0};
  std::optional<std::array<double, 6>> fromto;
  std::optional<double> mass;
  double density = 1000, fit_scale = 1;
  int contype = 1, conaffinity = 1, condim = 3, priority = 0, group = 0;
  std::array<double, 3> friction{1, 0.005, 0.0001};
  double solmix = 1, margin = 0, gap = 0;
  Softness<double> softness;
  std::array<double, 4> rgba{0.5, 0.5, 0.5, 1};
};

struct SiteSpec {
  Where where;
  std::string name;
  GeomType type = GeomType::kSphere;
  std::array<double, 3> size{0.005, 0.005, 0.005};
  Vec3<double> pos{0, 0, 0};
  Quat<double> quat{1, 0, 0, 0};
  std::optional<std::array<double, 6>> fromto;
};

struct InertialSpec {
  Where where;
  Vec3<double> pos{0, 0, 0};
  Quat<double> quat{1, 0, 0, 0};
  double mass = 0;
  Vec3<double> diagonal{0, 0, 0};
  std::optional<std::array<double, 6>> full;  // xx yy zz xy xz yz
};

// Bodies are stored depth first as in the file, which is their order in the model; 0 is the world.
struct BodySpec {
  Where where;
  std::string name;
  int parent = 0;
  Vec3<double> pos{0, 0, 0};
  Quat<double> quat{1, 0, 0, 0};
  std::optional<InertialSpec> inertial;
  bool mocap = false;
  double gravcomp = 0;
  std::vector<JointSpec> joints;
  std::vector<GeomSpec> geoms;
  std::vector<SiteSpec> sites;
};

struct PairSpec {
  Where where;
  std::string geom1, geom2;
  int condim = 3;
  std::array<double, 5> friction{1, 1, 0.005, 0.0001, 0.0001};
  double margin = 0, gap = 0;
  Softness<double> softness;
  std::array<double, 2> friction_solref{0, 0};
};

struct ExcludeSpec {
  Where where;
  std::string body1, body2;
};

enum class MeshFormat { kStl, kObj };

// Either a file, or vertices in the element.
struct MeshSpec {
  Where where;
  std::string name, material;
  std::string file, shown;  // the file found, and as the model names it
  MeshFormat format = MeshFormat::kStl;
  std::vector<double> vertices;  // x y z of each
  std::vector<std::array<int, 3>> faces;
  Vec3<double> refpos{0, 0, 0}, scale{1, 1, 1};
  Quat<double> refquat{1, 0, 0, 0};
  mesh::Inertia inertia = mesh::Inertia::kLegacy;
  int max_hull_vertices = -1;  // -1: any number
};

struct EqualitySpec {
  Where where;
  std::string name, object1, object2;  // joints, bodies or sites
  EqualityType type = EqualityType::kJoint;
  bool sites = false, active = true;
  std::array<double, 5> polycoef{0, 1, 0, 0, 0};
  Vec3<double> anchor{0, 0, 0}, relpose_pos{0, 0, 0};
  Quat<double> relpose_quat{0, 0, 0, 0};  // zero: as the bodies are at qpos0
  double torquescale = 1;
  Softness<double> softness;
};

struct ActuatorSpec {
  Where where;
  std::string name, joint;
  bool in_parent = false;
  std::array<double, 6> gear{1, 0, 0, 0, 0, 0};
  double inherit_range = 0;
  std::array<double, 3> gain{1, 0, 0};  // as given; beyond the first they count only when gain_affine
  bool gain_affine = false;
  std::array<double, 3> bias{};  // as given; counts only when bias_affine
  bool bias_affine = false;
  // Classes: whose gains these are, and whether <motor> stands over them.
  enum class Origin { kGeneral, kPosition, kVelocity } origin = Origin::kGeneral;
  bool is_motor = false;
  Tri ctrl_limited = Tri::kAuto, force_limited = Tri::kAuto;
  std::array<double, 2> ctrl_range{}, force_range{};
};

struct KeySpec {
  Where where;
  std::string name;
  std::vector<double> qpos, qvel, ctrl, mpos, mquat;
  bool has_qpos = false, has_qvel = false, has_ctrl = false, has_mpos = false, has_mquat = false;
};

// One <default class>: complete settings of each kind, inherited from the parent class when it was made.
struct DefaultsSpec {
  JointSpec joint;
  GeomSpec geom;
  SiteSpec site;
  PairSpec pair;
  EqualitySpec equality;
  ActuatorSpec actuator;
  MeshSpec mesh;
  std::array<double, 4> material{1, 1, 1, 1};  // rgba
};

struct Spec {
  std::string name, file;
  CompilerSpec compiler;
  FlagSpec flags;
  Option<double> option;
  std::map<std::string, DefaultsSpec> classes;             // "main" is always there
  std::map<std::string, std::array<double, 4>> materials;  // rgba
  std::vector<MeshSpec> meshes;
  std::vector<BodySpec> bodies;
  std::vector<PairSpec> pairs;
  std::vector<ExcludeSpec> excludes;
  std::vector<EqualitySpec> equalities;
  std::vector<ActuatorSpec> actuators;
  std::vector<KeySpec> keys;
};

// Throws "file:line: <what>: message" for a parsed element.
template <class... Args>
[[noreturn]] void refuse_at(const Where& where, std::string_view what, fmt::format_string<Args...> format,
                            Args&&... args) {
  fail("{}: <{}>: {}", where.str(), what, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace baton::sim::mjcf
