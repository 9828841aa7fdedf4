#pragma once
// What collision needs to know of a convex hull beyond its triangles.
#include "envs/sim/model.hpp"

namespace baton::sim {

// From Mesh::hull and Mesh::hull_faces (closed, outward): writes neighbor_begin and neighbors, and the flat faces
// (polygon_*, vertex_polygon*), overwriting what was there. Triangles belong to one face when the azimuth and the polar
// angle of their normals round to the same multiple of 0.01 rad and they hang together by edges: MuJoCo's rule, so that
// contacts between faces are between the same faces. A triangle without area belongs to none. An empty hull stays so.
// The hull's indices must lie in range (std::out_of_range otherwise).
void finish_hull(Mesh<double>& mesh);

}  // namespace baton::sim
