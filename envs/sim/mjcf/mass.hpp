#pragma once
// Geometry of mass: volumes and inertias of primitives, sums of them, principal axes; and the frames MJCF writes as
// directions. Uniform density throughout.
#include <span>

#include "envs/sim/model.hpp"

namespace baton::sim::mjcf {

// m^3; 0 for planes and meshes.
double geom_volume(GeomType type, const Vec3<double>& size);

// Principal moments about the geom's centre along its axes, kg m^2.
Vec3<double> geom_inertia(GeomType type, const Vec3<double>& size, double mass);

// Radius of the sphere about the geom's centre that holds it (meshes: that holds their box); 0 for planes.
double geom_radius(GeomType type, const Vec3<double>& size);

// A rigid part: mass at `pos`, principal moments along `quat`.
struct MassPart {
  double mass = 0;
  Vec3<double> pos{0, 0, 0}, inertia{0, 0, 0};
  Quat<double> quat{1, 0, 0, 0};
};

// The parts as one: total mass, centre, moments in descending order along principal axes (mesh/principal.hpp). One part
// is returned as is.
MassPart combine(std::span<const MassPart> parts);

// The shortest rotation that takes z to the direction of v (v not zero).
Quat<double> z_to_quat(const Vec3<double>& v);

// The rotation whose columns are x, y, z (orthonormal, right-handed).
Quat<double> frame_to_quat(const Vec3<double>& x, const Vec3<double>& y, const Vec3<double>& z);

}  // namespace baton::sim::mjcf
