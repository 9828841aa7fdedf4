// The points of a contact: where the features of the two bodies lie on each other.
#include <new>
#include <utility>

#include "envs/sim/collide/ccd.hpp"

namespace baton::sim::ccd {
namespace {

constexpr double kFace = 0.996;     // cosine: a face that looks along the normal within 5 degrees
constexpr double kAcross = 0.0888;  // cosine: an edge that lies across the normal within 5 degrees
constexpr int kMaxCorners = 64;     // of a face; of larger ones every 2nd, 3rd ... corner is taken
constexpr int kRim = 8;             // corners that stand for a cylinder's cap

// A point in the contact's coordinates: x, y along the tangents, z along the normal.
struct Frame {
  V3 origin, t1, t2, n;
  BATON_HD V3 into(const V3& p) const {
    const V3 r = p - origin;
    return {dot(r, t1), dot(r, t2), dot(r, n)};
  }
  BATON_HD V3 out(double x, double y, double z) const { return origin + t1 * x + t2 * y + n * z; }
};

// What a body shows along the normal: a flat polygon, a segment (2 corners) or a point (1); contact coordinates.
// Over (x, y) a polygon's surface is at height z = plane.z + plane.x x + plane.y y.
struct Feature {
  int count = 0;
  V3 corner[2 * kMaxCorners];
  V3 plane{};
  BATON_HD void add(const V3& p) {
    if (count < 2 * kMaxCorners) corner[count++] = p;
  }
};

// The plane of a polygon with the (unnormalised) normal m, in the contact's coordinates, through its first corner.
BATON_HD_TEXT void set_plane(Feature& f, const V3& m) {
  f.plane.x = -m.x / m.z;
  f.plane.y = -m.y / m.z;
  f.plane.z = f.corner[0].z - f.plane.x * f.corner[0].x - f.plane.y * f.corner[0].y;
}

BATON_HD_TEXT V3 turned(const Frame& frame, const V3& v) {
  return {dot(v, frame.t1), dot(v, frame.t2), dot(v, frame.n)};
}

// `d`: the direction in which the body is touched, in its own axes; it is the normal, or its opposite for body B.
BATON_HD_TEXT void box_feature(const Body& b, const V3& d, const Frame& frame, Feature& f) {
  int flat = 0, edge = -1;
  V3 corner;
  for (int i = 0; i < 3; ++i) {
    corner[i] = d[i] >= 0 ? b.size[i] : -b.size[i];
    if (std::fabs(d[i]) > std::fabs(d[flat])) flat = i;
  }
  for (int i = 0; i < 3; ++i)
    if (std::fabs(d[i]) < (edge < 0 ? kAcross : std::fabs(d[edge]))) edge = i;
  const auto add = [&](const V3& p) { f.add(frame.into(b.mat * p + b.pos)); };
  if (std::fabs(d[flat]) > kFace) {
    const int u = (flat + 1) % 3, v = (flat + 2) % 3;
    for (int k = 0; k < 4; ++k) {
      V3 p = corner;
      p[u] = k == 0 || k == 3 ? b.size[u] : -b.size[u];
      p[v] = k < 2 ? b.size[v] : -b.size[v];
      add(p);
    }
    return set_plane(f, turned(frame, b.mat.col(flat)));
  }
  add(corner);
  if (edge < 0) return;
  corner[edge] = -corner[edge];
  add(corner);
}

BATON_HD_TEXT void mesh_feature(const Body& b, const V3& d, int vertex, const Frame& frame, Feature& f) {
  const Hull& h = b.hull;
  int face = -1;
  double best = kFace;
  for (int k = h.vertex_polygon_begin[vertex]; k < h.vertex_polygon_begin[vertex + 1]; ++k) {
    const double c = dot(h.normal(h.vertex_polygons[k]), d);
    if (c > best) best = c, face = h.vertex_polygons[k];
  }
  const auto add = [&](int v) { f.add(frame.into(b.mat * h.vertex(v) + b.pos)); };
  if (face >= 0) {
    const int begin = h.polygon_begin[face], size = h.polygon_begin[face + 1] - begin;
    const int stride = (size + kMaxCorners - 1) / kMaxCorners;
    for (int k = 0; k < size; k += stride) add(h.polygon_vertices[begin + k]);
    return set_plane(f, turned(frame, b.mat * h.normal(face)));
  }
  add(vertex);
  int along = -1;
  best = kAcross;
  for (int k = h.neighbor_begin[vertex]; k < h.neighbor_begin[vertex + 1]; ++k) {
    const V3 e = h.vertex(h.neighbors[k]) - h.vertex(vertex);
    const double c = std::fabs(dot(e, d)) / std::fmax(norm(e), 1e-300);
    if (c < best) best = c, along = h.neighbors[k];
  }
  if (along >= 0) add(along);
}

BATON_HD_TEXT void cylinder_feature(const Body& b, const V3& d, const Frame& frame, Feature& f) {
  const double across = std::sqrt(d.x * d.x + d.y * d.y), end = d.z >= 0 ? b.size.y : -b.size.y;
  const V3 rim = across > 1e-12 ? V3{d.x / across, d.y / across, 0} : V3{1, 0, 0};
  const auto add = [&](const V3& p) { f.add(frame.into(b.mat * p + b.pos)); };
  if (std::fabs(d.z) > kFace) {
    for (int k = 0; k < kRim; ++k) {  // the first corner is the one that reaches furthest
      const double angle = 2 * 3.14159265358979323846 * k / kRim, c = std::cos(angle), s = std::sin(angle);
      add({b.size.x * (c * rim.x - s * rim.y), b.size.x * (s * rim.x + c * rim.y), end});
    }
    return set_plane(f, turned(frame, b.mat.col(2)));
  }
  add({b.size.x * rim.x, b.size.x * rim.y, end});
  if (std::fabs(d.z) < kAcross) add({b.size.x * rim.x, b.size.x * rim.y, -end});
}

// The feature that `b` turns towards `outward` (unit); skins are part of it.
BATON_HD_TEXT void feature_of(Body& b, const V3& outward, const Frame& frame, Feature& f) {
  const V3 d = transpose_mul(b.mat, outward);
  if (b.type == GeomType::kBox) {
    box_feature(b, d, frame, f);
  } else if (b.type == GeomType::kCylinder) {
    cylinder_feature(b, d, frame, f);
  } else {
    int id = 0;
    const V3 p = b.support(outward, id), skin = outward * b.skin();
    if (b.type == GeomType::kMesh) {
      mesh_feature(b, d, id, frame, f);
    } else {
      f.add(frame.into(p + skin));
      if (b.type == GeomType::kCapsule && std::fabs(d.z) < kAcross)
        f.add(frame.into(p + skin - b.mat.col(2) * (d.z >= 0 ? 2 * b.size.y : -2 * b.size.y)));
    }
  }
}

// The corners of a polygon, or a segment, without what lies where `inside` (linear) is negative.
template <class F>
BATON_HD void cut(const Feature& subject, F inside, Feature& next) {
  next.count = 0;
  const bool segment = subject.count == 2;
  if (segment && inside(subject.corner[0]) >= 0) next.add(subject.corner[0]);
  for (int i = 0; i < (segment ? 1 : subject.count); ++i) {
    const V3 from = subject.corner[i], to = subject.corner[(i + 1) % subject.count];
    const double h0 = inside(from), h1 = inside(to);
    if ((h0 >= 0) != (h1 >= 0)) next.add(from + (to - from) * (h0 / (h0 - h1)));
    if (h1 >= 0) next.add(to);
  }
}

// The part of *subject over the polygon `face`, as seen along the normal; *spare is the other buffer of the two.
BATON_HD_TEXT void clip(const Feature& face, Feature*& subject, Feature*& spare) {
  double turn = 0;
  for (int e = 0; e < face.count; ++e) {
    const V3 p = face.corner[e], q = face.corner[(e + 1) % face.count];
    turn += p.x * q.y - p.y * q.x;
  }
  for (int e = 0; e < face.count && subject->count > 1; ++e) {
    const V3 p = face.corner[e], q = face.corner[(e + 1) % face.count];
    const double ex = turn > 0 ? q.x - p.x : p.x - q.x, ey = turn > 0 ? q.y - p.y : p.y - q.y;
    const double slack = 1e-12 * (ex * ex + ey * ey);
    const auto inside = [&](const V3& v) { return ex * (v.y - p.y) - ey * (v.x - p.x) + slack; };
    cut(*subject, inside, *spare);
    std::swap(subject, spare);
  }
}

// Segment over segment, near parallel: the ends of the stretch they share, on the first.
BATON_HD_TEXT void share(const Feature& other, Feature& subject) {
  const V3 a = subject.corner[0], d = subject.corner[1] - a, e = other.corner[1] - other.corner[0];
  const double dd = d.x * d.x + d.y * d.y, ee = e.x * e.x + e.y * e.y, across = d.x * e.y - d.y * e.x;
  subject.count = 0;
  if (!(across * across < kAcross * kAcross * dd * ee)) return;
  double ends[2];
  for (int k = 0; k < 2; ++k)
    ends[k] = ((other.corner[k].x - a.x) * d.x + (other.corner[k].y - a.y) * d.y) / dd;
  const double lo = std::fmax(std::fmin(ends[0], ends[1]), 0.0),
               hi = std::fmin(std::fmax(ends[0], ends[1]), 1.0);
  if (lo > hi) return;
  subject.add(a + d * lo);
  subject.add(a + d * hi);
}

// How high a polygon or a segment is over (x, y): of the feature as it was, before it is cut.
struct Surface {
  bool face;
  V3 plane, from, to;
  BATON_HD explicit Surface(const Feature& f)
      : face(f.count > 2), plane(f.plane), from(f.corner[0]), to(f.corner[1]) {}
  BATON_HD double height(const V3& p) const {
    if (face) return plane.z + plane.x * p.x + plane.y * p.y;
    const V3 d = to - from;
    const double dd = d.x * d.x + d.y * d.y;
    const double t = dd > 0 ? ((p.x - from.x) * d.x + (p.y - from.y) * d.y) / dd : 0.0;
    return from.z + d.z * std::fmin(std::fmax(t, 0.0), 1.0);
  }
};

struct Candidates {
  int count = 0;
  Point point[2 * kMaxCorners];
};

// The four of a convex outline that span the largest area: for every diagonal the furthest corner on each side.
BATON_HD_TEXT void widest_four(const Candidates& c, const V3& n, int* pick) {
  double best = -1;
  for (int i = 0; i < c.count; ++i)
    for (int k = i + 2; k < c.count; ++k) {
      const V3 diagonal = cross(n, c.point[k].pos - c.point[i].pos);
      double left = -1, right = -1;
      int j = i + 1, l = (k + 1) % c.count;
      for (int m = 0; m < c.count; ++m) {
        if (m == i || m == k) continue;
        const double area = std::fabs(dot(diagonal, c.point[m].pos - c.point[i].pos));
        const bool between = m > i && m < k;
        if (between && area > left) left = area, j = m;
        if (!between && area > right) right = area, l = m;
      }
      if (right < 0 || left + right <= best) continue;
      best = left + right;
      pick[0] = i, pick[1] = j, pick[2] = k, pick[3] = l;
    }
}

BATON_HD_TEXT int nearest_of(const Point* points, int count, const V3& pos) {
  int best = 0;
  for (int k = 1; k < count; ++k)
    if (norm(points[k].pos - pos) < norm(points[best].pos - pos)) best = k;
  return best;
}

// At most four of the candidates, the deepest always among them.
BATON_HD_TEXT int thin_out(const Candidates& c, const V3& n, Point* out) {
  if (c.count <= 4) {
    for (int i = 0; i < c.count; ++i) out[i] = c.point[i];
    return c.count;
  }
  int pick[4] = {0, 1, 2, 3}, deepest = 0;
  widest_four(c, n, pick);
  for (int i = 1; i < c.count; ++i)
    if (c.point[i].dist < c.point[deepest].dist) deepest = i;
  bool kept = false;
  for (int i = 0; i < 4; ++i) out[i] = c.point[pick[i]], kept = kept || pick[i] == deepest;
  if (!kept) out[nearest_of(out, 4, c.point[deepest].pos)] = c.point[deepest];
  return 4;
}

// In a Workspace: what the bodies show, the second buffer of what is cut, the points that come of it.
struct Work {
  Feature a, b, spare;
  Candidates found;
};

}  // namespace

BATON_HD_TEXT int spread(Body a, Body b, const Point& first, double margin, Workspace& work, Point* out) {
  static_assert(sizeof(Work) <= sizeof(work.bytes) && alignof(Work) <= alignof(Workspace));
  auto& [fa, fb, spare, found] = *new (work.bytes) Work;
  Frame frame;
  frame.n = first.normal;
  frame.origin = first.pos;
  const V3 start = std::fabs(frame.n.y) < 0.5 ? V3{0, 1, 0} : V3{0, 0, 1};
  const V3 raw = start - frame.n * dot(start, frame.n);
  frame.t1 = raw * (1.0 / norm(raw));
  frame.t2 = cross(frame.n, frame.t1);
  feature_of(a, frame.n, frame, fa);
  feature_of(b, -frame.n, frame, fb);
  out[0] = first;
  if (fa.count < 2 || fb.count < 2 || fa.count + fb.count < 4) return 1;
  const Surface surface_a(fa), surface_b(fb);
  // Of two faces A's is cut; of two segments B's.
  Feature *subject = surface_b.face ? &fa : &fb, *other = &spare;
  if (surface_a.face || surface_b.face)
    clip(surface_b.face ? fb : fa, subject, other);
  else
    share(fa, fb);
  const double tiny = 1e-9 * (a.bound() + b.bound());
  for (int i = 0; i < subject->count; ++i) {
    const V3 p = subject->corner[i];
    const double za = surface_a.height(p), zb = surface_b.height(p);
    // (a face of triangles merged is not quite flat: no point may come out deeper than the pair is)
    const Point at{std::fmax(zb - za, first.dist), frame.out(p.x, p.y, 0.5 * (za + zb)), frame.n};
    if (!(at.dist <= margin)) continue;
    if (found.count > 0 &&
        norm(found.point[nearest_of(found.point, found.count, at.pos)].pos - at.pos) < tiny)
      continue;
    found.point[found.count++] = at;
  }
  if (found.count == 0) return 1;
  int count = thin_out(found, frame.n, out);
  double deepest = out[0].dist;
  for (int k = 1; k < count; ++k) deepest = std::fmin(deepest, out[k].dist);
  // The features miss what made the pair touch, by more than rounding: that point belongs to the set.
  if (deepest > first.dist + 1e-6 * (a.bound() + b.bound()))
    out[count < 4 ? count++ : nearest_of(out, 4, first.pos)] = first;
  return count;
}

}  // namespace baton::sim::ccd
