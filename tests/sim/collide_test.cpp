// Collision detection against MuJoCo, across precisions and across lanes.
#include <doctest/doctest.h>

#include <limits>

#include "tests/sim/collide_scene.hpp"

using namespace baton;
using namespace baton::test;
using G = sim::GeomType;

namespace {

const std::vector<GeomSpec> kGeoms = {
    {G::kPlane, {1, 1, 1}},         {G::kSphere, {0.11, 0, 0}},       {G::kCapsule, {0.05, 0.2, 0}},
    {G::kCylinder, {0.1, 0.15, 0}}, {G::kBox, {0.1, 0.2, 0.15}},      {G::kBox, {0.5, 0.4, 0.02}},
    {G::kCapsule, {0.02, 0.05, 0}}, {G::kCylinder, {0.25, 0.01, 0}},
};

// Every pair of the list that can collide.
template <class F>
void for_each_pair(F f) {
  for (const GeomSpec& a : kGeoms)
    for (const GeomSpec& b : kGeoms)
      if (a.type <= b.type && sim::can_collide(a.type, b.type)) f(a, b);
}
// MuJoCo runs its iterative convex algorithm for these.
bool general_convex(const GeomSpec& a, const GeomSpec& b) {
  return (a.type == G::kCylinder || b.type == G::kCylinder) && a.type != G::kPlane && a.type != G::kSphere;
}

double deepest(const std::vector<Found>& c, sim::Vec3<double>* normal = nullptr) {
  double d = std::numeric_limits<double>::infinity();
  for (const Found& f : c)
    if (f.dist < d) {
      d = f.dist;
      if (normal) *normal = f.frame.row(0);
    }
  return d;
}
double difference(const Found& x, const Found& y) {
  double e = std::fabs(x.dist - y.dist);
  for (int i = 0; i < 3; ++i) e = std::max(e, std::fabs(x.pos[i] - y.pos[i]));
  for (int i = 0; i < 9; ++i) e = std::max(e, std::fabs(x.frame.m[i] - y.frame.m[i]));
  return e;
}
std::string describe(const GeomSpec& a, const GeomSpec& b) {
  return std::to_string(static_cast<int>(a.type)) + " (" + std::to_string(a.size.y) + ") against " +
         std::to_string(static_cast<int>(b.type)) + " (" + std::to_string(b.size.y) + ")";
}
bool orthonormal(const sim::Mat3<double>& f) {
  bool ok = true;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) ok = ok && std::fabs(dot(f.row(i), f.row(j)) - (i == j)) < 1e-5;
  return ok && dot(cross(f.row(0), f.row(1)), f.row(2)) > 0.99;
}

}  // namespace

TEST_CASE("primitive pairs: contacts equal MuJoCo's one by one on random poses, box-box manifolds included") {
#ifdef BATON_HAVE_MUJOCO
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    if (general_convex(a, b)) return;
    for (double margin : {0.0, 0.02}) {
      TwoGeomOracle oracle(a, b, margin);
      std::mt19937 gen(7);
      int with_contact = 0;
      for (int i = 0; i < 120; ++i) {
        const PosePair p = random_poses(gen, a, b, margin, i % 2 == 0, false);
        const auto got = ours<double>(a, p.a, b, p.b, margin), want = oracle.contacts(p.a, p.b);
        CAPTURE(describe(a, b));
        CAPTURE(i);
        REQUIRE(got.size() == want.size());
        with_contact += want.empty() ? 0 : 1;
        for (const Found& w : want) {
          double best = 1e9;
          for (const Found& g : got) best = std::min(best, difference(g, w));
          CHECK_MESSAGE(best <= 1e-6, "nearest of our contacts differs by " << best << ", dist " << w.dist);
        }
      }
      CHECK(with_contact >= 60);
    }
  });
#else
  MESSAGE("skipped: built without MuJoCo");
#endif
}

TEST_CASE("primitive pairs standing parallel: depth and normal equal MuJoCo's, and no fewer points") {
#ifdef BATON_HAVE_MUJOCO
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    if (general_convex(a, b)) return;
    if (a.type == G::kPlane && b.type == G::kCylinder) return;  // MuJoCo's rim direction is rounding noise there
    TwoGeomOracle oracle(a, b, 0.0);
    std::mt19937 gen(8);
    int equal_count = 0, cases = 0;
    for (int i = 0; i < 100; ++i) {
      const PosePair p = random_poses(gen, a, b, 0.0, true, true);
      const auto got = ours<double>(a, p.a, b, p.b, 0.0), want = oracle.contacts(p.a, p.b);
      CAPTURE(describe(a, b));
      CAPTURE(i);
      sim::Vec3<double> n_got, n_want;
      const double d_got = deepest(got, &n_got), d_want = deepest(want, &n_want);
      CHECK(std::fabs(d_got - d_want) <= 1e-6);
      CHECK(norm(n_got - n_want) <= 1e-6);
      ++cases;
      equal_count += got.size() == want.size() ? 1 : 0;
    }
    CHECK(equal_count >= cases / 2);
  });
