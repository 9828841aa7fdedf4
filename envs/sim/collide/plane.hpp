#pragma once
// A plane (geom 1: through pos, normal = its z axis, infinite whatever its size) against sphere, capsule, cylinder
// and box. The normal of all contacts is the plane's; pos lies midway between the surfaces.
#include "envs/sim/collide/shape.hpp"

namespace baton::sim {

// One hit for the point of geom 2 at `surface`, dist metres above the plane.
template <class T>
BATON_HD inline Vec3<T> half_way(const Vec3<T>& surface, const Vec3<T>& normal, const T& dist) {
  return surface - normal * (dist * num<T>(0.5));
}

template <class T>
BATON_HD void plane_sphere(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis();
  const T dist = dot(b.pos - a.pos, n) - b.size.x;
  sink.add(on, dist, half_way(b.pos - n * b.size.x, n, dist), n);
}

// Up to 2 contacts: the sphere at each end. The first tangent runs along the capsule.
template <class T>
BATON_HD void plane_capsule(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis(), axis = b.axis(), half = axis * b.size.y;
  const T mid = dot(b.pos - a.pos, n) - b.size.x, tilt = dot(half, n);
  if (!any(on && mid - abs(tilt) <= sink.margin())) return;
  const Mat3<T> frame = contact_frame(n, axis);
  const T d1 = mid + tilt, d2 = mid - tilt;
  sink.add_framed(on, d1, half_way(b.pos + half - n * b.size.x, n, d1), frame);
  sink.add_framed(on, d2, half_way(b.pos - half - n * b.size.x, n, d2), frame);
}

// The points of a cylinder that matter to a plane with normal n below it, relative to the cylinder's centre: the
// deepest rim point, the rim point of the other cap on the same side, and two that make an equilateral triangle with
// the first on the lower cap (MuJoCo's choice).
template <class T>
struct CylinderPoints {
  Vec3<T> p[4];
};
template <class T>
BATON_HD CylinderPoints<T> cylinder_points(const Shape<T>& c, const Vec3<T>& n) {
  const Vec3<T> z = c.axis();
  const T along = dot(n, z);
  const Vec3<T> down = select(along > T(0), -z, z);  // the axis, pointing to the plane
  Vec3<T> raw =
      z * along - n;  // -n without its part along the axis, twice: what is left may be mostly rounding
  raw = raw - z * dot(raw, z);
  const T len2 = dot(raw, raw);
  const mask_t<T> upright = len2 < num<T>(sizeof(scalar_t<T>) == 4 ? 1e-12 : 1e-28);
  const T scale = c.size.x / sqrt(select(upright, T(1), len2));
  const Vec3<T> rim = select(upright, c.mat.col(0) * c.size.x, raw * scale);
  const Vec3<T> cap = down * c.size.y, side = cross(rim, down) * num<T>(0.86602540378443865);
  const Vec3<T> far = cap - rim * num<T>(0.5);
  return {{cap + rim, rim - cap, far + side, far - side}};
}

// Up to 4 contacts.
template <class T>
BATON_HD void plane_cylinder(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis(), rel = b.pos - a.pos;
  const T base = dot(rel, n);
  if (!any(on && base - b.size.x - b.size.y <= sink.margin())) return;
  const CylinderPoints<T> points = cylinder_points(b, n);
  on = on && base + dot(points.p[0], n) <= sink.margin();
  if (!any(on)) return;
  const Mat3<T> frame = contact_frame(n, Vec3<T>{T(0), T(0), T(0)});
  for (const Vec3<T>& p : points.p) {
    const T dist = base + dot(p, n);
    sink.add_framed(on, dist, half_way(b.pos + p, n, dist), frame);
  }
}

// Up to 4 contacts: the four corners nearest the plane. With a_i the corner's height gained along box axis i, these
// are the lowest corner, its neighbours along the two axes of smaller |a|, and either the corner across both or the
// neighbour along the steepest axis, whichever is lower.
template <class T>
BATON_HD void plane_box(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  const Vec3<T> n = a.axis(), local = transpose_mul(b.mat, n);
  const T base = dot(b.pos - a.pos, n), zero(0), two(2);
  Vec3<T> low,
      gain;  // lowest corner in the box frame; height gained by going to the other side along each axis
  for (int i = 0; i < 3; ++i) {
    low[i] = select(local[i] > zero, -b.size[i], b.size[i]);
    gain[i] = abs(local[i]) * b.size[i] * two;
  }
  const T lowest = base + dot(low, local);
  on = on && lowest <= sink.margin();
  if (!any(on)) return;
  const mask_t<T> steep_x = gain.x >= gain.y && gain.x >= gain.z, steep_y = !steep_x && gain.y >= gain.z;
  const mask_t<T> steep[3] = {steep_x, steep_y, !steep_x && !steep_y};
  const T steepest = max(gain.x, max(gain.y, gain.z));
  const mask_t<T> face = gain.x + gain.y + gain.z - steepest <= steepest;
  const Vec3<T> corner = b.pos + b.mat * low;
  const Mat3<T> frame = contact_frame(n, Vec3<T>{zero, zero, zero});
  sink.add_framed(on, lowest, half_way(corner, n, lowest), frame);
  Vec3<T> last{zero, zero, zero};  // the fourth corner, as flips from the lowest
  T last_gain = zero;
  Vec3<T> flip[2] = {last, last};  // the two flat axes, in order
  T flip_gain[2] = {zero, zero};
  for (int i = 0; i < 3; ++i) {
    const Vec3<T> step = b.mat.col(i) * (low[i] * -two);
    const mask_t<T> first = i == 0 ? !steep[0] : i == 1 ? steep[0] : mask_t<T>(false);
    const mask_t<T> second = i == 0 ? mask_t<T>(false) : i == 1 ? !steep[0] && !steep[1] : !steep[2];
    flip[0] = select(first, step, flip[0]);
    flip_gain[0] = select(first, gain[i], flip_gain[0]);
    flip[1] = select(second, step, flip[1]);
    flip_gain[1] = select(second, gain[i], flip_gain[1]);
    last = select(steep[i], step, last);
    last_gain = select(steep[i], gain[i], last_gain);
  }
  last = select(face, flip[0] + flip[1], last);
  last_gain = select(face, flip_gain[0] + flip_gain[1], last_gain);
  for (int k = 0; k < 2; ++k) {
    const T dist = lowest + flip_gain[k];
    sink.add_framed(on, dist, half_way(corner + flip[k], n, dist), frame);
  }
  const T dist = lowest + last_gain;
  sink.add_framed(on, dist, half_way(corner + last, n, dist), frame);
}

}  // namespace baton::sim
