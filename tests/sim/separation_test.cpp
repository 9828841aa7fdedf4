// The direction of least penetration of pairs with a cylinder, against a search that looks everywhere: the definition
// of depth, at random poses most of which are deep.
#include "envs/sim/collide/separation.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace baton;

namespace {

using V = sim::Vec3<double>;

class Poses {
 public:
  template <int NS, int ND>
  sim::SymmetricPair<double, NS, ND> next(bool ball) {
    sim::SymmetricPair<double, NS, ND> pair;
    for (int i = 0; i < 2; ++i) add(pair, i, direction());
    if constexpr (NS == 4) {  // a cylinder and a box
      const V z = cross(pair.seg_axis[1], direction());
      add(pair, 2, z * (1 / norm(z)));
      add(pair, 3, cross(pair.seg_axis[1], pair.seg_axis[2]));
    }
    for (int j = 0; j < ND; ++j) {
      pair.axis[j] = pair.seg_axis[j];
      pair.radius[j] = within(0.05, 0.15);
    }
    pair.ball = ball ? within(0.03, 0.08) : 0;
    pair.rel = direction() * within(0, 0.3);
    return pair;
  }
  V direction() {
    const V v = normal();
    return v * (1 / norm(v));
  }
  V normal() { return {normal_(gen_), normal_(gen_), normal_(gen_)}; }

 private:
  template <class Pair>
  void add(Pair& pair, int i, const V& axis) {
    pair.seg_axis[i] = axis;
    pair.seg[i] = axis * within(0.03, 0.18);
  }
  double within(double low, double high) { return low + (high - low) * uniform_(gen_); }
  std::mt19937 gen_{1};
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_{0, 1};
};

// The best of 600 directions spread evenly, then of random ones ever nearer to the best.
template <class Pair>
double look_everywhere(const Pair& pair, Poses& poses) {
  constexpr int kSpread = 600;
  double best = -1e9;
  V at{0, 0, 1}, unused{0, 0, 0};
  const auto look = [&](const V& v) {
    const V n = sim::facing(v * (1 / norm(v)), pair.rel);
    const double sep = pair.separation(n, unused);
    if (sep <= best) return false;
    best = sep;
    at = n;
    return true;
  };
  for (int i = 0; i < kSpread; ++i) {
    const double z = 1 - 2 * (i + 0.5) / kSpread, r = std::sqrt(1 - z * z), turn = 2.399963229728653 * i;
    look({r * std::cos(turn), r * std::sin(turn), z});
  }
  for (double reach = 0.1; reach > 1e-7;) {
    bool found = false;
    for (int i = 0; i < 24; ++i) found = look(at + poses.normal() * reach) || found;
    if (!found) reach *= 0.5;
  }
  return best;
}

template <int NS, int ND>
void check_pairs(const std::string& what, bool ball) {
  Poses poses;
  int touching = 0, missed = 0;
  double worst = 0;
  for (int k = 0; k < 3000; ++k) {
    const auto pair = poses.next<NS, ND>(ball);
    bool on = true;
    const auto found = sim::separate<double, NS, ND>(pair, 0.0, 0.0, on);
    if (!on) continue;
    V unused;
    CHECK(pair.separation(found.n, unused) == doctest::Approx(found.sep).epsilon(1e-12));
    const double best = look_everywhere(pair, poses);
    ++touching;
    missed += !(best <= found.sep + 1e-4);
    worst = std::max(worst, best - found.sep);
  }
  MESSAGE(what << ": the best direction missed by more than 0.1 mm in " << missed << " of " << touching
               << " poses, at most by " << worst << " m");
  CHECK(touching > 2000);
  CHECK(missed * 250 <= touching);
}

}  // namespace

TEST_CASE("pairs with a cylinder: the deepest direction is found in all but a few poses") {
  check_pairs<2, 2>("two cylinders", false);
  check_pairs<2, 1>("capsule and cylinder", true);
  check_pairs<4, 1>("cylinder and box", false);
}
