// Collision in the original kitchen, at the states that its demonstrations went through, against MuJoCo: the geoms that
// touch, their depths, normals and points. The model and the demonstrations lie outside the repository; without them
// the test says 'skipped'.
#include <hdf5.h>

#include <filesystem>

#include "tests/sim/touching.hpp"

using namespace baton;
using namespace baton::test;

#ifdef BATON_HAVE_MUJOCO
namespace {

// The recorded configurations, one row each.
std::vector<double> read_qpos(const std::string& path, std::size_t& rows, std::size_t columns) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const hid_t set = H5Dopen2(file, "infos/qpos", H5P_DEFAULT), space = H5Dget_space(set);
  hsize_t dims[2] = {0, 0};
  REQUIRE(H5Sget_simple_extent_ndims(space) == 2);
  H5Sget_simple_extent_dims(space, dims, nullptr);
  REQUIRE(dims[1] == columns);
  rows = dims[0];
  std::vector<double> qpos(rows * columns);
  REQUIRE(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, qpos.data()) >= 0);
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  return qpos;
}

}  // namespace
#endif

TEST_CASE("original kitchen: contacts at the recorded states equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  const std::string model = franka_kitchen();
  if (model.empty()) return;
  const std::string demos = model.substr(0, model.rfind('/')) + "/../../demos_mujoco/demos_dev.h5";
  if (!std::filesystem::exists(demos)) {
    MESSAGE("skipped: no " << demos);
    return;
  }
  using G = sim::GeomType;
  Oracle o = Oracle::from_file(model);
  sim::Data<double> d(o.model);
  std::size_t rows = 0;
  const std::vector<double> qpos = read_qpos(demos, rows, d.qpos.size());
  int touches = 0, cylinders = 0, with_mesh = 0;
  for (std::size_t k = 0; k < rows; ++k) {
    CAPTURE(k);
    std::copy_n(qpos.begin() + static_cast<std::ptrdiff_t>(k * d.qpos.size()), d.qpos.size(), d.qpos.begin());
    for (const auto& [geoms, t] : touching(o, d)) {
      const auto &g1 = o.model.geoms[static_cast<std::size_t>(geoms.first)],
                 &g2 = o.model.geoms[static_cast<std::size_t>(geoms.second)];
      CAPTURE(geoms.first);
      CAPTURE(geoms.second);
      ++touches;
      with_mesh += g2.type == G::kMesh;
      REQUIRE(t.ours.empty() == t.theirs.empty());
      const Hit a = deepest(t.ours), b = deepest(t.theirs);
      const double depth = std::fabs(a.dist - b.dist), normal = norm(a.normal - b.normal);
      if (g1.type == G::kCylinder) {  // MuJoCo's general algorithm on a round shape: see docs/fidelity.md
        ++cylinders;
        CHECK_MESSAGE(depth <= 5e-4, "depth differs by " << depth);
        continue;
      }
      CHECK_MESSAGE(depth <= 1e-4, "depth differs by " << depth << ": " << a.dist << ", MuJoCo " << b.dist);
      CHECK_MESSAGE(normal <= 1e-4, "normal differs by " << normal);
      if (g2.type == G::kMesh || g2.type == G::kCylinder) continue;
      REQUIRE(t.ours.size() == t.theirs.size());
      for (const Hit& theirs : t.theirs) {
        double nearest = 1e9;
        for (const Hit& ours : t.ours)
          nearest =
              std::min(nearest, std::max({norm(ours.pos - theirs.pos), std::fabs(ours.dist - theirs.dist),
                                          norm(ours.normal - theirs.normal)}));
        CHECK_MESSAGE(nearest <= 1e-6, "nearest of our points differs by " << nearest);
      }
    }
  }
  CHECK(touches > 8000);
  CHECK(with_mesh > 100);
  CHECK(cylinders * 50 <= touches);
#endif
}
