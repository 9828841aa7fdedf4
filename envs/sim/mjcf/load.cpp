#include "envs/sim/mjcf/load.hpp"

#include <cmath>

#include "envs/sim/constants.hpp"
#include "envs/sim/mjcf/compile.hpp"
#include "envs/sim/mjcf/reader.hpp"
#include "envs/sim/mjcf/schema.hpp"

namespace baton::sim::mjcf {
namespace {

// Each number is sane by itself; together they may still overflow (a body at 1e200 m has no inertia about its joint).
void check_finite(const Model<double>& m) {
  bool fine = std::isfinite(m.mean_inertia);
  for (const auto& b : m.bodies) fine = fine && std::isfinite(b.invweight[0] + b.invweight[1]);
  for (const auto& d : m.dofs) fine = fine && std::isfinite(d.invweight);
  BATON_REQUIRE(
      fine,
      "{}: the model's inertia at its initial configuration is not finite: sizes, positions, masses or "
      "armatures are too large or too small",
      m.file);
}

Model<double> from_document(const Element& root, const std::string& name, const Folder& folder) {
  check_schema(root);
  Model<double> model = compile(read_spec(root, name, folder));
  compute_constants(model);
  check_finite(model);
  return model;
}

}  // namespace

Model<double> load(const std::string& path) { return from_document(read_document(path), path, Folder(path)); }

Model<double> parse(std::string_view text, const std::string& name) {
  return from_document(parse_document(text, name), name, Folder());
}

}  // namespace baton::sim::mjcf
