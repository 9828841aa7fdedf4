#pragma once
// What can be done in the kitchen: seven elements, the compound goals made of them, and the start state.
//
// The state is qpos (30): 9 robot joints, 4 x (knob, burner), light switch and light, slide cabinet, left and right
// hinge cabinet, microwave, kettle (x y z, quaternion w x y z). An element counts as done when the norm of its
// coordinates' distance to the goal's is below 0.3 (D4RL's and FrankaKitchen-v1's convention).
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "envs/env.hpp"

namespace baton::envs {

inline constexpr int kKitchenStateDim = 30, kKitchenQvelDim = 29, kKitchenActionDim = 9, kKitchenRobotDim = 9;
inline constexpr int kKitchenHorizon = 280;  // actions of an episode
inline constexpr int kKitchenSubsteps = 40;  // physics steps of 2 ms per action: 12.5 Hz
inline constexpr float kKitchenElementEpsilon = 0.3f;

// Position targets: rad per unit of action (2 rad/s for 80 ms), and their limits, which are also where the operator
// keeps the joints.
inline constexpr float kKitchenActionScale = 0.16f;
inline constexpr std::array<float, 9> kKitchenTargetLow{-2.9f, -1.8f, -2.9f, -3.1f, -2.9f, 0, -2.9f, 0, 0};
inline constexpr std::array<float, 9> kKitchenTargetHigh{2.9f, 1.8f, 2.9f, 0, 2.9f, 3.8f, 2.9f, 0.04f, 0.04f};

// The law of actions, for joint j: the position target that `action` means to somebody who saw the joint at `seen`.
template <class T>
T kitchen_target(T seen, T action, int j) {
  constexpr T kScale =
      static_cast<T>(2) * static_cast<T>(0.08L);  // rad per unit of action: 2 rad/s for 80 ms
  const T wanted = seen + kScale * std::clamp(action, T(-1), T(1));
  return std::clamp(wanted, static_cast<T>(kKitchenTargetLow[static_cast<std::size_t>(j)]),
                    static_cast<T>(kKitchenTargetHigh[static_cast<std::size_t>(j)]));
}

// Largest deviation of sensor noise of ratio 1, to the letter of FrankaKitchen-v1, which reads a table of degrees of
// freedom by the coordinate for the robot, by the one before for objects (robot_pos_noise_amp[8:]): 0.1 for the robot's
// joints, the first knob, the right hinge cabinet, the microwave, the kettle's x and last three; 0.0005 for 12..17;
// 0.005 for the rest.
float kitchen_sensor_amplitude(int coordinate);

// Indices into the specification's elements.
enum KitchenElement { kBottomKnob, kTopKnob, kSwitch, kSlide, kHinge, kMicrowave, kKettle, kKitchenElements };

// Name "kitchen", the dimensions above, elements named bottomknob, topknob, switch, slide, hinge, microwave, kettle.
const Spec& kitchen_spec();

// The configuration in which every episode on our own model starts (before the option of a spread).
const std::array<float, kKitchenStateDim>& kitchen_start();

// Goal coordinates of an element, one for each of Element::index.
const std::vector<float>& kitchen_element_goal(int element);

// The 17 compound goals that were demonstrated, and 7 more that never are.
const std::vector<std::string>& kitchen_demonstrated_goals();
const std::vector<std::string>& kitchen_unseen_goals();

// Comma-separated: "all" (the demonstrated goals), "unseen", or compound names, each a sequence of different elements
// joined by '_' (not only the 24). Throws Error on a name that is neither and says the nearest one.
// start: what coordinates have that no element of a goal names.
std::vector<Goal> kitchen_goals(const std::string& list,
                                const std::array<float, kKitchenStateDim>& start = kitchen_start());

}  // namespace baton::envs
