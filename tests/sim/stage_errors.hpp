#pragma once
// How far our stages are from MuJoCo's, on one state after another: the worst error of each stage and where it was.
//
// An error is the largest difference of a vector's entries over the vector's largest entry (at least kFloor), so that
// entries which are rounding noise beside their neighbours count as what they are. Contacts: metres and unit vectors.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/constraint_scene.hpp"

#ifdef BATON_HAVE_MUJOCO
namespace baton::test {

enum Stage {
  kKinematics,    // frames of bodies, inertias, geoms, sites; joint anchors and axes
  kInertia,       // M
  kBias,          // qfrc_bias
  kPassive,       // qfrc_passive
  kActuation,     // actuator_force, qfrc_actuator
  kSmooth,        // qacc_smooth
  kContactSet,    // pairs of plane, sphere, capsule, box: number, distance, position, frame
  kContactDeep,   // every other pair and box on box: depth and normal of the deepest contact
  kRows,          // J, D, aref given MuJoCo's contacts
  kForces,        // efc_force, qfrc_constraint given MuJoCo's contacts
  kAcceleration,  // qacc given MuJoCo's contacts
  kTrajectory,    // qpos, qvel over steps without contacts
  kStages
};

struct StageInfo {
  const char* name;
  double limit;
};
inline constexpr std::array<StageInfo, kStages> kStageInfo{{{"kinematics", 1e-9},
                                                            {"inertia", 1e-9},
                                                            {"bias", 1e-9},
                                                            {"passive", 1e-9},
                                                            {"actuation", 1e-9},
                                                            {"smooth", 1e-9},
                                                            {"contacts", 1e-6},
                                                            {"depth", 1e-4},
                                                            {"rows", 1e-6},
                                                            {"forces", 1e-6},
                                                            {"acceleration", 1e-6},
                                                            {"trajectory", 1e-8}}};

struct Worst {
  double error = 0;
  long compared = 0;  // numbers, or contacts
  std::string where = "nothing compared";
};

class StageErrors {
 public:
  std::array<Worst, kStages> worst;
  std::vector<std::string> astray;  // contacts in which MuJoCo is no oracle (compare_depth)
  std::string state;                // what is being compared now; part of `where`

  // A NaN counts as infinite.
  void note(Stage stage, double error, const std::string& where) {
    Worst& w = worst[stage];
    ++w.compared;
    if (std::isnan(error)) error = INFINITY;
    if (w.compared > 1 && error <= w.error) return;
    w.error = error;
    w.where = state + ": " + where;
  }

  void compare(Stage stage, const char* what, const std::vector<double>& got,
               const std::vector<double>& want) {
    REQUIRE_MESSAGE(got.size() == want.size(), what << ": " << got.size() << " and " << want.size());
    double scale = kFloor, error = 0;
    std::size_t at = 0;
    for (double x : want) scale = std::max(scale, std::fabs(x));
    for (std::size_t i = 0; i < got.size(); ++i)
      if (const double e = std::fabs(got[i] - want[i]) / scale; !(e <= error)) error = e, at = i;
    if (got.empty()) return;
    note(stage, error, fmt::format("{}[{}] is {:.17g}, MuJoCo has {:.17g}", what, at, got[at], want[at]));
  }

