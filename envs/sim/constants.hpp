#pragma once
// What the compiled model needs from the dynamics at qpos0. The MJCF loader calls it last.
//
//   Dof::invweight     (M^-1)_ii, averaged over the three dofs of a ball and of each half of a free joint
//   Body::invweight    trace(J M^-1 J') / 3 at the centre of mass: translation, rotation; 0 for static bodies
//   mean_inertia       mean of M's diagonal
//   Actuator::bias[2]  where positive beside gain[0] = -bias[1], a damping ratio r of a position servo; becomes
//                      -2 r sqrt(gain[0] m), m = 1 / (moment' M^-1 moment)
//   Joint::floating    free joint whose tree has no other joint
//
// MuJoCo, Computation, "Solver parameters": they set the scale of a constraint's softness.
#include "envs/sim/model.hpp"

namespace baton::sim {

void compute_constants(Model<double>& model);

}  // namespace baton::sim
