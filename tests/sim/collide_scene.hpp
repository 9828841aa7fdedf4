#pragma once
// Two geoms at given poses, alone in a model, for the collision tests: ours built by hand, MuJoCo's from the same
// numbers. A plane belongs to the world, everything else to a free body of its own.
#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "envs/sim/collide/hull.hpp"
#include "tests/sim/step_instances.hpp"

#ifdef BATON_HAVE_MUJOCO
#include <mujoco/mujoco.h>
#endif

namespace baton::test {

// A convex hull as a geom has it: centred, principal axes; and the points that MuJoCo gets to make the same.
struct HullSpec {
  std::vector<sim::Vec3<double>> points;
  sim::Mesh<double> mesh;
};
struct GeomSpec {
  sim::GeomType type;
  sim::Vec3<double> size;
  const HullSpec* hull = nullptr;
};
struct GeomPose {
  sim::Vec3<double> pos{0, 0, 0};
  sim::Quat<double> quat{1, 0, 0, 0};
};
struct Found {
  double dist;
  sim::Vec3<double> pos;
  sim::Mat3<double> frame;
};

inline double bounding_radius(const GeomSpec& g) {
  using G = sim::GeomType;
  switch (g.type) {
    case G::kSphere:
      return g.size.x;
    case G::kCapsule:
      return g.size.x + g.size.y;
    case G::kCylinder:
      return std::hypot(g.size.x, g.size.y);
    case G::kEllipsoid:
      return std::max({g.size.x, g.size.y, g.size.z});
    case G::kBox:
    case G::kMesh:
      return sim::norm(g.size);
    default:
      return 0;
  }
}

template <class S>
sim::Model<S> two_geoms(const GeomSpec& a, const GeomSpec& b, double margin) {
  sim::Model<S> m;
  m.bodies.resize(3);
  for (int k = 0; k < 2; ++k) {
    const GeomSpec& spec = k == 0 ? a : b;
    sim::Geom<S> g;
    g.type = spec.type;
    g.body = spec.type == sim::GeomType::kPlane ? 0 : k + 1;
    g.size = sim::cast<S>(spec.size);
    g.radius = static_cast<S>(bounding_radius(spec));
    if (spec.hull) {
      g.mesh = static_cast<int>(m.meshes.size());
      if constexpr (sizeof(S) == 8) {
        m.meshes.push_back(spec.hull->mesh);
      } else {
        sim::Model<double> wide;
        wide.meshes.push_back(spec.hull->mesh);
        m.meshes.push_back(sim::to_float(wide).meshes[0]);
      }
    }
    m.geoms.push_back(g);
    m.bodies[static_cast<std::size_t>(k + 1)].joints = 1;
  }
  sim::Pair<S> pair;
  pair.geom2 = 1;
  pair.margin = static_cast<S>(margin);
  m.pairs.push_back(pair);
  return m;
}

// Puts a geom into lane l of the tile; the body's frame is the geom's.
template <class T>
void place(sim::Data<T>& d, const sim::Model<sim::scalar_t<T>>& m, int geom, const GeomPose& pose,
           int l = 0) {
  using S = sim::scalar_t<T>;
  const auto g = static_cast<std::size_t>(geom), b = static_cast<std::size_t>(m.geoms[g].body);
  const sim::Mat3<double> r = sim::rotation(pose.quat);
  auto& collider = d.collider_pose[d.plan.collider_of[g]];
  for (int i = 0; i < 3; ++i) {
    sim::set_lane(collider.pos[i], l, static_cast<S>(pose.pos[i]));
    if (b > 0) sim::set_lane(d.xpos[b][i], l, static_cast<S>(pose.pos[i]));
  }
  for (int i = 0; i < 9; ++i) {
    sim::set_lane(collider.mat.m[i], l, static_cast<S>(r.m[i]));
    if (b > 0) sim::set_lane(d.xmat[b].m[i], l, static_cast<S>(r.m[i]));
  }
}

template <class T>
std::vector<Found> found_in_lane(const sim::Data<T>& d, int l = 0) {
  std::vector<Found> out;
  for (int k = 0; k < d.ncontact; ++k) {
    const auto& c = d.contacts[static_cast<std::size_t>(k)];
    if (!sim::lane(c.active, l)) continue;
    Found f;
    f.dist = static_cast<double>(sim::lane(c.dist, l));
    for (int i = 0; i < 3; ++i) f.pos[i] = static_cast<double>(sim::lane(c.pos[i], l));
    for (int i = 0; i < 9; ++i) f.frame.m[i] = static_cast<double>(sim::lane(c.frame.m[i], l));
    out.push_back(f);
  }
  return out;
}

// Our contacts of one configuration, in precision T (a scalar).
template <class T>
std::vector<Found> ours(const GeomSpec& a, const GeomPose& pa, const GeomSpec& b, const GeomPose& pb,
                        double margin) {
  sim::Model<T> m = two_geoms<T>(a, b, margin);
  m.geoms[0].pos =
      sim::cast<T>(pa.pos);  // read for a plane only: the pose of what is static comes from the model
  m.geoms[0].quat = sim::cast<T>(pa.quat);
  sim::Data<T> d(m);
  if (a.type != sim::GeomType::kPlane) {  // one pair is no group, so that the bodies' balls are not read
    m.geoms[0].pos = {};
    m.geoms[0].quat = {1, 0, 0, 0};
  }
  place(d, m, 0, pa);
  place(d, m, 1, pb);
  sim::collide(m, d);
  return found_in_lane(d);
}

inline sim::Quat<double> random_quat(std::mt19937& gen) {
  std::normal_distribution<double> n;
  return sim::normalized(sim::Quat<double>{n(gen), n(gen), n(gen), n(gen)});
}

struct PosePair {
  GeomPose a, b;
};

// Two poses near contact: rotations random, or quarter turns of each other where `aligned`; b stands along a random
// direction (a plane's normal; a face's, where aligned), either anywhere within reach or, where `shallow`, at most
// 2 % of its size deep: found by bisection on whether there is a contact at all.
inline PosePair random_poses(std::mt19937& gen, const GeomSpec& a, const GeomSpec& b, double margin,
                             bool shallow, bool aligned) {
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  std::normal_distribution<double> normal;
  PosePair p;
  const auto spot = [&] { return sim::Vec3<double>{normal(gen), normal(gen), normal(gen)} * 0.3; };
  p.a = {spot(), random_quat(gen)};
  p.b.quat = random_quat(gen);
  sim::Vec3<double> dir = sim::rotate(random_quat(gen), sim::Vec3<double>{0, 0, 1}), slide{0, 0, 0};
  const double ra = bounding_radius(a), rb = bounding_radius(b);
  if (a.type == sim::GeomType::kPlane) {
    dir = sim::rotate(p.a.quat, sim::Vec3<double>{0, 0, 1});
    slide = spot() - dir * sim::dot(spot(), dir);
    slide = slide - dir * sim::dot(slide, dir);
  }
  if (aligned) {
    const double h = std::sqrt(0.5);
    const std::array<sim::Quat<double>, 4> turns{{{1, 0, 0, 0}, {h, h, 0, 0}, {h, 0, h, 0}, {0, 0, 1, 0}}};
    p.b.quat = p.a.quat * turns[gen() % 4] * sim::axis_angle(sim::Vec3<double>{0, 0, 1}, 0.3 * normal(gen));
    sim::Vec3<double> axis{0, 0, 0};
    axis[a.type == sim::GeomType::kPlane ? 2 : static_cast<int>(gen() % 3)] = 1;
    dir = sim::rotate(p.a.quat, axis);
    if (a.type != sim::GeomType::kPlane) {
      slide = spot() * (0.5 * std::min(ra, rb));
      slide = slide - dir * sim::dot(slide, dir);
    }
  }
  const auto at = [&](double t) {
    GeomPose pose = p.b;
    pose.pos = p.a.pos + slide + dir * t;
    return pose;
  };
  double lo = 0, hi = ra + rb + margin + 0.01;
  double t = hi * unit(gen);
  if (shallow) {
    for (int i = 0; i < 40; ++i) {
      t = 0.5 * (lo + hi);
      (ours<double>(a, p.a, b, at(t), margin).empty() ? hi : lo) = t;
    }
    t = lo - 0.02 * rb * unit(gen) * unit(gen);
  }
  p.b = at(t);
  return p;
}

#ifdef BATON_HAVE_MUJOCO
// MuJoCo with the same two geoms. Poses are set per query.
class TwoGeomOracle {
 public:
  // multiccd: look for further points, as MuJoCo does unless told otherwise.
  TwoGeomOracle(const GeomSpec& a, const GeomSpec& b, double margin, bool multiccd = true)
      : plane_(a.type == sim::GeomType::kPlane) {
    std::string xml = "<mujoco><option gravity='0 0 0'><flag multiccd='" +
                      std::string(multiccd ? "enable" : "disable") + "'/></option><asset>" + asset(a, "a") +
                      asset(b, "b") + "</asset><worldbody>";
    if (plane_)
      xml += geom(a, margin, "a");
    else
      xml += "<body><freejoint/>" + geom(a, margin, "a") + "</body>";
    xml += "<body><freejoint/>" + geom(b, 0, "b") + "</body></worldbody></mujoco>";
    mjVFS vfs;
    mj_defaultVFS(&vfs);
    mj_addBufferVFS(&vfs, "m.xml", xml.data(), static_cast<int>(xml.size()));
    char error[500] = "";
    m = mj_loadXML("m.xml", &vfs, error, sizeof error);
    mj_deleteVFS(&vfs);
    if (!m) throw std::runtime_error(error);
    d = mj_makeData(m);
  }
  TwoGeomOracle(const TwoGeomOracle&) = delete;
  TwoGeomOracle& operator=(const TwoGeomOracle&) = delete;
  ~TwoGeomOracle() {
    mj_deleteData(d);
    mj_deleteModel(m);
  }
  std::vector<Found> contacts(const GeomPose& pa, const GeomPose& pb) {
    if (plane_) {
      m->geom_sameframe[0] = mjSAMEFRAME_NONE;
      set(m->geom_pos, m->geom_quat, pa);
    } else {
      set(d->qpos, d->qpos + 3, body_pose(0, pa));
    }
    set(d->qpos + (plane_ ? 0 : 7), d->qpos + (plane_ ? 3 : 10), body_pose(1, pb));
    mj_kinematics(m, d);
    mj_comPos(m, d);
    mj_collision(m, d);
    std::vector<Found> out;
    for (int k = 0; k < d->ncon; ++k) {
      Found f;
      f.dist = d->contact[k].dist;
      for (int i = 0; i < 3; ++i) f.pos[i] = d->contact[k].pos[i];
      for (int i = 0; i < 9; ++i) f.frame.m[i] = d->contact[k].frame[i];
      out.push_back(f);
    }
    return out;
  }
  mjModel* m = nullptr;
  mjData* d = nullptr;

