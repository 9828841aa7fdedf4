#pragma once
// Convex hulls, by Qhull.
#include <array>
#include <span>
#include <string>
#include <vector>

#include "envs/sim/spatial.hpp"

namespace baton::sim::mesh {

struct Hull {
  std::vector<int> vertices;  // which of the points, in Qhull's order
  std::vector<std::array<int, 3>>
      faces;  // triangles of positions in `vertices`, counter-clockwise seen from outside
};

// The hull of the points, all its faces cut into triangles (Qhull's option Qt, as in MuJoCo). At most max_vertices
// points when that is not negative (at least 4: the hull of the points that stand out most; Qhull's TA). Throws Error
// "name: ..." for fewer than four points or points in one plane, on one line, at one place.
Hull convex_hull(std::span<const Vec3<double>> points, int max_vertices, const std::string& name);

}  // namespace baton::sim::mesh
