#include "envs/sim/collide/hull.hpp"

#include <algorithm>
#include <map>
#include <numbers>
#include <utility>

namespace baton::sim {
namespace {

using Edge = std::pair<int, int>;
using Key = std::pair<long, long>;  // rounded azimuth and polar angle

constexpr double kAngle = 0.01;  // rad

Vec3<double> area_vector(const Mesh<double>& m, const std::array<int, 3>& f) {
  const auto at = [&](int k) { return m.hull.at(static_cast<std::size_t>(f[static_cast<std::size_t>(k)])); };
  return cross(at(1) - at(0), at(2) - at(0));
}

Key direction_key(const Vec3<double>& n) {
  if (std::fabs(n.z) > 1.0 - 1e-7) return {0, n.z < 0 ? std::lround(std::numbers::pi / kAngle) : 0};
  // adding zero turns a negative zero, on which atan2 depends, into a positive one
  return {std::lround(std::atan2(n.y + 0.0, n.x + 0.0) / kAngle), std::lround(std::acos(n.z) / kAngle)};
}

void fill_neighbors(Mesh<double>& m) {
  std::vector<std::vector<int>> touch(m.hull.size());
  for (const auto& f : m.hull_faces)
    for (std::size_t k = 0; k < 3; ++k) {
      const int a = f[k], b = f[(k + 1) % 3];
      for (const Edge& e : {Edge{a, b}, Edge{b, a}}) {
        auto& list = touch.at(static_cast<std::size_t>(e.first));
        if (std::find(list.begin(), list.end(), e.second) == list.end()) list.push_back(e.second);
      }
    }
  m.neighbor_begin.assign(1, 0);
  m.neighbors.clear();
  for (const auto& list : touch) {
    m.neighbors.insert(m.neighbors.end(), list.begin(), list.end());
    m.neighbor_begin.push_back(static_cast<int>(m.neighbors.size()));
  }
}

// The outlines of a set of triangles: edges that only one of them has, chained into loops.
std::vector<std::vector<int>> outlines(const Mesh<double>& m, const std::vector<std::size_t>& triangles) {
  std::vector<Edge> edges;
  for (const std::size_t t : triangles)
    for (std::size_t k = 0; k < 3; ++k) {
      const Edge e{m.hull_faces[t][k], m.hull_faces[t][(k + 1) % 3]};
      const auto twin = std::find(edges.begin(), edges.end(), Edge{e.second, e.first});
      if (twin != edges.end())
        edges.erase(twin);
      else
        edges.push_back(e);
    }
  std::vector<std::vector<int>> loops;
  while (!edges.empty()) {
    std::vector<int> loop{edges.front().first};
    int next = edges.front().second;
    edges.erase(edges.begin());
    while (next != loop.front()) {
      loop.push_back(next);
      const auto on =
          std::find_if(edges.begin(), edges.end(), [&](const Edge& e) { return e.first == next; });
      if (on == edges.end()) break;  // not closed: a hull that is no surface
      next = on->second;
      edges.erase(on);
    }
    if (loop.size() >= 3 && next == loop.front()) loops.push_back(std::move(loop));
  }
  return loops;
}

// The normal at an outline's first corner, as MuJoCo takes it; of the whole outline where that corner is straight.
Vec3<double> outline_normal(const Mesh<double>& m, const std::vector<int>& loop) {
  Vec3<double> area = area_vector(m, {loop[0], loop[1], loop[2]});
  if (norm(area) < 1e-15) {
    area = {0, 0, 0};
    for (std::size_t k = 1; k + 1 < loop.size(); ++k) area += area_vector(m, {loop[0], loop[k], loop[k + 1]});
  }
  return area * (1.0 / norm(area));
}

}  // namespace

void finish_hull(Mesh<double>& m) {
  fill_neighbors(m);
  std::map<Key, std::vector<std::size_t>> same;
  for (std::size_t t = 0; t < m.hull_faces.size(); ++t) {
    const Vec3<double> area = area_vector(m, m.hull_faces[t]);
    const double length = norm(area);
    if (length >= 1e-15) same[direction_key(area * (1.0 / length))].push_back(t);
  }
  m.polygon_normals.clear();
  m.polygon_vertices.clear();
  m.polygon_begin.assign(1, 0);
  std::vector<std::vector<int>> of_vertex(m.hull.size());
  for (const auto& [key, triangles] : same)
    for (const auto& loop : outlines(m, triangles)) {
      for (const int v : loop)
        of_vertex[static_cast<std::size_t>(v)].push_back(static_cast<int>(m.polygon_normals.size()));
      m.polygon_normals.push_back(outline_normal(m, loop));
      m.polygon_vertices.insert(m.polygon_vertices.end(), loop.begin(), loop.end());
      m.polygon_begin.push_back(static_cast<int>(m.polygon_vertices.size()));
    }
  m.vertex_polygon_begin.assign(1, 0);
  m.vertex_polygons.clear();
  for (const auto& list : of_vertex) {
    m.vertex_polygons.insert(m.vertex_polygons.end(), list.begin(), list.end());
    m.vertex_polygon_begin.push_back(static_cast<int>(m.vertex_polygons.size()));
  }
}

}  // namespace baton::sim
