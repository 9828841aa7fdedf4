#include "rl/policy/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/safetensors.hpp"
#include "rl/run/metrics.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char *kFile = "policy.safetensors", *kOldFile = "policy.h5";
constexpr const char *kFormat = "baton-policy", *kVersion = "3";
constexpr int kMostWidth = 65536, kMostSteps = 1 << 20;

// Fields of a JSON object that nobody vouches for. `where`: file and object, for messages.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(&object), where_(std::move(where)) {
    BATON_REQUIRE(object.is_object(), "{}: not a JSON object", where_);
  }

  const Json& at(const char* key) const {
    const auto found = object_->find(key);
    BATON_REQUIRE(found != object_->end(), "{}: no field '{}'", where_, key);
    return *found;
  }
  Fields object(const char* key) const { return {at(key), fmt::format("{}, {}", where_, key)}; }
  bool has(const char* key) const { return object_->contains(key); }
  int integer(const char* key, int low, int high) const {
    const Json& value = at(key);
    BATON_REQUIRE(value.is_number_integer() && value >= low && value <= high,
                  "{}: {} is {}, an integer in {}..{} is expected", where_, key, printable(value.dump()), low,
                  high);
    return value.get<int>();
  }
  float real(const Json& value, const char* key, double low, double high) const {
    BATON_REQUIRE(value.is_number() && value >= low && value <= high,
                  "{}: {} is {}, a number in {}..{} is expected", where_, key, printable(value.dump()), low,
                  high);
    return value.get<float>();
  }
  float real(const char* key, double low, double high) const { return real(at(key), key, low, high); }
  bool flag(const char* key) const {
    BATON_REQUIRE(at(key).is_boolean(), "{}: {} is neither true nor false", where_, key);
    return at(key).get<bool>();
  }
  std::string text(const char* key) const {
    BATON_REQUIRE(at(key).is_string(), "{}: {} is not a text", where_, key);
    return at(key).get<std::string>();
  }
  // A list of coordinates of a state; empty where there is none.
  std::vector<int> coordinates(const char* key, int state_dim) const {
    std::vector<int> list;
    if (!has(key)) return list;
    BATON_REQUIRE(at(key).is_array() && at(key).size() <= kMostWidth, "{}: {} is not a list of coordinates",
                  where_, key);
    for (const Json& value : at(key)) {
      BATON_REQUIRE(value.is_number_integer() && value >= 0 && value < state_dim,
                    "{}: {} holds {}, integers in 0..{} are expected", where_, key, printable(value.dump()),
                    state_dim - 1);
      list.push_back(value.get<int>());
    }
    return list;
  }
  template <class Enum, class Names>
  Enum choice(const char* key, const Names& names) const {
    const std::string name = text(key);
    const auto found = std::ranges::find(names, name);
    BATON_REQUIRE(found != std::end(names), "{}: {} is '{}', one of {} is expected", where_, key,
                  printable(name), fmt::join(names, ", "));
    return static_cast<Enum>(found - std::begin(names));
  }
  const std::string& where() const { return where_; }

 private:
  const Json* object_;
  std::string where_;
};

template <class Enum, class Names>
std::string name_of(Enum value, const Names& names) {
  return std::string(names.at(static_cast<std::size_t>(value)));
}

// Tensors of theta's layers: where each stands, and whether it is stored with rows and columns exchanged.
struct Part {
  std::string name;
  int first;
  std::vector<std::int64_t> shape;  // as stored
};
std::vector<Part> parts_of(const GaussianPolicy& policy, const std::string& level) {
  std::vector<Part> parts;
  const ag::MlpSpec& spec = policy.network();
  for (int l = 0; l < ag::layer_count(spec); ++l) {
    const ag::MlpLayer layer = ag::layer_layout(spec, l);
    const std::string name = fmt::format("{}.layers.{}", level, l);
    parts.push_back({name + ".weight", layer.weight, {layer.out, layer.in}});
    parts.push_back({name + ".bias", layer.bias, {layer.out}});
    if (!layer.norm) continue;
    parts.push_back({name + ".norm.weight", layer.gain, {layer.out}});
    parts.push_back({name + ".norm.bias", layer.shift, {layer.out}});
  }
  parts.push_back({level + ".log_std", ag::parameter_count(spec), {policy.out_dim()}});
  return parts;
}

// Stored number k of a part is theta[place(k)]: weights are [in][out] in theta and [out][in] in files.
std::size_t place(const Part& part, std::size_t k) {
  if (part.shape.size() == 1) return static_cast<std::size_t>(part.first) + k;
  const std::size_t out = static_cast<std::size_t>(part.shape[0]),
                    in = static_cast<std::size_t>(part.shape[1]);
  return static_cast<std::size_t>(part.first) + (k % in) * out + k / in;
}

