#pragma once
// Spheres and capsules among themselves, and a sphere against cylinder and box: closest points in closed form.
// Normals point from geom 1 to geom 2, pos is the midpoint of the two surface points, as in MuJoCo.
#include "envs/sim/collide/shape.hpp"

namespace baton::sim {

template <class T>
struct SphereHit {
  T dist;
  Vec3<T> pos, normal;
};

// Two spheres; `fallback()` is the normal where the centres coincide.
template <class T, class F>
BATON_INLINE SphereHit<T> sphere_hit(const Vec3<T>& p1, const T& r1, const Vec3<T>& p2, const T& r2,
                                     const F& fallback) {
  const Vec3<T> gap = p2 - p1;
  const T length = norm(gap);
  const mask_t<T> together = length < min_length<T>();
  Vec3<T> n = gap * (T(1) / select(together, T(1), length));
  if (any(together)) n = select(together, fallback(), n);
  const T dist = length - r1 - r2;
  return {dist, p1 + n * (r1 + dist * num<T>(0.5)), n};
}

// The normal of coinciding centres: across both z axes, or world x where these are parallel.
template <class T>
BATON_HD Vec3<T> coincident_normal(const Shape<T>& a, const Shape<T>& b) {
  T length;
  return unit(cross(a.axis(), b.axis()), Vec3<T>{T(1), T(0), T(0)}, length);
}
// It as sphere_hit() wants it: computed when centres coincide.
template <class T>
BATON_HD auto crossing(const Shape<T>& a, const Shape<T>& b) {
  return [&a, &b] { return coincident_normal(a, b); };
}

template <class T>
BATON_HD void sphere_sphere(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const SphereHit<T> h = sphere_hit(a.pos, a.size.x, b.pos, b.size.x, crossing(a, b));
  sink.add(on, h.dist, h.pos, h.normal);
}

template <class T>
BATON_HD void sphere_capsule(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> axis = b.axis();
  const T x = clamp(dot(axis, a.pos - b.pos), -b.size.y, b.size.y);
  const SphereHit<T> h = sphere_hit(a.pos, a.size.x, b.pos + axis * x, b.size.x, crossing(a, b));
  sink.add(on, h.dist, h.pos, h.normal);
}

// Side, cap or rim, by where the centre is; a centre inside takes the nearer of side and cap.
template <class T>
BATON_HD void sphere_cylinder(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const T zero(0), radius = b.size.x, height = b.size.y;
  const Vec3<T> axis = b.axis(), rel = a.pos - b.pos;
  const T x = dot(axis, rel);
  const Vec3<T> across = rel - axis * x;
  const T r2 = dot(across, across), r = sqrt(r2);
  const mask_t<T> within = abs(x) < height, over = r2 < radius * radius;
  const mask_t<T> cap_nearer = height - abs(x) < radius - r;
  const mask_t<T> side = within && !(over && cap_nearer), cap = over && !side;
  const Vec3<T> outward = select(x > zero, axis, -axis);
  // The point of the cylinder that acts as the other sphere, and its radius.
  const Vec3<T> on_axis = axis * clamp(x, -height, height);
  const Vec3<T> rim = on_axis + across * (radius / select(r > zero, r, T(1)));
  const SphereHit<T> h = sphere_hit(a.pos, a.size.x, b.pos + select(side, axis * x, rim),
                                    select(side, radius, zero), crossing(a, b));
  const T cap_dist = abs(x) - height - a.size.x;
  const Vec3<T> cap_pos = a.pos - outward * (a.size.x + cap_dist * num<T>(0.5));
  sink.add(on, select(cap, cap_dist, h.dist), select(cap, cap_pos, h.pos), select(cap, -outward, h.normal));
}

// A sphere (centre p, radius r) against a box. With the centre inside, the nearest face decides.
template <class T>
BATON_HD SphereHit<T> sphere_box_hit(const Vec3<T>& p, const T& r, const Shape<T>& box) {
  const T zero(0), half = num<T>(0.5);
  const Vec3<T> c = transpose_mul(box.mat, p - box.pos);
  Vec3<T> clamped;
  for (int i = 0; i < 3; ++i) clamped[i] = clamp(c[i], -box.size[i], box.size[i]);
  const Vec3<T> gap = clamped - c;
  const T length = norm(gap);
  const mask_t<T> inside = length <= min_length<T>();
  Vec3<T> normal = gap * (T(1) / select(inside, T(1), length));
  T dist = length - r;
  Vec3<T> local = (clamped + c + normal * r) * half;
  if (any(inside)) {
    // The first of the faces -x, +x, -y, ... that is nearest.
    T nearest = (box.size.x + box.size.y + box.size.z) * num<T>(2);
    Vec3<T> inward{zero, zero, zero};
    for (int i = 0; i < 3; ++i) {
      for (int s = -1; s <= 1; s += 2) {
        const T depth = abs(num<T>(s) * box.size[i] - c[i]);
        const mask_t<T> closer = depth < nearest;
        nearest = select(closer, depth, nearest);
        for (int k = 0; k < 3; ++k) inward[k] = select(closer, k == i ? num<T>(-s) : zero, inward[k]);
      }
    }
    dist = select(inside, -nearest - r, dist);
    local = select(inside, c + inward * ((r - nearest) * half), local);
    normal = select(inside, inward, normal);
  }
  return {dist, box.mat * local + box.pos, box.mat * normal};
}

template <class T>
BATON_HD void sphere_box(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const SphereHit<T> h = sphere_box_hit(a.pos, a.size.x, b);
  sink.add(on, h.dist, h.pos, h.normal);
}

// The closest points of two segments p1 + x1 e1, p2 + x2 e2 with x in [-1, 1] and axes that are not parallel.
template <class T>
struct SegmentPair {
  T ma, mb, mc, u, v;  // e1.e1, -e1.e2, e2.e2, -e1.(p1-p2), e2.(p1-p2)
  BATON_HD T det() const { return ma * mc - mb * mb; }
  BATON_INLINE void closest(const T& det, T& x1, T& x2, T& end1) const {
    closest(Inverses{T(1) / det, T(1) / ma, T(1) / mc}, x1, x2, end1);
  }
  struct Inverses {
    T det, a, c;  // of det() (1 where the axes are parallel), ma, mc
  };
  // end1: +1 or -1 where the search for x1 was cut off at that end (also when x2's end then drew it back), else 0.
  BATON_INLINE void closest(const Inverses& inv, T& x1, T& x2, T& end1) const {
    const T one(1), zero(0);
    x1 = (mc * u - mb * v) * inv.det;
    x2 = (ma * v - mb * u) * inv.det;
    const mask_t<T> beyond1 = abs(x1) > one;
    x1 = clamp(x1, -one, one);
    end1 = select(beyond1, x1, zero);
    x2 = select(beyond1, (v - mb * x1) * inv.c, x2);
    const mask_t<T> beyond2 = abs(x2) > one;
    x2 = clamp(x2, -one, one);
    const T again = (u - mb * x2) * inv.a, drawn = clamp(again, -one, one);
    x1 = select(beyond2, drawn, x1);
    end1 = select(beyond2 && abs(again) > one, drawn, end1);
  }
};
// Parallel: MuJoCo's absolute bound in double; float needs one relative to its rounding.
template <class T>
BATON_HD mask_t<T> parallel(const T& det, const T& ma, const T& mc) {
  const double relative = sizeof(scalar_t<T>) == 4 ? 4e-6 : 0.0;
  return abs(det) < max(num<T>(relative) * ma * mc, min_length<T>());
}

// One contact at the closest points; parallel capsules: two, at the ends of the stretch in which they lie side by side.
template <class T>
BATON_HD void capsule_capsule(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const T one(1);
  const Vec3<T> e1 = a.axis() * a.size.y, e2 = b.axis() * b.size.y, rel = a.pos - b.pos;
  const SegmentPair<T> s{dot(e1, e1), -dot(e1, e2), dot(e2, e2), -dot(e1, rel), dot(e2, rel)};
  const T det = s.det();
  const mask_t<T> flat = parallel(det, s.ma, s.mc);
  const auto fallback = crossing(a, b);
  if (any(on && !flat)) {
    T x1, x2, end1;
    s.closest(select(flat, one, det), x1, x2, end1);
    const SphereHit<T> h = sphere_hit(a.pos + e1 * x1, a.size.x, b.pos + e2 * x2, b.size.x, fallback);
    sink.apart(select(flat, T(0), max(h.dist - sink.margin(), T(0))));
    sink.add(on && !flat, h.dist, h.pos, h.normal);
  }
  on = on && flat;
  if (!any(on)) return;
  // The ends of b in units of a's half axis, and the stretch of a beside them.
  const T end1 = (s.u - s.mb) / s.ma, end2 = (s.u + s.mb) / s.ma;
  const T lo = max(min(end1, end2), -one), hi = min(max(end1, end2), one);
  for (int k = 0; k < 2; ++k) {
    const T x1 = clamp(k == 0 ? hi : lo, -one, one), x2 = clamp((s.v - s.mb * x1) / s.mc, -one, one);
    const SphereHit<T> h = sphere_hit(a.pos + e1 * x1, a.size.x, b.pos + e2 * x2, b.size.x, fallback);
    sink.add(k == 0 ? on : on && lo < hi, h.dist, h.pos, h.normal);
  }
}

}  // namespace baton::sim