#else
  MESSAGE("skipped: built without MuJoCo");
#endif
}

TEST_CASE("pairs with a cylinder: depth within 1e-4 of MuJoCo's and the normal with it, in 19 of 20 shallow poses") {
#ifdef BATON_HAVE_MUJOCO
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    if (!general_convex(a, b)) return;
    TwoGeomOracle oracle(a, b, 0.0);
    for (bool aligned : {false, true}) {
      std::mt19937 gen(9);
      int agree = 0, steep = 0, found = 0;
      const int n = 100;
      for (int i = 0; i < n; ++i) {
        const PosePair p = random_poses(gen, a, b, 0.0, true, aligned);
        const auto got = ours<double>(a, p.a, b, p.b, 0.0), want = oracle.contacts(p.a, p.b);
        sim::Vec3<double> n_got{1, 0, 0}, n_want{0, 1, 0};
        const double d_got = deepest(got, &n_got), d_want = deepest(want, &n_want);
        if (got.empty() && want.empty()) continue;
        ++found;
        agree += std::fabs(d_got - d_want) <= 1e-4 || (want.empty() && d_got > -1e-4) || (got.empty() && d_want > -1e-4);
        steep += !want.empty() && !got.empty() && dot(n_got, n_want) < 0.95;
      }
      CAPTURE(describe(a, b));
      CAPTURE(aligned);
      CHECK(found >= n / 2);
      CHECK_MESSAGE(agree * 20 >= found * 19, agree << " of " << found << " agree");
      CHECK_MESSAGE(steep * 10 <= found, steep << " of " << found << " normals differ");
    }
  });
#else
  MESSAGE("skipped: built without MuJoCo");
#endif
}

TEST_CASE("frames are right-handed and orthonormal, and positions lie between the surfaces") {
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    std::mt19937 gen(10);
    for (int i = 0; i < 60; ++i) {
      const PosePair p = random_poses(gen, a, b, 0.01, i % 2 == 0, i % 3 == 0);
      CAPTURE(describe(a, b));
      CAPTURE(i);
      for (const Found& f : ours<double>(a, p.a, b, p.b, 0.01)) {
        CHECK(orthonormal(f.frame));
        CHECK(f.dist <= 0.01);
        const double reach = bounding_radius(b) + std::fabs(f.dist);
        CHECK(norm(f.pos - p.b.pos) <= reach + 1e-6);
      }
    }
  });
}

TEST_CASE("float agrees with double: depth and normal of the deepest contact") {
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    for (bool aligned : {false, true}) {
      std::mt19937 gen(11);
      int off = 0;
      const int n = 150;
      for (int i = 0; i < n; ++i) {
        const PosePair p = random_poses(gen, a, b, 0.0, i % 2 == 0, aligned);
        const auto d = ours<double>(a, p.a, b, p.b, 0.0), f = ours<float>(a, p.a, b, p.b, 0.0);
        const double dd = deepest(d), df = deepest(f);
        const bool both_none = d.empty() && f.empty();
        const bool touching = (d.empty() && df > -1e-5) || (f.empty() && dd > -1e-5);
        off += !(both_none || touching || std::fabs(dd - df) <= 1e-5);
      }
      CAPTURE(describe(a, b));
      CAPTURE(aligned);
      CHECK_MESSAGE(off * 30 <= n, off << " of " << n << " differ");  // where two directions tie, either may win
    }
  });
}

