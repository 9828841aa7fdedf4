// Equality constraints: reading and compilation. MuJoCo, XML reference, "equality".
#include <cmath>

#include "envs/sim/mjcf/compile.hpp"
#include "envs/sim/mjcf/names.hpp"
#include "envs/sim/mjcf/reader.hpp"

namespace baton::sim::mjcf {
namespace {

// connect and weld tie two bodies (body1 and, unless it is the world, body2) or two sites; not a mixture.
void read_objects(const Element& e, EqualitySpec& q) {
  q.sites = e.find("site1") != nullptr || e.find("site2") != nullptr;
  for (const char* name : {"body1", "body2", "anchor", "relpose"})
    if (q.sites && e.find(name) != nullptr) refuse(e, name, "given beside sites; give bodies or sites");
  for (const auto& [name, object] : {std::pair{q.sites ? "site1" : "body1", &q.object1},
                                     std::pair{q.sites ? "site2" : "body2", &q.object2}}) {
    if (!get(e, name, *object) && (q.sites || object == &q.object1))
      refuse(e, name, "missing: give body1{}, or site1 and site2",
             q.type == EqualityType::kConnect ? " and anchor" : "");
  }
}

// Where the bodies are at qpos0: joints have not moved them.
struct Rest {
  std::vector<Vec3<double>> pos;
  std::vector<Quat<double>> quat;

  explicit Rest(const Model<double>& m) : pos(m.bodies.size()), quat(m.bodies.size()) {
    pos[0] = {0, 0, 0}, quat[0] = {1, 0, 0, 0};
    for (std::size_t b = 1; b < m.bodies.size(); ++b) {
      const Body<double>& body = m.bodies[b];
      const auto parent = static_cast<std::size_t>(body.parent);
      pos[b] = pos[parent] + rotate(quat[parent], body.pos);
      quat[b] = normalized(quat[parent] * body.quat);
    }
  }

  // `point` of body `from`, in the frame of body `to`.
  Vec3<double> carry(const Vec3<double>& point, int from, int to) const {
    const auto f = static_cast<std::size_t>(from), t = static_cast<std::size_t>(to);
    return rotate(conjugate(quat[t]), pos[f] + rotate(quat[f], point) - pos[t]);
  }
};

void tie_sites(const EqualitySpec& s, const NameTables& names, const Model<double>& m, Equality<double>& q) {
  const auto site = [&](const std::string& name, const char* what) -> const Site<double>& {
    return m.sites[static_cast<std::size_t>(names.sites.find(name, s.where, what))];
  };
  const Site<double>&one = site(s.object1, "equality site1"), &two = site(s.object2, "equality site2");
  if (&one == &two) refuse_at(s.where, "equality site2", "'{:.60}' is site1 too", s.object2);
  q.obj1 = one.body, q.anchor1 = one.pos, q.quat1 = one.quat;
  q.obj2 = two.body, q.anchor2 = two.pos, q.quat2 = two.quat;
}

void tie_bodies(const EqualitySpec& s, const NameTables& names, const Rest& rest, Equality<double>& q) {
  q.obj1 = names.bodies.find(s.object1, s.where, "equality body1");
  q.obj2 = s.object2.empty() ? 0 : names.bodies.find(s.object2, s.where, "equality body2");
  if (q.obj1 == q.obj2) refuse_at(s.where, "equality body2", "body '{:.60}' is tied to itself", s.object1);
  if (q.type == EqualityType::kConnect) {
    q.anchor1 = s.anchor;
    q.anchor2 = rest.carry(s.anchor, q.obj1, q.obj2);
    return;
  }
  q.anchor2 = s.anchor;
  const Quat<double>& given = s.relpose_quat;
  if (given.w != 0 || given.x != 0 || given.y != 0 || given.z != 0) {
    q.anchor1 = s.relpose_pos;
    q.quat1 = normalized(given);
  } else {
    q.anchor1 = rest.carry(s.anchor, q.obj2, q.obj1);
    q.quat1 =
        conjugate(rest.quat[static_cast<std::size_t>(q.obj1)]) * rest.quat[static_cast<std::size_t>(q.obj2)];
  }
}

void tie_joints(const EqualitySpec& s, const NameTables& names, const Model<double>& m, Equality<double>& q) {
  q.obj1 = names.joints.find(s.object1, s.where, "joint joint1");
  if (!s.object2.empty()) q.obj2 = names.joints.find(s.object2, s.where, "joint joint2");
  for (int j : {q.obj1, q.obj2}) {
    if (j < 0) continue;
    const Joint<double>& joint = m.joints[static_cast<std::size_t>(j)];
    if (joint.type != JointType::kHinge && joint.type != JointType::kSlide)
      refuse_at(s.where, "joint", "joint '{}' is not a hinge or slide", joint.name);
  }
  if (q.obj1 == q.obj2) refuse_at(s.where, "joint joint2", "'{}' is joint1 too", s.object2);
  q.polycoef = s.polycoef;
}

}  // namespace

void read_equality(const Element& e, EqualitySpec& q) {
  q.where = e.where;
  q.name.clear();  // a class's settings carry none
  get(e, "name", q.name);
  get(e, "active", q.active);
  read_softness(e, "solref", "solimp", q.softness);
  if (e.name == "equality") return;  // in a default class: what all types share
  if (e.name == "joint") {
    q.type = EqualityType::kJoint;
    get(e, "joint1", q.object1);
    get(e, "joint2", q.object2);
    get_numbers(e, "polycoef", q.polycoef.data(), 1, 5);
    return;
  }
  q.type = e.name == "weld" ? EqualityType::kWeld : EqualityType::kConnect;
  read_objects(e, q);
  if (!get(e, "anchor", q.anchor) && q.type == EqualityType::kConnect && !q.sites)
    refuse(e, "anchor", "missing: the point where the bodies are tied, in body1's frame");
  std::array<double, 7> pose{};
  get(e, "relpose", pose);
  q.relpose_pos = {pose[0], pose[1], pose[2]};
  q.relpose_quat = {pose[3], pose[4], pose[5], pose[6]};
  get(e, "torquescale", q.torquescale);
}

void make_equalities(const Spec& spec, const NameTables& names, Model<double>& m) {
  const Rest rest(m);
  Names own("equality");
  for (const EqualitySpec& s : spec.equalities) {
    Equality<double> q;
    q.name = s.name, q.type = s.type, q.softness = s.softness, q.torquescale = s.torquescale;
    q.active = s.active && spec.flags.equality && spec.flags.constraint;
    if (s.type == EqualityType::kJoint) {
      tie_joints(s, names, m, q);
    } else if (s.sites) {
      tie_sites(s, names, m, q);
    } else {
      tie_bodies(s, names, rest, q);
    }
    own.add(s.name, static_cast<int>(m.equalities.size()), s.where);
    m.equalities.push_back(q);
  }
}

}  // namespace baton::sim::mjcf