void add_vector(TensorFile& file, const std::string& name, const std::vector<float>& values) {
  file.tensors.push_back({name, {static_cast<std::int64_t>(values.size())}, values});
}

void save_level(TensorFile& file, const std::string& level, const GaussianPolicy& policy) {
  for (const Part& part : parts_of(policy, level)) {
    NamedTensor tensor{part.name, part.shape, {}};
    const std::int64_t count = part.shape[0] * (part.shape.size() > 1 ? part.shape[1] : 1);
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
      tensor.values.push_back(policy.theta()[place(part, k)]);
    file.tensors.push_back(std::move(tensor));
  }
  add_vector(file, level + ".input.mean", policy.in().mean);
  add_vector(file, level + ".input.std", policy.in().std);
  add_vector(file, level + ".output.mean", policy.out().mean);
  add_vector(file, level + ".output.std", policy.out().std);
  if (policy.encoding().robot_fill == RobotFill::kTypical)
    add_vector(file, level + ".typical_robot", policy.encoding().typical_robot);
}

Json describe_level(const GaussianPolicy& policy) {
  const ag::MlpSpec& spec = policy.spec();
  const PolicyEncoding& encoding = policy.encoding();
  const LogStdRange& range = policy.range();
  return {{"in", spec.in},
          {"hidden", spec.hidden},
          {"out", spec.out},
          {"activation", ag::activation_name(spec.activation)},
          {"layer_norm", spec.layer_norm},
          {"head", name_of(policy.head().kind, kHeadNames)},
          {"components", policy.head().components},
          {"state_dim", encoding.state_dim},
          {"robot_dim", encoding.robot_dim},
          {"robot_fill", robot_fill_name(encoding.robot_fill)},
          {"relative_goal", encoding.relative_goal},
          {"residual", encoding.residual},
          {"residual_of", encoding.residual_of},
          {"seen", encoding.seen},
          {"log_std_range", {range.initial, range.min, range.max}}};
}

std::vector<float> read_vector(const TensorFile& file, const std::string& name, std::int64_t size,
                               const std::string& where) {
  const NamedTensor& tensor = file.tensor(name, where);
  BATON_REQUIRE(tensor.shape == std::vector<std::int64_t>{size}, "{}: {} has shape ({}), ({}) is expected",
                where, name, fmt::join(tensor.shape, ", "), size);
  for (std::size_t i = 0; i < tensor.values.size(); ++i)
    BATON_REQUIRE(std::isfinite(tensor.values[i]), "{}: {}[{}] is {}, a finite number is expected", where,
                  name, i, tensor.values[i]);
  return tensor.values;
}

ag::MlpSpec read_spec(const Fields& fields) {
  ag::MlpSpec spec;
  spec.in = fields.integer("in", 1, kMostWidth);
  spec.out = fields.integer("out", 1, kMostWidth);
  const Json& hidden = fields.at("hidden");
  BATON_REQUIRE(hidden.is_array() && hidden.size() <= 64, "{}: hidden is not a list of at most 64 widths",
                fields.where());
  for (const Json& width : hidden)
    spec.hidden.push_back(static_cast<int>(fields.real(width, "hidden", 1, kMostWidth)));
  spec.activation = ag::parse_activation(printable(fields.text("activation")));
  spec.layer_norm = fields.flag("layer_norm");
  ag::validate(spec);
  return spec;
}

