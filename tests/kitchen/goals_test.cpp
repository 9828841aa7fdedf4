#include "envs/kitchen/goals.hpp"

#include <doctest/doctest.h>

#include <set>

#include "kernels/error.hpp"

namespace baton::envs {
namespace {

std::string message_of(const std::string& list) {
  try {
    kitchen_goals(list);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("goals: 17 demonstrated and 7 unseen, four elements each, all different") {
  const auto all = kitchen_goals("all"), unseen = kitchen_goals("unseen");
  CHECK(all.size() == 17);
  CHECK(unseen.size() == 7);
  std::set<std::set<int>> combinations;
  for (const auto* list : {&all, &unseen})
    for (const Goal& g : *list) {
      CHECK(g.elements.size() == 4);
      combinations.insert(std::set<int>(g.elements.begin(), g.elements.end()));
    }
  CHECK(combinations.size() == 24);
}

TEST_CASE(
    "goals: elements come in the order of the name, the target is the start with their coordinates "
    "replaced") {
  const Goal g = kitchen_goals("microwave_kettle_switch_slide").at(0);
  CHECK(g.name == "microwave_kettle_switch_slide");
  CHECK(g.elements == std::vector<int>{kMicrowave, kKettle, kSwitch, kSlide});
  std::vector<float> want(kitchen_start().begin(), kitchen_start().end());
  want[17] = -0.69f, want[18] = -0.05f, want[19] = 0.37f, want[22] = -0.75f;
  want[23] = -0.23f, want[24] = 0.75f, want[25] = 1.62f, want[26] = 0.99f, want[27] = want[28] = 0,
  want[29] = -0.06f;
  CHECK(g.target == want);
}

TEST_CASE("goals: no element is done at the start, each is at its target") {
  const auto goals = kitchen_goals("microwave_kettle_topknob_bottomknob_switch_hinge_slide");
  REQUIRE(goals.size() == 1);
  const auto& elements = kitchen_spec().elements;
  REQUIRE(elements.size() == kKitchenElements);
  for (const Element& e : elements) {
    CHECK_MESSAGE(element_error(e, kitchen_start(), goals[0].target) > e.epsilon, e.name);
    CHECK_MESSAGE(element_error(e, goals[0].target, goals[0].target) == 0, e.name);
  }
}

TEST_CASE("goals: lists may be mixed, an unknown name names the nearest") {
  CHECK(kitchen_goals("kettle, slide_hinge").at(1).elements == std::vector<int>{kSlide, kHinge});
  CHECK(message_of("microwave_kettle_swich_slide").find("'microwave_kettle_switch_slide'") !=
        std::string::npos);
  CHECK(message_of("ketle").find("'kettle'") != std::string::npos);
  CHECK(message_of("slide_slide").find("unknown goal 'slide_slide'") != std::string::npos);
  CHECK(message_of("").find("empty goal name") != std::string::npos);
  CHECK(message_of("kettle,").find("empty goal name") != std::string::npos);
  CHECK_THROWS_AS(kitchen_element_goal(7), Error);
}

}  // namespace
}  // namespace baton::envs
