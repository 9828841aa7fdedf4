// policy.h5, which runs held before policy.safetensors: read for one more version.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "kernels/error.hpp"
#include "rl/data/hdf5_reader.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/run/config.hpp"

namespace baton::rl {
namespace {

constexpr const char* kFormat = "baton-policy";

double get_number(const Hdf5Reader& file, const std::string& object, const std::string& name, double low,
                  double high) {
  const std::vector<double> values = file.number_attribute(object, name);
  BATON_REQUIRE(values.size() == 1, "{}: attribute {} of {} holds {} numbers, 1 is expected", file.path(),
                name, object, values.size());
  BATON_REQUIRE(values[0] >= low && values[0] <= high && values[0] == std::floor(values[0]),
                "{}: attribute {} of {} is {}, an integer in {} .. {} is expected", file.path(), name, object,
                values[0], low, high);
  return values[0];
}

int get_int(const Hdf5Reader& file, const std::string& object, const std::string& name, int low, int high) {
  return static_cast<int>(get_number(file, object, name, low, high));
}

std::vector<float> read_array(const Hdf5Reader& file, const std::string& name, std::size_t size) {
  const auto [kind, shape] = file.array(name);
  BATON_REQUIRE(kind == hdf5::Kind::kFloat, "{}: {} holds no floating-point numbers", file.path(), name);
  BATON_REQUIRE(shape.size() == 1 && shape[0] == size, "{}: {} has shape ({}), ({}) is expected", file.path(),
                name, fmt::join(shape, ", "), size);
  std::vector<float> values = file.read<float>(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::isfinite(values[i]), "{}: {}[{}] is {}, a finite number is expected", file.path(),
                  name, i, values[i]);
  }
  return values;
}

ag::MlpSpec load_spec(const Hdf5Reader& file, const std::string& group) {
  constexpr int kMaxWidth = 65536;
  ag::MlpSpec spec;
  spec.in = get_int(file, group, "in", 1, kMaxWidth);
  spec.out = get_int(file, group, "out", 1, kMaxWidth);
  for (const double width : file.number_attribute(group, "hidden")) {
    BATON_REQUIRE(width >= 1 && width <= kMaxWidth, "{}: a hidden layer of {} is {} wide, 1..{} is expected",
                  file.path(), group, width, kMaxWidth);
    spec.hidden.push_back(static_cast<int>(width));
  }
  spec.activation = ag::parse_activation(file.string_attribute(group, "activation"));
  // Files from before there was layer norm lack the attribute.
  if (file.has_attribute(group, "layer_norm"))
    spec.layer_norm = get_int(file, group, "layer_norm", 0, 1) != 0;
  ag::validate(spec);
  return spec;
}

GaussianPolicy load_level(const Hdf5Reader& file, const std::string& group) {
  const ag::MlpSpec spec = load_spec(file, group);
  const std::size_t in = static_cast<std::size_t>(spec.in), out = static_cast<std::size_t>(spec.out);
  PolicyEncoding encoding;
  encoding.state_dim = get_int(file, group, "state_dim", 1, spec.in);
  encoding.robot_dim = get_int(file, group, "robot_dim", 0, encoding.state_dim);
  encoding.robot_fill = parse_robot_fill(file.string_attribute(group, "robot_fill"));
  encoding.relative_goal = get_int(file, group, "relative_goal", 0, 1) != 0;
  encoding.residual = get_int(file, group, "residual", 0, 1) != 0;
  const bool typical = encoding.robot_fill == RobotFill::kTypical;
  encoding.typical_robot =
      read_array(file, group + "/typical_robot", typical ? static_cast<std::size_t>(encoding.robot_dim) : 0);
  const std::vector<double> range = file.number_attribute(group, "log_std_range");
  BATON_REQUIRE(range.size() == 3, "{}: attribute log_std_range of {} holds {} numbers, 3 are expected",
                file.path(), group, range.size());
  Normalizer in_scale{read_array(file, group + "/in_mean", in), read_array(file, group + "/in_std", in)};
  Normalizer out_scale{read_array(file, group + "/out_mean", out), read_array(file, group + "/out_std", out)};
  const std::size_t parameters = static_cast<std::size_t>(ag::parameter_count(spec)) + out;
  const std::vector<float> theta = read_array(file, group + "/theta", parameters);
  GaussianPolicy policy(
      spec, encoding, std::move(in_scale), std::move(out_scale),
      {static_cast<float>(range[0]), static_cast<float>(range[1]), static_cast<float>(range[2])}, 0);
  std::ranges::copy(theta, policy.theta().begin());
  return policy;
}

// method was ril, gcbc, bc, <variant>-rpl, <variant>-gcbc, <variant>-bc or distilled.
std::string base_of(const std::string& method, bool hierarchical) {
  const std::string base = method.substr(method.rfind('-') + 1);
  if (base == "distilled") return hierarchical ? "ril" : "gcbc";
  return base == "rpl" ? "ril" : base;
}

}  // namespace

RelayPolicy load_hdf5_policy(const std::string& path) {
  const Hdf5Reader file(path);
  BATON_REQUIRE(file.has_attribute("/", "format") && file.string_attribute("/", "format") == kFormat,
                "{}: not a policy of baton (attribute format = \"{}\" is missing)", file.path(), kFormat);
  const int version = get_int(file, "/", "version", 0, 1 << 20);
  BATON_REQUIRE(version == 1, "{}: version {}, this program reads version 1 of HDF5", file.path(), version);
  RelayPolicy policy;
  policy.method = file.string_attribute("/", "method");
  policy.env = file.string_attribute("/", "env");
  policy.config = file.string_attribute("/", "config");
  policy.subgoal_every = get_int(file, "/", "subgoal_every", 1, 1 << 20);
  policy.low = load_level(file, "low");
  if (file.has("high")) policy.high = load_level(file, "high");
  policy.base = base_of(policy.method, policy.hierarchical());
  read_training(policy.config, policy);
  return policy;
}

}  // namespace baton::rl
