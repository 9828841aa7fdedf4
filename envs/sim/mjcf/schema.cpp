#include "envs/sim/mjcf/schema.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace baton::sim::mjcf {
namespace {

// One kind of element. Attributes are words; in `refused` a word may be name=neutral: allowed with that value only.
struct Rule {
  const char* used = "";
  const char* ignored = "";
  const char* refused = "";
  const char* children = "";          // child -> rule of the same name, or child:rule
  const char* refused_children = "";  // known to MuJoCo, not supported here
  bool opaque = false;                // content is read over
};

#define BATON_ORIENTATION "quat axisangle xyaxes zaxis euler"
#define BATON_ACTUATOR "name class ctrllimited forcelimited ctrlrange forcerange gear joint jointinparent"
#define BATON_ACTUATOR_IGNORED "group user interp lengthrange"
#define BATON_ACTUATOR_REFUSED \
  "nsample=0 delay=0 damping=0 armature=0 cranklength=0 tendon slidersite cranksite site refsite body"

struct NamedRule {
  const char* name;
  Rule rule;
};
constexpr NamedRule kRules[] = {
    {"mujoco",
     {.used = "model",
      .children =
          "compiler option size visual statistic default asset worldbody:world contact equality actuator "
          "keyframe sensor custom",
      .refused_children = "tendon deformable extension"}},
    {"compiler",
     {.used = "angle autolimits balanceinertia boundinertia boundmass coordinate eulerseq inertiafromgeom "
              "inertiagrouprange meshdir texturedir assetdir strippath fitaabb settotalmass",
      .ignored = "usethread saveinertial savecompiled savecanonical conflict passthrough",
      .refused = "discardvisual=false fusestatic=false alignfree=false",
      .children = "lengthrange:opaque"}},
    {"option",
     {.used = "timestep gravity integrator cone impratio iterations tolerance ls_iterations ls_tolerance "
              "solver jacobian",
      .ignored =
          "magnetic o_margin o_solref o_solimp o_friction noslip_tolerance ccd_tolerance ccd_iterations "
          "sdf_iterations sdf_initpoints sleep_tolerance",
      .refused = "wind=0 density=0 viscosity=0 noslip_iterations=0 actuatorgroupdisable",
      .children = "flag"}},
    {"flag",
     {.used = "constraint contact limit equality frictionloss spring damper gravity clampctrl actuation "
              "filterparent refsafe eulerdamp",
      .ignored = "sensor energy fwdinv midphase island warmstart autoreset nativeccd multiccd invdiscrete",
      .refused = "override=disable sleep=disable diagexact=disable ipc=disable "
                 "speculative=disable"}},
    {"default",
     {.used = "class",
      .children = "default joint geom site pair equality:equality_default general motor position velocity "
                  "camera:opaque "
                  "light:opaque mesh:mesh_default material:material_default texture:opaque",
      .refused_children = "tendon intvelocity orientation pid damper cylinder muscle adhesion dcmotor"}},
    {"world",
     {.children = "body geom site camera:opaque light:opaque",
      .refused_children = "attach frame replicate flexcomp composite plugin inertial joint freejoint"}},
    {"body",
     {.used = "name childclass pos mocap gravcomp " BATON_ORIENTATION,
      .ignored = "user simple sleep fuse",
      .children = "body inertial joint freejoint geom site camera:opaque light:opaque",
      .refused_children = "attach frame replicate flexcomp composite plugin"}},
    {"inertial", {.used = "pos mass diaginertia fullinertia " BATON_ORIENTATION}},
    {"joint",
     {.used = "name class type pos axis limited range margin stiffness damping armature frictionloss ref "
              "springref "
              "solreflimit solimplimit solreffriction solimpfriction actuatorfrclimited actuatorfrcrange "
              "actuatorgravcomp",
      .ignored = "group user",
      .refused = "springdamper=0 springyield=0"}},
    {"freejoint", {.used = "name", .ignored = "group", .refused = "align=false"}},
    {"geom",
     {.used = "name class type contype conaffinity condim group priority size material friction mass "
              "density solmix solref "
              "solimp margin gap fromto pos mesh fitscale rgba " BATON_ORIENTATION,
      .ignored = "user castshadow",
      .refused = "shellinertia=false surfacevel=0 adhesion=0 hfield fluidshape=none fluidcoef",
      .refused_children = "plugin"}},
    {"site",
     {.used = "name class type size pos fromto " BATON_ORIENTATION, .ignored = "group material rgba user"}},
    {"asset", {.children = "mesh material texture:opaque skin:opaque", .refused_children = "hfield model"}},
    {"mesh",
     {.used = "name class file content_type vertex face refpos refquat scale maxhullvert inertia material",
      .ignored = "normal texcoord smoothnormal params",
      .refused = "builtin=none",
      .refused_children = "plugin"}},
    {"mesh_default", {.used = "scale maxhullvert inertia"}},
    {"material_default",
     {.used = "rgba",
      .ignored = "texture texrepeat texuniform emission specular shininess reflectance metallic roughness",
      .children = "layer:opaque"}},
    {"material",
     {.used = "name class rgba",
      .ignored = "texture texrepeat texuniform emission specular shininess reflectance metallic roughness",
      .children = "layer:opaque"}},
    {"contact", {.children = "pair exclude"}},
    {"pair",
     {.used = "name class geom1 geom2 condim friction solref solreffriction solimp margin gap",
      .refused = "adhesion=0"}},
    {"exclude", {.used = "name body1 body2"}},
    {"equality",
     {.children = "joint:equality_joint connect:equality_connect weld:equality_weld",
      .refused_children = "tendon flex flexvert flexstrain"}},
    {"equality_connect", {.used = "name class body1 body2 anchor site1 site2 active solref solimp"}},
    {"equality_weld",
     {.used = "name class body1 body2 anchor relpose torquescale site1 site2 active solref solimp"}},
    {"equality_joint", {.used = "name class joint1 joint2 polycoef active solref solimp"}},
    {"equality_default", {.used = "active solref solimp"}},
    {"actuator",
     {.children = "general motor position velocity",
      .refused_children = "intvelocity orientation pid damper cylinder muscle adhesion dcmotor plugin"}},
    {"general",
     {.used = BATON_ACTUATOR " gaintype biastype dyntype gainprm biasprm inheritrange",
      .ignored = BATON_ACTUATOR_IGNORED " dynprm actlimited actrange input velrange ffrange",
      .refused = BATON_ACTUATOR_REFUSED " actdim=0 actearly=false"}},
    {"motor", {.used = BATON_ACTUATOR, .ignored = BATON_ACTUATOR_IGNORED, .refused = BATON_ACTUATOR_REFUSED}},
    {"position",
     {.used = BATON_ACTUATOR " kp kv dampratio inheritrange",
      .ignored = BATON_ACTUATOR_IGNORED,
      .refused = BATON_ACTUATOR_REFUSED " timeconst=0"}},
    {"velocity",
     {.used = BATON_ACTUATOR " kv", .ignored = BATON_ACTUATOR_IGNORED, .refused = BATON_ACTUATOR_REFUSED}},
    {"keyframe", {.children = "key"}},
    {"key", {.used = "name qpos qvel ctrl mpos mquat", .ignored = "time plastic", .refused = "act"}},
    {"size", {.opaque = true}},
    {"visual", {.opaque = true}},
    {"statistic", {.opaque = true}},
    {"sensor", {.opaque = true}},
    {"custom", {.opaque = true}},
    {"opaque", {.opaque = true}},
};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    if (end > i) out.emplace_back(text.substr(i, end - i));
    i = end + 1;
  }
  return out;
}

