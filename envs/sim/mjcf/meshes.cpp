#include "envs/sim/mjcf/meshes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "envs/sim/collide/hull.hpp"
#include "envs/sim/mesh/hull.hpp"
#include "envs/sim/mesh/surface.hpp"
#include "envs/sim/mjcf/files.hpp"

namespace baton::sim::mjcf {
namespace {

using mesh::Hull;
using mesh::Inertia;
using mesh::Surface;

// Names of the meshes whose hulls MuJoCo makes for collisions.
std::set<std::string> colliding_meshes(const Spec& spec) {
  std::set<std::string> in_pairs, names;
  for (const PairSpec& p : spec.pairs) in_pairs.insert({p.geom1, p.geom2});
  for (const BodySpec& b : spec.bodies) {
    for (const GeomSpec& g : b.geoms) {
      const bool named = !g.name.empty() && in_pairs.count(g.name) != 0;
      if (g.type == GeomType::kMesh && (g.contype != 0 || g.conaffinity != 0 || named)) names.insert(g.mesh);
    }
  }
  return names;
}

class Compiler {
 public:
  explicit Compiler(const Spec& spec) : colliding_(colliding_meshes(spec)) {}

  MeshAsset compile(const MeshSpec& s, Mesh<double>& out) {
    title_ = fmt::format("{}: <mesh>: '{:.60}'", s.where.str(), s.name);
    Surface surface = source(s);
    check_indices(s, surface);
    const Hull* hull = nullptr;
    if (colliding_.count(s.name) != 0 || s.inertia == Inertia::kConvex || surface.faces.empty())
      hull = &hull_of(s, surface);
    if (surface.faces.empty()) surface.faces = global_faces(*hull);
    faces_ += surface.faces.size();
    if (faces_ > kMaxMeshFaces)
      refuse_at(s.where, "mesh", "more than {} triangles in one model", kMaxMeshFaces);
    const bool mirrored = s.scale.x * s.scale.y * s.scale.z < 0;
    if (mirrored) flip(surface.faces);

    std::vector<Vec3<double>> points = placed(s, surface);
    std::vector<std::array<int, 3>> bounds;
    if (s.inertia == Inertia::kConvex) {
      bounds = global_faces(*hull);
      if (mirrored) flip(bounds);
    }
    MeshAsset asset;
    asset.spec = &s;
    asset.solid = mesh::solid_of(points, surface.faces,
                                 s.inertia == Inertia::kConvex ? bounds : surface.faces, s.inertia, title_);
    to_frame(asset, points);
    fill(s, points, surface, hull, mirrored, out);
    return asset;
  }

 private:
  using Faces = std::vector<std::array<int, 3>>;

  Surface source(const MeshSpec& s) {
    if (s.file.empty()) {
      Surface inline_surface;
      for (std::size_t i = 0; i + 2 < s.vertices.size(); i += 3) {
        inline_surface.vertices.push_back({static_cast<float>(s.vertices[i]),
                                           static_cast<float>(s.vertices[i + 1]),
                                           static_cast<float>(s.vertices[i + 2])});
      }
      inline_surface.faces = s.faces;
      return inline_surface;
    }
    const auto [found, fresh] = files_.try_emplace(std::pair(s.file, s.format));
    if (fresh) {
      const std::string shown = fmt::format("{}: <mesh file>: {}", s.where.str(), s.shown);
      const std::string bytes = read_file(s.file, shown, mesh::kMaxBytes);
      found->second =
          s.format == MeshFormat::kStl ? mesh::read_stl(bytes, shown) : mesh::read_obj(bytes, shown);
    }
    Surface surface = found->second;
    // Faces in the file's place: MuJoCo takes those of the element where the file has only points.
    if (surface.faces.empty()) {
      surface.faces = s.faces;
    } else if (!s.faces.empty()) {
      refuse_at(s.where, "mesh face", "given beside a file that has faces");
    }
    return surface;
  }

  static void check_indices(const MeshSpec& s, const Surface& surface) {
    if (surface.vertices.size() < 4)
      refuse_at(s.where, "mesh", "'{:.60}' has {} vertices, expected at least 4", s.name,
                surface.vertices.size());
    for (const auto& v : surface.vertices) {
      if (!(std::fabs(v.x) + std::fabs(v.y) + std::fabs(v.z) < HUGE_VALF))
        refuse_at(s.where, "mesh vertex", "{:g} {:g} {:g} is too large for a vertex", v.x, v.y, v.z);
    }
    for (const auto& f : surface.faces) {
      for (const int i : f) {
        if (i < 0 || static_cast<std::size_t>(i) >= surface.vertices.size())
          refuse_at(s.where, "mesh face", "no vertex {}; there are {}", i, surface.vertices.size());
      }
    }
  }

