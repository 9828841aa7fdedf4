#pragma once
// Triangle meshes as files hold them. The readers take the file's bytes and a name for messages; bytes are untrusted: a
// malformed file is one Error "name: what, and what would be right" (OBJ: "name:line: ...") in time and memory
// proportional to its size.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "envs/sim/spatial.hpp"

namespace baton::sim::mesh {

inline constexpr std::size_t kMaxBytes = 64u << 20;
inline constexpr std::size_t kMaxFaces = 500'000;
inline constexpr std::size_t kMaxVertices = 1'500'000;
inline constexpr float kMaxCoordinate = 1073741824.0f;  // 2^30, MuJoCo's bound for STL

// faces[i] are indices into vertices, counter-clockwise seen from outside. All coordinates are finite.
struct Surface {
  std::vector<Vec3<float>> vertices;
  std::vector<std::array<int, 3>> faces;  // empty: only points, whose convex hull is the shape
};

// Binary STL: 80 bytes of header, the number of triangles (uint32), 50 bytes each (normal, three corners, two bytes
// unused); little-endian. Corners with the same bits become one vertex, in the order of their first appearance (as
// in MuJoCo). Normals are ignored. Text STL is refused.
Surface read_stl(std::string_view bytes, const std::string& name);

// Wavefront OBJ: v (a weight or a colour behind the three numbers is ignored) and f (i, i/t, i//n, i/t/n; negative:
// counted from the last vertex so far). A quadrilateral is cut along its shorter diagonal; larger polygons must be flat
// and convex. Read over: vn vt o g s mg usemtl mtllib usemap maplib l p. Refused: faces in a second group (MuJoCo reads
// the first alone), curves and surfaces, unknown words. Vertices are kept as they stand, also repeated ones.
Surface read_obj(std::string_view bytes, const std::string& name);

}  // namespace baton::sim::mesh
