// Meshes and ellipsoids: contacts against MuJoCo and against their definition, hulls, lanes.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "tests/sim/collide_scene.hpp"

using namespace baton;
using namespace baton::test;
using G = sim::GeomType;
using V3 = sim::Vec3<double>;

namespace {

// A box as a mesh, its faces triangles, made without help.
HullSpec box_hull(const V3& half) {
  HullSpec h;
  for (int i = 0; i < 8; ++i)
    h.mesh.hull.push_back({i & 1 ? half.x : -half.x, i & 2 ? half.y : -half.y, i & 4 ? half.z : -half.z});
  h.points = h.mesh.hull;
  h.mesh.hull_faces = {{0, 2, 1}, {1, 2, 3}, {4, 5, 6}, {5, 7, 6}, {0, 1, 4}, {1, 5, 4},
                       {2, 6, 3}, {3, 6, 7}, {0, 4, 2}, {2, 4, 6}, {1, 3, 5}, {3, 7, 5}};
  sim::finish_hull(h.mesh);
  return h;
}
// A prism over a regular polygon.
HullSpec prism_hull(int sides, double radius, double half) {
  HullSpec h;
  for (int end = 0; end < 2; ++end)
    for (int i = 0; i < sides; ++i) {
      const double a = 2 * 3.14159265358979 * i / sides;
      h.mesh.hull.push_back({radius * std::cos(a), radius * std::sin(a), end ? half : -half});
    }
  h.points = h.mesh.hull;
  for (int i = 0; i < sides; ++i) {
    const int j = (i + 1) % sides;
    h.mesh.hull_faces.push_back({i, j, sides + i});
    h.mesh.hull_faces.push_back({j, sides + j, sides + i});
    if (i == 0 || j == 0) continue;
    h.mesh.hull_faces.push_back({0, j, i});
    h.mesh.hull_faces.push_back({sides, sides + i, sides + j});
  }
  sim::finish_hull(h.mesh);
  return h;
}
GeomSpec box_mesh(const HullSpec& h, const V3& half) { return {G::kMesh, half, &h}; }

double deepest(const std::vector<Found>& c, V3* normal) {
  double d = 1.0;  // none
  for (const Found& f : c)
    if (f.dist < d) d = f.dist, *normal = f.frame.row(0);
  return d;
}

// By how much the geoms are apart along n: the distance is the largest of these over all directions.
double separation(const GeomSpec& a, const GeomPose& pa, const GeomSpec& b, const GeomPose& pb, const V3& n) {
  const auto reach = [](const GeomSpec& g, const GeomPose& p, const V3& d) {
    const sim::Shape<double> s{p.pos, sim::rotation(p.quat), g.size, g.hull ? &g.hull->mesh : nullptr};
    return sim::reach_along(g.type, s, d);
  };
  return dot(n, pb.pos - pa.pos) - reach(a, pa, n) - reach(b, pb, -n);
}

const std::vector<GeomSpec> kPrimitives = {{G::kPlane, {1, 1, 1}},
                                           {G::kSphere, {0.11, 0, 0}},
                                           {G::kCapsule, {0.05, 0.2, 0}},
                                           {G::kEllipsoid, {0.1, 0.2, 0.15}},
                                           {G::kEllipsoid, {0.3, 0.02, 0.1}},
                                           {G::kCylinder, {0.1, 0.15, 0}},
                                           {G::kBox, {0.1, 0.2, 0.15}}};

std::string describe(const GeomSpec& a, const GeomSpec& b) {
  const auto one = [](const GeomSpec& g) {
    return std::to_string(static_cast<int>(g.type)) + " (" + std::to_string(g.size.x) + ", " +
           std::to_string(g.size.z) + ")";
  };
  return one(a) + " against " + one(b);
}

#ifdef BATON_HAVE_MUJOCO
// Hulls of many kinds: a box, a tetrahedron, an egg of 150 vertices, a flat one, a long one, a rough one.
struct Hulls {
  std::vector<HullSpec> hulls = std::vector<HullSpec>(6);
  std::vector<GeomSpec> geoms;
  Hulls() {
    std::mt19937 gen(3);
    std::normal_distribution<double> normal;
    const auto cloud = [&](int n, const V3& r) {
      std::vector<V3> points;
      for (int i = 0; i < n; ++i) {
        V3 v{normal(gen), normal(gen), normal(gen)};
        v *= 1 / norm(v);
        points.push_back({v.x * r.x, v.y * r.y, v.z * r.z});
      }
      return points;
    };
    geoms = {hull_of(box_hull({0.1, 0.15, 0.05}).points, hulls[0]),
             hull_of({{0, 0, 0}, {0.2, 0, 0}, {0, 0.2, 0}, {0, 0, 0.2}}, hulls[1]),
             hull_of(cloud(150, {0.06, 0.07, 0.14}), hulls[2]),
             hull_of(cloud(60, {0.3, 0.3, 0.01}), hulls[3]),
             hull_of(cloud(40, {0.02, 0.02, 0.4}), hulls[4]),
             hull_of(cloud(20, {0.1, 0.1, 0.1}), hulls[5])};
  }
  template <class F>
  void for_each_pair(F f) const {
    for (std::size_t i = 0; i < geoms.size(); ++i) {
      for (const GeomSpec& p : kPrimitives) f(p, geoms[i]);
      for (std::size_t j = i; j < geoms.size(); ++j) f(geoms[i], geoms[j]);
    }
    for (const GeomSpec& a : kPrimitives)
      for (const GeomSpec& b : kPrimitives)
        if ((a.type == G::kEllipsoid || b.type == G::kEllipsoid) && a.type <= b.type) f(a, b);
  }
};

struct Tally {
  int both = 0, better = 0;
};

// One pose: the same existence, depth and normal, or ours nearer to the definition: MuJoCo stops after 35 rounds.
void compare(const GeomSpec& a, const GeomSpec& b, const PosePair& p, double margin, TwoGeomOracle& oracle,
             Tally& tally) {
  const auto got = ours<double>(a, p.a, b, p.b, margin), want = oracle.contacts(p.a, p.b);
  V3 n_got{0, 0, 0}, n_want{0, 0, 0};
  const double d_got = deepest(got, &n_got), d_want = deepest(want, &n_want);
  if (got.empty() != want.empty()) {
    CHECK_MESSAGE(std::fabs(std::min(d_got, d_want) - margin) <= 1e-5,
                  "ours " << d_got << ", MuJoCo " << d_want << " (1: no contact)");
    return;
  }
  if (got.empty()) return;
  ++tally.both;
  if (std::fabs(d_got - d_want) <= 1e-4 && norm(n_got - n_want) <= 1e-4) return;
  ++tally.better;
  const double along_ours = separation(a, p.a, b, p.b, n_got),
               along_theirs = separation(a, p.a, b, p.b, n_want);
  CHECK_MESSAGE(along_ours >= along_theirs - 1e-5, "our direction separates by "
                                                       << along_ours << ", MuJoCo's by " << along_theirs
                                                       << "; depths " << d_got << ", " << d_want);
  const double off = std::fabs(d_got - along_ours);
  const bool round = a.type == G::kEllipsoid || b.type == G::kEllipsoid || a.type == G::kCylinder;
  CHECK_MESSAGE((off <= 1e-5 || (round && std::fabs(d_got - d_want) <= 1e-4)),
                "depth " << d_got << ", along our normal " << along_ours << ", MuJoCo " << d_want);
}
#endif

}  // namespace

