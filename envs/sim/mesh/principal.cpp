#include "envs/sim/mesh/principal.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace baton::sim::mesh {
namespace {

Mat3<double> transpose(const Mat3<double>& a) {
  return {{a.m[0], a.m[3], a.m[6], a.m[1], a.m[4], a.m[7], a.m[2], a.m[5], a.m[8]}};
}

Quat<double> about(int axis, double cosine_half, double sine_half) {
  return {cosine_half, axis == 0 ? sine_half : 0, axis == 1 ? sine_half : 0, axis == 2 ? sine_half : 0};
}

}  // namespace

void principal_axes(const std::array<double, 6>& f, Vec3<double>& moments, Quat<double>& axes,
                    const PrincipalAccuracy& accuracy) {
  const Mat3<double> full{{f[0], f[3], f[4], f[3], f[1], f[5], f[4], f[5], f[2]}};
  double largest = 0;
  for (const double v : f) largest = std::max(largest, std::fabs(v));
  axes = {1, 0, 0, 0};
  constexpr int kMostTurns = 500;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const Mat3<double> r = rotation(axes), d = transpose(r) * full * r;
    moments = {d(0, 0), d(1, 1), d(2, 2)};
    const double xy = std::fabs(d(0, 1)), xz = std::fabs(d(0, 2)), yz = std::fabs(d(1, 2));
    // Turn about the axis that is neither the row nor the column of the largest element.
    const int axis = xy > xz && xy > yz ? 2 : xz > yz ? 1 : 0;
    const int row = axis == 0 ? 1 : 0, column = axis == 2 ? 1 : 2;
    const double off = d(row, column);
    if (!(std::fabs(off) > accuracy.round * largest)) break;
    // tan of the smaller of the two angles that make `off` vanish (Golub and Van Loan, Matrix Computations, 8.5).
    const double tau = (d(column, column) - d(row, row)) / (2 * off);
    const double t = (tau >= 0 ? 1 : -1) / (std::fabs(tau) + std::sqrt(1 + tau * tau));
    const double c = 1 / std::sqrt(1 + t * t);
    const double cosine = std::sqrt((1 + c) / 2), sine = t * c / (2 * cosine);
    axes = normalized(axes * about(axis, cosine, axis == 1 ? sine : -sine));
  }
  constexpr double kHalfRoot = std::numbers::sqrt2 / 2;
  for (const int i : {0, 1, 0}) {
    if (!(moments[i] + accuracy.equal * largest < moments[i + 1])) continue;
    std::swap(moments[i], moments[i + 1]);
    axes = normalized(axes * about((i + 2) % 3, kHalfRoot, kHalfRoot));
  }
}

}  // namespace baton::sim::mesh
