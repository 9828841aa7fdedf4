// Reading and writing of demonstrations in HDF5: D4RL's flat form and Minari's groups.
#include <algorithm>
#include <charconv>
#include <numeric>

#include "kernels/error.hpp"
#include "rl/data/dataset.hpp"
#include "rl/data/hdf5_file.hpp"

namespace baton::rl {
namespace {

constexpr int kMaxWidth = 100000;

struct Matrix {
  std::vector<float> values;  // [rows][columns]
  std::int64_t rows = 0;
  int columns = 0;
};

Matrix read_matrix(const Hdf5File& file, const std::string& name) {
  const std::vector<std::uint64_t> shape = file.shape(name);
  BATON_REQUIRE(shape.size() == 2, "{}: {} has {} dimensions, 2 are expected: (steps, width)", file.path(),
                name, shape.size());
  BATON_REQUIRE(shape[1] >= 1 && shape[1] <= kMaxWidth, "{}: {} is {} wide, 1..{} is expected", file.path(),
                name, shape[1], kMaxWidth);
  return {file.read<float>(name), static_cast<std::int64_t>(shape[0]), static_cast<int>(shape[1])};
}

// The columns of the observations that are the state, and those of the goal (empty: none).
struct Columns {
  std::vector<int> state, goal;
};

Columns choose_columns(const Hdf5File& file, const std::string& name, int width, int state_dim,
                       int qpos_dim) {
  if (state_dim <= 0)
    state_dim = (qpos_dim > 0 && width == 2 * qpos_dim) ? qpos_dim
                : (width == 60 || width == 59)          ? 30
                                                        : width;
  BATON_REQUIRE(width == state_dim || width == 2 * state_dim || (width == 59 && state_dim == 30),
                "{}: {} is {} wide, a state has {} numbers (twice that with the goal)", file.path(), name,
                width, state_dim);
  Columns columns;
  columns.state.resize(static_cast<std::size_t>(state_dim));
  std::iota(columns.state.begin(), columns.state.end(), 0);
  if (width == 59 && state_dim == 30) {
    // FrankaKitchen-v1 puts the robot's nine velocities between its positions and the objects' positions.
    std::iota(columns.state.begin() + 9, columns.state.end(), 18);
  } else if (width == 2 * state_dim) {
    columns.goal.resize(columns.state.size());
    std::iota(columns.goal.begin(), columns.goal.end(), state_dim);
  }
  return columns;
}

void append_states(Dataset& data, const Matrix& observations, const Columns& columns, std::int64_t rows) {
  data.state_dim = static_cast<int>(columns.state.size());
  data.states.reserve(data.states.size() + static_cast<std::size_t>(rows) * columns.state.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (const int c : columns.state)
      data.states.push_back(observations.values[r * observations.columns + c]);
  }
}

// The goal stands behind the state; where it is 0 and the coordinate is not part of the goal, the start's value holds.
void append_goal(Dataset& data, const Matrix& observations, const Columns& columns, std::int64_t first,
                 std::int64_t last) {
  if (columns.goal.empty()) return;
  for (std::size_t i = 0; i < columns.goal.size(); ++i) {
    const float goal = observations.values[(last - 1) * observations.columns + columns.goal[i]];
    const float start = observations.values[first * observations.columns + columns.state[i]];
    data.goal_targets.push_back(goal == 0.0f ? start : goal);
  }
}

// Episode ends from `episode_lengths`, else from the flags.
void read_bounds(const Hdf5File& file, std::int64_t steps, Dataset& data) {
  const bool has_terminals = file.has("terminals"), has_timeouts = file.has("timeouts");
  std::vector<std::uint8_t> ends(static_cast<std::size_t>(steps), 0), terminals(ends);
  for (const char* name : {"terminals", "timeouts"}) {
    if (!file.has(name)) continue;
    std::vector<std::uint64_t> shape;
    const std::vector<std::uint8_t> flags = file.read<std::uint8_t>(name, &shape);
    BATON_REQUIRE(static_cast<std::int64_t>(flags.size()) == steps,
                  "{}: {} has {} values, observations have {} rows", file.path(), name, flags.size(), steps);
    for (std::size_t i = 0; i < flags.size(); ++i) ends[i] |= flags[i] != 0;
    if (name[1] == 'e') terminals = flags;
  }
  if (file.has("episode_lengths")) {
    const std::vector<std::int64_t> lengths = file.read<std::int64_t>("episode_lengths");
    for (std::size_t e = 0; e < lengths.size(); ++e) {
      BATON_REQUIRE(lengths[e] > 0, "{}: episode_lengths[{}] is {}: an empty episode", file.path(), e,
                    lengths[e]);
      BATON_REQUIRE(lengths[e] <= steps - data.steps(),
                    "{}: episode_lengths add up to more than the {} rows of observations", file.path(),
                    steps);
      data.offsets.push_back(data.steps() + lengths[e]);
    }
    BATON_REQUIRE(data.steps() == steps, "{}: episode_lengths add up to {}, observations have {} rows",
                  file.path(), data.steps(), steps);
  } else {
    BATON_REQUIRE(has_terminals || has_timeouts,
                  "{}: episodes cannot be told apart: none of episode_lengths, terminals, timeouts is there",
                  file.path());
    for (std::int64_t t = 0; t < steps; ++t) {
      if (ends[t] || t + 1 == steps) data.offsets.push_back(t + 1);
    }
  }
  if (!has_terminals) return;
  for (int e = 0; e < data.episodes(); ++e) data.completed.push_back(terminals[data.offsets[e + 1] - 1] != 0);
}

void read_coordinates(const Hdf5File& file, const std::string& name, std::int64_t steps, int& width,
                      std::vector<double>& values) {
  if (!file.has(name)) return;
  std::vector<std::uint64_t> shape;
  values = file.read<double>(name, &shape);
  BATON_REQUIRE(shape.size() == 2 && static_cast<std::int64_t>(shape[0]) == steps && shape[1] >= 1,
                "{}: {} does not have one row for each of the {} observations", file.path(), name, steps);
  width = static_cast<int>(shape[1]);
}

// Arrays with one entry per episode; optional.
void read_episode_arrays(const Hdf5File& file, Dataset& data) {
  const std::size_t episodes = static_cast<std::size_t>(data.episodes());
  if (file.has("episode_goals")) {
    data.goal_names = file.read_strings("episode_goals");
    BATON_REQUIRE(data.goal_names.size() == episodes,
                  "{}: episode_goals has {} values, there are {} episodes", file.path(),
                  data.goal_names.size(), episodes);
  }
  if (file.has("episode_seeds")) {
    data.seeds = file.read<std::uint64_t>("episode_seeds");
    BATON_REQUIRE(data.seeds.size() == episodes, "{}: episode_seeds has {} values, there are {} episodes",
                  file.path(), data.seeds.size(), episodes);
  }
  if (file.has("episode_targets")) {
    const Matrix targets = read_matrix(file, "episode_targets");
    BATON_REQUIRE(targets.rows == data.episodes() && targets.columns == data.state_dim,
                  "{}: episode_targets is {}x{}, {}x{} is expected", file.path(), targets.rows,
                  targets.columns, data.episodes(), data.state_dim);
    data.goal_targets = targets.values;
  }
}

Dataset read_flat(const Hdf5File& file, int state_dim) {
  BATON_REQUIRE(file.has("actions"), "{}: no array actions; D4RL's form has observations and actions",
                file.path());
  const Matrix observations = read_matrix(file, "observations"), actions = read_matrix(file, "actions");
  BATON_REQUIRE(observations.rows == actions.rows,
                "{}: observations have {} rows, actions {}: they must agree", file.path(), observations.rows,
                actions.rows);
  BATON_REQUIRE(observations.rows > 0, "{}: observations are empty", file.path());
  Dataset data;
  data.action_dim = actions.columns;
  data.actions = actions.values;
  read_bounds(file, observations.rows, data);
  read_coordinates(file, "infos/qpos", observations.rows, data.qpos_dim, data.qpos);
  read_coordinates(file, "infos/qvel", observations.rows, data.qvel_dim, data.qvel);
  const Columns columns =
      choose_columns(file, "observations", observations.columns, state_dim, data.qpos_dim);
  append_states(data, observations, columns, observations.rows);
  for (int e = 0; e < data.episodes(); ++e) {
    append_goal(data, observations, columns, data.offsets[e], data.offsets[e + 1]);
  }
  read_episode_arrays(file, data);
  return data;
}

// "episode_<k>" groups in the order of k.
std::vector<std::string> minari_groups(const Hdf5File& file) {
  std::vector<std::pair<long, std::string>> found;
  for (const std::string& name : file.children("/")) {
    constexpr std::string_view prefix = "episode_";
    long k = 0;
    if (!name.starts_with(prefix) || file.is_dataset(name)) continue;
    const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), k);
    if (error == std::errc() && end == name.data() + name.size()) found.emplace_back(k, name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [k, name] : found) names.push_back(std::move(name));
  return names;
}

Dataset read_minari(const Hdf5File& file, const std::vector<std::string>& groups, int state_dim) {
  Dataset data;
  for (const std::string& group : groups) {
    std::string name = group + "/observations";
    if (file.has(name) && !file.is_dataset(name)) name += "/observation";
    const Matrix observations = read_matrix(file, name), actions = read_matrix(file, group + "/actions");
    BATON_REQUIRE(actions.rows > 0, "{}: {} is empty", file.path(), group);
    BATON_REQUIRE(observations.rows == actions.rows + 1 || observations.rows == actions.rows,
                  "{}: {} has {} rows for {} actions; {} or {} are expected", file.path(), name,
                  observations.rows, actions.rows, actions.rows, actions.rows + 1);
    const Columns columns = choose_columns(file, name, observations.columns, state_dim, 0);
    BATON_REQUIRE(data.episodes() == 0 || (data.action_dim == actions.columns &&
                                           data.state_dim == static_cast<int>(columns.state.size())),
                  "{}: {}: widths differ from those of the episodes before", file.path(), group);
    data.action_dim = actions.columns;
    append_states(data, observations, columns, actions.rows);
    append_goal(data, observations, columns, 0, actions.rows);
    data.actions.insert(data.actions.end(), actions.values.begin(), actions.values.end());
    data.offsets.push_back(data.steps() + actions.rows);
  }
  return data;
}

}  // namespace

