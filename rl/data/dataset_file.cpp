// Reading and writing of demonstrations in HDF5: D4RL's flat form and Minari's groups.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "rl/data/dataset.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/data/hdf5_reader.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

constexpr int kMaxWidth = 100000;
constexpr std::size_t kMaxEpisodes = 200000, kMaxName = 200;
constexpr float kMaxState = 1e10f;   // MuJoCo's bound of a coordinate
constexpr float kMaxAction = 10.0f;  // actions are made for -1..1

struct Extent {
  std::int64_t rows = 0;
  int columns = 0;
};

struct Matrix : Extent {
  std::vector<float> values;  // [rows][columns]
};

Extent matrix_extent(const Hdf5Reader& file, const std::string& name) {
  const std::vector<std::uint64_t> shape = file.array(name).shape;
  BATON_REQUIRE(shape.size() == 2, "{}: {} has {} dimensions, 2 are expected: (steps, width)", file.path(),
                printable(name), shape.size());
  BATON_REQUIRE(shape[1] >= 1 && shape[1] <= kMaxWidth, "{}: {} is {} wide, 1..{} is expected", file.path(),
                printable(name), shape[1], kMaxWidth);
  return {static_cast<std::int64_t>(shape[0]), static_cast<int>(shape[1])};
}

Matrix read_matrix(const Hdf5Reader& file, const std::string& name) {
  const Extent extent = matrix_extent(file, name);
  return {extent, file.read<float>(name)};
}

// The columns of the observations that are the state, and those of the goal (empty: none).
struct Columns {
  std::vector<int> state, goal;
};

Columns choose_columns(const Hdf5Reader& file, const std::string& name, int width, int state_dim,
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

std::uint64_t count_of(const Hdf5Reader& file, const std::string& name) { return file.array(name).count(); }

// Shapes are compared before any data are read; what there is one of for each episode follows later.
void require_agreement(const Hdf5Reader& file, std::int64_t steps) {
  for (const char* name : {"terminals", "timeouts"}) {
    if (!file.has(name)) continue;
    const std::uint64_t count = count_of(file, name);
    BATON_REQUIRE(count == static_cast<std::uint64_t>(steps),
                  "{}: {} has {} values, observations have {} rows", file.path(), name, count, steps);
  }
  for (const char* name : {"infos/qpos", "infos/qvel"}) {
    if (!file.has(name)) continue;
    const Extent extent = matrix_extent(file, name);
    BATON_REQUIRE(extent.rows == steps, "{}: {} has {} rows, observations have {}", file.path(), name,
                  extent.rows, steps);
  }
  for (const char* name : {"episode_lengths", "episode_goals", "episode_seeds", "episode_targets"}) {
    if (!file.has(name)) continue;
    const std::uint64_t count = count_of(file, name);
    BATON_REQUIRE(count <= static_cast<std::uint64_t>(steps) * kMaxWidth, "{}: {} has {} values for {} steps",
                  file.path(), name, count, steps);
  }
}

// Episode ends from `episode_lengths`, else from the flags; without any, all is one episode.
void read_bounds(const Hdf5Reader& file, std::int64_t steps, Dataset& data) {
  std::vector<std::uint8_t> ends(static_cast<std::size_t>(steps), 0), terminals;
  for (const char* name : {"terminals", "timeouts"}) {
    if (!file.has(name)) continue;
    const std::vector<std::uint8_t> flags = file.read_flags(name);
    for (std::size_t i = 0; i < flags.size(); ++i) ends[i] |= flags[i];
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
    for (std::int64_t t = 0; t < steps; ++t) {
      if (ends[t] || t + 1 == steps) data.offsets.push_back(t + 1);
    }
  }
  BATON_REQUIRE(data.offsets.size() <= kMaxEpisodes + 1, "{}: {} episodes, at most {} are read", file.path(),
                data.offsets.size() - 1, kMaxEpisodes);
  if (terminals.empty()) return;
  for (int e = 0; e < data.episodes(); ++e) data.completed.push_back(terminals[data.offsets[e + 1] - 1]);
}

void read_coordinates(const Hdf5Reader& file, const std::string& name, int& width,
                      std::vector<double>& values) {
  if (!file.has(name)) return;
  width = matrix_extent(file, name).columns;
  values = file.read<double>(name);
}

// Names of goals are printed and become names of files.
void require_names(const Hdf5Reader& file, const std::vector<std::string>& names) {
  for (std::size_t e = 0; e < names.size(); ++e) {
    BATON_REQUIRE(
        names[e].size() <= kMaxName && is_printable(names[e]),
        "{}: episode_goals[{}] is \"{}\": a name of at most {} bytes without control characters is expected",
        file.path(), e, printable(names[e]), kMaxName);
  }
}

// Arrays with one entry per episode; optional.
void read_episode_arrays(const Hdf5Reader& file, Dataset& data) {
  const std::uint64_t episodes = static_cast<std::uint64_t>(data.episodes());
  for (const char* name : {"episode_goals", "episode_seeds"}) {
    if (!file.has(name)) continue;
    const std::uint64_t count = count_of(file, name);
    BATON_REQUIRE(count == episodes, "{}: {} has {} values, there are {} episodes", file.path(), name, count,
                  episodes);
  }
  if (file.has("episode_targets")) {
    const Extent targets = matrix_extent(file, "episode_targets");
    BATON_REQUIRE(targets.rows == data.episodes() && targets.columns == data.state_dim,
                  "{}: episode_targets is {}x{}, {}x{} is expected", file.path(), targets.rows,
                  targets.columns, data.episodes(), data.state_dim);
    data.goal_targets = read_matrix(file, "episode_targets").values;
  }
  if (file.has("episode_goals")) data.goal_names = file.read_strings("episode_goals");
  require_names(file, data.goal_names);
  if (file.has("episode_seeds")) data.seeds = file.read<std::uint64_t>("episode_seeds");
}

Dataset read_flat(const Hdf5Reader& file, int state_dim) {
  BATON_REQUIRE(file.has("actions"), "{}: no array actions; D4RL's form has observations and actions",
                file.path());
  const Extent rows = matrix_extent(file, "observations"), acted = matrix_extent(file, "actions");
  BATON_REQUIRE(rows.rows == acted.rows, "{}: observations have {} rows, actions {}: they must agree",
                file.path(), rows.rows, acted.rows);
  BATON_REQUIRE(rows.rows > 0, "{}: observations are empty", file.path());
  require_agreement(file, rows.rows);
  const Matrix observations = read_matrix(file, "observations");
  Dataset data;
  data.action_dim = acted.columns;
  data.actions = file.read<float>("actions");
  read_bounds(file, observations.rows, data);
  read_coordinates(file, "infos/qpos", data.qpos_dim, data.qpos);
  read_coordinates(file, "infos/qvel", data.qvel_dim, data.qvel);
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
std::vector<std::string> minari_groups(const Hdf5Reader& file) {
  std::vector<std::pair<long, std::string>> found;
  for (const std::string& name : file.children("/")) {
    constexpr std::string_view prefix = "episode_";
    long k = 0;
    if (!name.starts_with(prefix)) continue;
    const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), k);
    if (error == std::errc() && end == name.data() + name.size()) found.emplace_back(k, name);
  }
  BATON_REQUIRE(found.size() <= kMaxEpisodes, "{}: {} episodes, at most {} are read", file.path(),
                found.size(), kMaxEpisodes);
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [k, name] : found) names.push_back(std::move(name));
  return names;
}

