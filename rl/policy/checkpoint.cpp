#include "rl/policy/checkpoint.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/run/config.hpp"
#include "rl/run/metrics.hpp"

namespace baton::rl {
namespace {

constexpr const char* kFormat = "baton-policy";
constexpr int kVersion = 2;

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
  file.set_attribute(group, "robot_fill", std::string(robot_fill_name(encoding.robot_fill)));
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

double get_number(const Hdf5File& file, const std::string& object, const std::string& name, double low,
                  double high) {
  const std::vector<double> values = file.number_attribute(object, name);
  BATON_REQUIRE(values.size() == 1, "{}: attribute {} of {} holds {} numbers, 1 is expected", file.path(),
                name, object, values.size());
  BATON_REQUIRE(values[0] >= low && values[0] <= high && values[0] == std::floor(values[0]),
                "{}: attribute {} of {} is {}, an integer in {} .. {} is expected", file.path(), name, object,
                values[0], low, high);
  return values[0];
}

int get_int(const Hdf5File& file, const std::string& object, const std::string& name, int low, int high) {
  return static_cast<int>(get_number(file, object, name, low, high));
}

std::vector<float> read_array(const Hdf5File& file, const std::string& name, std::size_t size) {
  const std::vector<std::uint64_t> shape = file.shape(name);
  BATON_REQUIRE(shape.size() == 1 && shape[0] == size, "{}: {} has shape ({}), ({}) is expected", file.path(),
                name, fmt::join(shape, ", "), size);
  std::vector<float> values = file.read<float>(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::isfinite(values[i]), "{}: {}[{}] is {}, a finite number is expected", file.path(),
                  name, i, values[i]);
  }
  return values;
}

ag::MlpSpec load_spec(const Hdf5File& file, const std::string& group) {
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

GaussianPolicy load_level(const Hdf5File& file, const std::string& group) {
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

void write_head(Hdf5File& file, const std::string& method, const std::string& base, const std::string& env,
                const std::string& config) {
  file.set_attribute("/", "format", std::string(kFormat));
  set_number(file, "/", "version", kVersion);
  file.set_attribute("/", "method", method);
  file.set_attribute("/", "base", base);
  file.set_attribute("/", "env", env);
  file.set_attribute("/", "config", config);
}

// Opens the file and checks what it is.
Hdf5File open_policy(const std::string& folder) {
  const bool is_file = std::filesystem::is_regular_file(folder);
  Hdf5File file = Hdf5File::open(is_file ? folder : folder + "/policy.h5");
  BATON_REQUIRE(file.has_attribute("/", "format") && file.string_attribute("/", "format") == kFormat,
                "{}: not a policy of baton (attribute format = \"{}\" is missing)", file.path(), kFormat);
  const int version = get_int(file, "/", "version", 0, 1 << 20);
  BATON_REQUIRE(version == 1 || version == kVersion, "{}: version {}, this program reads versions 1 and {}",
                file.path(), version, kVersion);
  return file;
}

// Version 1 has no base: method was ril, gcbc, bc, <variant>-rpl, <variant>-gcbc, <variant>-bc or distilled.
std::string base_of(const Hdf5File& file) {
  if (file.has_attribute("/", "base")) return file.string_attribute("/", "base");
  const std::string method = file.string_attribute("/", "method");
  const std::string base = method.substr(method.rfind('-') + 1);
  if (base == "distilled") return file.has("high") ? "ril" : "gcbc";
  return base == "rpl" ? "ril" : base;
}

float get_real(const Hdf5File& file, const std::string& name) {
  const std::vector<double> values = file.number_attribute("/", name);
  BATON_REQUIRE(values.size() == 1 && std::isfinite(values[0]) && values[0] >= 0,
                "{}: attribute {} is not one number of 0 or more", file.path(), name);
  return static_cast<float>(values[0]);
}

template <class Enum, class Names>
Enum get_choice(const Hdf5File& file, const std::string& name, const Names& names) {
  const std::string text = file.string_attribute("/", name);
  const auto at = std::ranges::find(names, text);
  BATON_REQUIRE(at != names.end(), "{}: attribute {} is '{:.40}', one of {} is expected", file.path(), name,
                text, fmt::join(names, ", "));
  return static_cast<Enum>(at - names.begin());
}

void save_training(Hdf5File& file, const RelayPolicy& policy) {
  const TupleSettings& tuples = policy.tuples;
  file.set_attribute("/", "subgoal_end",
                     std::string(kSubgoalEndNames.at(static_cast<std::size_t>(policy.subgoal_end))));
  set_number(file, "/", "low_window", tuples.low_window);
  set_number(file, "/", "high_window", tuples.high_window);
  set_number(file, "/", "final_goal_fraction", tuples.final_goal_fraction);
  set_number(file, "/", "target_goal_fraction", tuples.target_goal_fraction);
  file.set_attribute("/", "bc_goal",
                     std::string(kEpisodeGoalNames.at(static_cast<std::size_t>(tuples.bc_goal))));
  set_number(file, "/", "state_noise", policy.state_noise);
  set_number(file, "/", "goal_noise", policy.goal_noise);
}

void load_training(const Hdf5File& file, RelayPolicy& policy) {
  if (!file.has_attribute("/", "subgoal_end")) return read_training(policy.config, policy);
  policy.subgoal_end = get_choice<SubgoalEnd>(file, "subgoal_end", kSubgoalEndNames);
  policy.tuples.low_window = get_int(file, "/", "low_window", 1, 1 << 20);
  policy.tuples.high_window = get_int(file, "/", "high_window", 1, 1 << 20);
  policy.tuples.final_goal_fraction = get_real(file, "final_goal_fraction");
  policy.tuples.target_goal_fraction = get_real(file, "target_goal_fraction");
  policy.tuples.bc_goal = get_choice<EpisodeGoal>(file, "bc_goal", kEpisodeGoalNames);
  policy.state_noise = get_real(file, "state_noise");
  policy.goal_noise = get_real(file, "goal_noise");
}

}  // namespace

void save_policy(const RelayPolicy& policy, const std::string& directory) {
  prepare_directory(directory);
  Hdf5File file = Hdf5File::create(directory + "/policy.h5");
  write_head(file, policy.method, policy.base, policy.env, policy.config);
  set_number(file, "/", "subgoal_every", policy.subgoal_every);
  save_training(file, policy);
  save_level(file, "low", policy.low);
  if (policy.high) save_level(file, "high", *policy.high);
  file.commit();
}

RelayPolicy load_policy(const std::string& directory) {
  const Hdf5File file = open_policy(directory);
  RelayPolicy policy;
  policy.method = file.string_attribute("/", "method");
  policy.base = base_of(file);
  policy.env = file.string_attribute("/", "env");
  policy.config = file.string_attribute("/", "config");
  policy.subgoal_every = get_int(file, "/", "subgoal_every", 1, 1 << 20);
  load_training(file, policy);
  policy.low = load_level(file, "low");
  if (!file.has("high")) return policy;
  policy.high = load_level(file, "high");
  const int low = policy.low.encoding().state_dim, high = policy.high->encoding().state_dim;
  BATON_REQUIRE(low == high && policy.high->out_dim() == low,
                "{}: levels do not fit: low takes states of {}, high takes {} and gives {}", file.path(), low,
                high, policy.high->out_dim());
  return policy;
}

std::string base_method(const std::string& folder) { return base_of(open_policy(folder)); }

void save_recordings(const Recordings& recordings, const std::string& folder) {
  const Dataset& data = recordings.data;
  prepare_directory(folder);
  Hdf5File file = Hdf5File::create(folder + "/policy.h5");
  write_head(file, recordings.method, recordings.method, recordings.env, recordings.config);
  set_number(file, "/", "state_dim", data.state_dim);
  set_number(file, "/", "action_dim", data.action_dim);
  std::vector<std::int64_t> lengths;
  for (int e = 0; e < data.episodes(); ++e) lengths.push_back(data.length(e));
  file.write<std::int64_t>("lengths", lengths, {lengths.size()});
  write_array(file, "states", data.states);
  write_array(file, "actions", data.actions);
  file.commit();
}

Recordings load_recordings(const std::string& folder) {
  const Hdf5File file = open_policy(folder);
  Recordings recordings{.method = file.string_attribute("/", "method"),
                        .env = file.string_attribute("/", "env"),
                        .config = file.string_attribute("/", "config"),
                        .data = {}};
  Dataset& data = recordings.data;
  data.state_dim = get_int(file, "/", "state_dim", 1, 1 << 16);
  data.action_dim = get_int(file, "/", "action_dim", 1, 1 << 16);
  for (const std::int64_t length : file.read<std::int64_t>("lengths")) {
    BATON_REQUIRE(length >= 1 && length < 1 << 30, "{}: an episode of {} steps", file.path(), length);
    data.offsets.push_back(data.steps() + length);
  }
  const auto steps = static_cast<std::size_t>(data.steps());
  data.states = read_array(file, "states", steps * static_cast<std::size_t>(data.state_dim));
  data.actions = read_array(file, "actions", steps * static_cast<std::size_t>(data.action_dim));
  validate(data, file.path());
  return recordings;
}

}  // namespace baton::rl