 private:
  static constexpr double kFloor = 1e-3;
};

template <class V>
std::vector<double> flat(const std::vector<V>& items) {
  std::vector<double> out;
  for (const V& v : items)
    for (std::size_t k = 0; k < sizeof(V) / sizeof(double); ++k)
      out.push_back(reinterpret_cast<const double*>(&v)[k]);
  return out;
}
inline std::vector<double> copy(const mjtNum* p, std::size_t n) { return {p, p + n}; }

// Kinematics to smooth acceleration: ours in d, MuJoCo's in o.d, both computed for the same state.
inline void compare_smooth(StageErrors& e, const Oracle& o, sim::Data<double>& d) {
  const sim::Model<double>& m = o.model;
  const std::size_t nv = d.qvel.size();
  const auto geometry = [&](const char* what, const auto& ours, const mjtNum* theirs) {
    const auto got = flat(ours);
    e.compare(kKinematics, what, got, copy(theirs, got.size()));
  };
  geometry("xpos", d.xpos, o.d->xpos);
  geometry("xmat", d.xmat, o.d->xmat);
  geometry("xipos", d.xipos, o.d->xipos);
  for (std::size_t g = 0; g < m.geoms.size(); ++g) {
    if (m.geoms[g].type == sim::GeomType::kMesh)
      continue;  // principal axes: either sign, any order of equals
    const auto pose = geom_pose(m, d, static_cast<int>(g));
    e.compare(kKinematics, "geom_xpos", flat(std::vector{pose.pos}), copy(o.d->geom_xpos + 3 * g, 3));
    e.compare(kKinematics, "geom_xmat", flat(std::vector{pose.mat}), copy(o.d->geom_xmat + 9 * g, 9));
  }
  geometry("site_xpos", d.site_xpos, o.d->site_xpos);
  geometry("site_xmat", d.site_xmat, o.d->site_xmat);
  geometry("xanchor", d.xanchor, o.d->xanchor);
  geometry("xaxis", d.xaxis, o.d->xaxis);
  std::vector<double> full(nv * nv);
  mj_fullM(o.m, o.d, full.data());
  e.compare(kInertia, "M", dense_inertia(m, d.plan, d.M), full);
  e.compare(kBias, "qfrc_bias", d.qfrc_bias, copy(o.d->qfrc_bias, nv));
  e.compare(kPassive, "qfrc_passive", d.qfrc_passive, copy(o.d->qfrc_passive, nv));
  e.compare(kActuation, "actuator_force", d.actuator_force, copy(o.d->actuator_force, d.ctrl.size()));
  if (m.nu > 0) e.compare(kActuation, "qfrc_actuator", d.qfrc_actuator, copy(o.d->qfrc_actuator, nv));
  e.compare(kSmooth, "qacc_smooth", d.qacc_smooth, copy(o.d->qacc_smooth, nv));
}

// ---- contacts ----
struct TouchPoint {
  double dist;
  std::array<double, 3> pos;
  std::array<double, 9> frame;
};
using Touches = std::map<std::pair<int, int>, std::vector<TouchPoint>>;  // by geom 1, geom 2

inline Touches our_touches(const sim::Model<double>& m, const sim::Data<double>& d) {
  Touches t;
  for (int k = 0; k < d.ncontact; ++k) {
    const auto& c = d.contacts[static_cast<std::size_t>(k)];
    if (!c.active) continue;
    const auto& pair = m.pairs[static_cast<std::size_t>(c.pair)];
    TouchPoint p{c.dist, {c.pos.x, c.pos.y, c.pos.z}, {}};
    std::copy_n(c.frame.m, 9, p.frame.begin());
    t[{pair.geom1, pair.geom2}].push_back(p);
  }
  return t;
}
inline Touches their_touches(const mjData* d) {
  Touches t;
  for (int k = 0; k < d->ncon; ++k) {
    TouchPoint p{d->contact[k].dist, {}, {}};
    std::copy_n(d->contact[k].pos, 3, p.pos.begin());
    std::copy_n(d->contact[k].frame, 9, p.frame.begin());
    t[{d->contact[k].geom[0], d->contact[k].geom[1]}].push_back(p);
  }
  return t;
}

// Whether every contact of this pair must be MuJoCo's own, one by one.
inline bool contact_by_contact(sim::GeomType a, sim::GeomType b) {
  using G = sim::GeomType;
  const auto simple = [](G t) {
    return t == G::kPlane || t == G::kSphere || t == G::kCapsule || t == G::kBox;
  };
  return simple(a) && simple(b) && !(a == G::kBox && b == G::kBox);
}

inline double apart(const TouchPoint& a, const TouchPoint& b) {
  double e = std::fabs(a.dist - b.dist);
  for (std::size_t i = 0; i < 3; ++i) e = std::max(e, std::fabs(a.pos[i] - b.pos[i]));
  for (std::size_t i = 0; i < 9; ++i) e = std::max(e, std::fabs(a.frame[i] - b.frame[i]));
  return e;
}
inline const TouchPoint& deepest(const std::vector<TouchPoint>& points) {
  return *std::min_element(points.begin(), points.end(),
                           [](const auto& a, const auto& b) { return a.dist < b.dist; });
}

// For each contact of `of`, the nearest of `among`. One that only just touches may be missing.
inline void note_contacts(StageErrors& e, const std::string& what, double margin,
                          const std::vector<TouchPoint>& among, const std::vector<TouchPoint>& of) {
  for (const TouchPoint& p : of) {
    double best = margin - p.dist;
    if (best > 1e-9) best = INFINITY;
    for (const TouchPoint& q : among) best = std::min(best, apart(p, q));
    e.note(kContactSet, best,
           fmt::format("{} contact of depth {:g} at ({:.4f} {:.4f} {:.4f}), {} and {} of them", what, p.dist,
                       p.pos[0], p.pos[1], p.pos[2], among.size(), of.size()));
  }
}

inline std::string geom_label(const sim::Model<double>& m, int g) {
  static constexpr const char* kTypes[] = {"plane",    "sphere", "capsule", "ellipsoid",
                                           "cylinder", "box",    "mesh"};
  const auto& geom = m.geoms[static_cast<std::size_t>(g)];
  const auto& body = m.bodies[static_cast<std::size_t>(geom.body)];
  return fmt::format("{} {} '{}' of '{}'", kTypes[static_cast<int>(geom.type)], g, geom.name, body.name);
}

// How far MuJoCo's geom g reaches along the world direction n from its centre.
inline double reach(const Oracle& o, int g, const double* n) {
  const mjtNum *r = o.d->geom_xmat + 9 * g, *size = o.m->geom_size + 3 * g;
  double l[3];
  for (int i = 0; i < 3; ++i) l[i] = r[i] * n[0] + r[3 + i] * n[1] + r[6 + i] * n[2];
  switch (o.m->geom_type[g]) {
    case mjGEOM_PLANE:
      return 0;
    case mjGEOM_SPHERE:
      return size[0];
    case mjGEOM_CAPSULE:
      return size[0] + std::fabs(l[2]) * size[1];
    case mjGEOM_CYLINDER:
      return size[0] * std::hypot(l[0], l[1]) + std::fabs(l[2]) * size[1];
    case mjGEOM_ELLIPSOID:
      return std::hypot(l[0] * size[0], l[1] * size[1], l[2] * size[2]);
    case mjGEOM_BOX:
      return std::fabs(l[0]) * size[0] + std::fabs(l[1]) * size[1] + std::fabs(l[2]) * size[2];
    default:
      break;
  }
  double most = -INFINITY;
  const int mesh = o.m->geom_dataid[g];
  for (int v = o.m->mesh_vertadr[mesh]; v < o.m->mesh_vertadr[mesh] + o.m->mesh_vertnum[mesh]; ++v) {
    const float* x = o.m->mesh_vert + 3 * v;
    most = std::max(most, l[0] * x[0] + l[1] * x[1] + l[2] * x[2]);
  }
  return most;
}

// Gap between two geoms along n (from the first to the second); the depth of a contact is the largest over all n.
inline double separation(const Oracle& o, int g1, int g2, const double* n) {
  const double back[3] = {-n[0], -n[1], -n[2]};
  double along = -reach(o, g1, n) - reach(o, g2, back);
  for (int i = 0; i < 3; ++i) along += n[i] * (o.d->geom_xpos[3 * g2 + i] - o.d->geom_xpos[3 * g1 + i]);
  return along;
}

inline bool curved(const Oracle& o, int g) {
  return o.m->geom_type[g] == mjGEOM_CYLINDER || o.m->geom_type[g] == mjGEOM_ELLIPSOID;
}

// Depth and normal of the deepest contact. MuJoCo's iterative search for convex pairs goes astray now and then: where
// the gap along its own normal is not the depth that it reports, or is no larger than along ours, it is no oracle; our
// depth is then held to its definition, and the case is counted.
inline void compare_depth(StageErrors& e, const Oracle& o, const std::pair<int, int>& key, double margin,
                          const std::vector<TouchPoint>& got, const std::vector<TouchPoint>& want) {
  const std::string name = geom_label(o.model, key.first) + " on " + geom_label(o.model, key.second);
  constexpr double kSlack = 1e-4;
  if (got.empty() || want.empty()) {  // it may touch within the tolerance of depth
    const TouchPoint& p = deepest(got.empty() ? want : got);
    const double gap = separation(o, key.first, key.second, p.frame.data());
    if (got.empty() && gap > margin) return e.astray.push_back(name + ": MuJoCo touches across a gap");
    return e.note(kContactDeep, std::fabs(margin - p.dist),
                  fmt::format("{}: depth {:g} in {} only", name, p.dist, got.empty() ? "MuJoCo" : "ours"));
  }
  const TouchPoint &g = deepest(got), &w = deepest(want);
  const double gap_ours = separation(o, key.first, key.second, g.frame.data());
  const double gap_theirs = separation(o, key.first, key.second, w.frame.data());
  const std::string where = fmt::format(
      "{}: depth {:g} along ({:.4f} {:.4f} {:.4f}), MuJoCo {:g} along ({:.4f} {:.4f} {:.4f}); gaps {:g} and "
      "{:g}",
      name, g.dist, g.frame[0], g.frame[1], g.frame[2], w.dist, w.frame[0], w.frame[1], w.frame[2], gap_ours,
      gap_theirs);
  double turned = 0;
  for (std::size_t i = 0; i < 3; ++i) turned = std::max(turned, std::fabs(g.frame[i] - w.frame[i]));
  // A curved surface hides a turn of its normal by t in t^2 of depth: there the gap along the normal is compared.
  if (curved(o, key.first) || curved(o, key.second)) turned = std::fabs(gap_ours - gap_theirs);
  const double error = std::max(std::fabs(g.dist - w.dist), turned);
  if (error > kSlack && (std::fabs(gap_theirs - w.dist) > kSlack || gap_ours > gap_theirs - 1e-9)) {
    e.astray.push_back(e.state + ": " + where);
    return e.note(kContactDeep, std::max(std::fabs(gap_ours - g.dist), gap_theirs - gap_ours), where);
  }
  e.note(kContactDeep, error, where);
}

inline void compare_contacts(StageErrors& e, const Oracle& o, const sim::Data<double>& d) {
  const Touches got = our_touches(o.model, d), want = their_touches(o.d);
  const std::vector<TouchPoint> none;
  const auto side = [&](const Touches& t, const std::pair<int, int>& key) -> const auto& {
    const auto it = t.find(key);
    return it == t.end() ? none : it->second;
  };
  Touches either = want;
  either.insert(got.begin(), got.end());
  for (const auto& [key, ignored] : either) {
    const auto type = [&](int g) { return o.model.geoms[static_cast<std::size_t>(g)].type; };
    const int pair = find_pair(o.model, key.first, key.second);
    REQUIRE(pair >= 0);
    const double margin = o.model.pairs[static_cast<std::size_t>(pair)].margin;
    const auto &ours = side(got, key), &theirs = side(want, key);
    if (!contact_by_contact(type(key.first), type(key.second))) {
      compare_depth(e, o, key, margin, ours, theirs);
      continue;
    }
    const std::string name = geom_label(o.model, key.first) + " on " + geom_label(o.model, key.second);
    note_contacts(e, name + ": nearest of ours to MuJoCo's", margin, ours, theirs);
    note_contacts(e, name + ": nearest of MuJoCo's to ours", margin, theirs, ours);
  }
}

// Constraint rows, forces and accelerations: d after forward_with_their_contacts().
inline void compare_constraints(StageErrors& e, const Oracle& o, sim::Data<double>& d) {
  const auto n = static_cast<std::size_t>(o.d->nefc);
  const std::size_t nv = d.qvel.size();
  e.compare(kAcceleration, "qacc", d.qacc, copy(o.d->qacc, nv));
  if (static_cast<std::size_t>(d.efc.nrow) != n)
    return e.note(kRows, INFINITY, fmt::format("{} rows, MuJoCo has {}", d.efc.nrow, n));
  if (n == 0) return;
  const auto rows = [&](const auto& v) {
    return std::vector<double>(v.begin(), v.begin() + static_cast<long>(n));
  };
  e.compare(kRows, "J", dense_jacobian(o.model, d.efc), copy(o.d->efc_J, n * nv));
  e.compare(kRows, "D", rows(d.efc.D), copy(o.d->efc_D, n));
  e.compare(kRows, "aref", rows(d.efc.aref), copy(o.d->efc_aref, n));
  e.compare(kForces, "efc_force", rows(d.efc.force), copy(o.d->efc_force, n));
  e.compare(kForces, "qfrc_constraint", d.qfrc_constraint, copy(o.d->qfrc_constraint, nv));
}

}  // namespace baton::test
#endif
