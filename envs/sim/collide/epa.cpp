// Depth of two bodies that overlap: the face of A - B that is nearest to the origin.
#include <new>

#include "envs/sim/collide/ccd.hpp"

namespace baton::sim::ccd {
namespace {

constexpr int kMaxRounds = 64;
constexpr int kMaxVertices = kMaxRounds + 5;
constexpr int kMaxFaces = 2 * kMaxVertices;  // a closed surface of triangles has 2 V - 4
constexpr double kFar = 1e300;

// Corners counter-clockwise seen from outside; beside[k] lies across the edge from corner k to the next.
struct Face {
  int corner[3];
  int beside[3];
  V3 normal;        // outward, unit
  double distance;  // of its plane from the origin along the normal; kFar where it has no area
  bool alive, seen;
};

class Polytope {
 public:
  // False when A - B is flat: no depth then.
  BATON_HD_TEXT bool start(Body& a, Body& b, const Simplex& s);
  BATON_HD int nearest() const {
    int best = -1;
    for (int i = 0; i < faces_; ++i)
      if (face_[i].alive && (best < 0 || face_[i].distance < face_[best].distance)) best = i;
    return best >= 0 && face_[best].distance < kFar ? best : -1;
  }
  BATON_HD const Face& face(int i) const { return face_[i]; }
  BATON_HD const Support& vertex(int i) const { return vertex_[i]; }
  BATON_HD bool has(const Support& p) const {
    if (p.id_a < 0 || p.id_b < 0) return false;
    for (int i = 0; i < vertices_; ++i)
      if (vertex_[i].id_a == p.id_a && vertex_[i].id_b == p.id_b) return true;
    return false;
  }
  // Replaces what p sees, starting at face `from`, by a cone to p. False when rounding leaves no simple outline.
  BATON_HD_TEXT bool grow(const Support& p, int from);

 private:
  struct Edge {
    int from, to, face, side;  // of the face that stays
  };
  // What grow() works on. An outline leaves a vertex once: it has no more edges than there are vertices.
  struct Outline {
    int stack[kMaxFaces], seen[kMaxFaces];
    Edge edge[kMaxVertices];
    int leaving[kMaxVertices];  // the edge that leaves a vertex; -1: none
    int fresh[kMaxVertices];    // the new face on an edge
  };
  BATON_HD int add_vertex(const Support& p) {
    vertex_[vertices_] = p;
    return vertices_++;
  }
  BATON_HD_TEXT int add_face(int u, int v, int w);
  BATON_HD void join(int f, int k, int g, int l) { face_[f].beside[k] = g, face_[g].beside[l] = f; }
  BATON_HD_TEXT void join_all();
  BATON_HD_TEXT int side_of(int f, int neighbor, int from) const;

