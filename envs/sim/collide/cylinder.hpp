#pragma once
// Cylinder against capsule, cylinder and box: depth and normal from separation.hpp, then the points where the two
// supporting features lie on each other. Flat features give several points (a cap on a face: rim points, face corners
// under the cap and where the face's edges leave it), so that a standing or lying cylinder rests; features that meet
// in one point give that point. Depth of each point is its own. Up to 8 contacts.
// MuJoCo runs a general convex algorithm here; depth and normal agree, the choice of points is ours.
#include "envs/sim/collide/plane.hpp"
#include "envs/sim/collide/round.hpp"
#include "envs/sim/collide/separation.hpp"

namespace baton::sim {

namespace detail {

// How close to a feature's own direction a normal counts as that of the feature.
template <class T>
BATON_HD inline T same_direction() {
  return num<T>(sizeof(scalar_t<T>) == 4 ? 1e-6 : 1e-9);  // of 1 - |cosine|
}

// A flat face that looks against the normal: a rectangle or a disc.
template <class T>
struct Facet {
  Vec3<T> origin, normal;  // outward, unit
  Vec3<T> ex, ey;          // rectangle: unit axes; disc: unused
  T half_x, half_y;        // rectangle: half sizes; disc: radius twice
  bool disc;
  mask_t<T> valid;  // lanes in which the contact's normal is the facet's

