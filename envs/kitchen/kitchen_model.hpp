#pragma once
// Models of the kitchen: our own, compiled from kitchen.xml, which is embedded in the binary, and others from files.
#include <array>
#include <string>
#include <string_view>

#include "envs/kitchen/goals.hpp"
#include "envs/sim/model.hpp"

namespace baton::envs {

// The text of envs/kitchen/kitchen.xml.
std::string_view kitchen_xml();

// The compiled model; parsed at the first call, then shared.
const sim::Model<double>& kitchen_model();

// Throws an Error that names the file unless qpos holds the joints of the state under the names of kitchen.xml or of
// the original, each of its kind and at its place, nothing more; actuator j is a position servo of joint j; a timestep
// is 2 ms.
void check_kitchen(const sim::Model<double>& model);

// Another model of the kitchen from its file: kitchen_env_model.xml of Gymnasium-Robotics, or any that is one.
sim::Model<double> load_kitchen(const std::string& path);

// Where an episode starts on a model: its keyframe "start"; without one FrankaKitchen-v1's reset pose, its quaternion
// normalised.
std::array<double, kKitchenStateDim> kitchen_start_of(const sim::Model<double>& model);

}  // namespace baton::envs
