// Collision in the kitchen: whole scenes, loader and kinematics included, against MuJoCo.
#include <array>
#include <map>
#include <utility>

#include "envs/sim/collide/collide.hpp"
#include "envs/sim/kinematics.hpp"
#include "tests/sim/mujoco_oracle.hpp"

using namespace baton;
using namespace baton::test;

#ifdef BATON_HAVE_MUJOCO
namespace {

struct Touch {
  int count = 0;
  double depth = 1.0;
  void add(double dist) {
    ++count;
    depth = std::min(depth, dist);
  }
};
using Touches = std::map<std::pair<int, int>, Touch>;  // by geom 1, geom 2

Touches ours(const sim::Model<double>& m, const sim::Data<double>& d) {
  Touches t;
  for (int k = 0; k < d.ncontact; ++k) {
    const auto& c = d.contacts[static_cast<std::size_t>(k)];
    const auto& pair = m.pairs[static_cast<std::size_t>(c.pair)];
    t[{pair.geom1, pair.geom2}].add(c.dist);
  }
  return t;
}
Touches theirs(const mjData* d) {
  Touches t;
  for (int k = 0; k < d->ncon; ++k) t[{d->contact[k].geom[0], d->contact[k].geom[1]}].add(d->contact[k].dist);
  return t;
}

// Free bodies back near where the keyframe has them, a little lower, so that they touch what they stand on.
void put_back(std::mt19937& gen, const sim::Model<double>& m, sim::Data<double>& d) {
  std::normal_distribution<double> normal;
  for (const auto& j : m.joints) {
    if (j.type != sim::JointType::kFree) continue;
    const auto q = static_cast<std::size_t>(j.qpos);
    for (std::size_t i = 0; i < 3; ++i)
      d.qpos[q + i] = m.keyframes[0].qpos[q + i] + (i == 2 ? -0.003 : 0.02) * std::fabs(normal(gen));
    const sim::Quat<double> turn =
        sim::normalized(sim::Quat<double>{1, 0.02 * normal(gen), 0.02 * normal(gen), normal(gen)});
    d.qpos[q + 3] = turn.w, d.qpos[q + 4] = turn.x, d.qpos[q + 5] = turn.y, d.qpos[q + 6] = turn.z;
  }
}

}  // namespace
#endif

TEST_CASE(
    "kitchen: the same geoms touch as in MuJoCo, with as many contacts and the same depth, in 300 states") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  Oracle o = Oracle::from_file(source_path("envs/kitchen/kitchen.xml"));
  REQUIRE(!o.model.keyframes.empty());
  sim::Data<double> d(o.model);
  std::mt19937 gen(31);
  int touching = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    o.random_state(seed, d);
    put_back(gen, o.model, d);
    o.copy_state(d);
    mj_kinematics(o.m, o.d);
    mj_comPos(o.m, o.d);
    mj_collision(o.m, o.d);
    sim::kinematics(o.model, d);
    sim::collide(o.model, d);
    const Touches got = ours(o.model, d), want = theirs(o.d);
    CAPTURE(seed);
    REQUIRE(got.size() == want.size());
    touching += static_cast<int>(want.size());
    for (const auto& [geoms, w] : want) {
      CAPTURE(o.model.geoms[static_cast<std::size_t>(geoms.first)].name);
      CAPTURE(o.model.geoms[static_cast<std::size_t>(geoms.second)].name);
      const auto it = got.find(geoms);
      REQUIRE(it != got.end());
      CHECK(it->second.count == w.count);
      CHECK(std::fabs(it->second.depth - w.depth) <= 1e-6);
    }
  }
  CHECK(touching > 300);
  CHECK(d.contact_count <= sim::kMaxContacts);
#endif
}
