#include "envs/sim/mjcf/reader.hpp"

#include <cmath>

namespace baton::sim::mjcf {
namespace {

constexpr std::size_t kMaxBodies = 10'000, kMaxGeoms = 20'000, kMaxClasses = 5'000;

void read_compiler(const Element& e, CompilerSpec& c) {
  int k = 0;
  if (get_keyword(e, "angle", {"radian", "degree"}, k)) c.degree = k == 1;
  if (get_keyword(e, "coordinate", {"local", "global"}, k) && k == 1) {
    refuse(e, "coordinate", "'global' is not supported, only 'local'");
  }
  if (get_keyword(e, "inertiafromgeom", {"false", "true", "auto"}, k))
    c.inertia_from_geom = static_cast<FromGeom>(k);
  get(e, "autolimits", c.autolimits);
  get(e, "balanceinertia", c.balance_inertia);
  get(e, "strippath", c.strip_path);
  get(e, "fitaabb", c.fit_box);
  get(e, "settotalmass", c.total_mass);
  get(e, "boundmass", c.bound_mass);
  get(e, "boundinertia", c.bound_inertia);
  if (c.bound_mass < 0) refuse(e, "boundmass", "{} is negative", c.bound_mass);
  if (c.bound_inertia < 0) refuse(e, "boundinertia", "{} is negative", c.bound_inertia);
  std::string directory;
  if (get(e, "assetdir", directory)) c.meshdir = c.texturedir = directory;
  get(e, "meshdir", c.meshdir);
  get(e, "texturedir", c.texturedir);
  if (get(e, "eulerseq", c.eulerseq) &&
      (c.eulerseq.size() != 3 || c.eulerseq.find_first_not_of("xyzXYZ") != std::string::npos)) {
    refuse(e, "eulerseq", "'{:.40}' is not three letters of x, y, z, X, Y, Z", c.eulerseq);
  }
  std::array<double, 2> groups{};
  if (get(e, "inertiagrouprange", groups)) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (!(std::fabs(groups[i]) <= 1000)) refuse(e, "inertiagrouprange", "{} is not a group", groups[i]);
      c.inertia_groups[i] = static_cast<int>(groups[i]);
    }
  }
}

void read_flag(const Element& e, FlagSpec& f, Option<double>& o) {
  const auto on = [&](const char* name, bool& flag) {
    int k = 0;
    if (get_keyword(e, name, {"disable", "enable"}, k)) flag = k == 1;
  };
  on("constraint", f.constraint), on("contact", f.contact), on("limit", f.limit), on("equality", f.equality);
  on("frictionloss", f.frictionloss), on("spring", f.spring), on("damper", f.damper),
      on("gravity", f.gravity);
  on("clampctrl", f.clampctrl), on("actuation", f.actuation), on("filterparent", f.filterparent);
  on("refsafe", o.refsafe), on("eulerdamp", o.eulerdamp);
}

