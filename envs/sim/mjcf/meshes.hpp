#pragma once
// The mesh assets of a model, compiled.
#include "envs/sim/mesh/solid.hpp"
#include "envs/sim/mjcf/names.hpp"

namespace baton::sim::mjcf {

// What geoms need of a mesh besides its vertices. A geom's frame is the file's frame moved to solid.center, solid.axes.
struct MeshAsset {
  mesh::Solid solid;
  Vec3<double> low{0, 0, 0}, high{0, 0, 0};  // its box in the solid's frame
  const MeshSpec* spec = nullptr;
};

struct MeshAssets {
  Names names{"mesh"};
  std::vector<MeshAsset> list;  // same order as Model::meshes and the <mesh> elements
};

// Reads the files and fills Model::meshes. Hulls are computed for meshes with a geom that may collide (contype or
// conaffinity, or in a <pair>), that define their inertia, or that have no faces: then the hull's become theirs. A
// file used several times is read once. Throws Error at the <mesh> element for what is wrong with file or shape; for
// more than kMaxMeshFaces triangles in all.
MeshAssets make_meshes(const Spec& spec, Model<double>& model);

inline constexpr std::size_t kMaxMeshFaces = 4'000'000;

// A primitive's size and place from the mesh that its geom names: `size` gets that of the type whose moments (or, with
// compiler fitaabb, whose box) are the mesh's, times fitscale; returns its centre in the mesh's frame.
Vec3<double> fit(const MeshAsset& asset, GeomType type, bool to_box, double scale, Vec3<double>& size);

}  // namespace baton::sim::mjcf
