#include "envs/sim/mjcf/mass.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "envs/sim/mesh/principal.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr double kPi = std::numbers::pi;

Quat<double> to_quat(const Eigen::Matrix3d& m) {
  const Eigen::Quaterniond q(m);
  return normalized(Quat<double>{q.w(), q.x(), q.y(), q.z()});
}

Eigen::Matrix3d to_eigen(const Quat<double>& q) {
  const Mat3<double> r = rotation(q);
  return Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(r.m);
}

}  // namespace

double geom_volume(GeomType type, const Vec3<double>& s) {
  switch (type) {
    case GeomType::kSphere:
      return 4.0 / 3 * kPi * s.x * s.x * s.x;
    case GeomType::kCapsule:
      return kPi * s.x * s.x * (2 * s.y + 4.0 / 3 * s.x);
    case GeomType::kCylinder:
      return 2 * kPi * s.x * s.x * s.y;
    case GeomType::kEllipsoid:
      return 4.0 / 3 * kPi * s.x * s.y * s.z;
    case GeomType::kBox:
      return 8 * s.x * s.y * s.z;
    default:
      return 0;
  }
}

Vec3<double> geom_inertia(GeomType type, const Vec3<double>& s, double mass) {
  const Vec3<double> q{s.x * s.x, s.y * s.y, s.z * s.z};
  switch (type) {
    case GeomType::kSphere:
      return Vec3<double>{1, 1, 1} * (0.4 * mass * q.x);
    case GeomType::kEllipsoid:
      return Vec3<double>{q.y + q.z, q.x + q.z, q.x + q.y} * (mass / 5);
    case GeomType::kBox:
      return Vec3<double>{q.y + q.z, q.x + q.z, q.x + q.y} * (mass / 3);
    case GeomType::kCylinder: {
      const double across = mass * (q.x / 4 + q.y / 3);
      return {across, across, mass * q.x / 2};
    }
    case GeomType::kCapsule: {
      // A cylinder of half length h and two half spheres whose centres of mass lie 3/8 r beyond its ends.
      const double r = s.x, h = s.y, balls = mass * 2 * r / (2 * r + 3 * h), tube = mass - balls;
      const double across = tube * (r * r / 4 + h * h / 3) + balls * (0.4 * r * r + h * h + 0.75 * h * r);
      return {across, across, tube * r * r / 2 + balls * 0.4 * r * r};
    }
    default:
      return {0, 0, 0};
  }
}

double geom_radius(GeomType type, const Vec3<double>& s) {
  switch (type) {
    case GeomType::kSphere:
      return s.x;
    case GeomType::kCapsule:
      return s.x + s.y;
    case GeomType::kCylinder:
      return std::hypot(s.x, s.y);
    case GeomType::kEllipsoid:
      return std::max({s.x, s.y, s.z});
    case GeomType::kBox:
    case GeomType::kMesh:
      return norm(s);
    default:
      return 0;
  }
}

MassPart combine(std::span<const MassPart> parts) {
  if (parts.size() == 1) return parts[0];
  MassPart sum;
  for (const MassPart& p : parts) sum.mass += p.mass, sum.pos += p.pos * p.mass;
  if (!(sum.mass > 0)) return {};
  sum.pos *= 1 / sum.mass;
  Eigen::Matrix3d full = Eigen::Matrix3d::Zero();
  for (const MassPart& p : parts) {
    const Eigen::Matrix3d r = to_eigen(p.quat);
    const Vec3<double> off = p.pos - sum.pos;
    const Eigen::Vector3d d(off.x, off.y, off.z);
    full += r * Eigen::Vector3d(p.inertia.x, p.inertia.y, p.inertia.z).asDiagonal() * r.transpose();
    full += p.mass * (d.squaredNorm() * Eigen::Matrix3d::Identity() - d * d.transpose());
  }
  mesh::principal_axes({full(0, 0), full(1, 1), full(2, 2), full(0, 1), full(0, 2), full(1, 2)}, sum.inertia,
                       sum.quat);
  return sum;
}

Quat<double> z_to_quat(const Vec3<double>& v) {
  const Vec3<double> u = v * (1 / norm(v));
  const double s = std::hypot(u.x, u.y);
  // Along z already, or against it: then half a turn about x.
  const Vec3<double> axis = s < 1e-14 ? Vec3<double>{1, 0, 0} : Vec3<double>{-u.y / s, u.x / s, 0};
  return axis_angle(axis, std::atan2(s < 1e-14 ? 0 : s, u.z));
}

Quat<double> frame_to_quat(const Vec3<double>& x, const Vec3<double>& y, const Vec3<double>& z) {
  Eigen::Matrix3d m;
  m << x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z;
  return to_quat(m);
}

}  // namespace baton::sim::mjcf