void read_option(const Element& e, Option<double>& o, FlagSpec& flags) {
  get(e, "timestep", o.timestep);
  if (!(o.timestep > 0 && o.timestep <= 1)) refuse(e, "timestep", "{} s is not in (0, 1]", o.timestep);
  get(e, "gravity", o.gravity);
  get(e, "impratio", o.impratio);
  if (!(o.impratio > 0)) refuse(e, "impratio", "{} is not positive", o.impratio);
  get(e, "tolerance", o.tolerance);
  get(e, "ls_tolerance", o.ls_tolerance);
  if (o.tolerance < 0) refuse(e, "tolerance", "{} is negative", o.tolerance);
  if (!(o.ls_tolerance > 0)) refuse(e, "ls_tolerance", "{} is not positive", o.ls_tolerance);
  get(e, "iterations", o.iterations);
  get(e, "ls_iterations", o.ls_iterations);
  if (o.iterations < 0 || o.iterations > 100'000)
    refuse(e, "iterations", "{} is not in 0..100000", o.iterations);
  if (o.ls_iterations < 1 || o.ls_iterations > 100'000) {
    refuse(e, "ls_iterations", "{} is not in 1..100000", o.ls_iterations);
  }
  int k = 0;
  if (get_keyword(e, "integrator", {"Euler", "implicitfast", "RK4", "implicit", "discrete"}, k)) {
    if (k > 1)
      refuse(e, "integrator", "'{}' is not supported, only 'Euler' and 'implicitfast'",
             *e.find("integrator"));
    o.integrator = k == 0 ? Integrator::kEuler : Integrator::kImplicitFast;
  }
  if (get_keyword(e, "cone", {"pyramidal", "elliptic"}, k))
    o.cone = k == 0 ? Cone::kPyramidal : Cone::kElliptic;
  // The constraint problem has one optimum: which solver MuJoCo would use, and on which matrices, does not matter.
  get_keyword(e, "solver", {"PGS", "CG", "Newton"}, k);
  get_keyword(e, "jacobian", {"dense", "sparse", "auto"}, k);
  for (const Element& child : e.children)
    if (child.name == "flag") read_flag(child, flags, o);
}

class Reader {
 public:
  explicit Reader(const Folder& folder) : folder_(folder) {}

  Spec spec;

  void defaults(const Element& e, const std::string& parent) {
    std::string name = parent.empty() ? "main" : "";
    get(e, "class", name);
    if (parent.empty()) {
      if (name != "main") refuse(e, "class", "'{}': the top-level class is called 'main'", name);
    } else {
      if (name.empty()) refuse(e, "class", "missing: a nested class needs a name");
      if (spec.classes.size() >= kMaxClasses)
        refuse(e, "class", "more than {} classes in one model", kMaxClasses);
      if (!spec.classes.emplace(name, spec.classes.at(parent)).second)
        refuse(e, "class", "'{}' is defined already", name);
      class_names_.push_back(name);
    }
    DefaultsSpec& d = spec.classes.at(name);
    for (const Element& c : e.children) {
      if (c.name == "joint") read_joint(c, d.joint);
      if (c.name == "geom") read_geom(c, spec.compiler, d.geom);
      if (c.name == "site") read_site(c, spec.compiler, d.site);
      if (c.name == "pair") read_pair(c, d.pair);
      if (c.name == "equality") read_equality(c, d.equality);
      if (c.name == "mesh") read_mesh_settings(c, d.mesh);
      if (c.name == "material") get_numbers(c, "rgba", d.material.data(), 1, 4);
      if (c.name == "general" || c.name == "motor" || c.name == "position" || c.name == "velocity") {
        read_actuator(c, d.actuator);
      }
    }
    for (const Element& c : e.children)
      if (c.name == "default") defaults(c, name);
  }

  // The settings an element starts from: its class, else the nearest childclass, else main.
  const DefaultsSpec& settings(const Element& e, const std::string& childclass) const {
    std::string name = childclass;
    get(e, "class", name);
    return find_class(e, "class", name);
  }

  const DefaultsSpec& find_class(const Element& e, const char* attribute, const std::string& name) const {
    const auto found = spec.classes.find(name);
    if (found == spec.classes.end())
      refuse(e, attribute, "no default class '{:.60}'{}", name, suggestion(name, class_names_));
    return found->second;
  }

  void asset(const Element& section) {
    for (const Element& e : section.children) {
      std::string name;
      get(e, "name", name);
      if (e.name == "material") {
        std::array<double, 4> rgba = settings(e, "main").material;
        get_numbers(e, "rgba", rgba.data(), 1, 4);
        if (!spec.materials.emplace(name, rgba).second)
          refuse(e, "name", "material '{:.60}' is defined already", name);
      } else if (e.name == "mesh") {
        read_mesh(e, spec.compiler, folder_, spec.meshes.emplace_back(settings(e, "main").mesh));
      }
    }
  }

  void body(const Element& e, std::size_t index, const std::string& parent_class) {
    std::string childclass = parent_class;
    if (get(e, "childclass", childclass)) find_class(e, "childclass", childclass);
    for (const Element& c : e.children) {
      if (c.name == "body") continue;
      BodySpec& b = spec.bodies[index];
      if (c.name == "inertial") {
        if (b.inertial) refuse(c, "", "a second <inertial>; a body has one");
        read_inertial(c, spec.compiler, b.inertial.emplace());
      } else if (c.name == "joint") {
        read_joint(c, b.joints.emplace_back(settings(c, childclass).joint));
      } else if (c.name == "freejoint") {
        JointSpec joint;  // defaults do not apply to it
        joint.type = JointType::kFree, joint.where = c.where;
        get(c, "name", joint.name);
        b.joints.push_back(joint);
      } else if (c.name == "geom") {
        if (++geoms_ > kMaxGeoms) refuse(c, "", "more than {} geoms in one model", kMaxGeoms);
        read_geom(c, spec.compiler, b.geoms.emplace_back(settings(c, childclass).geom));
      } else if (c.name == "site") {
        read_site(c, spec.compiler, b.sites.emplace_back(settings(c, childclass).site));
      }
    }
    for (const Element& c : e.children) {
      if (c.name != "body") continue;
      if (spec.bodies.size() >= kMaxBodies) refuse(c, "", "more than {} bodies in one model", kMaxBodies);
      BodySpec child;
      child.where = c.where, child.parent = static_cast<int>(index);
      get(c, "name", child.name);
      get(c, "pos", child.pos);
      get(c, "mocap", child.mocap);
      get(c, "gravcomp", child.gravcomp);
      read_orientation(c, spec.compiler, child.quat);
      spec.bodies.push_back(std::move(child));
      body(c, spec.bodies.size() - 1, childclass);
    }
  }

  void section(const Element& s) {
    for (const Element& e : s.children) {
      if (s.name == "contact" && e.name == "pair") {
        read_pair(e, spec.pairs.emplace_back(settings(e, "main").pair));
      } else if (s.name == "contact") {
        ExcludeSpec& x = spec.excludes.emplace_back();
        x.where = e.where;
        if (!get(e, "body1", x.body1)) refuse(e, "body1", "missing: the name of a body");
        if (!get(e, "body2", x.body2)) refuse(e, "body2", "missing: the name of a body");
      } else if (s.name == "equality") {
        read_equality(e, spec.equalities.emplace_back(settings(e, "main").equality));
      } else if (s.name == "actuator") {
        read_actuator(e, spec.actuators.emplace_back(settings(e, "main").actuator));
      } else if (s.name == "keyframe") {
        read_key(e, spec.keys.emplace_back());
      }
    }
  }

  std::vector<std::string> class_names_{"main"};

 private:
  const Folder& folder_;
  std::size_t geoms_ = 0;
};

}  // namespace