Dataset read_dataset(const std::string& path, int state_dim) {
  const Hdf5File file = Hdf5File::open(path);
  Dataset data;
  if (file.has("observations")) {
    data = read_flat(file, state_dim);
  } else {
    const std::vector<std::string> groups = minari_groups(file);
    BATON_REQUIRE(!groups.empty(),
                  "{}: holds no demonstrations: neither observations (D4RL's form) nor groups episode_0, ... "
                  "(Minari's)",
                  path);
    data = read_minari(file, groups, state_dim);
  }
  validate(data, path);
  return data;
}

void write_dataset(const Dataset& data, const std::string& path) {
  validate(data, path);
  const std::uint64_t n = static_cast<std::uint64_t>(data.steps()),
                      episodes = static_cast<std::uint64_t>(data.episodes());
  std::vector<std::uint8_t> terminals(n, 0), timeouts(n, 0);
  std::vector<std::int64_t> lengths;
  for (int e = 0; e < data.episodes(); ++e) {
    lengths.push_back(data.length(e));
    const std::int64_t last = data.offsets[e + 1] - 1;
    timeouts[last] = 1;
    terminals[last] = !data.completed.empty() && data.completed[e] != 0;
  }
  const std::uint64_t state_dim = static_cast<std::uint64_t>(data.state_dim);
  Hdf5File file = Hdf5File::create(path);
  file.write<float>("observations", data.states, {n, state_dim}, true);
  file.write<float>("actions", data.actions, {n, static_cast<std::uint64_t>(data.action_dim)}, true);
  file.write<std::uint8_t>("terminals", terminals, {n}, true);
  file.write<std::uint8_t>("timeouts", timeouts, {n}, true);
  if (!data.qpos.empty()) {
    file.write<double>("infos/qpos", data.qpos, {n, static_cast<std::uint64_t>(data.qpos_dim)}, true);
  }
  if (!data.qvel.empty()) {
    file.write<double>("infos/qvel", data.qvel, {n, static_cast<std::uint64_t>(data.qvel_dim)}, true);
  }
  file.write<std::int64_t>("episode_lengths", lengths, {episodes});
  if (!data.goal_names.empty()) file.write_strings("episode_goals", data.goal_names);
  if (!data.goal_targets.empty())
    file.write<float>("episode_targets", data.goal_targets, {episodes, state_dim}, true);
  if (!data.seeds.empty()) file.write<std::uint64_t>("episode_seeds", data.seeds, {episodes});
  file.commit();
}

}  // namespace baton::rl