TEST_CASE(
    "flat faces of a hull: a box has six of four corners, a prism its caps, and neighbours go both ways") {
  const HullSpec box = box_hull({0.1, 0.2, 0.3}), prism = prism_hull(7, 0.1, 0.2);
  CHECK(box.mesh.polygon_normals.size() == 6);
  CHECK(prism.mesh.polygon_normals.size() == 9);
  for (const HullSpec* h : {&box, &prism}) {
    const auto& m = h->mesh;
    REQUIRE(m.polygon_begin.size() == m.polygon_normals.size() + 1);
    for (std::size_t f = 0; f < m.polygon_normals.size(); ++f) {
      const V3 n = m.polygon_normals[f];
      const auto begin = static_cast<std::size_t>(m.polygon_begin[f]),
                 end = static_cast<std::size_t>(m.polygon_begin[f + 1]);
      const double height = dot(n, m.hull[static_cast<std::size_t>(m.polygon_vertices[begin])]);
      CHECK(norm(n) == doctest::Approx(1.0));
      for (std::size_t k = begin; k < end; ++k) {
        const V3 v = m.hull[static_cast<std::size_t>(m.polygon_vertices[k])];
        const V3 w = m.hull[static_cast<std::size_t>(m.polygon_vertices[k + 1 < end ? k + 1 : begin])];
        CHECK(dot(n, v) == doctest::Approx(height));
        CHECK(dot(n, cross(v, w - v)) > 0);  // counter-clockwise about the outward normal
      }
      for (const V3& v : m.hull) CHECK(dot(n, v) <= height + 1e-12);
    }
    for (int i = 0; i + 1 < static_cast<int>(m.neighbor_begin.size()); ++i)
      for (int k = m.neighbor_begin[static_cast<std::size_t>(i)];
           k < m.neighbor_begin[static_cast<std::size_t>(i) + 1]; ++k) {
        const auto j = static_cast<std::size_t>(m.neighbors[static_cast<std::size_t>(k)]);
        bool back = false;
        for (int q = m.neighbor_begin[j]; q < m.neighbor_begin[j + 1]; ++q)
          back = back || m.neighbors[static_cast<std::size_t>(q)] == i;
        CHECK(back);
      }
  }
}