Spec read_spec(const Element& root, const std::string& file, const Folder& folder) {
  Reader r(folder);
  Spec& spec = r.spec;
  spec.file = file, spec.name = "MuJoCo Model";
  get(root, "model", spec.name);
  const auto each = [&](std::string_view name, auto&& use) {
    for (const Element& section : root.children)
      if (section.name == name) use(section);
  };
  each("compiler", [&](const Element& e) { read_compiler(e, spec.compiler); });
  each("option", [&](const Element& e) { read_option(e, spec.option, spec.flags); });
  spec.classes["main"] = {};
  each("default", [&](const Element& e) { r.defaults(e, ""); });
  each("asset", [&](const Element& e) { r.asset(e); });
  for (const char* name : {"contact", "equality", "actuator", "keyframe"})
    each(name, [&](const Element& e) { r.section(e); });
  BodySpec world;
  world.name = "world", world.where = root.where;
  spec.bodies.push_back(world);
  // The world's own geoms and sites come first, then its children in the order of the file; several <worldbody> add up.
  Element all{"worldbody", root.where, {}, {}};
  each("worldbody", [&](const Element& e) {
    all.children.insert(all.children.end(), e.children.begin(), e.children.end());
  });
  r.body(all, 0, "main");
  return std::move(r.spec);
}

}  // namespace baton::sim::mjcf