  BATON_HD T height(const Vec3<T>& p) const { return dot(p - origin, normal); }
  BATON_HD mask_t<T> over(const Vec3<T>& p) const {
    const Vec3<T> r = p - origin;
    const T slack = half_x * num<T>(1e-5);
    if (!disc) return abs(dot(r, ex)) <= half_x + slack && abs(dot(r, ey)) <= half_y + slack;
    const T up = dot(r, normal);
    return dot(r, r) - up * up <= (half_x + slack) * (half_x + slack);
  }
  // The stretch [lo, hi] of p + t d, t in [0, 1], that is over the facet; false where there is none.
  BATON_HD mask_t<T> clip(const Vec3<T>& p, const Vec3<T>& d, T& lo, T& hi) const {
    const T zero(0), one(1);
    lo = zero;
    hi = one;
    mask_t<T> some(true);
    const Vec3<T> r = p - origin;
    if (disc) {
      const Vec3<T> flat_r = r - normal * dot(r, normal), flat_d = d - normal * dot(d, normal);
      const T a = dot(flat_d, flat_d), b = dot(flat_r, flat_d), c = dot(flat_r, flat_r) - half_x * half_x;
      const T disc2 = b * b - a * c;
      const mask_t<T> moving = a > num<T>(1e-14);
      const T root = sqrt(max(disc2, zero)), inv = one / select(moving, a, one);
      lo = select(moving, max(lo, (-b - root) * inv), lo);
      hi = select(moving, min(hi, (-b + root) * inv), hi);
      some = (moving && disc2 >= zero) || (!moving && c <= zero);
    } else {
      for (int k = 0; k < 2; ++k) {
        const Vec3<T>& e = k == 0 ? ex : ey;
        const T half = k == 0 ? half_x : half_y, x = dot(r, e), dx = dot(d, e);
        const mask_t<T> moving = abs(dx) > num<T>(1e-9);
        const T inv = one / select(moving, dx, one), t1 = (-half - x) * inv, t2 = (half - x) * inv;
        lo = select(moving, max(lo, min(t1, t2)), lo);
        hi = select(moving, min(hi, max(t1, t2)), hi);
        some = some && (moving || abs(x) <= half * num<T>(1.00001));
      }
    }
    return some && lo <= hi;
  }
};

template <class T>
BATON_HD Facet<T> cap_facet(const Shape<T>& c, const Vec3<T>& outward) {
  const Vec3<T> z = facing(c.axis(), outward);
  return {
      c.pos + z * c.size.y, z, z, z, c.size.x, c.size.x, true, dot(z, outward) > T(1) - same_direction<T>()};
}

template <class T>
BATON_HD Facet<T> box_facet(const Shape<T>& b, const Vec3<T>& outward) {
  const Vec3<T> local = transpose_mul(b.mat, outward);
  const T x = abs(local.x), y = abs(local.y), z = abs(local.z);
  const mask_t<T> is_x = x >= y && x >= z, is_y = !is_x && y >= z;
  const auto pick = [&](int i, int j, int k) {
    return select(is_x, b.mat.col(i), select(is_y, b.mat.col(j), b.mat.col(k)));
  };
  const auto pick_size = [&](int i, int j, int k) {
    return select(is_x, b.size[i], select(is_y, b.size[j], b.size[k]));
  };
  const Vec3<T> n = facing(pick(0, 1, 2), outward);
  return {b.pos + n * pick_size(0, 1, 2),
          n,
          pick(1, 2, 0),
          pick(2, 0, 1),
          pick_size(1, 2, 0),
          pick_size(2, 0, 1),
          false,
          dot(n, outward) > T(1) - same_direction<T>()};
}

// The points found, in the world, midway between the surfaces.
template <class T>
struct PointSet {
  const Vec3<T>& n;  // from geom 1 to geom 2
  const T& margin;
  Packer<T, 8> points;
  // p on one surface, `height` above the facet of the other with outward normal `up`.
  BATON_HD void add(mask_t<T> m, const Vec3<T>& p, const T& height, const Vec3<T>& up) {
    m = m && height <= margin;
    if (!any(m)) return;
    const Vec3<T> pos = half_way(p, up, height);
    for (int k = 0; k < points.used; ++k) {
      const Vec3<T> gap = points.pos[k] - pos;
      m = m && !(points.has(k) && dot(gap, gap) < num<T>(1e-10));
    }
    points.add(m, height, pos);
  }
};

// The ends of the part of segment p0 p1 (of surface points, the ball's radius off) that is over the facet.
template <class T>
BATON_HD void add_segment(const Facet<T>& f, const Vec3<T>& p0, const Vec3<T>& p1, mask_t<T> on,
                          PointSet<T>& set) {
  T lo, hi;
  const Vec3<T> d = p1 - p0;
  on = on && f.clip(p0, d, lo, hi);
  if (!any(on)) return;
  const Vec3<T> q0 = p0 + d * lo, q1 = p0 + d * hi;
  set.add(on, q0, f.height(q0), f.normal);
  set.add(on, q1, f.height(q1), f.normal);
}

// A cylinder over a facet.
template <class T>
BATON_HD void add_cylinder(const Facet<T>& f, const Shape<T>& c, mask_t<T> on, PointSet<T>& set) {
  on = on && f.valid;
  if (!any(on)) return;
  const CylinderPoints<T> points = cylinder_points(c, f.normal);
  add_segment(f, c.pos + points.p[0], c.pos + points.p[1], on, set);
  for (int k = 2; k < 4; ++k) {
    const Vec3<T> p = c.pos + points.p[k];
    set.add(on && f.over(p), p, f.height(p), f.normal);
  }
}

// A capsule over a facet.
template <class T>
BATON_HD void add_capsule(const Facet<T>& f, const Shape<T>& c, mask_t<T> on, PointSet<T>& set) {
  on = on && f.valid;
  if (!any(on)) return;
  const Vec3<T> mid = c.pos - f.normal * c.size.x, half = c.axis() * c.size.y;
  add_segment(f, mid + half, mid - half, on, set);
}

// The edges of a box's face that looks at the cap of a cylinder.
template <class T>
BATON_HD void add_rectangle(const Facet<T>& cap, const Facet<T>& face, mask_t<T> on, PointSet<T>& set) {
  on = on && cap.valid;
  if (!any(on)) return;
  const Vec3<T> u = face.ex * face.half_x, v = face.ey * face.half_y;
  const Vec3<T> c[4] = {face.origin + u + v, face.origin - u + v, face.origin - u - v, face.origin + u - v};
  for (int k = 0; k < 4; ++k) add_segment(cap, c[k], c[(k + 1) % 4], on, set);
}

// Support of the features that n leaves undecided: their middle, and how many directions are undecided.
template <class T>
struct Middle {
  Vec3<T> point;
  Vec3<T> line{T(0), T(0), T(0)};  // half length of an undecided segment
  mask_t<T> is_line = mask_t<T>(false), is_flat = mask_t<T>(false);
};
template <class T>
BATON_HD inline mask_t<T> across(const T& cosine) {
  return abs(cosine) < num<T>(sizeof(scalar_t<T>) == 4 ? 2e-4 : 1e-6);
}
template <class T>
BATON_HD void add_half_axis(Middle<T>& m, const Vec3<T>& axis, const T& half, const Vec3<T>& n) {
  const T cosine = dot(axis, n);
  const mask_t<T> open = across(cosine);
  const Vec3<T> s = axis * half;
  m.point += select(open, Vec3<T>{T(0), T(0), T(0)}, select(cosine < T(0), -s, s));
  m.is_flat = m.is_flat || (m.is_line && open);
  m.is_line = m.is_line || open;
  m.line = select(open, s, m.line);
}
template <class T>
BATON_HD Middle<T> middle(GeomType type, const Shape<T>& s, const Vec3<T>& n) {
  Middle<T> m;
  m.point = s.pos;
  if (type == GeomType::kBox) {
    for (int k = 0; k < 3; ++k) add_half_axis(m, s.mat.col(k), s.size[k], n);
    return m;
  }
  add_half_axis(m, s.axis(), s.size.y, n);
  if (type == GeomType::kCapsule) {
    m.point += n * s.size.x;
    return m;
  }
  const Vec3<T> side = n - s.axis() * dot(n, s.axis());
  const T q = norm(side);
  const mask_t<T> flat = across(q);
  m.point += side * select(flat, T(0), s.size.x / max(q, num<T>(1e-12)));
  m.is_flat = m.is_flat || flat;
  return m;
}

// Where two features meet that are not both flat: a point on the other, or two lines that cross (two points where
// they are parallel).
template <class T>
BATON_HD void add_crossing(const Middle<T>& a, const Middle<T>& b, const T& sep, mask_t<T> on,
                           PointSet<T>& set) {
  const T zero(0), one(1);
  if (!any(on)) return;
  const mask_t<T> point_a = !a.is_line && !a.is_flat, point_b = !b.is_line && !b.is_flat;
  set.add(on && point_a, a.point, sep, -set.n);
  set.add(on && !point_a && point_b, b.point, sep, set.n);
  const mask_t<T> lines = on && a.is_line && b.is_line && !a.is_flat && !b.is_flat;
  if (any(lines)) {
    const Vec3<T> rel = a.point - b.point;
    const T ma = max(dot(a.line, a.line), num<T>(1e-12)), mc = max(dot(b.line, b.line), num<T>(1e-12));
    const SegmentPair<T> s{ma, -dot(a.line, b.line), mc, -dot(a.line, rel), dot(b.line, rel)};
    const T det = s.det();
    const mask_t<T> flat = det < num<T>(1e-5) * ma * mc;
    T x1, x2, end1;
    s.closest(select(flat, one, det), x1, x2, end1);
    set.add(lines && !flat, a.point + a.line * x1, sep, -set.n);
    const T e1 = (s.u - s.mb) / ma, e2 = (s.u + s.mb) / ma;
    const T lo = clamp(min(e1, e2), -one, one), hi = clamp(max(e1, e2), -one, one);
    for (int k = 0; k < 2; ++k) {
      const T x = k == 0 ? hi : lo, y = clamp((s.v - s.mb * x) / mc, -one, one);
      const Vec3<T> pa = a.point + a.line * x;
      set.add(lines && flat && lo < hi, pa, dot(b.point + b.line * y - pa, set.n), -set.n);
    }
  }
  // What is left (a line on a flat feature beside it, by rounding): the middle of the smaller feature.
  const mask_t<T> rest = on && !(set.points.count > zero);
  set.add(rest, select(a.is_flat, b.point, a.point + set.n * sep), sep, set.n);
}

template <class T>
BATON_HD void emit(const PointSet<T>& set, mask_t<T> on, ContactSink<T>& sink) {
  if (set.points.used == 0) return;
  const Mat3<T> frame = contact_frame(set.n, Vec3<T>{T(0), T(0), T(0)});
  for (int k = 0; k < set.points.used; ++k)
    sink.add_framed(on && set.points.has(k), set.points.dist[k], set.points.pos[k], frame);
}

template <class T>
BATON_HD inline T face_bias(const Shape<T>& a, const Shape<T>& b) {
  return num<T>(sizeof(scalar_t<T>) == 4 ? 2e-6 : 1e-9) * (norm(a.size) + norm(b.size));
}

// The lanes in which the line between the nearest points of the two axes shows the shapes further apart than the
// margin: cheap, and right for nearly all pairs that do not touch. Half axes e1, e2. Half of what there is beyond a
// little more than the margin goes to the sink: the pair is looked at again long before it touches.
template <class T, class Pair>
BATON_HD mask_t<T> axes_apart(const Pair& pair, const Vec3<T>& e1, const Vec3<T>& e2, ContactSink<T>& sink) {
  const T one(1);
  const Vec3<T> rel = -pair.rel;
  const SegmentPair<T> s{dot(e1, e1), -dot(e1, e2), dot(e2, e2), -dot(e1, rel), dot(e2, rel)};
  const T det = s.det();
  const mask_t<T> flat = parallel(det, s.ma, s.mc);
  T x1, x2, end1, length;
  s.closest(select(flat, one, det), x1, x2, end1);
  const Vec3<T> gap = pair.rel + e2 * x2 - e1 * x1;
  Vec3<T> p;
  const T sep = pair.separation(unit(gap, Vec3<T>{one, T(0), T(0)}, length), p);
  const T rounding = num<T>(sizeof(scalar_t<T>) == 4 ? 4e-6 : 1e-13);
  const T open = sep - sink.margin() - rounding * (norm(pair.rel) + norm(e1) + norm(e2));
  sink.apart((open - num<T>(5e-3)) * num<T>(0.5));
  return open > T(0);
}

}  // namespace detail

// a: capsule, b: cylinder.
template <class T>
BATON_HD void capsule_cylinder(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> za = a.axis(), zb = b.axis();
  const SymmetricPair<T, 2, 1> pair{b.pos - a.pos, {za * a.size.y, zb * b.size.y}, {za, zb}, {zb}, {b.size.x},
                                    a.size.x};
  on = on && !detail::axes_apart(pair, pair.seg[0], pair.seg[1], sink);
  if (!any(on)) return;
  const BestDirection<T> best = separate(pair, sink.margin(), detail::face_bias(a, b), on);
  if (!any(on)) return;
  detail::PointSet<T> set{best.n, sink.margin(), {}};
  detail::add_capsule(detail::cap_facet(b, -best.n), a, on, set);
  detail::add_crossing(detail::middle(GeomType::kCapsule, a, best.n),
                       detail::middle(GeomType::kCylinder, b, -best.n), best.sep,
                       on && !(set.points.count > T(0)), set);
  detail::emit(set, on, sink);
}

template <class T>
BATON_HD void cylinder_cylinder(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> za = a.axis(), zb = b.axis();
  const SymmetricPair<T, 2, 2> pair{b.pos - a.pos, {za * a.size.y, zb * b.size.y}, {za, zb},
                                    {za, zb},      {a.size.x, b.size.x},           T(0)};
  on = on && !detail::axes_apart(pair, pair.seg[0], pair.seg[1], sink);
  if (!any(on)) return;
  const BestDirection<T> best = separate(pair, sink.margin(), detail::face_bias(a, b), on);
  if (!any(on)) return;
  detail::PointSet<T> set{best.n, sink.margin(), {}};
  detail::add_cylinder(detail::cap_facet(b, -best.n), a, on, set);
  detail::add_cylinder(detail::cap_facet(a, best.n), b, on, set);
  detail::add_crossing(detail::middle(GeomType::kCylinder, a, best.n),
                       detail::middle(GeomType::kCylinder, b, -best.n), best.sep,
                       on && !(set.points.count > T(0)), set);
  detail::emit(set, on, sink);
}

// a: cylinder, b: box.
template <class T>
BATON_HD void cylinder_box(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> za = a.axis(), b0 = b.mat.col(0), b1 = b.mat.col(1), b2 = b.mat.col(2);
  const SymmetricPair<T, 4, 1> pair{
      b.pos - a.pos,    {za * a.size.y, b0 * b.size.x, b1 * b.size.y, b2 * b.size.z},
      {za, b0, b1, b2}, {za},
      {a.size.x},       T(0)};
  const BestDirection<T> best = separate(pair, sink.margin(), detail::face_bias(a, b), on);
  if (!any(on)) return;
  detail::PointSet<T> set{best.n, sink.margin(), {}};
  const detail::Facet<T> face = detail::box_facet(b, -best.n), cap = detail::cap_facet(a, best.n);
  detail::add_cylinder(face, a, on, set);
  detail::add_rectangle(cap, face, on, set);
  detail::add_crossing(detail::middle(GeomType::kCylinder, a, best.n),
                       detail::middle(GeomType::kBox, b, -best.n), best.sep, on && !(set.points.count > T(0)),
                       set);
  detail::emit(set, on, sink);
}

}  // namespace baton::sim
