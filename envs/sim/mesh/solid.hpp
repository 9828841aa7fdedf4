#pragma once
// The solid that a surface bounds: volume, centre, principal frame. MuJoCo's formulas, in its order of operations and
// with its thresholds, since its frames are what we are compared with (XML reference, asset/mesh inertia).
#include <array>
#include <span>
#include <string>

#include "envs/sim/spatial.hpp"

namespace baton::sim::mesh {

// How the inertia of a mesh is meant (MuJoCo's words, in its order).
enum class Inertia {
  kConvex,  // of the convex hull
  kLegacy,  // of pyramids from the surface's centroid, all counted positive: too much where the surface is not convex
  kExact,  // of the volume; the surface must be closed and oriented
  kShell   // of the surface, spread evenly
};

struct Solid {
  double volume = 0;  // m^3; kShell: m^2
  // The principal frame: origin at the centre of mass, axes by descending moments.
  Vec3<double> center{0, 0, 0};
  Quat<double> axes{1, 0, 0, 0};
  Vec3<double> box{0, 0, 0};  // half sizes of the box of equal moments at equal volume
};

// `faces` bound the solid (kConvex: the hull's). `surface` are the faces of the mesh itself: their centroid is the apex
// of the pyramids. Throws Error "name: ..." for no area, no or negative volume, moments that no body has; kExact also
// for two faces that run along an edge in the same direction.
Solid solid_of(std::span<const Vec3<double>> vertices, std::span<const std::array<int, 3>> surface,
               std::span<const std::array<int, 3>> faces, Inertia mode, const std::string& name);

}  // namespace baton::sim::mesh