struct Episode {
  std::string observations, actions;  // names of the arrays
  Extent extent, acted;
};

// Shapes of all episodes, compared before any data are read.
std::vector<Episode> minari_episodes(const Hdf5Reader& file, const std::vector<std::string>& groups) {
  std::vector<Episode> episodes;
  for (const std::string& group : groups) {
    Episode one = {group + "/observations", group + "/actions", {}, {}};
    if (!file.is_array(one.observations)) one.observations += "/observation";
    one.extent = matrix_extent(file, one.observations);
    one.acted = matrix_extent(file, one.actions);
    const std::int64_t steps = one.acted.rows;
    BATON_REQUIRE(steps > 0, "{}: {} is empty", file.path(), group);
    BATON_REQUIRE(one.extent.rows == steps + 1 || one.extent.rows == steps,
                  "{}: {} has {} rows for {} actions; {} or {} are expected", file.path(), one.observations,
                  one.extent.rows, steps, steps, steps + 1);
    BATON_REQUIRE(episodes.empty() || (episodes[0].acted.columns == one.acted.columns &&
                                       episodes[0].extent.columns == one.extent.columns),
                  "{}: {}: widths differ from those of the episodes before", file.path(), group);
    episodes.push_back(std::move(one));
  }
  return episodes;
}

Dataset read_minari(const Hdf5Reader& file, const std::vector<std::string>& groups, int state_dim) {
  Dataset data;
  for (const Episode& one : minari_episodes(file, groups)) {
    const Columns columns = choose_columns(file, one.observations, one.extent.columns, state_dim, 0);
    const Matrix observations = read_matrix(file, one.observations);
    const std::vector<float> actions = file.read<float>(one.actions);
    data.action_dim = one.acted.columns;
    append_states(data, observations, columns, one.acted.rows);
    append_goal(data, observations, columns, 0, one.acted.rows);
    data.actions.insert(data.actions.end(), actions.begin(), actions.end());
    data.offsets.push_back(data.steps() + one.acted.rows);
  }
  return data;
}

void require_bounded(const std::vector<float>& values, int width, float bound, const std::string& path,
                     const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::abs(values[i]) <= bound,
                  "{}: {} row {} column {} is {}, a number within {} is expected", path, what,
                  i / static_cast<std::size_t>(width), i % static_cast<std::size_t>(width), values[i], bound);
  }
}

// Numbers that nothing could be learned from are refused, actions that an environment would cut are told.
void check_ranges(const Dataset& data, const std::string& path, std::vector<std::string>* notes) {
  require_bounded(data.states, data.state_dim, kMaxState, path, "observations");
  require_bounded(data.goal_targets, data.state_dim, kMaxState, path, "goals");
  require_bounded(data.actions, data.action_dim, kMaxAction, path, "actions");
  const auto beyond = std::ranges::count_if(data.actions, [](float a) { return std::abs(a) > 1; });
  if (beyond == 0 || notes == nullptr) return;
  notes->push_back(
      fmt::format("{}: {} of {} action values lie beyond -1..1", path, beyond, data.actions.size()));
}

}  // namespace

Dataset read_dataset(const std::string& path, int state_dim, std::vector<std::string>* notes) {
  const Hdf5Reader file(path);
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
  check_ranges(data, path, notes);
  return data;
}

}  // namespace baton::rl
