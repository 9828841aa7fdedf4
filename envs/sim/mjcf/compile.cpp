#include "envs/sim/mjcf/compile.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "envs/sim/mjcf/bodies.hpp"
#include "envs/sim/mjcf/names.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr std::size_t kMaxKeyNumbers = 4'000'000;  // of all keyframes together

// "auto" limits: on when a range is given, which compiler autolimits must allow.
bool resolve_limited(Tri limited, const std::array<double, 2>& range, bool autolimits, const Where& where,
                     const char* what) {
  const bool has_range = range[0] != 0 || range[1] != 0;
  if (limited == Tri::kAuto && has_range && !autolimits) {
    refuse_at(where, what, "a range without limited=\"true\"; compiler autolimits=\"false\" asks for both");
  }
  return limited == Tri::kTrue || (limited == Tri::kAuto && has_range);
}

std::array<double, 2> checked_range(bool limited, const std::array<double, 2>& range, const Where& where,
                                    const char* what) {
  if (limited && !(range[0] < range[1])) {
    refuse_at(where, what, "{} {}: the first must be smaller than the second", range[0], range[1]);
  }
  return range;
}

bool is_scalar(JointType t) { return t == JointType::kHinge || t == JointType::kSlide; }

void make_actuators(const Spec& spec, const Names& joints, Model<double>& m) {
  Names names("actuator");
  for (const ActuatorSpec& s : spec.actuators) {
    Actuator<double> a;
    a.name = s.name, a.in_parent = s.in_parent, a.gear = s.gear;
    if (!s.is_motor) a.gain = s.gain_affine ? s.gain : std::array<double, 3>{s.gain[0]};
    if (s.bias_affine && !s.is_motor) a.bias = s.bias;
    const bool servo =
        !s.is_motor && s.bias_affine && s.gain[0] == -s.bias[1];  // holds a position (MuJoCo's test)
    a.joint = joints.find(s.joint, s.where, "actuator joint");
    const Joint<double>& joint = m.joints[static_cast<std::size_t>(a.joint)];
    // A position servo on a ball joint knows that angles repeat.
    if (joint.type == JointType::kBall && servo && !s.gain_affine)
      a.period = 2 * std::numbers::pi * std::hypot(a.gear[0], a.gear[1], a.gear[2]);
    a.ctrl_range = s.ctrl_range;
    if (s.inherit_range > 0 && servo && !s.gain_affine) {
      if (s.ctrl_range[0] != 0 || s.ctrl_range[1] != 0)
        refuse_at(s.where, "actuator inheritrange", "given beside ctrlrange");
      if (!is_scalar(joint.type) || !(joint.range[0] < joint.range[1]))
        refuse_at(s.where, "actuator inheritrange", "'{}' is not a hinge or slide with a range", s.joint);
      const double middle = (joint.range[0] + joint.range[1]) / 2,
                   half = (joint.range[1] - joint.range[0]) / 2;
      a.ctrl_range = {middle - half * s.inherit_range, middle + half * s.inherit_range};
    }
    const bool autolimits = spec.compiler.autolimits;
    a.ctrl_limited = resolve_limited(s.ctrl_limited, a.ctrl_range, autolimits, s.where, "actuator ctrlrange");
    a.force_limited =
        resolve_limited(s.force_limited, s.force_range, autolimits, s.where, "actuator forcerange");
    checked_range(a.ctrl_limited, a.ctrl_range, s.where, "actuator ctrlrange");
    a.force_range = checked_range(a.force_limited, s.force_range, s.where, "actuator forcerange");
    if (!spec.flags.clampctrl) a.ctrl_limited = false;
    if (!spec.flags.actuation) a.gain = {}, a.bias = {};
    names.add(s.name, static_cast<int>(m.actuators.size()), s.where);
    m.actuators.push_back(a);
  }
  m.nu = static_cast<int>(m.actuators.size());
}

// Poses of mocap bodies that a keyframe leaves out are those of the file.
void rest_of_mocaps(const Model<double>& m, const KeySpec& s, Keyframe<double>& k) {
  for (const auto& b : m.bodies) {
    if (b.mocap < 0) continue;
    if (!s.has_mpos) k.mocap_pos.insert(k.mocap_pos.end(), {b.pos.x, b.pos.y, b.pos.z});
    if (!s.has_mquat) k.mocap_quat.insert(k.mocap_quat.end(), {b.quat.w, b.quat.x, b.quat.y, b.quat.z});
  }
}