  // Of the vertices as they stand in the file, like MuJoCo's; placing them changes no corner.
  const Hull& hull_of(const MeshSpec& s, const Surface& surface) {
    const std::string key = s.file.empty() ? "\n" + s.name : s.file;
    auto [found, fresh] = hulls_.try_emplace(std::pair(key, s.max_hull_vertices));
    if (fresh) {
      std::vector<Vec3<double>> points;
      for (const auto& v : surface.vertices) points.push_back(cast<double>(v));
      found->second = mesh::convex_hull(points, s.max_hull_vertices, title_);
    }
    return found->second;
  }

  static Faces global_faces(const Hull& hull) {
    Faces faces = hull.faces;
    for (auto& f : faces)
      for (int& i : f) i = hull.vertices[static_cast<std::size_t>(i)];
    return faces;
  }

  static void flip(Faces& faces) {
    for (auto& f : faces) std::swap(f[1], f[2]);
  }

  static std::vector<Vec3<double>> placed(const MeshSpec& s, const Surface& surface) {
    const bool turned = s.refquat.w != 1 || s.refquat.x != 0 || s.refquat.y != 0 || s.refquat.z != 0;
    const Mat3<double> back = rotation(s.refquat);
    std::vector<Vec3<double>> points;
    points.reserve(surface.vertices.size());
    for (const auto& v : surface.vertices) {
      Vec3<double> p = cast<double>(v) - s.refpos;
      if (turned) p = transpose_mul(back, p);
      points.push_back({p.x * s.scale.x, p.y * s.scale.y, p.z * s.scale.z});
    }
    return points;
  }

  // Points into the solid's frame; the asset's box around them.
  static void to_frame(MeshAsset& asset, std::vector<Vec3<double>>& points) {
    const Mat3<double> back = rotation(conjugate(asset.solid.axes));
    asset.low = {HUGE_VAL, HUGE_VAL, HUGE_VAL}, asset.high = -asset.low;
    for (auto& p : points) {
      p = back * (p - asset.solid.center);
      for (int i = 0; i < 3; ++i) {
        asset.low[i] = std::min(asset.low[i], p[i]);
        asset.high[i] = std::max(asset.high[i], p[i]);
      }
    }
  }

  static void fill(const MeshSpec& s, const std::vector<Vec3<double>>& points, const Surface& surface,
                   const Hull* hull, bool mirrored, Mesh<double>& out) {
    out.name = s.name, out.faces = surface.faces;
    out.vertices.reserve(points.size());
    for (const auto& p : points) out.vertices.push_back(cast<float>(p));
    if (hull == nullptr) return;
    // MuJoCo collides with the vertices as floats.
    for (const int i : hull->vertices)
      out.hull.push_back(cast<double>(out.vertices[static_cast<std::size_t>(i)]));
    out.hull_faces = hull->faces;
    if (mirrored) flip(out.hull_faces);
    finish_hull(out);
  }

  std::set<std::string> colliding_;
  std::string title_;  // of the mesh at hand, for messages
  std::map<std::pair<std::string, MeshFormat>, Surface> files_;
  std::map<std::pair<std::string, int>, Hull> hulls_;
  std::size_t faces_ = 0;
};

}  // namespace

MeshAssets make_meshes(const Spec& spec, Model<double>& model) {
  MeshAssets assets;
  Compiler compiler(spec);
  for (const MeshSpec& s : spec.meshes) {
    assets.names.add(s.name, static_cast<int>(assets.list.size()), s.where);
    assets.list.push_back(compiler.compile(s, model.meshes.emplace_back()));
  }
  return assets;
}

Vec3<double> fit(const MeshAsset& asset, GeomType type, bool to_box, double scale, Vec3<double>& size) {
  const Vec3<double> center = to_box ? (asset.low + asset.high) * 0.5 : Vec3<double>{0, 0, 0};
  const Vec3<double> half = to_box ? asset.high - center : asset.solid.box;
  const double across = to_box ? std::max(half.x, half.y) : (half.x + half.y) / 2;
  switch (type) {
    case GeomType::kSphere:
      size.x = to_box ? std::max(across, half.z) : (half.x + half.y + half.z) / 3;
      break;
    case GeomType::kCapsule:
      size.x = across, size.y = to_box ? half.z - across : std::max(0.0, half.z - across / 2);
      break;
    case GeomType::kCylinder:
      size.x = across, size.y = half.z;
      break;
    default:
      size = half;
  }
  size *= scale;
  return center;
}

}  // namespace baton::sim::mjcf