 private:
  bool plane_;
  static void set(mjtNum* pos, mjtNum* quat, const GeomPose& p) {
    for (int i = 0; i < 3; ++i) pos[i] = p.pos[i];
    quat[0] = p.quat.w, quat[1] = p.quat.x, quat[2] = p.quat.y, quat[3] = p.quat.z;
  }
  // The body's pose that puts a geom where it is wanted: MuJoCo moves a mesh's geom to its centre of mass.
  GeomPose body_pose(int g, const GeomPose& p) const {
    const mjtNum *x = m->geom_pos + 3 * g, *q = m->geom_quat + 4 * g;
    const sim::Quat<double> quat = p.quat * sim::conjugate(sim::Quat<double>{q[0], q[1], q[2], q[3]});
    return {p.pos - sim::rotate(quat, sim::Vec3<double>{x[0], x[1], x[2]}), quat};
  }
  static std::string asset(const GeomSpec& g, const char* name) {
    if (!g.hull) return "";
    std::string text = std::string("<mesh name='") + name + "' vertex='";
    char number[100];
    for (const auto& p : g.hull->points) {
      std::snprintf(number, sizeof number, "%.9g %.9g %.9g ", p.x, p.y, p.z);
      text += number;
    }
    return text + "'/>";
  }
  static std::string geom(const GeomSpec& g, double margin, const char* mesh) {
    static const char* const names[] = {"plane", "sphere", "capsule", "ellipsoid", "cylinder", "box"};
    char text[300];
    if (g.hull) {
      std::snprintf(text, sizeof text, "<geom type='mesh' mesh='%s' margin='%.17g'/>", mesh, margin);
      return text;
    }
    std::snprintf(text, sizeof text, "<geom type='%s' size='%.17g %.17g %.17g' margin='%.17g'/>",
                  names[static_cast<int>(g.type)], g.size.x, g.size.y, g.size.z, margin);
    return text;
  }
};

// The hull of some points as MuJoCo compiles it, and its half sizes.
inline GeomSpec hull_of(std::vector<sim::Vec3<double>> points, HullSpec& hull) {
  hull.points = std::move(points);
  const GeomSpec spec{sim::GeomType::kMesh, {0, 0, 0}, &hull}, ball{sim::GeomType::kSphere, {1, 0, 0}};
  const TwoGeomOracle oracle(ball, spec, 0.0);
  const mjModel* m = oracle.m;
  const int* graph = m->mesh_graph;
  const int vertices = graph[0], faces = graph[1];
  const int *global = graph + 2 + vertices, *face = global + 2 * vertices + 3 * faces;
  std::vector<int> local(static_cast<std::size_t>(m->nmeshvert), -1);
  hull.mesh = {};
  for (int i = 0; i < vertices; ++i) {
    const float* v = m->mesh_vert + 3 * global[i];
    local[static_cast<std::size_t>(global[i])] = i;
    hull.mesh.hull.push_back({v[0], v[1], v[2]});
  }
  const auto id = [&](int g) { return local[static_cast<std::size_t>(g)]; };
  for (int f = 0; f < faces; ++f)
    hull.mesh.hull_faces.push_back({id(face[3 * f]), id(face[3 * f + 1]), id(face[3 * f + 2])});
  sim::finish_hull(hull.mesh);
  return {sim::GeomType::kMesh, {m->geom_size[3], m->geom_size[4], m->geom_size[5]}, &hull};
}
#endif

}  // namespace baton::test