// A rule with its lists taken apart, made once.
struct Parsed {
  std::vector<std::string> attributes, children;            // all that may be suggested
  std::map<std::string, std::string, std::less<>> refused;  // attribute -> neutral value or ""
  std::map<std::string, std::string, std::less<>> child_rule;
  std::vector<std::string> refused_children;
  bool opaque = false;
};

Parsed parse_rule(const Rule& rule) {
  Parsed p;
  p.opaque = rule.opaque;
  for (const char* list : {rule.used, rule.ignored})
    for (std::string& w : words(list)) p.attributes.push_back(std::move(w));
  for (const std::string& w : words(rule.refused)) {
    const auto eq = w.find('=');
    p.refused[w.substr(0, eq)] = eq == std::string::npos ? "" : w.substr(eq + 1);
  }
  for (const std::string& w : words(rule.children)) {
    const auto colon = w.find(':');
    const std::string child = w.substr(0, colon);
    p.children.push_back(child);
    p.child_rule[child] = colon == std::string::npos ? child : w.substr(colon + 1);
  }
  p.refused_children = words(rule.refused_children);
  return p;
}

const Parsed& parsed(std::string_view name) {
  static const auto table = [] {
    std::map<std::string, Parsed, std::less<>> t;
    for (const auto& [key, rule] : kRules) t[key] = parse_rule(rule);
    return t;
  }();
  return table.find(name)->second;
}

// Whether every word of `value` is `neutral`, as text or as a number.
bool is_neutral(const std::string& value, const std::string& neutral) {
  if (neutral.empty()) return false;
  for (const std::string& w : words(value)) {
    double a = 0, b = 1;
    std::from_chars(w.data(), w.data() + w.size(), a);
    const auto [end, ec] = std::from_chars(neutral.data(), neutral.data() + neutral.size(), b);
    const bool same_number = ec == std::errc() && end == neutral.data() + neutral.size() && a == b &&
                             w.find_first_not_of("0123456789.eE+-") == std::string::npos;
    if (w != neutral && !same_number) return false;
  }
  return true;
}

void check(const Element& e, const Parsed& rule) {
  if (rule.opaque) return;
  for (const auto& [key, value] : e.attributes) {
    if (std::find(rule.attributes.begin(), rule.attributes.end(), key) != rule.attributes.end()) continue;
    const auto refused = rule.refused.find(key);
    if (refused == rule.refused.end())
      refuse(e, key, "unknown attribute{}", suggestion(key, rule.attributes));
    if (refused->second.empty()) refuse(e, key, "not supported; remove it");
    if (!is_neutral(value, refused->second)) {
      refuse(e, key, "'{:.40}' is not supported, only '{}'", value, refused->second);
    }
  }
  for (const Element& child : e.children) {
    const auto found = rule.child_rule.find(child.name);
    if (found != rule.child_rule.end()) {
      check(child, parsed(found->second));
      continue;
    }
    const auto& no = rule.refused_children;
    if (std::find(no.begin(), no.end(), child.name) != no.end()) {
      refuse(child, "", "not supported in <{}>; remove it", e.name);
    }
    refuse(child, "", "unknown element in <{}>{}", e.name, suggestion(child.name, rule.children));
  }
}

}  // namespace

void check_schema(const Element& root) { check(root, parsed("mujoco")); }

}  // namespace baton::sim::mjcf
