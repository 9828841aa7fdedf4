// Supports, and the steps from distance or depth to contacts.
#include "envs/sim/collide/ccd.hpp"

namespace baton::sim::ccd {
namespace {

constexpr int kSmallHull = 12;  // up to here looking at every vertex beats walking

BATON_HD_TEXT V3 local_support(const Hull& h, const V3& d, int& seed) {
  int best = seed;
  double reach = dot(h.vertex(best), d);
  const auto offer = [&](int i) {
    const double r = dot(h.vertex(i), d);
    if (r > reach) reach = r, best = i;
  };
  if (h.vertices <= kSmallHull) {
    for (int i = 0; i < h.vertices; ++i) offer(i);
  } else {
    for (int at = -1; at != best;) {
      at = best;
      for (int k = h.neighbor_begin[at]; k < h.neighbor_begin[at + 1]; ++k) offer(h.neighbors[k]);
    }
  }
  seed = best;
  return h.vertex(best);
}

BATON_HD_TEXT double side(double direction, double half) { return direction >= 0 ? half : -half; }

struct Found {
  bool touching = false;
  double apart = 0;
  Point point{};
  V3 direction{};
};

// The pair's first point: nearest points of separate cores, or the deepest of overlapping ones.
BATON_HD_TEXT Found first_point(Body& a, Body& b, double margin, const Settings& settings, Workspace& work) {
  Found f;
  const double skin_a = a.skin(), skin_b = b.skin();
  const Distance near = gjk(a, b, margin + skin_a + skin_b, settings);
  f.direction = near.direction;
  if (near.nearness == Nearness::kSeparate) {
    f.apart = near.distance - margin - skin_a - skin_b;
    return f;
  }
  V3 on_a{}, on_b{};
  if (near.nearness == Nearness::kNear) {
    f.point.dist = near.distance - skin_a - skin_b;
    f.point.normal = near.direction;
    const Simplex& s = near.simplex;
    for (int i = 0; i < s.size; ++i)
      on_a += s.corner[i].on_a * s.weight[i], on_b += s.corner[i].on_b * s.weight[i];
  } else {
    const Penetration deep = epa(a, b, near.simplex, settings, work);
    if (!deep.found) return f;
    f.point.dist = -deep.depth - skin_a - skin_b;
    f.point.normal = deep.normal;
    on_a = deep.on_a, on_b = deep.on_b;
  }
  f.touching = f.point.dist <= margin;
  f.point.pos = (on_a + on_b + f.point.normal * (skin_a - skin_b)) * 0.5;
  return f;
}

}  // namespace

BATON_HD_TEXT double Body::bound() const {
  switch (type) {
    case GeomType::kSphere:
      return size.x;
    case GeomType::kCapsule:
      return size.x + size.y;
    case GeomType::kCylinder:
      return std::hypot(size.x, size.y);
    case GeomType::kEllipsoid:
      return std::fmax(size.x, std::fmax(size.y, size.z));
    default:
      return norm(size);
  }
}

BATON_HD_TEXT V3 Body::support(const V3& direction, int& id) {
  id = -1;
  const V3 d = transpose_mul(mat, direction);
  V3 p{0, 0, 0};
  switch (type) {
    case GeomType::kSphere:
      id = 0;
      return pos;
    case GeomType::kCapsule:
      p.z = side(d.z, size.y);
      id = d.z >= 0;
      break;
    case GeomType::kEllipsoid: {
      const V3 s{d.x * size.x, d.y * size.y, d.z * size.z};
      const double length = norm(s);
      const V3 u = length > 1e-300 ? s * (1.0 / length) : V3{1, 0, 0};
      p = {u.x * size.x, u.y * size.y, u.z * size.z};
      break;
    }
    case GeomType::kCylinder: {
      const double across = std::sqrt(d.x * d.x + d.y * d.y), scale = across > 1e-15 ? size.x / across : 0.0;
      p = {d.x * scale, d.y * scale, side(d.z, size.y)};
      break;
    }
    case GeomType::kBox:
      p = {side(d.x, size.x), side(d.y, size.y), side(d.z, size.z)};
      id = (d.x >= 0) + 2 * (d.y >= 0) + 4 * (d.z >= 0);
      break;
    case GeomType::kMesh:
      p = local_support(hull, d, seed);
      id = seed;
      break;
    case GeomType::kPlane:
      break;
  }
  return mat * p + pos;
}

BATON_HD_TEXT Support support(Body& a, Body& b, const V3& direction) {
  Support s;
  s.on_a = a.support(direction, s.id_a);
  s.on_b = b.support(-direction, s.id_b);
  s.point = s.on_a - s.on_b;
  return s;
}

BATON_HD_TEXT Contacts collide(Body a, Body b, double margin, const Settings& settings, Workspace* work) {
#if !defined(__CUDA_ARCH__)
  Workspace on_stack;
  if (work == nullptr) work = &on_stack;
#endif
  Contacts out;
  const Found f = first_point(a, b, margin, settings, *work);
  out.direction = f.direction;
  out.apart = f.apart;
  if (!f.touching) return out;
  out.count = spread(a, b, f.point, margin, *work, out.point);
  return out;
}

BATON_HD_TEXT Contacts collide_plane(const Body& plane, Body mesh, double margin) {
  constexpr double kApart = 0.3;  // of the bounding radius
  constexpr int kMost = 3;
  Contacts out;
  const V3 n = plane.mat.col(2);
  V3 first{};
  const auto offer = [&](const V3& p) {
    const double dist = dot(p - plane.pos, n);
    if (!(dist <= margin) || (out.count > 0 && norm(p - first) < kApart * mesh.bound())) return;
    out.point[out.count++] = {dist, p - n * (0.5 * dist), n};
  };
  int lowest = 0;
  first = mesh.support(-n, lowest);
  offer(first);
  if (out.count == 0) return out;
  const Hull& h = mesh.hull;
  for (int k = h.neighbor_begin[lowest]; k < h.neighbor_begin[lowest + 1] && out.count < kMost; ++k)
    offer(mesh.mat * h.vertex(h.neighbors[k]) + mesh.pos);
  return out;
}

}  // namespace baton::sim::ccd