TEST_CASE("a lane of a tile equals the scalar, and a lane of NaN leaves the others' bits alone") {
  constexpr int kW = 8;
  using L = sim::Lanes<float, kW>;
  for_each_pair([](const GeomSpec& a, const GeomSpec& b) {
    std::mt19937 gen(12);
    const auto m = two_geoms<float>(a, b, 0.005);
    for (int round = 0; round < 12; ++round) {
      sim::Data<L> tile(m), poisoned(m);
      std::vector<std::vector<Found>> scalar(kW);
      GeomPose plane;
      for (int l = 0; l < kW; ++l) {
        PosePair p = random_poses(gen, a, b, 0.005, l % 2 == 0, l % 4 == 1);
        if (a.type == G::kPlane) p.a = plane, p.b.pos.z = 0.3 * std::fabs(p.b.pos.z);
        scalar[static_cast<std::size_t>(l)] = ours<float>(a, p.a, b, p.b, 0.005);
        for (auto* d : {&tile, &poisoned}) {
          place(*d, m, 0, p.a, l);
          place(*d, m, 1, p.b, l);
        }
      }
      const int bad = round % kW;
      for (int i = 0; i < 3; ++i) poisoned.geom_xpos[1][i].set(bad, std::numeric_limits<float>::quiet_NaN());
      sim::collide(m, tile);
      sim::collide(m, poisoned);
      CAPTURE(describe(a, b));
      CAPTURE(round);
      CHECK(found_in_lane(poisoned, bad).empty());
      for (int l = 0; l < kW; ++l) {
        const auto got = found_in_lane(tile, l);
        const auto& want = scalar[static_cast<std::size_t>(l)];
        REQUIRE(got.size() == want.size());
        for (std::size_t k = 0; k < got.size(); ++k) CHECK(difference(got[k], want[k]) <= 1e-5);
        if (l == bad) continue;
        const auto other = found_in_lane(poisoned, l);
        REQUIRE(other.size() == got.size());
        for (std::size_t k = 0; k < got.size(); ++k) CHECK(difference(got[k], other[k]) == 0.0);
      }
    }
  });
}

TEST_CASE("numbers of lanes without a contact are finite and say 'far'") {
  using L = sim::Lanes<float, 4>;
  const GeomSpec s{G::kSphere, {0.1, 0, 0}};
  const auto m = two_geoms<float>(s, s, 0.0);
  sim::Data<L> d(m);
  for (int l = 0; l < 4; ++l) {
    place(d, m, 0, {}, l);
    place(d, m, 1, {{l == 2 ? 0.15 : 5.0, 0, 0}, {1, 0, 0, 0}}, l);
  }
  sim::collide(m, d);
  REQUIRE(d.ncontact == 1);
  const auto& c = d.contacts[0];
  for (int l = 0; l < 4; ++l) {
    CHECK(sim::lane(c.active, l) == (l == 2));
    CHECK(c.dist[l] == doctest::Approx(l == 2 ? -0.05 : 1.0).epsilon(1e-5));
    CHECK(sim::norm(sim::Vec3<float>{c.frame.m[0][l], c.frame.m[1][l], c.frame.m[2][l]}) == doctest::Approx(1.0f));
  }
}

TEST_CASE("standing and lying shapes rest on enough points: their hull covers the centre") {
  struct Rest {
    GeomSpec a;
    GeomPose pa;
    GeomSpec b;
    GeomPose pb;
    std::size_t points;
  };
  const double h = std::sqrt(0.5), sink = 1e-4;
  const GeomSpec counter{G::kBox, {1, 0.5, 0.02}}, plate{G::kCylinder, {0.06, 0.01, 0}};
  const GeomSpec kettle{G::kCylinder, {0.08, 0.1, 0}}, block{G::kBox, {0.05, 0.06, 0.07}}, rod{G::kCapsule, {0.02, 0.2, 0}};
  const std::vector<Rest> cases = {
      {counter, {}, block, {{0.3, 0.1, 0.09 - sink}, {1, 0, 0, 0}}, 4},
      {block, {}, block, {{0, 0, 0.14 - sink}, {1, 0, 0, 0}}, 4},
      {kettle, {{0.2, 0.1, 0.12 - sink}, {1, 0, 0, 0}}, counter, {}, 3},
      {kettle, {{0.2, 0.1, 0.1 - sink}, {h, h, 0, 0}}, counter, {}, 2},
      {plate, {}, kettle, {{0.01, 0, 0.11 - sink}, {1, 0, 0, 0}}, 3},
      {rod, {{0, 0, 0.04 - sink}, {h, 0, h, 0}}, counter, {}, 2},
      {kettle, {}, block, {{0, 0, 0.17 - sink}, {1, 0, 0, 0}}, 4},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Rest& r = cases[i];
    CAPTURE(i);
    for (const auto& got : {ours<double>(r.a, r.pa, r.b, r.pb, 0.0), ours<float>(r.a, r.pa, r.b, r.pb, 0.0)}) {
      CHECK(got.size() >= r.points);
      for (const Found& f : got) {
        CHECK(std::fabs(f.dist + sink) < 2e-6);
        CHECK(std::fabs(std::fabs(f.frame.m[2]) - 1) < 1e-6);
      }
    }
  }
}
