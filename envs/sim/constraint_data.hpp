#pragma once
// The constraint rows of one step (written by constraint.hpp, solved by solver.hpp).
#include <vector>

#include "envs/sim/model.hpp"

namespace baton::sim {

template <class T>
struct ConstraintData {
  void reserve(const Model<scalar_t<T>>&) {}
};

}  // namespace baton::sim
