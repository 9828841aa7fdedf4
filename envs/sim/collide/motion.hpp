#pragma once
// When must a pair of geoms be looked at again? Whoever finds it apart by a distance says so; until its two bodies have
// together moved that far, in any lane, it cannot touch and is not looked at. Kept for each tile:
//
//   way[body]   how far any point of the body's geoms may have moved since the count began, the largest of all lanes:
//               the sum over steps of |dp| + r |dR|_F / sqrt(2), r the reach of its geoms from the body's origin
//               (a rotation by t moves a point at r by 2 r sin(t / 2) = r |dR|_F / sqrt(2)); of lone bodies (plan.hpp)
//               r |dq|, r = 1 on slides
//   due[pair], group_due[group]   the sum of its bodies' ways from which on it must be looked at
//
// Only ever skips what would have come out apart: contacts do not depend on it. A lane that is put back somewhere else
// has moved that far. Cost: 40 flops and 12 numbers a moving body and step, 4 and 1 a lone one.
#include <vector>

#include "envs/sim/broadphase.hpp"
#include "envs/sim/plan.hpp"

namespace baton::sim {

template <class T>
class Motion {
  using S = scalar_t<T>;
  struct Mover {
    int body = 0;
    S reach = 0;  // of its geoms from the body's origin
    Vec3<T> pos{};
    Mat3<T> mat{};  // where it was in the last step
  };
  struct LoneMover {
    int body = 0, qpos = 0;
    S reach = 0;  // of its geoms from the joint; 1 for slides
    T q{};        // where it was in the last step
  };

 public:
  void build(const Model<S>& m, const Broadphase<S>& table, const Plan<S>& plan);

  // To be called once a step, before the pairs, with the poses of now.
  template <class D>
  BATON_HD void advance(const D& d);

  // Of a body, -1: the static world.
  BATON_HD S way(int body) const { return way_[static_cast<std::size_t>(body + 1)]; }
  BATON_HD bool due(int pair, S way) const { return !(way < due_[static_cast<std::size_t>(pair)]); }
  // The first pair of [pair, end) that is due, or end.
  BATON_HD int next_due(int pair, int end, S way) const {
    const S* due = due_.data();
    while (pair < end && way < due[pair]) ++pair;
    return pair;
  }
  // The first group from `g` on that is due or of which stop(group) holds, or how many there are.
  template <class F>
  BATON_INLINE std::size_t next_group(const Broadphase<S>& table, std::size_t g, const F& stop) const {
    const auto* groups = table.groups.data();
    const S *ways = way_.data() + 1, *due = group_due_.data();
    for (const std::size_t end = table.groups.size(); g < end; ++g)
      if (stop(g) || !(ways[groups[g].body1] + ways[groups[g].body2] < due[g])) break;
    return g;
  }
  // The pair is apart by `gap` (lanes that are not a number are apart for good: coming back is a long way).
  BATON_HD void apart(int pair, S way, const T& gap) {
    due_[static_cast<std::size_t>(pair)] = way + budget(gap);
  }
  BATON_HD void group_apart(std::size_t group, S way, const T& gap) { group_due_[group] = way + budget(gap); }
  // Every pair of [begin, end) was looked at or is not due yet.
  BATON_HD void group_done(std::size_t group, int begin, int end) {
    group_due_[group] = *std::min_element(due_.data() + begin, due_.data() + end);
  }

  // f(array) for each that changes from step to step.
  template <class F>
  void for_each_array(F&& f) const {
    f(movers_), f(lone_movers_), f(way_), f(due_), f(group_due_);
  }

