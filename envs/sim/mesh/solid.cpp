#include "envs/sim/mesh/solid.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "envs/sim/mesh/principal.hpp"
#include "kernels/error.hpp"

namespace baton::sim::mesh {
namespace {

constexpr double kTiny = 1e-15;  // MuJoCo's bound for lengths, areas and volumes

using Vertices = std::span<const Vec3<double>>;
using Faces = std::span<const std::array<int, 3>>;

struct Triangle {
  double area = 0;
  Vec3<double> normal{0, 0, 0}, center{0, 0, 0};
};

Triangle triangle(const Vec3<double>& a, const Vec3<double>& b, const Vec3<double>& c) {
  Triangle t;
  t.center = {(a.x + b.x + c.x) / 3, (a.y + b.y + c.y) / 3, (a.z + b.z + c.z) / 3};
  const Vec3<double> n = cross(b - a, c - a);
  const double length = norm(n);
  if (length < kTiny) return t;
  t.normal = {n.x / length, n.y / length, n.z / length};
  t.area = 0.5 * length;
  return t;
}

Triangle triangle(Vertices v, const std::array<int, 3>& f) {
  const auto at = [&](int i) { return v[static_cast<std::size_t>(f[static_cast<std::size_t>(i)])]; };
  return triangle(at(0), at(1), at(2));
}

// Mean of the faces' centres by area.
Vec3<double> centroid(Vertices vertices, Faces faces, const std::string& name) {
  Vec3<double> sum{0, 0, 0};
  double area = 0;
  for (const auto& f : faces) {
    const Triangle t = triangle(vertices, f);
    sum += t.center * t.area;
    area += t.area;
  }
  BATON_REQUIRE(area >= kTiny, "{}: the surface has no area ({:g} m^2)", name, area);
  return {sum.x / area, sum.y / area, sum.z / area};
}

// What a face weighs: its area, or the volume of the pyramid over it with its apex at the origin of `t`.
double weight(const Triangle& t, Inertia mode, const Vec3<double>& apex) {
  if (mode == Inertia::kShell) return t.area;
  const double volume = dot(t.center - apex, t.normal) * t.area / 3;
  return mode == Inertia::kLegacy ? std::fabs(volume) : volume;
}

// Centre of mass. A shell's faces are weighed like pyramids too: that is what MuJoCo does.
Vec3<double> center_of_mass(Vertices vertices, Faces faces, Inertia mode, const Vec3<double>& apex,
                            const std::string& name) {
  Vec3<double> sum{0, 0, 0};
  double total = 0;
  for (const auto& f : faces) {
    const Triangle t = triangle(vertices, f);
    const double w = weight(t, mode, apex);
    total += w;
    for (int i = 0; i < 3; ++i) sum[i] += w * (t.center[i] * 3.0 / 4.0 + apex[i] / 4.0);
  }
  BATON_REQUIRE(!(total < 0), "{}: the volume is negative ({:g} m^3): its faces are turned inside out", name,
                total);
  BATON_REQUIRE(total >= kTiny,
                "{}: the volume is too small ({:g}): the surface is flat or not closed (inertia=\"shell\" "
                "needs no volume)",
                name, total);
  return {sum.x / total, sum.y / total, sum.z / total};
}

// Second moments about the origin, as (xx, yy, zz, xy, xz, yz) of the inertia matrix; `total` gets the volume (area).
std::array<double, 6> inertia(Vertices vertices, Faces faces, Inertia mode, const Vec3<double>& center,
                              double& total) {
  constexpr int kPair[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  double p[6] = {};
  total = 0;
  const int parts = mode == Inertia::kShell ? 12 : 20;
  for (const auto& f : faces) {
    Vec3<double> c[3];
    for (std::size_t k = 0; k < 3; ++k) c[k] = vertices[static_cast<std::size_t>(f[k])] - center;
    const double w = weight(triangle(c[0], c[1], c[2]), mode, {0, 0, 0});
    total += w;
    for (int j = 0; j < 6; ++j) {
      const int a = kPair[j][0], b = kPair[j][1];
      p[j] +=
          w / parts *
          (2 * (c[0][a] * c[0][b] + c[1][a] * c[1][b] + c[2][a] * c[2][b]) + c[0][a] * c[1][b] +
           c[0][b] * c[1][a] + c[0][a] * c[2][b] + c[0][b] * c[2][a] + c[1][a] * c[2][b] + c[1][b] * c[2][a]);
    }
  }
  return {p[1] + p[2], p[0] + p[2], p[0] + p[1], -p[3], -p[4], -p[5]};
}

// Faces of a closed oriented surface run along each edge once in each direction.
void check_orientation(Vertices vertices, Faces faces, const std::string& name) {
  std::vector<std::pair<int, int>> edges;
  for (const auto& f : faces) {
    if (!(triangle(vertices, f).area > std::sqrt(kTiny))) continue;
    for (std::size_t k = 0; k < 3; ++k) edges.emplace_back(f[k], f[(k + 1) % 3]);
  }
  std::sort(edges.begin(), edges.end());
  const auto twice = std::adjacent_find(edges.begin(), edges.end());
  if (twice == edges.end()) return;
  fail("{}: two faces run from vertex {} to vertex {}: inertia=\"exact\" needs all faces turned outward",
       name, twice->first + 1, twice->second + 1);
}

}  // namespace

Solid solid_of(Vertices vertices, Faces surface, Faces faces, Inertia mode, const std::string& name) {
  if (mode == Inertia::kExact) check_orientation(vertices, surface, name);
  const Vec3<double> apex = centroid(vertices, surface, name);
  Solid s;
  s.center = center_of_mass(vertices, faces, mode, apex, name);
  const std::array<double, 6> full = inertia(vertices, faces, mode, s.center, s.volume);
  Vec3<double> m{};
  principal_axes(full, m, s.axes, kMeshAccuracy);
  // MuJoCo's tolerance: moments of a flat body add up to the third but for rounding.
  const auto exceeds = [](double a, double b, double c) { return a + b < c * (1 - 1e-6) - 1e-9; };
  BATON_REQUIRE(m.z > 0 && std::isfinite(m.x) && !exceeds(m.x, m.y, m.z) && !exceeds(m.x, m.z, m.y) &&
                    !exceeds(m.y, m.z, m.x),
                "{}: moments {:g} {:g} {:g} of its inertia, no body has these: its faces are not all turned "
                "outward",
                name, m.x, m.y, m.z);
  const auto half = [&](double a, double b, double c) { return 0.5 * std::sqrt(6 * (a + b - c) / s.volume); };
  s.box = {half(m.y, m.z, m.x), half(m.x, m.z, m.y), half(m.x, m.y, m.z)};
  return s;
}

}  // namespace baton::sim::mesh
