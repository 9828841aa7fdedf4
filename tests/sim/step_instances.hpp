#pragma once
// step.hpp for the tests: its stages are compiled once, in step_instances.cpp, for the numbers that tests step with. A
// file that includes step.hpp alone would compile the whole simulator for every number it uses.
#include "envs/sim/lanes.hpp"
#include "envs/sim/step.hpp"

// What takes long to compile, for one number.
#define BATON_STEP_INSTANCES(PREFIX, ...)                                                                  \
  PREFIX template struct Data<__VA_ARGS__>;                                                                \
  PREFIX template void collide(const Model<scalar_t<__VA_ARGS__>>&, Data<__VA_ARGS__>&);                   \
  PREFIX template void make_constraints(const Model<scalar_t<__VA_ARGS__>>&, Data<__VA_ARGS__>&);          \
  PREFIX template SolverReport solve_constraints(const Model<scalar_t<__VA_ARGS__>>&, Data<__VA_ARGS__>&); \
  PREFIX template SolverReport forward(const Model<scalar_t<__VA_ARGS__>>&, Data<__VA_ARGS__>&);           \
  PREFIX template SolverReport step(const Model<scalar_t<__VA_ARGS__>>&, Data<__VA_ARGS__>&);

namespace baton::sim {

BATON_STEP_INSTANCES(extern, double)
BATON_STEP_INSTANCES(extern, float)
BATON_STEP_INSTANCES(extern, Lanes<float, 4>)

}  // namespace baton::sim
