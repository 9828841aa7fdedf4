// Collision in the kitchen: whole scenes, loader and kinematics included, against MuJoCo.
#include "tests/sim/touching.hpp"

using namespace baton;
using namespace baton::test;

#ifdef BATON_HAVE_MUJOCO
namespace {

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
  int touches = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    o.random_state(seed, d);
    put_back(gen, o.model, d);
    const Touches all = touching(o, d);
    CAPTURE(seed);
    touches += static_cast<int>(all.size());
    for (const auto& [geoms, t] : all) {
      CAPTURE(o.model.geoms[static_cast<std::size_t>(geoms.first)].name);
      CAPTURE(o.model.geoms[static_cast<std::size_t>(geoms.second)].name);
      REQUIRE(t.ours.size() == t.theirs.size());
      CHECK(std::fabs(deepest(t.ours).dist - deepest(t.theirs).dist) <= 1e-6);
    }
  }
  CHECK(touches > 300);
  CHECK(d.contact_count <= sim::kMaxContacts);
#endif
}