TEST_CASE(
    "meshes and ellipsoids: existence, depth and normal equal MuJoCo's within 1e-4 on random and parallel "
    "poses") {
#ifdef BATON_HAVE_MUJOCO
  const Hulls hulls;
  int poses = 0;
  for (const double margin : {0.0, 0.01}) {
    Tally all;
    hulls.for_each_pair([&](const GeomSpec& a, const GeomSpec& b) {
      TwoGeomOracle oracle(a, b, margin, false);
      CAPTURE(describe(a, b));
      Tally tally;
      for (const bool aligned : {false, true}) {
        std::mt19937 gen(7);
        for (int i = 0; i < 40; ++i, ++poses) {
          CAPTURE(i);
          compare(a, b, random_poses(gen, a, b, margin, i % 2 == 0, aligned), margin, oracle, tally);
        }
      }
      CHECK(tally.both >= 20);
      const bool exact =
          b.type == G::kMesh && (a.type == G::kMesh || a.type == G::kBox || a.type == G::kPlane);
      CHECK_MESSAGE((!exact || tally.better <= 2), tally.better << " of " << tally.both << " differ");
      all.both += tally.both, all.better += tally.better;
    });
    CHECK_MESSAGE(all.better * 7 <= all.both, all.better << " of " << all.both << " differ");
  }
  CHECK(poses > 10000);
#else
  MESSAGE("skipped: built without MuJoCo");
#endif
}

TEST_CASE("depth by its definition: no direction separates by more, without an oracle") {
  const HullSpec box = box_hull({0.1, 0.15, 0.05}), prism = prism_hull(24, 0.1, 0.15);
  const std::vector<GeomSpec> meshes = {box_mesh(box, {0.1, 0.15, 0.05}),
                                        {G::kMesh, {0.1, 0.1, 0.15}, &prism}};
  std::normal_distribution<double> normal;
  for (const GeomSpec& a : kPrimitives)
    for (const GeomSpec& b : meshes) {
      if (a.type == G::kPlane) continue;
      std::mt19937 gen(5);
      int found = 0;
      CAPTURE(describe(a, b));
      for (int i = 0; i < 40; ++i) {
        CAPTURE(i);
        const PosePair p = random_poses(gen, a, b, 0.0, true, i % 2 == 0);
        V3 n{0, 0, 0};
        const double d = deepest(ours<double>(a, p.a, b, p.b, 0.0), &n);
        if (d > 0) continue;
        ++found;
        double best = -1, spread = 1;
        V3 at = n;
        for (int k = 0; k < 1500; ++k) {
          V3 m{normal(gen), normal(gen), normal(gen)};
          if (k >= 500) m = at + m * spread, spread *= 0.99;
          m *= 1 / norm(m);
          const double s = separation(a, p.a, b, p.b, m);
          if (s > best) best = s, at = m;
        }
        CHECK_MESSAGE(best <= d + 1e-5, "depth " << d << ", a direction separates by " << best);
        CHECK_MESSAGE(d <= separation(a, p.a, b, p.b, n) + 1e-4,
                      "depth " << d << " is less than along its normal");
      }
      CHECK(found >= 20);
    }
}

