#pragma once
// Which pairs may touch? Two levels, both conservative, both decided for all lanes together (a pair is near when any
// lane's is):
//   group   consecutive pairs of the same body (or of the static world) with the same other body: bounding sphere of
//           the geoms of one against the sphere, or the box of the static geoms, of the other
//   pair    plane: height of the bounding sphere; a box (a mesh counts as one) on either side: distance from the other
//           geom's bounding sphere to the oriented box (the larger box, when both are); otherwise bounding spheres
// The tests, and when they are due, are in collide/motion.hpp. Every test adds the pair's margin. Geoms of static
// bodies keep their pose as scalars: nothing of it is per lane.
// Cost per tile: group about 15 flops, pair 10 (spheres) to 45 (box). A lane that is not a number is never near.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "envs/sim/plan.hpp"
#include "kernels/error.hpp"

namespace baton::sim {

template <class S>
struct Broadphase {
  enum class Test : char { kPlane, kBox, kSphere };
  struct PairTest {
    std::uint16_t fixed = 0,
                  other = 0;  // colliders: the plane or box, the one seen as a sphere; or two spheres
    S reach = 0;              // radius of the sphere (both, for spheres) + margin
    Test test = Test::kSphere;
    bool is_static = false;  // poses[fixed] holds the fixed geom's world pose
  };
  struct Ball {
    Vec3<S> centre{};  // in the body's frame
    S radius = 0;
  };
  struct Group {
    int begin = 0, end = 0;    // pairs
    int body1 = 0, body2 = 0;  // body1 = -1: static world
    bool tested = false;       // false: go straight to the pairs
    Ball ball1, ball2;         // ball2 (and ball1 when it moves)
    Vec3<S> centre{}, half{};  // static world: box of its geoms in the world
    S margin = 0;              // the largest of the pairs'
  };
  std::vector<Group> groups;
  std::vector<PairTest> pairs;  // one per Model::pairs
  std::vector<Pose<S>> poses;   // [Plan::colliders] in the world, of static ones
  std::vector<Vec3<S>> halves;  // [Plan::colliders] Geom::size: half sizes of those that count as boxes

  // Everything from the model at once; the model's poses of static bodies must not change afterwards.
  void build(const Model<S>& m, const Plan<S>& plan);

  int group_of(int pair) const {
    return static_cast<int>(
        std::ranges::partition_point(groups, [&](const Group& g) { return g.end <= pair; }) - groups.begin());
  }

  // f(array) for each of the tables.
  template <class F>
  void for_each_array(F&& f) const {
    f(groups), f(pairs), f(poses), f(halves), f(static_body_);
  }

