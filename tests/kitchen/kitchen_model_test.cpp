#include "envs/kitchen/kitchen_model.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "envs/kitchen/goals.hpp"
#include "envs/sim/batch.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "tests/support/compare.hpp"

namespace baton::envs {
namespace {

TEST_CASE("kitchen model: qpos holds the joints in the published order") {
  const auto& m = kitchen_model();
  CHECK(m.nq == 30);
  CHECK(m.nv == 29);
  CHECK(m.nu == 9);
  const std::vector<std::string> names{"arm_1",
                                       "arm_2",
                                       "arm_3",
                                       "arm_4",
                                       "arm_5",
                                       "arm_6",
                                       "arm_7",
                                       "finger_1",
                                       "finger_2",
                                       "knob_1",
                                       "burner_1",
                                       "knob_2",
                                       "burner_2",
                                       "knob_3",
                                       "burner_3",
                                       "knob_4",
                                       "burner_4",
                                       "light_switch",
                                       "light",
                                       "slide_cabinet",
                                       "left_hinge_cabinet",
                                       "right_hinge_cabinet",
                                       "microwave",
                                       "kettle"};
  REQUIRE(m.joints.size() == names.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    CHECK(m.joints[j].name == names[j]);
    CHECK(m.joints[j].qpos == static_cast<int>(j));
  }
}

// kitchen.xml with one text replaced by another, its keyframe kept or not.
sim::Model<double> changed(const std::string& from, const std::string& to, bool keyframe = true) {
  std::string text(kitchen_xml());
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  text.replace(at, from.size(), to);
  if (!keyframe) text.erase(text.find("<keyframe>"), text.find("</keyframe>") + 11 - text.find("<keyframe>"));
  return sim::mjcf::parse(text, "changed.xml");
}

TEST_CASE(
    "kitchen model: another is a kitchen by names, kinds and places of its joints, actuators and timestep") {
  CHECK_NOTHROW(check_kitchen(kitchen_model()));
  const std::pair<std::array<const char*, 2>, const char*> cases[] = {
      {{"name=\"right_hinge_cabinet\" axis", "name=\"door\" axis"},
       "no joint 'right_hinge_cabinet' (in the original kitchen 'right_hinge_cabinet')"},
      {{"freejoint name=\"kettle\"", "freejoint name=\"pan\""}, "no joint 'kettle'"},
      {{"name=\"slide_cabinet\" type=\"slide\"", "name=\"slide_cabinet\" type=\"hinge\""},
       "joint 'slide_cabinet' is a hinge joint, in a kitchen it is a slide joint"},
      {{"name=\"arm_2\" class=\"arm\" joint=\"arm_2\"", "name=\"arm_2\" class=\"arm\" joint=\"arm_3\""},
       "actuator 1 'arm_2' moves joint 'arm_3', in a kitchen 'arm_2'"},
      {{"timestep=\"0.002\"", "timestep=\"0.001\""}, "the timestep is 0.001 s, in a kitchen 0.002 s"},
      {{"<worldbody>", "<worldbody><body><joint name=\"more\"/><geom size=\"0.1\" pos=\"0 0 9\"/></body>"},
       "is coordinate 1 of qpos, in a kitchen 0"},
      {{"</worldbody>", "<body><joint name=\"more\"/><geom size=\"0.1\" pos=\"0 0 9\"/></body></worldbody>"},
       "nq 31, a kitchen has 30 coordinates"}};
  for (const auto& [texts, expected] : cases) {
    const auto model = changed(texts[0], texts[1], false);
    CHECK_THROWS_WITH_AS(check_kitchen(model), doctest::Contains(expected), Error);
    CHECK_THROWS_WITH_AS(check_kitchen(model), doctest::Contains("changed.xml: "), Error);
  }
}

TEST_CASE(
    "kitchen model: an episode starts from the keyframe 'start', else from FrankaKitchen-v1's reset pose") {
  const auto own = kitchen_start_of(kitchen_model());
  for (std::size_t i = 0; i < own.size(); ++i) CHECK(static_cast<float>(own[i]) == kitchen_start()[i]);
  const auto other = kitchen_start_of(changed("name=\"start\"", "name=\"home\""));
  CHECK(other[0] == 0.148388023);
  CHECK(other[20] == -6.44129196e-03);
  const double norm = std::sqrt(1.00618764 * 1.00618764 + 4.06395120e-03 * 4.06395120e-03 +
                                6.62095997e-03 * 6.62095997e-03 + 2.68278933e-04 * 2.68278933e-04);
  CHECK(std::abs(other[28] + 6.62095997e-03 / norm) < 1e-15);
}

TEST_CASE("kitchen model: ranges, gains and couplings are the published ones") {
  const auto& m = kitchen_model();
  const std::array<double, 23> low{-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -1.6573, -2.8973, 0,
                                   0,       -1.57,   -0.009,  -1.57,   -0.009,  -1.57,   -0.009,  -1.57,
                                   -0.009,  -0.7,    -0.05,   0,       -1.57,   0,       -2.094};
  const std::array<double, 23> high{2.8973, 1.7628, 2.8973, -0.4, 2.8973, 2.1127, 2.8973, 0.04,
                                    0.04,   0,      0,      0,    0,      0,      0,      0,
                                    0,      0,      0,      0.44, 0,      1.57,   0};
  for (std::size_t j = 0; j < low.size(); ++j) {
    CHECK(m.joints[j].limited);
    CHECK(m.joints[j].range[0] == low[j]);
    CHECK(m.joints[j].range[1] == high[j]);
  }
  const std::array<double, 9> gain{870, 870, 870, 870, 120, 120, 120, 500, 500},
      force{87, 87, 87, 87, 12, 12, 12, 70, 70};
  for (std::size_t u = 0; u < gain.size(); ++u) {
    CHECK(m.actuators[u].gain[0] == gain[u]);
    CHECK(m.actuators[u].bias[1] == -gain[u]);
    CHECK(m.actuators[u].force_range[1] == force[u]);
  }
  REQUIRE(m.equalities.size() == 5);
  for (int k = 0; k < 5; ++k) CHECK(m.equalities[k].polycoef[1] == (k < 4 ? 174 : 14));
  REQUIRE(m.keyframe_id("start") == 0);
  const std::vector<double> start(kitchen_start().begin(), kitchen_start().end());
  test::check_close(m.keyframes[0].qpos, start, 0, 1e-6, "keyframe");
}

TEST_CASE("kitchen model: at the start nothing touches but the kettle's feet") {
  sim::Batch batch(kitchen_model(), 1, {sim::Precision::kDouble, ""});
  std::array<double, 30> qpos;
  for (int i = 0; i < 30; ++i) qpos[i] = kitchen_start()[i];
  qpos[25] -= 0.0015;  // the kettle, set down
  batch.reset(0, qpos, std::array<double, 29>{});
  batch.step(1);
  CHECK(batch.contacts(0) == 4);
}

}  // namespace
}  // namespace baton::envs
