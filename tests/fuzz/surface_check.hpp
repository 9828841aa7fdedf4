#pragma once
// What both mesh readers promise of a Surface they return.
#include <cmath>

#include "envs/sim/mesh/surface.hpp"
#include "tests/fuzz/target.hpp"

namespace baton::fuzz {

inline void check_surface(const sim::mesh::Surface& s) {
  promise(!s.vertices.empty() && s.vertices.size() <= sim::mesh::kMaxVertices);
  promise(s.faces.size() <= sim::mesh::kMaxFaces);
  for (const auto& v : s.vertices)
    for (int i = 0; i < 3; ++i) promise(std::fabs(v[i]) <= sim::mesh::kMaxCoordinate);
  for (const auto& face : s.faces)
    for (const int i : face) promise(i >= 0 && static_cast<std::size_t>(i) < s.vertices.size());
}

}  // namespace baton::fuzz
