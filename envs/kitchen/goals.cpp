#include "envs/kitchen/goals.hpp"

#include <algorithm>
#include <string_view>

#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::envs {

namespace {

struct Definition {
  const char* name;
  const char* task;  // FrankaKitchen-v1's name
  std::vector<int> index;
  std::vector<float> goal;
};

const std::vector<Definition>& definitions() {
  static const std::vector<Definition> d{
      {"bottomknob", "bottom burner", {11, 12}, {-0.88f, -0.01f}},
      {"topknob", "top burner", {15, 16}, {-0.92f, -0.01f}},
      {"switch", "light switch", {17, 18}, {-0.69f, -0.05f}},
      {"slide", "slide cabinet", {19}, {0.37f}},
      {"hinge", "hinge cabinet", {20, 21}, {0, 1.45f}},
      {"microwave", "microwave", {22}, {-0.75f}},
      {"kettle", "kettle", {23, 24, 25, 26, 27, 28, 29}, {-0.23f, 0.75f, 1.62f, 0.99f, 0, 0, -0.06f}},
  };
  return d;
}

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('_', begin), name.size());
    parts.emplace_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Elements of a compound name; empty when a part is no element or appears twice.
std::vector<int> parse_elements(std::string_view name) {
  std::vector<int> elements;
  for (const auto& part : parts_of(name)) {
    const auto& d = definitions();
    const auto it = std::find_if(d.begin(), d.end(), [&](const Definition& e) { return part == e.name; });
    const int element = static_cast<int>(it - d.begin());
    if (it == d.end() || std::count(elements.begin(), elements.end(), element) > 0) return {};
    elements.push_back(element);
  }
  return elements;
}

[[noreturn]] void unknown_goal(std::string_view name) {
  BATON_REQUIRE(!name.empty(),
                "kitchen: empty goal name, expected for example 'microwave_kettle_switch_slide'");
  std::vector<std::string> known;
  for (const auto& d : definitions()) known.emplace_back(d.name);
  for (const auto* list : {&kitchen_demonstrated_goals(), &kitchen_unseen_goals()})
    known.insert(known.end(), list->begin(), list->end());
  throw UsageError(fmt::format("kitchen: unknown goal '{}'{} (all, unseen, or elements joined by '_')",
                               printable(name), suggestion(name, known)));
}

std::vector<int> range(int first, int last) {
  std::vector<int> numbers;
  for (int i = first; i < last; ++i) numbers.push_back(i);
  return numbers;
}

// D4RL's kitchen data: state, goal. FrankaKitchen-v1: qpos and qvel of the robot, qpos and qvel of the objects.
std::vector<Layout> recorded_layouts() {
  Layout d4rl{60, range(0, 30), range(30, 60)}, franka{59, range(0, 9)};
  for (const int column : range(18, 39)) franka.state.push_back(column);
  return {d4rl, franka};
}

}  // namespace

const Spec& kitchen_spec() {
  static const Spec spec = [] {
    Spec s;
    s.name = "kitchen";
    s.state_dim = kKitchenStateDim;
    s.action_dim = kKitchenActionDim;
    s.horizon = kKitchenHorizon;
    s.robot_dim = kKitchenRobotDim;
    for (const auto& d : definitions())
      s.elements.push_back({d.name, d.index, kKitchenElementEpsilon, d.goal, d.task});
    s.layouts = recorded_layouts();
    s.groups = {{"robot", {0, 1, 2, 3, 4, 5, 6, 7, 8}},
                {"knobs", {9, 11, 13, 15}},
                {"burners", {10, 12, 14, 16}},
                {"switch", {17}},
                {"light", {18}},
                {"slide", {19}},
                {"hinges", {20, 21}},
                {"microwave", {22}},
                {"kettle", {23, 24, 25}},
                {"kettle_rotation", {26, 27, 28, 29}}};
    for (int j = 0; j < kKitchenActionDim; ++j) s.action_target.coordinate.push_back(j);
    s.action_target.scale = kKitchenActionScale;
    s.action_target.low.assign(kKitchenTargetLow.begin(), kKitchenTargetLow.end());
    s.action_target.high.assign(kKitchenTargetHigh.begin(), kKitchenTargetHigh.end());
    for (int i = 0; i < kKitchenStateDim; ++i) s.sensor_amplitude.push_back(kitchen_sensor_amplitude(i));
    return s;
  }();
  return spec;
}