void make_keyframes(const Spec& spec, Model<double>& m) {
  Names names("keyframe");
  const auto size = static_cast<std::size_t>(m.nq + m.nv + m.nu);
  for (const KeySpec& s : spec.keys) {
    if ((m.keyframes.size() + 1) * size > kMaxKeyNumbers)
      refuse_at(s.where, "key", "the model's keyframes hold more than {} numbers", kMaxKeyNumbers);
    const auto check = [&](const char* what, bool given, const std::vector<double>& v, int n) {
      if (given && v.size() != static_cast<std::size_t>(n))
        refuse_at(s.where, what, "{} numbers, the model has {}", v.size(), n);
    };
    check("key qpos", s.has_qpos, s.qpos, m.nq);
    check("key qvel", s.has_qvel, s.qvel, m.nv);
    check("key ctrl", s.has_ctrl, s.ctrl, m.nu);
    check("key mpos", s.has_mpos, s.mpos, 3 * m.nmocap);
    check("key mquat", s.has_mquat, s.mquat, 4 * m.nmocap);
    Keyframe<double> k{s.name, s.has_qpos ? s.qpos : m.qpos0, s.qvel, s.ctrl, s.mpos, s.mquat};
    rest_of_mocaps(m, s, k);
    k.qvel.resize(static_cast<std::size_t>(m.nv));
    k.ctrl.resize(static_cast<std::size_t>(m.nu));
    const auto normalize = [&](double* q, const char* what, const char* kind, const std::string& name) {
      const double n = std::hypot(std::hypot(q[0], q[1]), std::hypot(q[2], q[3]));
      if (!(n > 1e-14)) refuse_at(s.where, what, "the quaternion of {} '{}' has no length", kind, name);
      for (int i = 0; i < 4; ++i) q[i] /= n;
    };
    for (const auto& j : m.joints) {
      if (is_scalar(j.type)) continue;
      normalize(k.qpos.data() + j.qpos + (j.type == JointType::kFree ? 3 : 0), "key qpos", "joint", j.name);
    }
    for (const auto& b : m.bodies)
      if (b.mocap >= 0) normalize(k.mocap_quat.data() + 4 * b.mocap, "key mquat", "body", b.name);
    names.add(s.name, static_cast<int>(m.keyframes.size()), s.where);
    m.keyframes.push_back(std::move(k));
  }
}

void apply_flags(const FlagSpec& f, Model<double>& m) {
  if (!f.gravity) m.option.gravity = {0, 0, 0};
  for (auto& j : m.joints) {
    if (!f.limit || !f.constraint) j.limited = false;
    if (!f.spring) j.stiffness = 0;
    // Without actuators at work, nobody carries what was theirs.
    if (j.gravcomp == Gravcomp::kActuator && (m.nu == 0 || !f.actuation)) j.gravcomp = Gravcomp::kNone;
  }
  for (auto& b : m.bodies)
    if (!f.spring && !f.damper)
      b.gravcomp = 0;  // both off: no passive force at all, and then none to hand on
  for (auto& d : m.dofs) {
    if (!f.frictionloss || !f.constraint) d.frictionloss = 0;
    if (!f.damper) d.damping = 0;
  }
}

// The clamp on a joint's actuator forces; as in MuJoCo, free and ball joints have none.
void set_force_limits(const CompilerSpec& compiler, const JointSpec& s, Joint<double>& j) {
  if (!is_scalar(j.type)) return;
  j.force_limited =
      resolve_limited(s.force_limited, s.force_range, compiler.autolimits, s.where, "joint actuatorfrcrange");
  j.force_range = checked_range(j.force_limited, s.force_range, s.where, "joint actuatorfrcrange");
}

// A joint's limits in the model's units.
void set_limits(const CompilerSpec& compiler, const JointSpec& s, Joint<double>& j) {
  if (j.type == JointType::kFree) {
    if (s.limited == Tri::kTrue) refuse_at(s.where, "joint limited", "a free joint has no limits");
    return;
  }
  j.limited = resolve_limited(s.limited, s.range, compiler.autolimits, s.where, "joint range");
  j.range = checked_range(j.limited, s.range, s.where, "joint range");
  if (j.limited && j.type == JointType::kBall && j.range[0] != 0) {
    refuse_at(s.where, "joint range", "the first number of a ball joint's range is {}, must be 0",
              j.range[0]);
  }
  if (compiler.degree && j.type != JointType::kSlide)
    for (double& r : j.range) r *= std::numbers::pi / 180;
}

}  // namespace

Joint<double> make_joint(const CompilerSpec& compiler, const JointSpec& s) {
  Joint<double> j;
  j.name = s.name, j.type = s.type;
  set_limits(compiler, s, j);
  set_force_limits(compiler, s, j);
  if (s.actuator_gravcomp) j.gravcomp = Gravcomp::kActuator;
  if (s.type != JointType::kFree) j.pos = s.pos;
  if (is_scalar(s.type)) j.axis = s.axis * (1 / norm(s.axis));
  j.margin = s.margin, j.stiffness = s.stiffness, j.limit_softness = s.limit;
  return j;
}

Model<double> compile(const Spec& spec) {
  Model<double> m;
  m.name = spec.name, m.file = spec.file, m.option = spec.option;
  make_bodies(spec, make_meshes(spec, m), m);
  NameTables names;
  int nj = 0, ng = 0, ns = 0;
  for (std::size_t b = 0; b < spec.bodies.size(); ++b) {
    const BodySpec& s = spec.bodies[b];
    names.bodies.add(s.name, static_cast<int>(b), s.where);
    for (const JointSpec& j : s.joints) names.joints.add(j.name, nj++, j.where);
    for (const GeomSpec& g : s.geoms) names.geoms.add(g.name, ng++, g.where);
    for (const SiteSpec& p : s.sites) names.sites.add(p.name, ns++, p.where);
  }
  make_pairs(spec, m);
  make_equalities(spec, names, m);
  make_actuators(spec, names.joints, m);
  make_keyframes(spec, m);
  apply_flags(spec.flags, m);
  return m;
}

}  // namespace baton::sim::mjcf
