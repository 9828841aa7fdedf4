#pragma once
// The environment to copy: everything an environment has to do, small enough to learn in seconds.
//
// A point robot moves in the square [-1, 1]^2. Three sliders stand around it; each has a knob (a disc) on a straight
// rail and is moved only by pushing its knob with the point. Steps are kinematic: no masses, things stay where they are
// left.
//   state   x, y of the point; travel of the sliders "left", "top", "right", in [0, kTravel]          (5 numbers)
//   action  velocity of the point in [-1, 1]^2, times kSpeed per step                                (2 numbers)
//   goal    sliders pushed to kWanted; complete when within epsilon = 0.1
// The point steers around a knob from the side, so order and approach matter: pushing needs getting behind the knob.
#include <memory>

#include "envs/demonstrator.hpp"
#include "envs/env.hpp"

namespace baton::envs {

std::unique_ptr<BatchEnv> make_point_goal(const EnvOptions& options);

// Follows point_goal_action(); nothing of the options changes it.
std::unique_ptr<Demonstrator> make_point_goal_demonstrator(int size, const DemonstratorOptions& options);

// The action [2] towards completing `goal` from `state`, its elements in the order of the
// goal's name. A function of what a policy sees alone (no memory), so that a policy can imitate it. Every element done:
// stands still.
void point_goal_action(const Spec& spec, const Goal& goal, std::span<const float> state,
                       std::span<float> action);

}  // namespace baton::envs
