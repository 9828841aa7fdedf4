#pragma once
// What can be done in the kitchen: seven elements, the compound goals made of them, and the start state.
//
// The state is qpos (30): 9 robot joints, 4 x (knob, burner), light switch and light, slide cabinet, left and right
// hinge cabinet, microwave, kettle (x y z, quaternion w x y z). An element counts as done when the norm of its
// coordinates' distance to the goal's is below 0.3 (D4RL's and FrankaKitchen-v1's convention).
#include <array>
#include <string>
#include <vector>

#include "envs/env.hpp"

namespace baton::envs {

inline constexpr int kKitchenStateDim = 30, kKitchenQvelDim = 29, kKitchenActionDim = 9, kKitchenRobotDim = 9;
inline constexpr int kKitchenHorizon = 280;  // actions of an episode
inline constexpr int kKitchenSubsteps = 40;  // physics steps of 2 ms per action: 12.5 Hz
inline constexpr float kKitchenElementEpsilon = 0.3f;

// Indices into the specification's elements.
enum KitchenElement { kBottomKnob, kTopKnob, kSwitch, kSlide, kHinge, kMicrowave, kKettle, kKitchenElements };

// Name "kitchen", the dimensions above, elements named bottomknob, topknob, switch, slide, hinge, microwave, kettle.
const Spec& kitchen_spec();

// The configuration in which every episode starts (before the option of a spread).
const std::array<float, kKitchenStateDim>& kitchen_start();

// Goal coordinates of an element, one for each of Element::index.
const std::vector<float>& kitchen_element_goal(int element);

// The 17 compound goals that were demonstrated, and 7 more that never are.
const std::vector<std::string>& kitchen_demonstrated_goals();
const std::vector<std::string>& kitchen_unseen_goals();

// Comma-separated: "all" (the demonstrated goals), "unseen", or compound names, each a sequence of different elements
// joined by '_' (not only the 24). Throws Error on a name that is neither and says the nearest one.
std::vector<Goal> kitchen_goals(const std::string& list);

}  // namespace baton::envs
