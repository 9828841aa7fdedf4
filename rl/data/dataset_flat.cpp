// D4RL's flat form: all episodes one after another in arrays at the root.
#include <algorithm>
#include <span>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"
#include "rl/data/hdf5_forms.hpp"
#include "rl/data/hdf5_observations.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

constexpr std::size_t kMaxName = 200;

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
    BATON_REQUIRE(count <= static_cast<std::uint64_t>(steps) * kMostWidth,
                  "{}: {} has {} values for {} steps", file.path(), name, count, steps);
  }
}

struct Bounds {
  std::vector<std::int64_t> offsets{0};  // [E+1]
  std::vector<std::uint8_t> terminals;   // [N], or empty
};

void read_lengths(const Hdf5Reader& file, std::int64_t steps, std::vector<std::int64_t>& offsets) {
  const std::vector<std::int64_t> lengths = file.read<std::int64_t>("episode_lengths");
  for (std::size_t e = 0; e < lengths.size(); ++e) {
    BATON_REQUIRE(lengths[e] > 0, "{}: episode_lengths[{}] is {}: an empty episode", file.path(), e,
                  lengths[e]);
    BATON_REQUIRE(lengths[e] <= steps - offsets.back(),
                  "{}: episode_lengths add up to more than the {} rows of observations", file.path(), steps);
    offsets.push_back(offsets.back() + lengths[e]);
  }
  BATON_REQUIRE(offsets.back() == steps, "{}: episode_lengths add up to {}, observations have {} rows",
                file.path(), offsets.back(), steps);
}

// Episode ends from `episode_lengths`, else from the flags; without any, all is one episode.
Bounds read_bounds(const Hdf5Reader& file, std::int64_t steps) {
  Bounds bounds;
  std::vector<std::uint8_t> ends(static_cast<std::size_t>(steps), 0);
  for (const char* name : {"terminals", "timeouts"}) {
    if (!file.has(name)) continue;
    std::vector<std::uint8_t> flags = read_flags(file, name, steps);
    for (std::size_t i = 0; i < flags.size(); ++i) ends[i] |= flags[i];
    if (name[1] == 'e') bounds.terminals = std::move(flags);
  }
  if (file.has("episode_lengths")) {
    read_lengths(file, steps, bounds.offsets);
  } else {
    for (std::int64_t t = 0; t < steps; ++t) {
      if (ends[static_cast<std::size_t>(t)] || t + 1 == steps) bounds.offsets.push_back(t + 1);
    }
  }
  BATON_REQUIRE(bounds.offsets.size() <= kMostEpisodes + 1, "{}: {} episodes, at most {} are read",
                file.path(), bounds.offsets.size() - 1, kMostEpisodes);
  return bounds;
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
    data.goal_targets = read_matrix(file, "episode_targets", targets);
  }
  if (file.has("episode_goals")) data.goal_names = file.read_strings("episode_goals");
  require_names(file, data.goal_names);
  if (file.has("episode_seeds")) data.seeds = file.read<std::uint64_t>("episode_seeds");
}

}  // namespace

Dataset read_flat(const Hdf5Reader& file, const ReadOptions& options) {
  const std::string acting = file.has("actions") || !file.has("action") ? "actions" : "action";
  BATON_REQUIRE(file.has(acting), "{}: no array actions; D4RL's form has observations and actions",
                file.path());
  const Observations found = find_observations(file, "observations", options.obs_keys);
  const Extent acted = matrix_extent(file, acting), extent = found.extent;
  BATON_REQUIRE(extent.rows == acted.rows, "{}: {} have {} rows, {} {}: they must agree", file.path(),
                found.name, extent.rows, acting, acted.rows);
  BATON_REQUIRE(extent.rows > 0, "{}: observations are empty", file.path());
  require_agreement(file, extent.rows);
  EpisodeBuilder builder(options, file.path(), found.name, extent.columns, acted.columns);
  const std::vector<float> observations = read_observations(file, found),
                           actions = read_matrix(file, acting, acted);
  const Bounds bounds = read_bounds(file, extent.rows);
  const auto rows = [&](const std::vector<float>& all, std::size_t e, int width) {
    const std::int64_t first = bounds.offsets[e], last = bounds.offsets[e + 1];
    return std::span(all).subspan(static_cast<std::size_t>(first * width),
                                  static_cast<std::size_t>((last - first) * width));
  };
  for (std::size_t e = 0; e + 1 < bounds.offsets.size(); ++e)
    builder.add(rows(observations, e, extent.columns), rows(actions, e, acted.columns));
  Dataset data = builder.finish();
  for (std::size_t e = 1; e < bounds.offsets.size() && !bounds.terminals.empty(); ++e)
    data.completed.push_back(bounds.terminals[static_cast<std::size_t>(bounds.offsets[e] - 1)]);
  read_coordinates(file, "infos/qpos", data.qpos_dim, data.qpos);
  read_coordinates(file, "infos/qvel", data.qvel_dim, data.qvel);
  read_episode_arrays(file, data);
  return data;
}

}  // namespace baton::rl
