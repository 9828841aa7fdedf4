#pragma once
// The kitchen's model, compiled from kitchen.xml, which is embedded in the binary.
#include <string_view>

#include "envs/sim/model.hpp"

namespace baton::envs {

// The text of envs/kitchen/kitchen.xml.
std::string_view kitchen_xml();

// The compiled model; parsed at the first call, then shared.
const sim::Model<double>& kitchen_model();

}  // namespace baton::envs