float kitchen_sensor_amplitude(int i) {
  // franka_config.xml of FrankaKitchen-v1, a number for each degree of freedom.
  static const std::array<float, kKitchenQvelDim> amplitude{
      0.1f,   0.1f,    0.1f,    0.1f,    0.1f,    0.1f,    0.1f,    0.1f,   0.1f,   0.005f,
      0.005f, 0.0005f, 0.0005f, 0.0005f, 0.0005f, 0.0005f, 0.0005f, 0.005f, 0.005f, 0.005f,
      0.1f,   0.1f,    0.1f,    0.005f,  0.005f,  0.005f,  0.1f,    0.1f,   0.1f};
  return amplitude[static_cast<std::size_t>(i < kKitchenRobotDim ? i : i - 1)];
}

const std::array<float, kKitchenStateDim>& kitchen_start() {
  static const std::array<float, kKitchenStateDim> start{0.148388023f,
                                                         -1.76848573f,
                                                         1.84390296f,
                                                         -2.47685760f,
                                                         0.260252026f,
                                                         0.712533105f,
                                                         1.59515394f,
                                                         0.0479267505f,
                                                         0.0371350919f,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         -0.269397440f,
                                                         0.350383255f,
                                                         1.61944683f,
                                                         1,
                                                         0,
                                                         0,
                                                         0};
  return start;
}

const std::vector<float>& kitchen_element_goal(int element) {
  BATON_REQUIRE(element >= 0 && element < kKitchenElements, "kitchen: no element {}, expected 0..{}", element,
                kKitchenElements - 1);
  return definitions()[static_cast<std::size_t>(element)].goal;
}

const std::vector<std::string>& kitchen_demonstrated_goals() {
  static const std::vector<std::string> names{
      "kettle_bottomknob_hinge_slide",      "kettle_bottomknob_switch_slide",
      "kettle_switch_hinge_slide",          "kettle_topknob_bottomknob_slide",
      "kettle_topknob_switch_slide",        "microwave_bottomknob_hinge_slide",
      "microwave_bottomknob_switch_slide",  "microwave_kettle_bottomknob_hinge",
      "microwave_kettle_bottomknob_slide",  "microwave_kettle_hinge_slide",
      "microwave_kettle_switch_slide",      "microwave_kettle_topknob_hinge",
      "microwave_kettle_topknob_switch",    "microwave_topknob_bottomknob_hinge",
      "microwave_topknob_bottomknob_slide", "topknob_bottomknob_hinge_slide",
      "topknob_bottomknob_switch_slide"};
  return names;
}

const std::vector<std::string>& kitchen_unseen_goals() {
  static const std::vector<std::string> names{
      "kettle_bottomknob_switch_hinge",   "kettle_topknob_bottomknob_hinge",
      "kettle_topknob_bottomknob_switch", "microwave_kettle_switch_hinge",
      "microwave_switch_hinge_slide",     "microwave_topknob_bottomknob_switch",
      "microwave_topknob_switch_hinge"};
  return names;
}

std::vector<Goal> kitchen_goals(const std::string& list, const std::array<float, kKitchenStateDim>& start) {
  std::vector<std::string> names;
  for (const auto& part : split_names(list)) {
    if (part == "all" || part == "unseen") {
      const auto& group = part == "all" ? kitchen_demonstrated_goals() : kitchen_unseen_goals();
      names.insert(names.end(), group.begin(), group.end());
    } else {
      names.push_back(part);
    }
  }
  std::vector<Goal> goals;
  for (const auto& name : names) {
    Goal goal;
    goal.name = name;
    goal.elements = parse_elements(name);
    if (goal.elements.empty()) unknown_goal(name);
    goal.target.assign(start.begin(), start.end());
    for (const int e : goal.elements) {
      const auto& d = definitions()[static_cast<std::size_t>(e)];
      for (std::size_t i = 0; i < d.index.size(); ++i)
        goal.target[static_cast<std::size_t>(d.index[i])] = d.goal[i];
    }
    goals.push_back(std::move(goal));
  }
  return goals;
}

}  // namespace baton::envs
