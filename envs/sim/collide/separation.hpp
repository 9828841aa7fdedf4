#pragma once
// The direction of least penetration between centrally symmetric convex shapes made of segments, discs and a ball
// (boxes are three segments, cylinders a segment and a disc, capsules a segment and a ball). Along a unit vector n
//
//   sep(n) = n.rel - sum |n.s_i| - sum r_j |n - a_j (a_j.n)| - ball,      n.rel >= 0
//
// and the signed distance is the largest sep. It is concave where smooth, so its peaks are of four kinds, and each is
// sought where it lives: at two kinks (n normal to two segments, or along a disc's axis: tried one by one), on one
// kink (n normal to one segment: Newton's method on that circle) and on none (Newton's method on the sphere), each
// from several starts. All lanes walk together for a fixed number of steps, and the best direction seen is kept.
#include "envs/sim/collide/shape.hpp"

namespace baton::sim {

template <class T, int NS, int ND>
struct SymmetricPair {
  static constexpr int kSegments = NS;
  Vec3<T> rel;           // centre of geom 2 minus centre of geom 1
  Vec3<T> seg[NS];       // half lengths
  Vec3<T> seg_axis[NS];  // unit
  Vec3<T> axis[ND];      // of the discs, unit
  T radius[ND];
  T ball;

  // sep(n), and its gradient p: the point of the difference's surface that supports n.
  BATON_HD T separation(const Vec3<T>& n, Vec3<T>& p) const {
    const T zero(0), tiny = num<T>(sizeof(scalar_t<T>) == 4 ? 1e-6 : 1e-12);
    T sep = dot(n, rel) - ball;
    p = rel;
    for (int i = 0; i < NS; ++i) {
      const T along = dot(n, seg[i]);
      sep -= abs(along);
      p -= select(along < zero, -seg[i], seg[i]);
    }
    for (int j = 0; j < ND; ++j) {
      const Vec3<T> across = n - axis[j] * dot(n, axis[j]);
      const T q = norm(across);
      sep -= radius[j] * q;
      p -= across *
           select(q < tiny, zero, radius[j] / max(q, tiny));  // along the axis the disc's centre supports n
    }
    return sep;
  }
  // Curvature of sep along the unit tangents t1, t2 of n, apart from the part that is sep itself.
  BATON_HD T curvature(const Vec3<T>& n, const Vec3<T>& t1, const Vec3<T>& t2) const {
    T sum(0);
    for (int j = 0; j < ND; ++j) {
      const Vec3<T> w = cross(axis[j], n);
      const T q2 = max(dot(w, w), num<T>(1e-8));
      sum += radius[j] / (q2 * sqrt(q2)) * dot(w, t1) * dot(w, t2);
    }
    return sum;
  }
};

template <class T>
struct BestDirection {
  T sep = num<T>(-1e10);
  Vec3<T> n{T(1), T(0), T(0)};
  BATON_HD void offer(mask_t<T> valid, const T& s, const Vec3<T>& direction, const T& bias) {
    const mask_t<T> better = valid && s > sep + bias;
    sep = select(better, s, sep);
    n = select(better, direction, n);
  }
};

template <class T>
BATON_HD inline Vec3<T> facing(const Vec3<T>& n, const Vec3<T>& rel) {
  return select(dot(n, rel) < T(0), -n, n);
}

// The peaks at two kinks.
template <class T, int NS, int ND>
BATON_HD void try_corners(const SymmetricPair<T, NS, ND>& pair, BestDirection<T>& best) {
  Vec3<T> p;
  const T zero(0);
  for (int j = 0; j < ND; ++j) {
    const Vec3<T> n = facing(pair.axis[j], pair.rel);
    best.offer(mask_t<T>(true), pair.separation(n, p), n, zero);
  }
  for (int i = 0; i < NS; ++i) {
    for (int k = i + 1; k < NS; ++k) {
      const Vec3<T> raw = cross(pair.seg_axis[i], pair.seg_axis[k]);
      const T len2 = dot(raw, raw);
      const mask_t<T> usable = len2 > num<T>(1e-6);
      const Vec3<T> n = facing(raw * (T(1) / sqrt(select(usable, len2, T(1)))), pair.rel);
      best.offer(usable, pair.separation(n, p), n, zero);
    }
  }
}

// The highest point of a walk so far: sep(n), and its gradient p there.
template <class T>
struct Summit {
  Vec3<T> n, p;
  T sep;

