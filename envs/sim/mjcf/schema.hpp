#pragma once
// Which elements and attributes a model may have: known and used, known and without effect on physics (read over),
// known and not supported (refused unless neutral), unknown (refused with the nearest name).
#include "envs/sim/mjcf/document.hpp"

namespace baton::sim::mjcf {

// Walks the whole tree from <mujoco>; throws on the first element or attribute that may not stand where it does.
void check_schema(const Element& root);

}  // namespace baton::sim::mjcf