  Support vertex_[kMaxVertices];
  Face face_[kMaxFaces];
  Outline outline_;
  int vertices_ = 0, faces_ = 0;
};

BATON_HD_TEXT int Polytope::add_face(int u, int v, int w) {
  int f = 0;
  while (f < faces_ && face_[f].alive) ++f;
  if (f == kMaxFaces) return -1;
  if (f == faces_) ++faces_;
  Face& x = face_[f];
  const V3 a = vertex_[u].point, n = cross(vertex_[v].point - a, vertex_[w].point - a);
  const double length = norm(n);
  x.corner[0] = u, x.corner[1] = v, x.corner[2] = w;
  x.alive = true, x.seen = false;
  x.normal = length > 1e-30 ? n * (1.0 / length) : V3{0, 0, 0};
  x.distance = length > 1e-30 ? dot(x.normal, a) : kFar;
  return f;
}

// Neighbours of the first faces, by their edges.
BATON_HD_TEXT void Polytope::join_all() {
  for (int f = 0; f < faces_; ++f)
    for (int k = 0; k < 3; ++k)
      for (int g = 0; g < faces_; ++g)
        for (int l = 0; l < 3; ++l)
          if (face_[f].corner[k] == face_[g].corner[(l + 1) % 3] &&
              face_[f].corner[(k + 1) % 3] == face_[g].corner[l])
            face_[f].beside[k] = g;
}

// A tetrahedron around the origin is taken as it is. What is less than that has the origin on it and is grown, first to
// a triangle, then to two pyramids back to back upon it, or to one where the triangle is on the surface.
BATON_HD_TEXT bool Polytope::start(Body& a, Body& b, const Simplex& s) {
  Support corner[4];
  int size = s.size;
  for (int i = 0; i < size; ++i) corner[i] = s.corner[i];
  const V3 axes[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const double scale = a.bound() + b.bound(), tiny = 1e-12 * scale;
  const auto off_line = [&](const V3& p) {
    const V3 d = p - corner[0].point;
    if (size == 1) return norm(d);
    const V3 e = corner[1].point - corner[0].point;
    return norm(cross(d, e)) / norm(e);
  };
  for (; size < 3; ++size) {
    double best = tiny;
    for (int i = 0; i < 6; ++i) {
      const Support p = support(a, b, i < 3 ? axes[i] : -axes[i - 3]);
      if (off_line(p.point) > best) best = off_line(p.point), corner[size] = p;
    }
    if (best == tiny) return false;
  }
  const V3 p0 = corner[0].point;
  V3 n = cross(corner[1].point - p0, corner[2].point - p0);
  const double area = norm(n);
  if (!(area > tiny * tiny)) return false;
  n *= 1.0 / area;
  Support up = corner[3], down = corner[3];
  if (size == 3) up = support(a, b, n), down = support(a, b, -n);
  const bool above = dot(n, up.point - p0) > (size == 3 ? tiny : 0.0);
  const bool below = dot(n, down.point - p0) < (size == 3 ? -tiny : 0.0);
  if (!above && !below) return false;
  int e[3];
  for (int i = 0; i < 3; ++i) e[i] = add_vertex(corner[i]);
  if (above) {
    const int top = add_vertex(up);
    for (int i = 0; i < 3; ++i) add_face(e[i], e[(i + 1) % 3], top);
  } else {
    add_face(e[0], e[1], e[2]);
  }
  if (below) {
    const int bottom = add_vertex(down);
    for (int i = 0; i < 3; ++i) add_face(e[(i + 1) % 3], e[i], bottom);
  } else {
    add_face(e[0], e[2], e[1]);
  }
  join_all();
  return true;
}

BATON_HD_TEXT int Polytope::side_of(int f, int neighbor, int from) const {
  for (int k = 0; k < 3; ++k)
    if (face_[f].beside[k] == neighbor && face_[f].corner[k] == from) return k;
  return -1;
}

BATON_HD_TEXT bool Polytope::grow(const Support& p, int from) {
  auto& [stack, seen, edge, leaving, fresh] = outline_;
  int top = 0, edges = 0, count = 0;
  for (int i = 0; i < faces_; ++i) face_[i].seen = false;
  const auto sees = [&](const Face& f) {
    return f.distance < kFar && dot(f.normal, p.point) - f.distance > 1e-15;
  };
  stack[top++] = from;
  face_[from].seen = true;
  while (top > 0) {
    const int f = stack[--top];
    seen[count++] = f;
    for (const int g : face_[f].beside) {
      if (face_[g].seen || !sees(face_[g])) continue;
      face_[g].seen = true;
      stack[top++] = g;
    }
  }
  for (int i = 0; i < count; ++i)
    for (int k = 0; k < 3; ++k) {
      const Face& f = face_[seen[i]];
      const int g = f.beside[k], u = f.corner[k], v = f.corner[(k + 1) % 3];
      if (face_[g].seen) continue;
      const int side = side_of(g, seen[i], v);
      if (side < 0 || edges == kMaxVertices) return false;
      edge[edges++] = {u, v, g, side};
    }
  for (int i = 0; i < vertices_; ++i) leaving[i] = -1;
  for (int i = 0; i < edges; ++i) {
    if (leaving[edge[i].from] >= 0) return false;  // not simple
    leaving[edge[i].from] = i;
  }
  if (edges < 3 || vertices_ == kMaxVertices) return false;
  for (int i = 0; i < edges; ++i)
    if (leaving[edge[i].to] < 0) return false;
  for (int i = 0; i < count; ++i) face_[seen[i]].alive = false;
  const int w = add_vertex(p);
  for (int i = 0; i < edges; ++i) {
    fresh[i] = add_face(edge[i].from, edge[i].to, w);
    if (fresh[i] < 0) return false;
    join(fresh[i], 0, edge[i].face, edge[i].side);
  }
  for (int i = 0; i < edges; ++i) join(fresh[i], 1, fresh[leaving[edge[i].to]], 2);
  return true;
}

// Where the origin's foot on the face comes from.
BATON_HD_TEXT void trace(Penetration& out) {
  const V3 a = out.corner[0].point, b = out.corner[1].point, c = out.corner[2].point, n = cross(b - a, c - a);
  const V3 foot = out.normal * out.depth;
  const double wa = dot(n, cross(b - foot, c - foot)), wb = dot(n, cross(c - foot, a - foot)), nn = dot(n, n);
  const double u = nn > 0 ? wa / nn : 1.0, v = nn > 0 ? wb / nn : 0.0, w = 1.0 - u - v;
  out.on_a = out.corner[0].on_a * u + out.corner[1].on_a * v + out.corner[2].on_a * w;
  out.on_b = out.corner[0].on_b * u + out.corner[1].on_b * v + out.corner[2].on_b * w;
}

}  // namespace

BATON_HD_TEXT Penetration epa(Body& a, Body& b, const Simplex& simplex, const Settings& settings,
                              Workspace& work) {
  static_assert(sizeof(Polytope) <= sizeof(work.bytes) && alignof(Polytope) <= alignof(Workspace));
  Penetration out;
  Polytope& polytope = *new (work.bytes) Polytope;
  if (!polytope.start(a, b, simplex)) return out;
  const bool exact = !a.round() && !b.round();
  const double tolerance = exact ? 1e-14 : settings.tolerance;
  double upper = kFar;
  V3 steepest{};  // the direction that gave `upper`
  const int rounds = !exact || settings.iterations > kMaxRounds ? kMaxRounds : settings.iterations;
  for (int k = 0; k < rounds; ++k) {
    const int nearest = polytope.nearest();
    if (nearest < 0) break;
    const Face& face = polytope.face(nearest);
    if (face.distance > upper) break;  // rounding: the face before was as near as it gets
    out.found = true;
    out.depth = std::fmax(face.distance, 0.0);
    out.normal = face.normal;
    for (int i = 0; i < 3; ++i) out.corner[i] = polytope.vertex(face.corner[i]);
    const Support p = support(a, b, face.normal);
    const double reach = dot(face.normal, p.point);
    if (reach < upper) upper = reach, steepest = face.normal;
    if (upper - face.distance < tolerance || polytope.has(p)) break;
    if (!polytope.grow(p, nearest)) break;
  }
  if (out.found) trace(out);
  // The depth lies between the face's distance and `upper`; the direction of the latter is the better normal.
  if (out.found && !exact) out.normal = steepest, out.depth = std::fmax(upper, 0.0);
  return out;
}

}  // namespace baton::sim::ccd