GaussianPolicy load_level(const TensorFile& file, const Fields& fields, const std::string& level,
                          const std::string& where) {
  const ag::MlpSpec spec = read_spec(fields);
  PolicyEncoding encoding;
  encoding.state_dim = fields.integer("state_dim", 1, spec.in);
  encoding.robot_dim = fields.integer("robot_dim", 0, encoding.state_dim);
  encoding.robot_fill = fields.choice<RobotFill>("robot_fill", kRobotFillNames);
  encoding.relative_goal = fields.flag("relative_goal");
  encoding.residual = fields.flag("residual");
  encoding.residual_of = fields.coordinates("residual_of", encoding.state_dim);
  encoding.seen = fields.coordinates("seen", encoding.state_dim);
  Head head;
  if (fields.has("head")) {  // written since version 3 was
    head.kind = fields.choice<HeadKind>("head", kHeadNames);
    head.components = fields.integer("components", 1, kMostComponents);
  }
  if (encoding.robot_fill == RobotFill::kTypical)
    encoding.typical_robot = read_vector(file, level + ".typical_robot", encoding.robot_dim, where);
  const Json& range = fields.at("log_std_range");
  BATON_REQUIRE(range.is_array() && range.size() == 3, "{}: log_std_range is not three numbers",
                fields.where());
  const auto bound = [&](int i) {
    return fields.real(range[static_cast<std::size_t>(i)], "log_std_range", -100, 100);
  };
  const auto vector = [&](const char* name, int size) {
    return read_vector(file, level + name, size, where);
  };
  GaussianPolicy policy;
  try {
    policy = GaussianPolicy(spec, encoding, {vector(".input.mean", spec.in), vector(".input.std", spec.in)},
                            {vector(".output.mean", spec.out), vector(".output.std", spec.out)},
                            {bound(0), bound(1), bound(2)}, 0, head);
  } catch (const Error& error) {  // fields that do not fit each other; it does not know the file
    const std::string what = error.what();
    fail("{}{}", what.starts_with(where) ? "" : where + ": ", what);
  }
  for (const Part& part : parts_of(policy, level)) {
    const NamedTensor& tensor = file.tensor(part.name, where);
    BATON_REQUIRE(tensor.shape == part.shape, "{}: {} has shape ({}), ({}) is expected", where, part.name,
                  fmt::join(tensor.shape, ", "), fmt::join(part.shape, ", "));
    for (std::size_t k = 0; k < tensor.values.size(); ++k) {
      BATON_REQUIRE(std::isfinite(tensor.values[k]), "{}: {}, number {} is {}, a finite number is expected",
                    where, part.name, k, tensor.values[k]);
      policy.theta()[place(part, k)] = tensor.values[k];
    }
  }
  return policy;
}

Json describe_training(const RelayPolicy& policy) {
  const TupleSettings& tuples = policy.tuples;
  return {{"subgoal_every", policy.subgoal_every},
          {"subgoal_end", name_of(policy.subgoal_end, kSubgoalEndNames)},
          {"tuples",
           {{"low_window", tuples.low_window},
            {"high_window", tuples.high_window},
            {"final_goal_fraction", tuples.final_goal_fraction},
            {"target_goal_fraction", tuples.target_goal_fraction},
            {"bc_goal", name_of(tuples.bc_goal, kEpisodeGoalNames)}}},
          {"chunk",
           {{"predict", tuples.chunk.predict},
            {"execute", tuples.chunk.execute},
            {"labels", name_of(tuples.chunk.labels, kActionLabelsNames)}}},
          {"state_noise", policy.state_noise},
          {"goal_noise", policy.goal_noise}};
}

void read_training(const Fields& fields, RelayPolicy& policy) {
  policy.subgoal_every = fields.integer("subgoal_every", 1, kMostSteps);
  policy.subgoal_end = fields.choice<SubgoalEnd>("subgoal_end", kSubgoalEndNames);
  const Fields tuples = fields.object("tuples");
  policy.tuples = {.low_window = tuples.integer("low_window", 1, kMostSteps),
                   .high_window = tuples.integer("high_window", 1, kMostSteps),
                   .final_goal_fraction = tuples.real("final_goal_fraction", 0, 1),
                   .target_goal_fraction = tuples.real("target_goal_fraction", 0, 1),
                   .bc_goal = tuples.choice<EpisodeGoal>("bc_goal", kEpisodeGoalNames),
                   .chunk = {}};
  if (fields.has("chunk")) {  // written since version 3 was
    const Fields chunk = fields.object("chunk");
    ActionChunk& now = policy.tuples.chunk;
    now.predict = chunk.integer("predict", 1, kLongestChunk);
    now.execute = chunk.integer("execute", 1, now.predict);
    now.labels = chunk.choice<ActionLabels>("labels", kActionLabelsNames);
  }
  policy.state_noise = fields.real("state_noise", 0, 1e6);
  policy.goal_noise = fields.real("goal_noise", 0, 1e6);
}

TensorFile begin_file(const std::string& method, const std::string& base, const std::string& env,
                      const std::string& config, const Json& policy) {
  return {{},
          {{"format", kFormat},
           {"version", kVersion},
           {"method", method},
           {"base", base},
           {"env", env},
           {"config", config},
           {"policy", policy.dump()}}};
}

void save_file(const TensorFile& file, const std::string& folder) {
  prepare_directory(folder);
  write_text_atomic(folder + "/" + kFile, write_safetensors(file));
}

void require_levels_fit(const RelayPolicy& policy, const std::string& path) {
  const Method& method = find_method(policy.base);
  BATON_REQUIRE(method.trained() && method.hierarchical() == policy.hierarchical(),
                "{}: method {} with {}: {} is expected", path, method.name,
                policy.hierarchical() ? "two levels" : "one level",
                !method.trained()       ? "no level"
                : method.hierarchical() ? "two"
                                        : "one");
  if (!policy.high) return;
  const int low = policy.low.encoding().state_dim, high = policy.high->encoding().state_dim;
  BATON_REQUIRE(low == high && policy.high->out_dim() == low,
                "{}: levels do not fit: low takes states of {}, high takes {} and gives {}", path, low, high,
                policy.high->out_dim());
}

}  // namespace