 private:
  static constexpr double kRestart = 4.0;  // m of way at which the count begins anew, for its rounding
  BATON_HD static S budget(const T& gap) {
    const T far(S(1));
    const T known = select(is_finite(gap), min(gap, far), far);
    return -largest(-known) * S(0.999) - S(1e-5);
  }
  std::vector<Mover> movers_;
  std::vector<LoneMover> lone_movers_;
  std::vector<S> way_;  // [1 + nbody], the static world's first: 0
  std::vector<S> due_, group_due_;
};

template <class T>
void Motion<T>::build(const Model<S>& m, const Broadphase<S>& table, const Plan<S>& plan) {
  std::vector<S> reach(m.bodies.size(), S(-1));
  for (const auto& g : table.groups)
    for (int p = g.begin; p < g.end; ++p)
      for (const int geom : std::array{m.pairs[static_cast<std::size_t>(p)].geom1,
                                       m.pairs[static_cast<std::size_t>(p)].geom2}) {
        const Geom<S>& x = m.geoms[static_cast<std::size_t>(geom)];
        if (x.body != g.body1 && x.body != g.body2) continue;  // of the static world
        S& r = reach[static_cast<std::size_t>(x.body)];
        r = std::max(r, norm(x.pos) + x.radius);
      }
  movers_.clear();
  lone_movers_.clear();
  for (const auto& l : plan.lone) {
    if (reach[l.body] < S(0)) continue;
    const Joint<S>& joint = m.joints[l.joint];
    lone_movers_.push_back({l.body, joint.qpos, l.hinge ? reach[l.body] + norm(joint.pos) : S(1), T(S(0))});
    reach[l.body] = S(-1);
  }
  for (std::size_t b = 0; b < reach.size(); ++b) {
    if (reach[b] < S(0)) continue;
    movers_.emplace_back();
    movers_.back().body = static_cast<int>(b);
    movers_.back().reach = reach[b];
    const T zero(S(0));
    movers_.back().pos = {zero, zero, zero};
    for (T& x : movers_.back().mat.m) x = zero;
  }
  way_.assign(m.bodies.size() + 1, S(0));
  due_.assign(m.pairs.size(), S(0));
  group_due_.assign(table.groups.size(), S(0));
}

template <class T>
template <class D>
BATON_HD void Motion<T>::advance(const D& d) {
  const T far(S(2 * kRestart));
  bool restart = false;
  const auto add = [&](int body, const T& moved) {
    const S step = largest(select(moved <= far, moved, far));
    S& way = way_[static_cast<std::size_t>(body + 1)];
    way += step * S(1.001) + (step > S(0) ? S(1e-6) : S(0));
    restart = restart || way > S(kRestart);
  };
  for (LoneMover& b : lone_movers_) {
    if (d.rest.still_body(b.body)) continue;
    const T q = d.qpos[static_cast<std::size_t>(b.qpos)];
    add(b.body, T(b.reach) * abs(q - b.q));
    b.q = q;
  }
  for (Mover& b : movers_) {
    if (d.rest.still_body(b.body)) continue;
    const Vec3<T>& pos = d.xpos[static_cast<std::size_t>(b.body)];
    const Mat3<T>& mat = d.xmat[static_cast<std::size_t>(b.body)];
    const Vec3<T> dp = pos - b.pos;
    T turn(S(0));
    for (int i = 0; i < 9; ++i) {
      const T x = mat.m[i] - b.mat.m[i];
      turn += x * x;
      b.mat.m[i] = mat.m[i];
    }
    b.pos = pos;
    add(b.body, sqrt(dot(dp, dp)) + T(b.reach) * sqrt(turn * T(S(0.5))));
  }
  if (!restart) return;
  std::fill(way_.begin(), way_.end(), S(0));
  std::fill(due_.begin(), due_.end(), S(0));
  std::fill(group_due_.begin(), group_due_.end(), S(0));
}

// ---- by how much the bounds of a pair, or of a group, are apart (broadphase.hpp); positive: they cannot touch ------

template <class T>
BATON_INLINE T gap_to_box(const Vec3<T>& local, const Vec3<scalar_t<T>>& half, const scalar_t<T>& reach) {
  const T zero(0);
  const T x = max(abs(local.x) - T(half.x), zero), y = max(abs(local.y) - T(half.y), zero);
  const T z = max(abs(local.z) - T(half.z), zero);
  return sqrt(x * x + y * y + z * z) - T(reach);
}

template <class T, class D>
BATON_INLINE T group_gap(const typename Broadphase<scalar_t<T>>::Group& g, const D& d) {
  const auto body2 = static_cast<std::size_t>(g.body2);
  const Vec3<T> c2 = d.xpos[body2] + d.xmat[body2] * cast<T>(g.ball2.centre);
  if (g.body1 < 0) return gap_to_box<T>(c2 - cast<T>(g.centre), g.half, g.ball2.radius + g.margin);
  const auto body1 = static_cast<std::size_t>(g.body1);
  const Vec3<T> gap = c2 - d.xpos[body1] - d.xmat[body1] * cast<T>(g.ball1.centre);
  return norm(gap) - T(g.ball1.radius + g.ball2.radius + g.margin);
}

template <class T, class D>
BATON_INLINE T pair_gap(const Broadphase<scalar_t<T>>& table, int p, const D& d) {
  using Table = Broadphase<scalar_t<T>>;
  const typename Table::PairTest& t = table.pairs[static_cast<std::size_t>(p)];
  const Vec3<T>& centre = d.collider_pose[t.other].pos;
  if (t.is_static && t.test != Table::Test::kSphere) {
    const Pose<scalar_t<T>>& pose = table.poses[t.fixed];
    const Vec3<T> gap = centre - cast<T>(pose.pos);
    const auto along = [&](int i) {
      return gap.x * T(pose.mat(0, i)) + gap.y * T(pose.mat(1, i)) + gap.z * T(pose.mat(2, i));
    };
    if (t.test == Table::Test::kPlane) return along(2) - T(t.reach);
    return gap_to_box<T>(Vec3<T>{along(0), along(1), along(2)}, table.halves[t.fixed], t.reach);
  }
  const Pose<T>& fixed = d.collider_pose[t.fixed];
  const Vec3<T> gap = centre - fixed.pos;
  if (t.test == Table::Test::kSphere) return norm(gap) - T(t.reach);
  if (t.test ==
      Table::Test::kPlane) {  // one that turns sweeps far points further than any way tells: always due
    const T along = dot(gap, fixed.mat.col(2)) - T(t.reach);
    return min(along, along * T(scalar_t<T>(1e-9)));
  }
  return gap_to_box<T>(transpose_mul(fixed.mat, gap), table.halves[t.fixed], t.reach);
}

}  // namespace baton::sim
