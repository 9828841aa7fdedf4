#pragma once
// Capsule against box: the point of the capsule's segment that is closest to the box, treated as a sphere, and a
// second point as far along the segment as it stays above the same face or edge, so that a lying capsule rests on two
// points. All in the box's frame. The choice of the second point follows MuJoCo's, so that contacts agree.
#include "envs/sim/collide/round.hpp"

namespace baton::sim {

namespace detail {

// Closest feature so far, lane by lane.
template <class T>
struct SegmentBox {
  using Mask = mask_t<T>;
  Vec3<T> pos, half, axis, size;    // segment pos + x half, x in [-1, 1]; box half sizes
  T length2;                        // |half|^2
  T best, x = T(0), edge_x = T(0);  // squared distance, position on the segment, on the edge
  Mask face = Mask(false), edge = Mask(false), end_plus = Mask(false), middle = Mask(false);
  Mask on_face[3], along[3];  // which face axis an end is nearest to; which axis the edge runs along
  Mask corner[3];             // the corner (edge's end) nearest: plus side of each axis

  // An end of the segment that is inside the box, or outside in one direction only, is nearest to a face.
  BATON_HD void try_end(int end) {
    const Vec3<T> p = pos + half * num<T>(end);
    Mask out[3];
    T count(0), dist2(0);
    for (int j = 0; j < 3; ++j) {
      const T over = abs(p[j]) - size[j];
      out[j] = over > T(0);
      count += select(out[j], T(1), T(0));
      dist2 += select(out[j], over * over, T(0));
    }
    const Mask better = count <= T(1) && dist2 < best;
    best = select(better, dist2, best);
    x = select(better, num<T>(end), x);
    face = face || better;
    end_plus = end > 0 ? end_plus || better : end_plus && !better;
    for (int j = 0; j < 3; ++j) on_face[j] = (better && out[j]) || (!better && on_face[j]);
  }

  // The four edges along axis j.
  BATON_HD void try_edges(int j) {
    const T one(1), ma = size[j] * size[j], mb = -size[j] * half[j];
    const T det = SegmentPair<T>{ma, mb, length2, one, one}.det();
    const Mask flat = parallel(det, ma, length2);
    const typename SegmentPair<T>::Inverses inverses{one / select(flat, one, det), one / ma, one / length2};
    for (int side = 0; side < 4; ++side) try_edge(j, side, flat, inverses);
  }