  template <int NS, int ND>
  BATON_HD Summit(const SymmetricPair<T, NS, ND>& pair, const Vec3<T>& start)
      : n(start), sep(pair.separation(start, p)) {}
  // Goes to `other` where that is higher; says where.
  template <int NS, int ND>
  BATON_HD mask_t<T> try_at(const SymmetricPair<T, NS, ND>& pair, const Vec3<T>& other) {
    Vec3<T> other_p;
    const T other_sep = pair.separation(other, other_p);
    const mask_t<T> higher = other_sep > sep;
    n = select(higher, other, n);
    p = select(higher, other_p, p);
    sep = select(higher, other_sep, sep);
    return higher;
  }
};

// The peaks on the circle normal to segment k. Deep inside, each quarter turn from `ahead` may hold one, and one may
// stand close by a disc's axis: of every quarter the best of five starts is followed.
template <class T, int NS, int ND>
BATON_HD void climb_circle(const SymmetricPair<T, NS, ND>& pair, int k, const Vec3<T>& start, const T& bias,
                           BestDirection<T>& best) {
  const Vec3<T>& axis = pair.seg_axis[k];
  const auto project = [&](const Vec3<T>& v) {
    T length;
    return unit(v - axis * dot(v, axis), start, length);
  };
  constexpr int kStarts = 4, kSteps = 4;
  constexpr double kCosine[kStarts] = {0.98078528, 0.83146961, 0.55557023,
                                       0.19509032};  // of 11.25, 33.75, ... degrees
  const T bound = num<T>(0.2), floor = num<T>(1e-9);
  const Vec3<T> ahead = project(pair.rel), aside = cross(axis, ahead);
  for (int quarter = 0; quarter < 2; ++quarter) {
    Summit<T> top(pair, project(quarter == 0 ? start : pair.axis[k == 0 ? ND - 1 : 0]));
    for (int i = 0; i < kStarts; ++i) {
      const double sine = kCosine[kStarts - 1 - i];
      top.try_at(pair, ahead * num<T>(kCosine[i]) + aside * num<T>(quarter == 0 ? -sine : sine));
    }
    Vec3<T> n = top.n, p = top.p;
    T sep = top.sep;
    for (int step = 0; step < kSteps; ++step) {
      const Vec3<T> t = cross(axis, n);
      // The second derivative is -(around + mu); where it is not negative, a step uphill of modest length.
      const T around = pair.curvature(n, t, t), mu = sep + pair.ball;
      const T bend = max(around + mu, max(num<T>(0.1) * (around + abs(mu)), floor));
      n = project(n + t * clamp(dot(p, t) / bend, -bound, bound));
      sep = pair.separation(n, p);
      best.offer(mask_t<T>(true), sep, n, bias);
    }
  }
}

// The peaks away from kinks. A step that leads down (over the tip of the cone that a disc makes around its axis) is not
// taken but shortened.
template <class T, int NS, int ND>
BATON_HD void climb_sphere(const SymmetricPair<T, NS, ND>& pair, const Vec3<T>& start, const T& bias,
                           BestDirection<T>& best) {
  const T one(1), zero(0), floor = num<T>(1e-9);
  T bound = num<T>(0.3), length;
  Summit<T> top(pair, start);
  for (int step = 0; step < 8; ++step) {
    const Mat3<T> frame = contact_frame(top.n, Vec3<T>{zero, zero, zero});
    const Vec3<T> t1 = frame.row(1), t2 = frame.row(2);
    const T mu = max(abs(top.sep + pair.ball), floor);
    const T h11 = pair.curvature(top.n, t1, t1) + mu, h12 = pair.curvature(top.n, t1, t2);
    const T h22 = pair.curvature(top.n, t2, t2) + mu, inv = one / max(h11 * h22 - h12 * h12, num<T>(1e-20));
    const T g1 = dot(top.p, t1), g2 = dot(top.p, t2);
    const T d1 = clamp((h22 * g1 - h12 * g2) * inv, -bound, bound);
    const T d2 = clamp((h11 * g2 - h12 * g1) * inv, -bound, bound);
    const mask_t<T> higher = top.try_at(pair, unit(top.n + t1 * d1 + t2 * d2, top.n, length));
    bound = select(higher, bound, max(abs(d1), abs(d2)) * num<T>(0.25));
  }
  best.offer(mask_t<T>(true), top.sep, top.n, bias);
}

// The signed distance and its direction (from geom 1 to geom 2), in the lanes of `on`; lanes that a direction separates
// by more than margin are taken out of `on`. `bias`: by how much a smooth peak must beat the corners, since faces give
// steadier contacts.
template <class T, int NS, int ND>
BATON_HD BestDirection<T> separate(const SymmetricPair<T, NS, ND>& pair, const T& margin, const T& bias,
                                   mask_t<T>& on) {
  BestDirection<T> best;
  try_corners(pair, best);
  on = on && best.sep <= margin;
  if (!any(on)) return best;
  const Vec3<T> start = best.n;
  for (int k = 0; k < NS; ++k) climb_circle(pair, k, start, bias, best);
  on = on && best.sep <= margin;
  if (!any(on)) return best;
  if constexpr (ND > 1 ||
                NS < 3) {  // two rims, or a rim and a ball: round on all sides, one start may miss the peak
    T length;
    climb_sphere(pair, unit(pair.rel, best.n, length), bias, best);
    if constexpr (ND > 1) {
      const Vec3<T> between = facing(pair.axis[0], pair.rel) + facing(pair.axis[1], pair.rel);
      climb_sphere(pair, unit(between, best.n, length), bias, best);
    }
  }
  climb_sphere(pair, best.n, bias, best);
  on = on && best.sep <= margin;
  return best;
}

}  // namespace baton::sim
