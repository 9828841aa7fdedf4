#include "rl/policy/checkpoint.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/data/hdf5_reader.hpp"
#include "rl/run/metrics.hpp"

namespace baton::rl {
namespace {

constexpr const char* kFormat = "baton-policy";
constexpr int kVersion = 1;

void write_array(Hdf5File& file, const std::string& name, std::span<const float> values) {
  file.write<float>(name, values, {values.size()});
}

void set_number(Hdf5File& file, const std::string& object, const std::string& name, double value) {
  file.set_attribute(object, name, std::span<const double>(&value, 1));
}

void save_level(Hdf5File& file, const std::string& group, const GaussianPolicy& policy) {
  const PolicyEncoding& encoding = policy.encoding();
  file.make_group(group);
  set_number(file, group, "in", policy.in_dim());
  set_number(file, group, "out", policy.out_dim());
  const std::vector<double> hidden(policy.spec().hidden.begin(), policy.spec().hidden.end());
  file.set_attribute(group, "hidden", hidden);
  file.set_attribute(group, "activation", std::string(ag::activation_name(policy.spec().activation)));
  set_number(file, group, "layer_norm", policy.spec().layer_norm);
  set_number(file, group, "state_dim", encoding.state_dim);
  set_number(file, group, "robot_dim", encoding.robot_dim);
  file.set_attribute(group, "robot_fill", robot_fill_name(encoding.robot_fill));
  set_number(file, group, "relative_goal", encoding.relative_goal);
  set_number(file, group, "residual", encoding.residual);
  const LogStdRange& range = policy.range();
  file.set_attribute(group, "log_std_range", std::vector<double>{range.initial, range.min, range.max});
  write_array(file, group + "/theta", policy.theta());
  write_array(file, group + "/in_mean", policy.in().mean);
  write_array(file, group + "/in_std", policy.in().std);
  write_array(file, group + "/out_mean", policy.out().mean);
  write_array(file, group + "/out_std", policy.out().std);
  write_array(file, group + "/typical_robot", encoding.typical_robot);
}

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

}  // namespace

void save_policy(const RelayPolicy& policy, const std::string& directory) {
  prepare_directory(directory);
  Hdf5File file = Hdf5File::create(directory + "/policy.h5");
  file.set_attribute("/", "format", std::string(kFormat));
  set_number(file, "/", "version", kVersion);
  file.set_attribute("/", "method", policy.method);
  file.set_attribute("/", "env", policy.env);
  file.set_attribute("/", "config", policy.config);
  set_number(file, "/", "subgoal_every", policy.subgoal_every);
  save_level(file, "low", policy.low);
  if (policy.high) save_level(file, "high", *policy.high);
  file.commit();
}

RelayPolicy load_policy(const std::string& directory) {
  const bool is_file = std::filesystem::is_regular_file(directory);
  const Hdf5Reader file(is_file ? directory : directory + "/policy.h5");
  BATON_REQUIRE(file.has_attribute("/", "format") && file.string_attribute("/", "format") == kFormat,
                "{}: not a policy of baton (attribute format = \"{}\" is missing)", file.path(), kFormat);
  const int version = get_int(file, "/", "version", 0, 1 << 20);
  BATON_REQUIRE(version == kVersion, "{}: version {}, this program reads version {}", file.path(), version,
                kVersion);
  RelayPolicy policy;
  policy.method = file.string_attribute("/", "method");
  policy.env = file.string_attribute("/", "env");
  policy.config = file.string_attribute("/", "config");
  policy.subgoal_every = get_int(file, "/", "subgoal_every", 1, 1 << 20);
  policy.low = load_level(file, "low");
  if (!file.has("high")) return policy;
  policy.high = load_level(file, "high");
  const int low = policy.low.encoding().state_dim, high = policy.high->encoding().state_dim;
  BATON_REQUIRE(low == high && policy.high->out_dim() == low,
                "{}: levels do not fit: low takes states of {}, high takes {} and gives {}", file.path(), low,
                high, policy.high->out_dim());
  return policy;
}

void require_shape(const RelayPolicy& policy, int state_dim, int action_dim, const std::string& where) {
  const int states = policy.low.encoding().state_dim, actions = policy.low.out_dim();
  BATON_REQUIRE(states == state_dim && actions == action_dim,
                "{}: the policy is made for states of {} and actions of {} numbers, {} and {} are expected",
                where, states, actions, state_dim, action_dim);
}

}  // namespace baton::rl
