// Distance of two convex bodies.
#include "envs/sim/collide/ccd.hpp"

namespace baton::sim::ccd {
namespace {

// The point of a segment, triangle or tetrahedron nearest to the origin: corners that carry it (indices into the
// simplex), their weights, its squared distance.
struct Nearest {
  int corner[4] = {0, 1, 2, 3};
  double weight[4] = {1, 0, 0, 0};
  int size = 1;
  double distance2 = 0;
};

BATON_HD_TEXT V3 at(const Simplex& s, int i) { return s.corner[i].point; }

BATON_HD_TEXT void keep_nearer(Nearest& best, const Nearest& other) {
  if (other.distance2 < best.distance2) best = other;
}

BATON_HD_TEXT Nearest nearest_on_segment(const Simplex& s, int i, int j) {
  const V3 a = at(s, i), b = at(s, j), d = b - a;
  const double dd = dot(d, d), t = dd > 0 ? -dot(a, d) / dd : 0.0;
  Nearest f;
  if (t <= 0 || t >= 1) {
    f.corner[0] = t <= 0 ? i : j;
    const V3 p = t <= 0 ? a : b;
    f.distance2 = dot(p, p);
    return f;
  }
  f.size = 2;
  f.corner[0] = i, f.corner[1] = j;
  f.weight[0] = 1 - t, f.weight[1] = t;
  const V3 p = a + d * t;
  f.distance2 = dot(p, p);
  return f;
}

BATON_HD_TEXT Nearest nearest_on_triangle(const Simplex& s, int i, int j, int k) {
  const V3 a = at(s, i), b = at(s, j), c = at(s, k), n = cross(b - a, c - a);
  const double nn = dot(n, n);
  // twice the areas of the triangles that the origin's foot makes with the edges, times |n|
  const double wa = dot(n, cross(b, c)), wb = dot(n, cross(c, a)), wc = dot(n, cross(a, b));
  Nearest f;
  if (nn > 0 && wa > 0 && wb > 0 && wc > 0) {
    f.size = 3;
    f.corner[0] = i, f.corner[1] = j, f.corner[2] = k;
    const double sum = wa + wb + wc;
    f.weight[0] = wa / sum, f.weight[1] = wb / sum, f.weight[2] = wc / sum;
    const double height = dot(n, a);
    f.distance2 = height * height / nn;
    return f;
  }
  f.distance2 = 1e300;
  if (!(wa > 0) || nn == 0) keep_nearer(f, nearest_on_segment(s, j, k));
  if (!(wb > 0) || nn == 0) keep_nearer(f, nearest_on_segment(s, i, k));
  if (!(wc > 0) || nn == 0) keep_nearer(f, nearest_on_segment(s, i, j));
  return f;
}

BATON_HD_TEXT Nearest nearest_on_tetrahedron(const Simplex& s) {
  constexpr int kFace[4][3] = {{1, 2, 3}, {0, 3, 2}, {0, 1, 3}, {0, 2, 1}};  // without corner 0, 1, 2, 3
  Nearest inside, best;
  best.distance2 = 1e300;
  inside.size = 4;
  double sum = 0;
  bool outside[4];
  for (int i = 0; i < 4; ++i) {
    const V3 a = at(s, kFace[i][0]), n = cross(at(s, kFace[i][1]) - a, at(s, kFace[i][2]) - a);
    const double origin = -dot(n, a), corner = dot(n, at(s, i) - a);
    inside.corner[i] = i;
    inside.weight[i] = corner != 0 ? origin / corner : -1.0;
    outside[i] = !(inside.weight[i] > 0);
    sum += inside.weight[i];
  }
  // The weights of a tetrahedron that is more than rounding add up to one; of a flat one their signs say nothing.
  const bool solid = std::fabs(sum - 1.0) < 1e-6;
  if (solid && !outside[0] && !outside[1] && !outside[2] && !outside[3]) return inside;
  for (int i = 0; i < 4; ++i)
    if (outside[i] || !solid)
      keep_nearer(best, nearest_on_triangle(s, kFace[i][0], kFace[i][1], kFace[i][2]));
  return best;
}

// Reduces the simplex to the corners that carry its nearest point, which it returns.
BATON_HD_TEXT V3 reduce(Simplex& s) {
  Nearest f;
  if (s.size == 2) f = nearest_on_segment(s, 0, 1);
  if (s.size == 3) f = nearest_on_triangle(s, 0, 1, 2);
  if (s.size == 4) f = nearest_on_tetrahedron(s);
  Simplex kept;
  kept.size = f.size;
  V3 x{0, 0, 0};
  for (int i = 0; i < f.size; ++i) {
    kept.corner[i] = s.corner[f.corner[i]];
    kept.weight[i] = f.weight[i];
    x += kept.corner[i].point * kept.weight[i];
  }
  s = kept;
  return x;
}

BATON_HD_TEXT bool has(const Simplex& s, const Support& p) {
  if (p.id_a < 0 || p.id_b < 0) return false;
  for (int i = 0; i < s.size; ++i)
    if (s.corner[i].id_a == p.id_a && s.corner[i].id_b == p.id_b) return true;
  return false;
}

}  // namespace

BATON_HD_TEXT Distance gjk(Body& a, Body& b, double cutoff, const Settings& settings) {
  constexpr double kTiny = 1e-15;
  // A bound within this share of the distance is good enough to stop at: the direction will prove the pair separate
  // for some steps to come.
  constexpr double kLoose = 0.9;
  Distance out;
  const bool exact = !a.round() && !b.round(), skinless = a.polytope() && b.polytope();
  const double touching = skinless ? kTiny : settings.tolerance;
  const double progress = exact ? 0.0 : 0.5 * settings.tolerance * settings.tolerance;
  V3 x = a.pos - b.pos;
  double length = norm(x);
  if (!(length > kTiny)) x = {1, 0, 0}, length = 1;  // centres coincide: any direction will do
  Simplex& s = out.simplex;
  bool overlap = false;
  for (int k = 0; k < settings.iterations; ++k) {
    const Support p = support(a, b, -x);
    const double bound = dot(x, p.point) / length;
    if (bound > cutoff && bound > kLoose * length) {
      out.distance = bound;
      out.direction = x * (-1.0 / length);
      return out;
    }
    if (s.size > 0 && (length * (length - bound) <= progress || has(s, p))) break;
    s.corner[s.size++] = p;
    if (s.size == 1) s.weight[0] = 1;
    x = reduce(s);
    const double before = length;
    length = norm(x);
    overlap = s.size == 4 || length < touching;
    if (overlap || (k > 0 && std::fabs(before - length) < kTiny)) break;
  }
  out.nearness = overlap ? Nearness::kOverlap : Nearness::kNear;
  out.distance = length;
  out.direction = overlap ? V3{0, 0, 0} : x * (-1.0 / length);
  return out;
}

}  // namespace baton::sim::ccd