  // That whose other coordinates are on the sides `side` (bits j1, j2; 1 = plus).
  BATON_INLINE void try_edge(int j, int side, const Mask& flat,
                             const typename SegmentPair<T>::Inverses& inverses) {
    const int j1 = (j + 1) % 3, j2 = (j + 2) % 3;
    const bool s1 = (side & 1) != 0, s2 = (side & 2) != 0;
    Vec3<T> dif = -pos;
    dif[j1] += s1 ? size[j1] : -size[j1];
    dif[j2] += s2 ? size[j2] : -size[j2];
    const T one(1);
    const SegmentPair<T> s{size[j] * size[j], -size[j] * half[j], length2, -size[j] * dif[j], dot(half, dif)};
    T x1, x2, end1;
    s.closest(inverses, x1, x2, end1);
    Vec3<T> gap = dif - half * x2;
    gap[j] += size[j] * x1;
    const T dist2 = dot(gap, gap);
    const Mask better = !flat && dist2 < best - min_length<T>();
    if (!any(better)) return;
    best = select(better, dist2, best);
    x = select(better, x2, x);
    edge_x = select(better, x1, edge_x);
    middle = (better && end1 == T(0)) || (!better && middle);
    edge = edge || better;
    face = face && !better;
    for (int k = 0; k < 3; ++k) {
      along[k] = (better && Mask(k == j)) || (!better && along[k]);
      const Mask plus = k == j ? end1 == one : Mask(k == j1 ? s1 : s2);
      corner[k] = (better && plus) || (!better && corner[k]);
    }
  }
};

// Keeps the smaller; NaN never wins.
template <class T>
BATON_HD inline T shorter(const T& a, const T& b) {
  return select(b < a, b, a);
}

// Step along the segment from the closest point to the second one; `has` where there is one.
template <class T>
BATON_HD T second_at_face(const SegmentBox<T>& s, mask_t<T>& has) {
  const T zero(0), away = select(s.end_plus, num<T>(-1), T(1));  // towards the other end
  const Vec3<T> end = s.pos - s.half * away;
  T step = num<T>(2);
  for (int i = 0; i < 3; ++i) {
    for (int side = -1; side <= 1; side += 2) {
      const T reach = (num<T>(side) * s.size[i] - end[i]) / s.half[i] * away;
      step = select(!s.on_face[i] && reach > zero && reach < step, reach, step);
    }
  }
  has = s.face && (s.on_face[0] || s.on_face[1] || s.on_face[2]);
  return step * away;
}

// A segment along a face or an edge: the sign of its small components is rounding and must not decide.
template <class T>
BATON_HD inline mask_t<T> negligible(const T& axis) {
  return abs(axis) < num<T>(sizeof(scalar_t<T>) == 4 ? 1e-5 : 1e-9);
}

template <class T>
BATON_HD T second_at_corner(const SegmentBox<T>& s, mask_t<T>& has) {
  using Mask = mask_t<T>;
  const T one(1), zero(0), two(2);
  Mask differs[3];  // does the segment's direction point away from the corner along this axis?
  T count(0), longest(0);
  Mask main(false);  // differs[] of the axis along which the segment is longest
  for (int i = 0; i < 3; ++i) {
    const Mask up = s.half[i] > zero, longer = abs(s.half[i]) > longest;
    differs[i] = (up && !s.corner[i]) || (!up && s.corner[i]);
    main = (longer && differs[i]) || (!longer && main);
    longest = select(longer, abs(s.half[i]), longest);
  }
  for (int i = 0; i < 3; ++i) {
    const Mask tiny = negligible(s.axis[i]);
    differs[i] = (tiny && !main) || (!tiny && differs[i]);
    count += select(differs[i], one, zero);
  }
  const Mask lone = count == one;  // one axis differs, or one agrees
  has = s.edge && !s.middle && (lone || count == two);
  const T dir = select(lone, one, -one);
  const T ahead = one - dir * s.x, behind = one + dir * s.x;
  T across = behind, along = ahead;
  Mask steep(false);
  for (int i = 0; i < 3; ++i) {
    const Mask odd = (lone && differs[i]) || (!lone && !differs[i]);
    const T reach = two * s.size[i] / abs(s.half[i]);
    along = select(odd, shorter(along, reach), along);
    across = select(odd, across, shorter(across, reach));
    steep = steep || (odd && s.axis[i] * s.axis[i] > num<T>(0.5));
  }
  return select(steep, along * dir, -across * dir);
}

template <class T>
BATON_HD T second_at_edge(const SegmentBox<T>& s, mask_t<T>& has) {
  using Mask = mask_t<T>;
  const T one(1), zero(0), two(2);
  T result(0);
  has = Mask(false);
  for (int j = 0; j < 3; ++j) {
    const int j1 = (j + 1) % 3, j2 = (j + 2) % 3;
    const Mask here = s.edge && s.middle && s.along[j];
    if (!any(here)) continue;
    const Mask up = s.half[j] > zero, up1 = s.half[j1] > zero, up2 = s.half[j2] > zero;
    const Mask d1 = (up1 && !s.corner[j1]) || (!up1 && s.corner[j1]);
    const Mask d2 = (up2 && !s.corner[j2]) || (!up2 && s.corner[j2]);
    const Mask take1 =
        abs(s.axis[j1]) > abs(s.axis[j2]);  // the axis along which the segment runs over the box
    const Mask crossed = (d1 && !d2) || (!d1 && d2) || negligible(select(take1, s.axis[j2], s.axis[j1]));
    const Mask forward = (take1 && d1) || (!take1 && d2);
    const T dir = select(forward, one, -one);
    const T over = two * select(take1, s.size[j1] / abs(s.half[j1]), s.size[j2] / abs(s.half[j2]));
    const Mask same = (up && forward) || (!up && !forward);
    const T left = select(same, one - s.edge_x, one + s.edge_x);
    T step = shorter(one - dir * s.x, over);
    step = shorter(step, s.size[j] * left / abs(s.half[j]));
    result = select(here && crossed, step * dir, result);
    has = has || (here && crossed);
  }
  return result;
}

}  // namespace detail

// Up to 2 contacts. a: capsule, b: box.
template <class T>
BATON_HD void capsule_box(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  using Mask = mask_t<T>;
  detail::SegmentBox<T> s;
  s.pos = transpose_mul(b.mat, a.pos - b.pos);
  s.axis = transpose_mul(b.mat, a.axis());
  s.half = s.axis * a.size.y;
  s.size = b.size;
  // By how much the shadows on the box's axes are apart: no more than the shapes themselves.
  T apart = -(a.size.x + sink.margin());
  Vec3<T> over;
  for (int i = 0; i < 3; ++i) over[i] = abs(s.pos[i]) - abs(s.half[i]) - s.size[i];
  apart += max(max(over.x, over.y), over.z);
  sink.apart(max(apart, T(0)));
  on = on && apart <= T(0);
  if (!any(on)) return;
  s.length2 = a.size.y * a.size.y;
  const T far = sink.margin() + num<T>(2) * (a.size.x + a.size.y + b.size.x + b.size.y + b.size.z);
  s.best = far;
  for (int i = 0; i < 3; ++i) s.on_face[i] = s.along[i] = s.corner[i] = Mask(false);
  s.try_end(-1);
  s.try_end(1);
  for (int j = 0; j < 3; ++j) s.try_edges(j);
  on = on && (s.face || s.edge);
  if (!any(on)) return;
  const SphereHit<T> h1 = sphere_box_hit(a.pos + a.axis() * (a.size.y * s.x), a.size.x, b);
  sink.add(on, h1.dist, h1.pos, h1.normal);
  Mask at_face, at_corner, at_edge;
  const T face = detail::second_at_face(s, at_face), corner = detail::second_at_corner(s, at_corner);
  const T edge = detail::second_at_edge(s, at_edge);
  const T step = select(at_face, face, select(at_corner, corner, edge));
  const Mask second = on && (at_face || at_corner || at_edge);
  if (!any(second)) return;
  const SphereHit<T> h2 = sphere_box_hit(a.pos + a.axis() * (a.size.y * (s.x + step)), a.size.x, b);
  sink.add(second, h2.dist, h2.pos, h2.normal);
}

}  // namespace baton::sim
