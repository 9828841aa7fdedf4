#pragma once
// Principal axes of inertia.
#include <array>

#include "envs/sim/spatial.hpp"

namespace baton::sim::mesh {

// The symmetric matrix (xx, yy, zz, xy, xz, yz) as rotation(axes) diag(moments) rotation(axes)', moments descending.
// Jacobi's method with the conventions that MuJoCo 4.0.0 shows, so that its frames come out where moments are equal or
// signs are free too: the largest element off the diagonal is turned away by the smaller angle until none is above
// `round` of the largest of all; then moments change places by quarter turns unless they agree within `equal` of it.
// `moments` is the diagonal that is left. The defaults are for bodies; meshes are made of floats, so 1e-7 is enough.
struct PrincipalAccuracy {
  double round = 4e-15, equal = 1e-12;
};
inline constexpr PrincipalAccuracy kMeshAccuracy{1e-7, 1e-7};
void principal_axes(const std::array<double, 6>& full, Vec3<double>& moments, Quat<double>& axes,
                    const PrincipalAccuracy& accuracy = {});

}  // namespace baton::sim::mesh
