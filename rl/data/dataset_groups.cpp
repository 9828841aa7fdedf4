// A group for each episode: Minari's form and robomimic's.
#include <algorithm>
#include <optional>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"
#include "rl/data/hdf5_forms.hpp"
#include "rl/data/hdf5_observations.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

struct Group {
  std::string name, actions;
  Observations observations;
  Extent acted;
};

Group look_at(const Hdf5Reader& file, const std::string& name, GroupForm form, const ReadOptions& options) {
  std::string base = name + (form == GroupForm::kMinari ? "/observations" : "/obs");
  if (form == GroupForm::kRobomimic && !file.has(base))
    base = name;  // robosuite's recordings have states alone
  Group group = {name, name + "/actions", find_observations(file, base, options.obs_keys), {}};
  group.acted = matrix_extent(file, group.actions);
  const std::int64_t steps = group.acted.rows, rows = group.observations.extent.rows;
  BATON_REQUIRE(steps > 0, "{}: {} is empty", file.path(), printable(name));
  BATON_REQUIRE(rows == steps + 1 || rows == steps,
                "{}: {} has {} rows for {} actions; {} or {} are expected", file.path(),
                group.observations.name, rows, steps, steps, steps + 1);
  return group;
}

// Shapes of all episodes, compared before any data are read.
std::vector<Group> look_at_all(const Hdf5Reader& file, const std::vector<std::string>& names, GroupForm form,
                               const ReadOptions& options) {
  std::vector<Group> groups;
  for (const std::string& name : names) {
    Group one = look_at(file, name, form, options);
    BATON_REQUIRE(
        groups.empty() || (groups[0].acted.columns == one.acted.columns &&
                           groups[0].observations.extent.columns == one.observations.extent.columns),
        "{}: {}: widths differ from those of the episodes before", file.path(), printable(name));
    groups.push_back(std::move(one));
  }
  return groups;
}

std::optional<int> element_of(const envs::Spec& spec, const std::string& task) {
  for (std::size_t e = 0; e < spec.elements.size(); ++e) {
    const envs::Element& element = spec.elements[e];
    if (task == element.name || task == element.recorded_as) return static_cast<int>(e);
  }
  return {};
}

// What Minari's dict of goals, by task, wants at the episode's end. Nothing where a task is no element, which is told
// of the first episode.
std::vector<Wanted> read_wanted(const Hdf5Reader& file, const Group& group, const ReadOptions& options,
                                bool is_first) {
  const std::string goals = group.name + "/observations/desired_goal";
  std::vector<Wanted> wanted;
  if (options.spec == nullptr || !file.has(goals) || file.is_array(goals)) return {};
  for (const std::string& task : file.children(goals)) {
    const std::optional<int> element = element_of(*options.spec, task);
    if (!element && is_first)
      add_note(options, file.path(),
               fmt::format("{}/{} is no element of {}; goals are left out", printable(goals), printable(task),
                           options.spec->name));
    if (!element) return {};
    const std::string name = goals + "/" + task;
    const Extent extent = matrix_extent(file, name);
    const std::size_t width = options.spec->elements[static_cast<std::size_t>(*element)].index.size();
    BATON_REQUIRE(static_cast<std::size_t>(extent.columns) == width && extent.rows > 0,
                  "{}: {} is {} wide in {} rows; {} of {} has {} coordinates", file.path(), printable(name),
                  extent.columns, extent.rows,
                  options.spec->elements[static_cast<std::size_t>(*element)].name, options.spec->name, width);
    const std::vector<float> rows = read_matrix(file, name, extent);
    wanted.push_back({*element, {rows.end() - static_cast<std::ptrdiff_t>(width), rows.end()}});
  }
  return wanted;
}

// Whether the episode ended with a terminal flag, where it says so.
std::optional<std::uint8_t> read_termination(const Hdf5Reader& file, const Group& group) {
  const std::string name = group.name + "/terminations";
  if (!file.is_array(name)) return {};
  const std::uint64_t count = file.array(name).count();
  BATON_REQUIRE(count == static_cast<std::uint64_t>(group.acted.rows), "{}: {} has {} values for {} actions",
                file.path(), printable(name), count, group.acted.rows);
  return read_flags(file, name, group.acted.rows).back();
}

}  // namespace

Dataset read_groups(const Hdf5Reader& file, const std::vector<std::string>& names, GroupForm form,
                    const ReadOptions& options) {
  const std::vector<Group> groups = look_at_all(file, names, form, options);
  const Observations& first = groups.front().observations;
  EpisodeBuilder builder(options, file.path(), first.name, first.extent.columns,
                         groups.front().acted.columns);
  std::vector<std::uint8_t> completed;
  for (const Group& group : groups) {
    builder.add(read_observations(file, group.observations), read_matrix(file, group.actions, group.acted));
    if (form != GroupForm::kMinari) continue;
    const std::vector<Wanted> wanted = read_wanted(file, group, options, &group == &groups.front());
    if (!wanted.empty()) builder.set_goal(wanted);
    if (const auto ended = read_termination(file, group)) completed.push_back(*ended);
  }
  Dataset data = builder.finish();
  if (completed.size() == groups.size()) data.completed = std::move(completed);
  return data;
}

}  // namespace baton::rl
