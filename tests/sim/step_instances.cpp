#include "tests/sim/step_instances.hpp"

namespace baton::sim {

BATON_STEP_INSTANCES(, double)
BATON_STEP_INSTANCES(, float)
BATON_STEP_INSTANCES(, Lanes<float, 4>)

}  // namespace baton::sim
