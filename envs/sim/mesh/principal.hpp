#pragma once
// Principal axes of inertia.
#include <array>

#include "envs/sim/spatial.hpp"

namespace baton::sim::mesh {

// The symmetric matrix (xx, yy, zz, xy, xz, yz) as rotation(axes) diag(moments) rotation(axes)', moments descending.
// Jacobi's method with MuJoCo's conventions, so that its frames come out where moments are equal or signs are free too:
// the largest element off the diagonal is turned away first, until all are below 1e-12 (absolute: a frame of small
// inertia stays approximate, and `moments` is the diagonal that is left) or the turn is below 1.4e-6 rad; then moments
// change places by quarter turns unless they agree within 1e-12.
void principal_axes(const std::array<double, 6>& full, Vec3<double>& moments, Quat<double>& axes);

}  // namespace baton::sim::mesh