 private:
  static constexpr int kSmallGroup = 3;  // pairs under which testing the group does not pay
  std::vector<char> static_body_;
  void find_static(const Model<S>& m, const Plan<S>& plan);
  void classify(const Model<S>& m, const Plan<S>& plan, int p);
  void bound(const Model<S>& m, const Plan<S>& plan, Group& g) const;
  Ball ball_of(const Model<S>& m, const std::vector<int>& geoms) const;
};

template <class S>
void Broadphase<S>::find_static(const Model<S>& m, const Plan<S>& plan) {
  static_body_.assign(m.bodies.size(), 0);
  for (std::size_t b = 0; b < m.bodies.size(); ++b) {
    const Body<S>& body = m.bodies[b];
    static_body_[b] = b == 0 || (static_body_[body.parent] && body.joints == 0 && body.mocap < 0);
  }
  const auto placed = place_bodies(m);
  poses.clear();
  halves.clear();
  for (const int g : plan.colliders) {
    const Geom<S>& geom = m.geoms[g];
    const Placement<S>& body = placed[geom.body];
    poses.push_back({body.pos + rotate(body.quat, geom.pos), rotation(normalized(body.quat * geom.quat))});
    halves.push_back(geom.size);
  }
}

template <class S>
void Broadphase<S>::classify(const Model<S>& m, const Plan<S>& plan, int p) {
  const Pair<S>& pair = m.pairs[static_cast<std::size_t>(p)];
  const Geom<S>& g1 = m.geoms[static_cast<std::size_t>(pair.geom1)];
  const Geom<S>& g2 = m.geoms[static_cast<std::size_t>(pair.geom2)];
  PairTest t;
  int fixed = pair.geom1, other = pair.geom2;
  const auto boxed = [](const Geom<S>& g) { return g.type == GeomType::kBox || g.type == GeomType::kMesh; };
  const bool box1 = boxed(g1), box2 = boxed(g2);
  if (g1.type == GeomType::kPlane) {
    t.test = Test::kPlane;
  } else if (box1 || box2) {
    t.test = Test::kBox;
    if (!box1 || (box2 && g2.radius > g1.radius)) std::swap(fixed, other);
  } else {
    t.test = Test::kSphere;
  }
  t.reach = m.geoms[static_cast<std::size_t>(other)].radius + pair.margin;
  if (t.test == Test::kSphere) t.reach += m.geoms[static_cast<std::size_t>(fixed)].radius;
  t.is_static = static_body_[static_cast<std::size_t>(m.geoms[static_cast<std::size_t>(fixed)].body)] != 0;
  t.fixed = static_cast<std::uint16_t>(plan.collider_of[fixed]);
  t.other = static_cast<std::uint16_t>(plan.collider_of[other]);
  pairs.push_back(t);
}

template <class S>
typename Broadphase<S>::Ball Broadphase<S>::ball_of(const Model<S>& m, const std::vector<int>& geoms) const {
  Vec3<S> lo{S(1e30), S(1e30), S(1e30)}, hi = -lo;
  for (int g : geoms) {
    const Geom<S>& geom = m.geoms[static_cast<std::size_t>(g)];
    for (int i = 0; i < 3; ++i) {
      lo[i] = std::min(lo[i], geom.pos[i] - geom.radius);
      hi[i] = std::max(hi[i], geom.pos[i] + geom.radius);
    }
  }
  Ball ball;
  ball.centre = (lo + hi) * S(0.5);
  for (int g : geoms) {
    const Geom<S>& geom = m.geoms[static_cast<std::size_t>(g)];
    ball.radius = std::max(ball.radius, norm(geom.pos - ball.centre) + geom.radius);
  }
  return ball;
}

template <class S>
void Broadphase<S>::bound(const Model<S>& m, const Plan<S>& plan, Group& g) const {
  std::vector<int> geoms1, geoms2;
  bool plane = false;
  // The pair lists the lower geom type first, so that either geom may belong to the group's first body.
  for (int p = g.begin; p < g.end; ++p) {
    const Pair<S>& pair = m.pairs[static_cast<std::size_t>(p)];
    g.margin = std::max(g.margin, pair.margin);
    for (int geom : std::array{pair.geom1, pair.geom2}) {
      const Geom<S>& x = m.geoms[static_cast<std::size_t>(geom)];
      plane = plane || x.type == GeomType::kPlane;
      (x.body == g.body2 ? geoms2 : geoms1).push_back(geom);
    }
  }
  g.tested = !plane && g.end - g.begin >= kSmallGroup;
  if (!g.tested) return;
  g.ball2 = ball_of(m, geoms2);
  if (g.body1 >= 0) {
    g.ball1 = ball_of(m, geoms1);
    return;
  }
  Vec3<S> lo{S(1e30), S(1e30), S(1e30)}, hi = -lo;
  for (int geom : geoms1) {
    const Geom<S>& x = m.geoms[static_cast<std::size_t>(geom)];
    const Pose<S>& pose = poses[plan.collider_of[geom]];
    for (int i = 0; i < 3; ++i) {
      S reach = x.radius;
      if (x.type == GeomType::kBox)
        reach = std::fabs(pose.mat(i, 0)) * x.size.x + std::fabs(pose.mat(i, 1)) * x.size.y +
                std::fabs(pose.mat(i, 2)) * x.size.z;
      lo[i] = std::min(lo[i], pose.pos[i] - reach);
      hi[i] = std::max(hi[i], pose.pos[i] + reach);
    }
  }
  g.centre = (lo + hi) * S(0.5);
  g.half = (hi - lo) * S(0.5);
}

template <class S>
void Broadphase<S>::build(const Model<S>& m, const Plan<S>& plan) {
  constexpr std::size_t kMostColliders = std::numeric_limits<std::uint16_t>::max();
  BATON_REQUIRE(plan.colliders.size() <= kMostColliders, "{}: {} geoms that may collide, at most {} can",
                m.file, plan.colliders.size(), kMostColliders);
  groups.clear();
  pairs.clear();
  pairs.reserve(m.pairs.size());
  find_static(m, plan);
  const auto owner = [&](int geom) {
    const int body = m.geoms[static_cast<std::size_t>(geom)].body;
    return static_body_[static_cast<std::size_t>(body)] ? -1 : body;
  };
  for (int p = 0; p < static_cast<int>(m.pairs.size()); ++p) {
    classify(m, plan, p);
    const Pair<S>& pair = m.pairs[static_cast<std::size_t>(p)];
    int b1 = owner(pair.geom1), b2 = owner(pair.geom2);
    if (b1 > b2) std::swap(b1, b2);
    if (groups.empty() || groups.back().body1 != b1 || groups.back().body2 != b2) {
      groups.push_back({});
      groups.back().begin = p;
      groups.back().body1 = b1;
      groups.back().body2 = b2;
    }
    groups.back().end = p + 1;
  }
  groups.shrink_to_fit();
  for (Group& g : groups)
    if (g.body2 >= 0) bound(m, plan, g);  // two static bodies never move: their pairs are tested one by one
}

}  // namespace baton::sim
