#pragma once
// Box against box: separating axes, then either the overlap of two faces (up to 8 points) or one point between two
// edges. The choice of axis follows MuJoCo's: the direction of least penetration among the 6 face normals and the 9
// cross products of edges, faces winning near ties, since several points hold better than one. Every lane picks its own
// axis; the picked face's frame is gathered by selects, so that one text serves them all.
#include "envs/sim/collide/shape.hpp"

namespace baton::sim {

namespace detail {

template <class T>
struct BoxPair {
  using Mask = mask_t<T>;
  Mat3<T> rot;  // box 2's axes in box 1's frame (columns)
  Mat3<T> rot_abs;
  Vec3<T> p21, p12;  // centre of 2 in frame 1, of 1 in frame 2
  Vec3<T> size1, size2;
  T slack;  // separation above which there is no contact: margin and rounding
  // the best so far
  T face_sep;   // signed distance along the face normal
  T face_code;  // 0..2 axis of box 1, 3..5 axis of box 2
  T edge_sep;
  T edge_i, edge_j;
  Vec3<T> edge_axis;  // unit, frame 1, from 1 to 2
  Mask edge;          // the edge pair wins
};

template <class T>
BATON_HD inline T rounding(double in_double, double in_float) {
  return num<T>(sizeof(scalar_t<T>) == 4 ? in_float : in_double);
}

template <class T>
BATON_HD BoxPair<T> make_box_pair(const Shape<T>& a, const Shape<T>& b, const T& margin) {
  BoxPair<T> p;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) p.rot(i, j) = dot(a.mat.col(i), b.mat.col(j));
  for (int i = 0; i < 9; ++i) p.rot_abs.m[i] = abs(p.rot.m[i]);
  const Vec3<T> gap = b.pos - a.pos;
  p.p21 = transpose_mul(a.mat, gap);
  p.p12 = -transpose_mul(b.mat, gap);
  p.size1 = a.size;
  p.size2 = b.size;
  const T scale = a.size.x + a.size.y + a.size.z + b.size.x + b.size.y + b.size.z;
  p.slack = margin + rounding<T>(1e-13, 1e-6) * scale;
  return p;
}

// Best face normal; returns the lanes of `on` that no face normal separates.
template <class T>
BATON_HD mask_t<T> best_face(BoxPair<T>& p, mask_t<T> on) {
  p.face_sep = num<T>(-1e10);
  p.face_code = T(0);
  for (int k = 0; k < 6; ++k) {
    const int i = k % 3;
    const T sep = k < 3 ? abs(p.p21[i]) - p.size1[i] - dot(p.rot_abs.row(i), p.size2)
                        : abs(p.p12[i]) - p.size2[i] - dot(p.rot_abs.col(i), p.size1);
    on = on && sep <= p.slack;
    const mask_t<T> better = sep > p.face_sep;
    p.face_sep = select(better, sep, p.face_sep);
    p.face_code = select(better, num<T>(k), p.face_code);
  }
  return on;
}

// Best cross product of edges, and whether it beats the face.
template <class T>
BATON_HD mask_t<T> best_edge(BoxPair<T>& p, mask_t<T> on) {
  const T zero(0), one(1);
  T best = p.face_sep;
  p.edge_sep = zero;
  p.edge_i = p.edge_j = zero;
  p.edge_axis = {one, zero, zero};
  p.edge = mask_t<T>(false);
  for (int i = 0; i < 3; ++i) {
    const int i1 = (i + 1) % 3, i2 = (i + 2) % 3;
    for (int j = 0; j < 3; ++j) {
      const int j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      const T raw1 = -p.rot(i2, j), raw2 = p.rot(i1, j), len2 = raw1 * raw1 + raw2 * raw2;
      const mask_t<T> usable =
          len2 >= rounding<T>(1e-16, 1e-6);  // parallel edges: a face normal stands for them
      const T scale = one / sqrt(select(usable, len2, one));
      const T x1 = raw1 * scale, x2 = raw2 * scale;
      const T along = x1 * p.p21[i1] + x2 * p.p21[i2];
      const T reach1 = p.size1[i1] * abs(x1) + p.size1[i2] * abs(x2);
      const T reach2 = p.size2[j1] * abs(x1 * p.rot(i1, j1) + x2 * p.rot(i2, j1)) +
                       p.size2[j2] * abs(x1 * p.rot(i1, j2) + x2 * p.rot(i2, j2));
      const T sep = abs(along) - reach1 - reach2;
      on = on && (!usable || sep <= p.slack);
      const mask_t<T> better = usable && sep - num<T>(1e-6) * abs(sep) > best && sep > p.face_sep;
      if (!any(better)) continue;
      const T sign = select(along < zero, -one, one);
      best = select(better, sep, best);
      p.edge = p.edge || better;
      p.edge_i = select(better, num<T>(i), p.edge_i);
      p.edge_j = select(better, num<T>(j), p.edge_j);
      p.edge_axis[i] = select(better, zero, p.edge_axis[i]);
      p.edge_axis[i1] = select(better, x1 * sign, p.edge_axis[i1]);
      p.edge_axis[i2] = select(better, x2 * sign, p.edge_axis[i2]);
    }
  }
  p.edge_sep = best;
  // An edge direction within 8 degrees of the face normal and hardly better is the same contact: the face holds better.
  T face_dot(0);
  for (int k = 0; k < 3; ++k) {
    face_dot = select(p.face_code == num<T>(k), abs(p.edge_axis[k]), face_dot);
    face_dot = select(p.face_code == num<T>(k + 3), abs(dot(p.edge_axis, p.rot.col(k))), face_dot);
  }
  p.edge = p.edge && !(face_dot > num<T>(0.99) && p.edge_sep < p.face_sep + num<T>(0.05) * abs(p.face_sep));
  return on;
}

// The supporting edges of both boxes and the closest points between them.
template <class T>
BATON_HD void edge_contact(const BoxPair<T>& p, const Shape<T>& a, mask_t<T> on, ContactSink<T>& sink) {
  const T zero(0), one(1);
  const Vec3<T>& n = p.edge_axis;
  const Vec3<T> n2 = transpose_mul(p.rot, n);
  Vec3<T> c1, corner2, dir1, dir2{zero, zero, zero};
  T half1(0), half2(0);
  for (int k = 0; k < 3; ++k) {
    const mask_t<T> run1 = p.edge_i == num<T>(k), run2 = p.edge_j == num<T>(k);
    c1[k] = select(run1, zero, select(n[k] >= zero, p.size1[k], -p.size1[k]));
    corner2[k] = select(run2, zero, select(n2[k] >= zero, -p.size2[k], p.size2[k]));
    dir1[k] = select(run1, one, zero);
    dir2 = select(run2, p.rot.col(k), dir2);
    half1 = select(run1, p.size1[k], half1);
    half2 = select(run2, p.size2[k], half2);
  }
  const Vec3<T> c2 = p.rot * corner2 + p.p21, gap = c2 - c1;
  const T b = dot(dir1, dir2), g1 = dot(dir1, gap), g2 = dot(dir2, gap), det = one - b * b;
  const mask_t<T> skew = det > rounding<T>(1e-15, 1e-7);
  T s = select(skew, (g1 - b * g2) / select(skew, det, one), zero);
  s = clamp(s, -half1, half1);
  const T t = clamp(b * s - g2, -half2, half2);
  s = clamp(g1 + b * t, -half1, half1);
  const Vec3<T> w1 = c1 + dir1 * s, w2 = c2 + dir2 * t;
  sink.add(on, dot(w2 - w1, n), a.mat * ((w1 + w2) * num<T>(0.5)) + a.pos, a.mat * n);
}

// The reference box's winning face and the face of the other box that looks at it, in coordinates (x, y) on the
// reference face and z above it. A corner of the incident face: centre +- u +- v.
template <class T>
struct FacePair {
  T half_x, half_y;            // of the reference face
  Vec3<T> centre, u, v;        // of the incident face
  Vec3<T> origin, ex, ey, ez;  // of the coordinates, in the world; origin on the reference face
  T eps;                       // rounding of positions
  T dupe2;                     // squared distance under which two points are one
};

template <class T>
BATON_HD FacePair<T> face_pair(const BoxPair<T>& p, const Shape<T>& a, const Shape<T>& b) {
  const T zero(0), one(1);
  const mask_t<T> first = p.face_code < num<T>(2.5);
  const T code = select(first, p.face_code, p.face_code - num<T>(3));
  const mask_t<T> is0 = code == zero, is1 = code == one;
  const auto pick = [&](const T& v0, const T& v1, const T& v2) {
    return select(is0, v0, select(is1, v1, v2));
  };
  // cyclic: row 0 the x axis (code + 1), row 1 y (code + 2), row 2 the face's own
  const Vec3<T> ref = select(first, p.size1, p.size2), inc = select(first, p.size2, p.size1);
  const Vec3<T> rel = select(first, p.p21, p.p12);
  const T size_x = pick(ref.y, ref.z, ref.x), size_y = pick(ref.z, ref.x, ref.y),
          size_z = pick(ref.x, ref.y, ref.z);
  const T rel_z = pick(rel.x, rel.y, rel.z);
  const T sign = select(rel_z >= zero, one, -one);
  const Vec3<T> c{pick(rel.y, rel.z, rel.x), pick(rel.z, rel.x, rel.y), rel_z * sign - size_z};
  Vec3<T> axis[3];  // the incident box's axes in (x, y, z)
  for (int k = 0; k < 3; ++k) {
    const Vec3<T> in_ref = select(first, p.rot.col(k), p.rot.row(k));
    axis[k] = {pick(in_ref.y, in_ref.z, in_ref.x), pick(in_ref.z, in_ref.x, in_ref.y),
               pick(in_ref.x, in_ref.y, in_ref.z) * sign};
  }
  const T az0 = abs(axis[0].z), az1 = abs(axis[1].z), az2 = abs(axis[2].z);
  const mask_t<T> f0 = az0 >= az1 && az0 >= az2, f1 = !f0 && az1 >= az2;
  const auto pick3 = [&](int k0, int k1, int k2) {
    return select(f0, axis[k0] * inc[k0], select(f1, axis[k1] * inc[k1], axis[k2] * inc[k2]));
  };
  const Vec3<T> out = pick3(0, 1, 2);
  FacePair<T> f;
  f.half_x = size_x;
  f.half_y = size_y;
  f.u = pick3(1, 2, 0);
  f.v = pick3(2, 0, 1);
  f.centre = c + select(out.z > zero, -out, out);
  const Vec3<T> w0 = select(first, a.mat.col(0), b.mat.col(0)),
                w1 = select(first, a.mat.col(1), b.mat.col(1));
  const Vec3<T> w2 = select(first, a.mat.col(2), b.mat.col(2));
  f.ex = select(is0, w1, select(is1, w2, w0));
  f.ey = select(is0, w2, select(is1, w0, w1));
  f.ez = select(is0, w0, select(is1, w1, w2)) * sign;
  f.origin = select(first, a.pos, b.pos) + f.ez * size_z;
  f.eps = rounding<T>(1e-12, 2e-6) * (size_x + size_y);
  f.dupe2 = rounding<T>(1e-14, 1e-9) * (size_x * size_x + size_y * size_y);
  return f;
}

// Vertices of the overlap, as (x, y, z), packed lane by lane.
template <class T>
struct FaceHits {
  Packer<T, 8> points;
  BATON_HD void add(mask_t<T> m, const Vec3<T>& p, const T& margin, const T& dupe2) {
    m = m && p.z <= margin;
    if (!any(m)) return;
    for (int k = 0; k < points.used; ++k) {
      const T dx = points.pos[k].x - p.x, dy = points.pos[k].y - p.y;
      m = m && !(points.has(k) && dx * dx + dy * dy < dupe2);
    }
    points.add(m, p.z, p);
  }
};

// Where one edge of the incident face, from p along d (t in 0..1), enters and leaves the reference rectangle.
template <class T>
BATON_HD void clip_edge(const FacePair<T>& f, const Vec3<T>& p, const Vec3<T>& d, mask_t<T> on,
                        const T& margin, FaceHits<T>& hits) {
  const T zero(0), one(1);
  T enter = zero, leave = one;
  for (int k = 0; k < 2; ++k) {
    const T half = (k == 0 ? f.half_x : f.half_y) + f.eps;
    const mask_t<T> moving = abs(d[k]) > num<T>(1e-12);
    const T inv = one / select(moving, d[k], one);
    const T t1 = (-half - p[k]) * inv, t2 = (half - p[k]) * inv;
    enter = select(moving, max(enter, min(t1, t2)), enter);
    leave = select(moving, min(leave, max(t1, t2)), leave);
    on = on && (moving || abs(p[k]) <= half);
  }
  on = on && enter <= leave;
  if (!any(on)) return;
  hits.add(on && enter > zero, p + d * enter, margin, f.dupe2);
  hits.add(on && leave < one, p + d * leave, margin, f.dupe2);
}

template <class T>
BATON_HD FaceHits<T> overlap(const FacePair<T>& f, mask_t<T> on, const T& margin) {
  const T one(1), two(2);
  static constexpr int kSign[4][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
  FaceHits<T> hits;
  Vec3<T> corner[4];
  mask_t<T> all_inside = on;
  for (int k = 0; k < 4; ++k) {  // incident corners over the reference face
    corner[k] = f.centre + f.u * num<T>(kSign[k][0]) + f.v * num<T>(kSign[k][1]);
    const mask_t<T> inside = abs(corner[k].x) <= f.half_x + f.eps && abs(corner[k].y) <= f.half_y + f.eps;
    hits.add(on && inside, corner[k], margin, f.dupe2);
    all_inside = all_inside && inside;
  }
  on = on && !all_inside;  // a face that lies within the other: done
  if (!any(on)) return hits;
  // reference corners under the incident face: solve (x, y) = centre + s u + t v
  const T det = f.u.x * f.v.y - f.u.y * f.v.x;
  const mask_t<T> solvable = abs(det) > num<T>(1e-12);
  const T inv = one / select(solvable, det, one), bound = one + rounding<T>(1e-12, 2e-6);
  for (int k = 0; k < 4; ++k) {
    const T x = f.half_x * num<T>(kSign[k][0]), y = f.half_y * num<T>(kSign[k][1]);
    const T rx = x - f.centre.x, ry = y - f.centre.y;
    const T s = (rx * f.v.y - ry * f.v.x) * inv, t = (f.u.x * ry - f.u.y * rx) * inv;
    const mask_t<T> inside = solvable && abs(s) <= bound && abs(t) <= bound;
    hits.add(on && inside, Vec3<T>{x, y, f.centre.z + s * f.u.z + t * f.v.z}, margin, f.dupe2);
  }
  clip_edge(f, corner[0], f.u * -two, on, margin, hits);
  clip_edge(f, corner[1], f.v * -two, on, margin, hits);
  clip_edge(f, corner[2], f.u * two, on, margin, hits);
  clip_edge(f, corner[3], f.v * two, on, margin, hits);
  return hits;
}

}  // namespace detail

// Up to 8 contacts.
template <class T>
BATON_HD void box_box(const Shape<T>& a, const Shape<T>& b, mask_t<T> on, ContactSink<T>& sink) {
  detail::BoxPair<T> p = detail::make_box_pair(a, b, sink.margin());
  on = detail::best_face(p, on);
  if (!any(on)) return;
  on = detail::best_edge(p, on);
  if (!any(on)) return;
  if (any(on && p.edge)) detail::edge_contact(p, a, on && p.edge, sink);
  on = on && !p.edge;
  if (!any(on)) return;
  const detail::FacePair<T> f = detail::face_pair(p, a, b);
  const detail::FaceHits<T> hits = detail::overlap(f, on, sink.margin());
  if (hits.points.used == 0) return;
  const mask_t<T> first = p.face_code < num<T>(2.5);
  const Mat3<T> frame = contact_frame(select(first, f.ez, -f.ez), Vec3<T>{T(0), T(0), T(0)});
  for (int k = 0; k < hits.points.used; ++k) {
    const Vec3<T>& h = hits.points.pos[k];
    const Vec3<T> pos = f.origin + f.ex * h.x + f.ey * h.y + f.ez * (h.z * num<T>(0.5));
    sink.add_framed(on && hits.points.has(k), h.z, pos, frame);
  }
}

}  // namespace baton::sim