TEST_CASE("a mesh stands on four points, lies on two, and stacks as the box that it is") {
  const V3 half{0.1, 0.15, 0.05};
  const HullSpec hull = box_hull(half), prism = prism_hull(24, 0.05, 0.2);
  const GeomSpec mesh = box_mesh(hull, half), rod{G::kMesh, {0.05, 0.05, 0.2}, &prism};
  const GeomSpec counter{G::kBox, {1, 0.5, 0.02}}, plate{G::kCylinder, {0.06, 0.01, 0}},
      stick{G::kCapsule, {0.02, 0.05, 0}};
  const double s = std::sqrt(0.5), sink = 1e-4;
  struct Rest {
    GeomSpec a;
    GeomPose pa;
    GeomSpec b;
    GeomPose pb;
    double margin;
    std::size_t points;
  };
  const std::vector<Rest> cases = {
      {counter, {}, mesh, {{0.3, 0.1, 0.07 - sink}, {1, 0, 0, 0}}, 0.0, 4},
      {counter, {}, mesh, {{0.3, 0.1, 0.07 - sink}, {1, 0, 0, 0}}, 0.002, 4},
      {mesh, {}, mesh, {{0.02, 0.01, 0.1 - sink}, {1, 0, 0, 0}}, 0.0, 4},
      {mesh, {}, mesh, {{0.02, 0.01, 0.1 - sink}, sim::axis_angle(V3{0, 0, 1}, 0.5)}, 0.0, 4},
      {plate, {{0, 0, 0.06 - sink}, {1, 0, 0, 0}}, mesh, {}, 0.0, 4},
      {stick, {{0, 0, 0.07 - sink}, {s, 0, s, 0}}, mesh, {}, 0.0, 2},
      {counter, {}, rod, {{0, 0, 0.22 - sink}, {1, 0, 0, 0}}, 0.0, 4},
      {rod, {}, rod, {{0, 0, 0.4 - sink}, sim::axis_angle(V3{0, 0, 1}, 0.1)}, 0.0, 4},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Rest& r = cases[i];
    CAPTURE(i);
    for (const auto& got :
         {ours<double>(r.a, r.pa, r.b, r.pb, r.margin), ours<float>(r.a, r.pa, r.b, r.pb, r.margin)}) {
      CHECK(got.size() == r.points);
      for (const Found& f : got) {
        CHECK(std::fabs(f.dist + sink) < 2e-6);
        CHECK(std::fabs(std::fabs(f.frame.m[2]) - 1) < 1e-6);
      }
    }
  }
}

TEST_CASE("degenerate poses: centres that coincide, features that are parallel to rounding") {
  const V3 half{0.1, 0.15, 0.05};
  const HullSpec hull = box_hull(half), prism = prism_hull(24, 0.05, 0.2);
  const std::vector<GeomSpec> meshes = {box_mesh(hull, half), {G::kMesh, {0.05, 0.05, 0.2}, &prism}};
  for (const GeomSpec& a : kPrimitives)
    for (const GeomSpec& b : meshes) {
      if (a.type == G::kPlane) continue;
      CAPTURE(describe(a, b));
      for (const double tilt : {0.0, 1e-16, 1e-9, 1e-4}) {
        CAPTURE(tilt);
        const GeomPose pb{{0, 0, 0}, sim::axis_angle(V3{1, 0, 0}, tilt)};
        V3 n{0, 0, 0};
        const double d = deepest(ours<double>(a, {}, b, pb, 0.0), &n);
        double best = -1;
        for (int axis = 0; axis < 3; ++axis) {
          V3 m{0, 0, 0};
          m[axis] = 1;
          best = std::max(best, separation(a, {}, b, pb, m));
        }
        CHECK_MESSAGE(d >= best - 1e-3, "depth " << d << ", along an axis " << best);
        CHECK(d < 0);
      }
    }
}