std::string policy_file(const std::string& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_directory(directory, error)) return directory;
  const std::string now = directory + "/" + kFile, old = directory + "/" + kOldFile;
  return !fs::exists(now, error) && fs::exists(old, error) ? old : now;
}

void save_policy(const RelayPolicy& policy, const std::string& directory) {
  Json description = describe_training(policy);
  description["low"] = describe_level(policy.low);
  if (policy.high) description["high"] = describe_level(*policy.high);
  TensorFile file = begin_file(policy.method, policy.base, policy.env, policy.config, description);
  save_level(file, "low", policy.low);
  if (policy.high) save_level(file, "high", *policy.high);
  save_file(file, directory);
}

PolicyFile open_policy(const std::string& path) {
  PolicyFile opened;
  opened.path = path;
  opened.tensors = read_safetensors(read_text(path), path, Digest::kDemanded);
  const auto text = [&](const char* key) { return opened.tensors.text(key, path); };
  BATON_REQUIRE(text("format") == kFormat, "{}: format is '{}', not a policy of baton", path,
                printable(text("format")));
  BATON_REQUIRE(text("version") == kVersion, "{}: version {}, this program reads version {}", path,
                printable(text("version")), kVersion);
  opened.method = text("method"), opened.base = text("base");
  opened.env = text("env"), opened.config = text("config");
  opened.fields = Json::parse(text("policy"), nullptr, false);
  return opened;
}

RelayPolicy read_policy(const PolicyFile& file) {
  const Fields fields(file.fields, file.path + ": policy");
  RelayPolicy policy;
  policy.method = file.method, policy.base = file.base;
  policy.env = file.env, policy.config = file.config;
  read_training(fields, policy);
  policy.low = load_level(file.tensors, fields.object("low"), "low", file.path);
  if (fields.has("high")) policy.high = load_level(file.tensors, fields.object("high"), "high", file.path);
  require_levels_fit(policy, file.path);
  return policy;
}

RelayPolicy load_policy(const std::string& directory) {
  const std::string path = policy_file(directory);
  if (!path.ends_with(".h5")) return read_policy(open_policy(path));
  RelayPolicy policy = load_hdf5_policy(path);
  require_levels_fit(policy, path);
  return policy;
}

void save_recordings(const Recordings& recordings, const std::string& folder) {
  const Dataset& data = recordings.data;
  std::vector<int> lengths;
  for (int e = 0; e < data.episodes(); ++e) lengths.push_back(data.length(e));
  TensorFile file =
      begin_file(recordings.method, recordings.method, recordings.env, recordings.config,
                 {{"state_dim", data.state_dim}, {"action_dim", data.action_dim}, {"lengths", lengths}});
  file.tensors.push_back({"recordings.states", {data.steps(), data.state_dim}, data.states});
  file.tensors.push_back({"recordings.actions", {data.steps(), data.action_dim}, data.actions});
  save_file(file, folder);
}

Recordings read_recordings(const PolicyFile& file) {
  Recordings recordings{.method = file.method, .env = file.env, .config = file.config, .data = {}};
  Dataset& data = recordings.data;
  const Fields fields(file.fields, file.path + ": policy");
  data.state_dim = fields.integer("state_dim", 1, kMostWidth);
  data.action_dim = fields.integer("action_dim", 1, kMostWidth);
  BATON_REQUIRE(fields.at("lengths").is_array(), "{}: lengths is not a list", file.path);
  for (const Json& length : fields.at("lengths")) {
    BATON_REQUIRE(length.is_number_unsigned() && length >= 1 && length <= 1 << 30,
                  "{}: an episode of {} steps", file.path, printable(length.dump()));
    data.offsets.push_back(data.steps() + length.get<std::int64_t>());
  }
  const auto rows = [&](const std::string& name, int width) {
    const NamedTensor& tensor = file.tensors.tensor(name, file.path);
    BATON_REQUIRE(tensor.shape == (std::vector<std::int64_t>{data.steps(), width}),
                  "{}: {} has shape ({}), ({}, {}) is expected", file.path, name,
                  fmt::join(tensor.shape, ", "), data.steps(), width);
    return tensor.values;
  };
  data.states = rows("recordings.states", data.state_dim);
  data.actions = rows("recordings.actions", data.action_dim);
  validate(data, file.path);
  return recordings;
}

}  // namespace baton::rl
