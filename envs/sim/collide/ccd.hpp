#pragma once
// Contacts of one pair of convex geoms at one pose, in double. Any two of sphere, capsule, ellipsoid, cylinder, box and
// mesh.
//
//   GJK (gjk.cpp) walks to the point of the Minkowski difference A - B that is nearest to the origin: the distance of
//   separate shapes. Spheres count as points and capsules as segments with a radius, so that shallow contacts of theirs
//   are exact and need nothing else.
//   EPA (epa.cpp) grows a polytope inside A - B until a face of it is on the surface: depth and normal of overlapping
//   shapes. Both run at most `iterations` rounds; on two polytopes they end exactly, on round shapes at `tolerance`
//   (overlaps of more than a few percent of the size take up to 64 rounds there: MuJoCo's 35 leave the depth short).
//   manifold.cpp: that gives depth and normal of the pair. Where both bodies show a face or an edge along the normal
//   (within 5 degrees), these are projected along it and cut against each other: up to 4 points, all with the pair's
//   normal, each with its own depth along it; the deepest has the pair's.
//
// Nothing allocates or throws. Poses must be finite. The same text runs in a GPU's threads, in double there, too
// (cuda/environments.cu).
// Sources: Gilbert, Johnson, Keerthi 1988; van den Bergen 2001; MuJoCo, Computation, "Collision" (native CCD), whose
// tolerance, rounds and angle of 5 degrees these are.
#include <cstddef>

#include "envs/sim/model.hpp"

namespace baton::sim::ccd {

using V3 = Vec3<double>;

struct Settings {
  int iterations = 35;
  double tolerance = 1e-6;  // m
};

// A hull as Mesh stores it, in whichever precision.
struct Hull {
  int vertices = 0, polygons = 0;
  const Vec3<double>* wide = nullptr;
  const Vec3<float>* narrow = nullptr;
  const Vec3<double>* wide_normals = nullptr;
  const Vec3<float>* narrow_normals = nullptr;
  const int *neighbor_begin = nullptr, *neighbors = nullptr;
  const int *polygon_begin = nullptr, *polygon_vertices = nullptr;
  const int *vertex_polygon_begin = nullptr, *vertex_polygons = nullptr;

  BATON_HD V3 vertex(int i) const { return wide ? wide[i] : cast<double>(narrow[i]); }
  BATON_HD V3 normal(int i) const { return wide_normals ? wide_normals[i] : cast<double>(narrow_normals[i]); }
};

template <class S>
BATON_HD Hull view(const Mesh<S>& m) {
  Hull h;
  h.vertices = static_cast<int>(m.hull.size());
  h.polygons = static_cast<int>(m.polygon_normals.size());
  if constexpr (sizeof(S) == 8)
    h.wide = m.hull.data(), h.wide_normals = m.polygon_normals.data();
  else
    h.narrow = m.hull.data(), h.narrow_normals = m.polygon_normals.data();
  h.neighbor_begin = m.neighbor_begin.data(), h.neighbors = m.neighbors.data();
  h.polygon_begin = m.polygon_begin.data(), h.polygon_vertices = m.polygon_vertices.data();
  h.vertex_polygon_begin = m.vertex_polygon_begin.data(), h.vertex_polygons = m.vertex_polygons.data();
  return h;
}

// What EPA and then manifold.cpp work on. The CPU has it on its stack. A GPU would set such a stack aside for every
// thread that it could run at once, gigabytes: there it is part of the environment (Data::convex_work).
struct Workspace {
  alignas(double) std::byte bytes[17 * 1024];
};

struct Body {
  GeomType type = GeomType::kSphere;
  V3 pos{};
  Mat3<double> mat{};
  V3 size{};     // as Geom::size
  Hull hull;     // of a mesh
  int seed = 0;  // hull vertex at which the next search starts; a hint only

  // Spheres and capsules are seen without their radius: a point, a segment.
  BATON_HD double skin() const {
    return type == GeomType::kSphere || type == GeomType::kCapsule ? size.x : 0.0;
  }
  BATON_HD bool polytope() const { return type == GeomType::kBox || type == GeomType::kMesh; }
  BATON_HD bool round() const { return type == GeomType::kEllipsoid || type == GeomType::kCylinder; }
  BATON_HD_TEXT double bound() const;  // radius of the bounding sphere
  // The point furthest along `direction` (any length but 0), skin left off. id: which corner it is, -1 on round shapes.
  BATON_HD_TEXT V3 support(const V3& direction, int& id);
};

// A point of A - B and where it comes from.
struct Support {
  V3 point, on_a, on_b;
  int id_a = -1, id_b = -1;
};
// direction points out of A and into B.
BATON_HD_TEXT Support support(Body& a, Body& b, const V3& direction);

struct Simplex {
  Support corner[4];
  double weight[4] = {0, 0, 0, 0};  // barycentric, of the point nearest to the origin
  int size = 0;
};

enum class Nearness { kSeparate, kNear, kOverlap };
struct Distance {
  Nearness nearness =
      Nearness::kSeparate;  // kSeparate: further apart than the cutoff; kOverlap: the origin is inside
  double distance = 0;
  V3 direction{};  // unit, from A to B: along it they are apart by `distance` (kSeparate: by more than the cutoff)
  Simplex simplex;
};
// Skins left off. direction0: where to look first (from A to B); zero: from centre to centre.
BATON_HD_TEXT Distance gjk(Body& a, Body& b, double cutoff, const Settings& settings);

struct Penetration {
  bool found = false;
  double depth = 0;  // >= 0
  V3 normal{};       // unit, from A to B
  V3 on_a{}, on_b{};
  Support corner[3];  // of the polytope's nearest face
};
BATON_HD_TEXT Penetration epa(Body& a, Body& b, const Simplex& simplex, const Settings& settings,
                              Workspace& work);

inline constexpr int kMaxContacts = 4;
struct Point {
  double dist;
  V3 pos, normal;  // midway between the surfaces; unit, from A to B
};
struct Contacts {
  int count = 0;
  Point point[kMaxContacts];
  V3 direction{};  // where count is 0: a unit vector from A to B along which they are apart; zero when unknown
  double apart = 0;  // where count is 0: they are apart by more than the margin and this
};

// The pair's other points. first: the nearest or deepest one. Writes out[0 .. returned), at most 4.
BATON_HD_TEXT int spread(Body a, Body b, const Point& first, double margin, Workspace& work, Point* out);

// Contacts with dist <= margin. work: null for the stack's, but on a GPU.
BATON_HD_TEXT Contacts collide(Body a, Body b, double margin, const Settings& settings,
                               Workspace* work = nullptr);

// A plane (through pos of `plane`, normal its z axis) against a mesh: the lowest vertex and up to two of its neighbours
// below the margin, each at least 0.3 bounding radii from the first.
BATON_HD_TEXT Contacts collide_plane(const Body& plane, Body mesh, double margin);

}  // namespace baton::sim::ccd