TEST_CASE(
    "float agrees with double within 1e-4 of the size: depth, and the normal as a direction that separates") {
  const HullSpec box = box_hull({0.1, 0.15, 0.05}), prism = prism_hull(24, 0.1, 0.15);
  for (const GeomSpec& b : {box_mesh(box, {0.1, 0.15, 0.05}), GeomSpec{G::kMesh, {0.1, 0.1, 0.15}, &prism},
                            GeomSpec{G::kEllipsoid, {0.1, 0.2, 0.15}}})
    for (const GeomSpec& a : kPrimitives) {
      if (a.type > b.type) continue;
      std::mt19937 gen(11);
      CAPTURE(describe(a, b));
      for (int i = 0; i < 60; ++i) {
        CAPTURE(i);
        const PosePair p = random_poses(gen, a, b, 0.0, i % 2 == 0, i % 3 == 0);
        V3 nd{0, 0, 0}, nf{0, 0, 0};
        const double d = deepest(ours<double>(a, p.a, b, p.b, 0.0), &nd),
                     f = deepest(ours<float>(a, p.a, b, p.b, 0.0), &nf);
        if ((d > 0) != (f > 0)) {
          CHECK(std::min(d, f) > -1e-5);
          continue;
        }
        CHECK(std::fabs(d - f) <= 3e-5);
        if (d <= 0 && a.type != G::kPlane)
          CHECK(separation(a, p.a, b, p.b, nf) >= separation(a, p.a, b, p.b, nd) - 1e-4);
      }
    }
}

namespace {

using L = sim::Lanes<float, 8>;

// The bytes of one lane's contacts.
std::string bytes(const sim::Data<L>& d, int l) {
  std::string out;
  const auto put = [&](float v) { out.append(reinterpret_cast<const char*>(&v), sizeof v); };
  for (int k = 0; k < d.ncontact; ++k) {
    const auto& c = d.contacts[static_cast<std::size_t>(k)];
    if (!sim::lane(c.active, l)) continue;
    put(c.dist[l]);
    for (int i = 0; i < 3; ++i) put(c.pos[i][l]);
    for (const L& x : c.frame.m) put(x[l]);
  }
  return out;
}

}  // namespace

TEST_CASE(
    "a lane's contacts are the same bytes in any place, beside anything, with or without remembered "
    "directions") {
  const HullSpec box = box_hull({0.1, 0.15, 0.05}), prism = prism_hull(24, 0.1, 0.15);
  for (const GeomSpec& b : {box_mesh(box, {0.1, 0.15, 0.05}), GeomSpec{G::kMesh, {0.1, 0.1, 0.15}, &prism},
                            GeomSpec{G::kEllipsoid, {0.1, 0.2, 0.15}}})
    for (const GeomSpec& a : kPrimitives) {
      if (a.type > b.type) continue;
      CAPTURE(describe(a, b));
      const auto m = two_geoms<float>(a, b, 0.002);
      std::mt19937 gen(12);
      std::normal_distribution<double> normal;
      sim::Data<L> tile(m), mirrored(m), fresh(m);
      std::vector<PosePair> poses;
      for (int l = 0; l < 8; ++l) {
        poses.push_back(random_poses(gen, a, b, 0.002, l % 2 == 0, l % 4 == 1));
        if (a.type == G::kPlane) poses.back().a = {};
        if (a.type == G::kPlane) poses.back().b.pos.z = 0.2 * std::fabs(poses.back().b.pos.z);
      }
      int contacts = 0, remembered = 0;
      for (int step = 0; step < 30; ++step) {
        CAPTURE(step);
        for (int l = 0; l < 8; ++l) {
          const V3 shift = V3{normal(gen), normal(gen), normal(gen)} * 0.004;
          auto& p = poses[static_cast<std::size_t>(l)];
          p.b.pos += shift;
          for (auto* d : {&tile, &fresh}) place(*d, m, 0, p.a, l), place(*d, m, 1, p.b, l);
          place(mirrored, m, 0, p.a, 7 - l), place(mirrored, m, 1, p.b, 7 - l);
        }
        const int bad = step % 8;
        for (int i = 0; i < 3; ++i)
          mirrored.collider_pose[1].pos[i].set(bad, std::numeric_limits<float>::quiet_NaN());
        fresh.separations.build(m);
        for (auto* d : {&tile, &mirrored, &fresh}) sim::collide(m, *d);
        CHECK(bytes(mirrored, bad).empty());
        for (int l = 0; l < 8; ++l) {
          const std::string want = bytes(fresh, l);
          CHECK(bytes(tile, l) == want);
          if (7 - l != bad) CHECK(bytes(mirrored, 7 - l) == want);
          contacts += !want.empty();
          if (a.type == G::kPlane) continue;
          remembered += sim::norm(sim::Vec3<float>{tile.separations.of(0).x[l], tile.separations.of(0).y[l],
                                                   tile.separations.of(0).z[l]}) > 0.5f;
        }
      }
      CHECK(contacts > 20);
      if (a.type != G::kPlane) CHECK(remembered > 20);
    }
}
