#pragma once
// Pairs with a mesh or an ellipsoid. All lanes together: is the pair apart along the direction that Data::separations
// remembers? What is not is handed lane by lane to ccd.hpp, in double; a lane that is apart leaves its direction for
// the next step. Proofs keep a guard for rounding, so that they only skip what would have come back apart.
// Contacts of a pair: ccd.hpp; plane against ellipsoid 1, plane against mesh up to 3.
#include "envs/sim/collide/ccd.hpp"
#include "envs/sim/collide/plane.hpp"
#include "envs/sim/collide/shape.hpp"

namespace baton::sim {

// How far a geom reaches from its centre along `direction` (unit).
template <class T>
BATON_HD T reach_along(GeomType type, const Shape<T>& s, const Vec3<T>& direction) {
  if (type == GeomType::kSphere) return s.size.x;
  if (type == GeomType::kCapsule) return abs(dot(s.axis(), direction)) * s.size.y + s.size.x;
  const Vec3<T> d = transpose_mul(s.mat, direction);
  if (type == GeomType::kCylinder) return abs(d.z) * s.size.y + sqrt(d.x * d.x + d.y * d.y) * s.size.x;
  const T x = d.x * s.size.x, y = d.y * s.size.y, z = d.z * s.size.z;
  if (type == GeomType::kEllipsoid) return sqrt(x * x + y * y + z * z);
  if (type == GeomType::kBox) return abs(x) + abs(y) + abs(z);
  T best = num<T>(-1e30);
  for (const auto& v : s.mesh->hull) best = max(best, d.x * T(v.x) + d.y * T(v.y) + d.z * T(v.z));
  return best;
}

namespace detail {

// By how much more than the margin the geoms are apart along `direction`, whatever the rounding; not above 0: unknown.
// In lanes outside `on` it may be less than it is.
template <class T>
BATON_HD T apart_along(GeomType t1, const Shape<T>& a, GeomType t2, const Shape<T>& b, mask_t<T> on,
                       const Vec3<T>& direction, const T& margin) {
  const Vec3<T> gap = b.pos - a.pos;
  const T rounding = num<T>(sizeof(scalar_t<T>) == 4 ? 4e-6 : 1e-13);
  const T limit = margin + rounding * (norm(gap) + norm(a.size) + norm(b.size));
  const T along = dot(gap, direction) - limit, zero(0);
  const auto box = [](GeomType t) { return t == GeomType::kMesh ? GeomType::kBox : t; };
  // by the boxes around meshes first: all shapes but hulls are symmetric
  const T rough = along - reach_along(box(t1), a, direction) - reach_along(box(t2), b, direction);
  if ((t1 != GeomType::kMesh && t2 != GeomType::kMesh) || all(rough > zero || !(on && along > zero)))
    return rough;
  return along - reach_along(t1, a, direction) - reach_along(t2, b, -direction);
}

template <class T>
BATON_HD ccd::Body body_in_lane(GeomType type, const Shape<T>& s, int l) {
  ccd::Body b;
  b.type = type;
  for (int i = 0; i < 3; ++i) {
    b.pos[i] = static_cast<double>(lane(s.pos[i], l));
    b.size[i] = static_cast<double>(lane(s.size[i], l));
  }
  for (int i = 0; i < 9; ++i) b.mat.m[i] = static_cast<double>(lane(s.mat.m[i], l));
  if (s.mesh) b.hull = ccd::view(*s.mesh);
  return b;
}

// Contacts of all lanes, one slot each.
template <class T>
struct LaneContacts {
  int used = 0;
  T count = T(0);
  T dist[ccd::kMaxContacts];
  Vec3<T> pos[ccd::kMaxContacts], normal[ccd::kMaxContacts];

  BATON_HD void put(int l, const ccd::Contacts& found) {
    using S = scalar_t<T>;
    for (; used < found.count; ++used) {
      dist[used] = T(0);
      pos[used] = {T(0), T(0), T(0)};
      normal[used] = {T(1), T(0), T(0)};
    }
    set_lane(count, l, static_cast<S>(found.count));
    for (int k = 0; k < found.count; ++k) {
      set_lane(dist[k], l, static_cast<S>(found.point[k].dist));
      for (int i = 0; i < 3; ++i) {
        set_lane(pos[k][i], l, static_cast<S>(found.point[k].pos[i]));
        set_lane(normal[k][i], l, static_cast<S>(found.point[k].normal[i]));
      }
    }
  }
  BATON_HD void emit(mask_t<T> on, ContactSink<T>& sink) const {
    for (int k = 0; k < used; ++k) sink.add(on && num<T>(k) < count, dist[k], pos[k], normal[k]);
  }
};

}  // namespace detail

// Any two but planes; t1 <= t2.
template <class T>
BATON_HD void convex_convex(GeomType t1, GeomType t2, const Shape<T>& a, const Shape<T>& b, mask_t<T> on,
                            ContactSink<T>& sink) {
  using S = scalar_t<T>;
  Vec3<T>& direction = sink.separation();
  T apart = detail::apart_along(t1, a, t2, b, on, direction, sink.margin());
  const mask_t<T> open = on && !(apart > T(0));
  if (!any(open)) return sink.apart(apart);
  detail::LaneContacts<T> contacts;
  for (int l = 0; l < width_v<T>; ++l) {
    if (!lane(open, l)) continue;
    const ccd::Contacts found =
        ccd::collide(detail::body_in_lane(t1, a, l), detail::body_in_lane(t2, b, l),
                     static_cast<double>(lane(sink.margin(), l)), ccd::Settings{}, sink.workspace());
    contacts.put(l, found);
    set_lane(apart, l, static_cast<S>(found.apart));
    for (int i = 0; i < 3; ++i) set_lane(direction[i], l, static_cast<S>(found.direction[i]));
  }
  sink.apart(apart);
  contacts.emit(open, sink);
}

// One contact: the point of the ellipsoid that reaches furthest against the plane's normal.
template <class T>
BATON_HD void plane_ellipsoid(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis(), d = transpose_mul(b.mat, n);
  const Vec3<T> s{d.x * b.size.x, d.y * b.size.y, d.z * b.size.z};
  const T reach = max(norm(s), num<T>(1e-30)), inv = T(1) / reach;
  const Vec3<T> local{s.x * b.size.x * inv, s.y * b.size.y * inv, s.z * b.size.z * inv};
  const Vec3<T> point = b.pos - b.mat * local;
  const T dist = dot(point - a.pos, n);
  sink.add(on, dist, half_way(point, n, dist), n);
}

// Up to 3 contacts (ccd::collide_plane).
template <class T>
BATON_HD void plane_mesh(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis();
  const T guard = num<T>(sizeof(scalar_t<T>) == 4 ? 4e-6 : 1e-13) * (norm(b.pos - a.pos) + norm(b.size));
  on = on && dot(b.pos - a.pos, n) - reach_along(GeomType::kMesh, b, -n) <= sink.margin() + guard;
  if (!any(on)) return;
  detail::LaneContacts<T> contacts;
  for (int l = 0; l < width_v<T>; ++l) {
    if (!lane(on, l)) continue;
    contacts.put(l, ccd::collide_plane(detail::body_in_lane(GeomType::kPlane, a, l),
                                       detail::body_in_lane(GeomType::kMesh, b, l),
                                       static_cast<double>(lane(sink.margin(), l))));
  }
  contacts.emit(on, sink);
}

}  // namespace baton::sim
