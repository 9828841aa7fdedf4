#include "envs/sim/mjcf/load.hpp"

#include "envs/sim/constants.hpp"
#include "envs/sim/mjcf/compile.hpp"
#include "envs/sim/mjcf/reader.hpp"
#include "envs/sim/mjcf/schema.hpp"

namespace baton::sim::mjcf {
namespace {

Model<double> from_document(const Element& root, const std::string& name) {
  check_schema(root);
  Model<double> model = compile(read_spec(root, name));
  compute_constants(model);
  return model;
}

}  // namespace

Model<double> load(const std::string& path) { return from_document(read_document(path), path); }

Model<double> parse(std::string_view text, const std::string& name) {
  return from_document(parse_document(text, name), name);
}

}  // namespace baton::sim::mjcf
