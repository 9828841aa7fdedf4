#include "rl/data/dataset.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"

namespace baton::rl {
namespace {

template <class T>
void require_size(const std::vector<T>& values, std::int64_t want, const std::string& where,
                  const char* what) {
  BATON_REQUIRE(static_cast<std::int64_t>(values.size()) == want, "{}: {} has {} values, {} are expected",
                where, what, values.size(), want);
}

template <class T>
void require_finite(const std::vector<T>& values, int width, const std::string& where, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::isfinite(values[i]), "{}: {} row {} column {} is {}, a finite number is expected",
                  where, what, i / static_cast<std::size_t>(width), i % static_cast<std::size_t>(width),
                  values[i]);
  }
}

// Copies rows [first, last) of width w; nothing where the source is empty.
template <class T>
void copy_rows(std::vector<T>& to, const std::vector<T>& from, std::int64_t first, std::int64_t last,
               std::int64_t w) {
  if (!from.empty()) to.insert(to.end(), from.begin() + first * w, from.begin() + last * w);
}

// Appends an optional array, or drops it when one side lacks it.
template <class T>
void join(std::vector<T>& to, const std::vector<T>& from, bool both) {
  if (both) {
    to.insert(to.end(), from.begin(), from.end());
  } else {
    to.clear();
  }
}

}  // namespace

void validate(const Dataset& data, const std::string& where) {
  BATON_REQUIRE(data.state_dim > 0 && data.action_dim > 0,
                "{}: state and action widths are {} and {}, both must be > 0", where, data.state_dim,
                data.action_dim);
  BATON_REQUIRE(data.episodes() > 0 && data.offsets.front() == 0, "{}: no episodes", where);
  for (int e = 0; e < data.episodes(); ++e) {
    BATON_REQUIRE(data.length(e) > 0, "{}: episode {} is empty", where, e);
  }
  const std::int64_t steps = data.steps(), episodes = data.episodes();
  require_size(data.states, steps * data.state_dim, where, "states");
  require_size(data.actions, steps * data.action_dim, where, "actions");
  if (!data.goal_names.empty()) require_size(data.goal_names, episodes, where, "goal names");
  if (!data.goal_targets.empty())
    require_size(data.goal_targets, episodes * data.state_dim, where, "goal targets");
  if (!data.seeds.empty()) require_size(data.seeds, episodes, where, "seeds");
  if (!data.completed.empty()) require_size(data.completed, episodes, where, "completed");
  if (!data.qpos.empty()) require_size(data.qpos, steps * data.qpos_dim, where, "qpos");
  if (!data.qvel.empty()) require_size(data.qvel, steps * data.qvel_dim, where, "qvel");
  require_finite(data.states, data.state_dim, where, "observations");
  require_finite(data.actions, data.action_dim, where, "actions");
  require_finite(data.goal_targets, data.state_dim, where, "goals");
  require_finite(data.qpos, std::max(1, data.qpos_dim), where, "qpos");
  require_finite(data.qvel, std::max(1, data.qvel_dim), where, "qvel");
}

void append(Dataset& data, const Dataset& more) {
  if (data.episodes() == 0) {
    data = more;
    return;
  }
  BATON_REQUIRE(data.state_dim == more.state_dim && data.action_dim == more.action_dim,
                "append: states and actions are {} and {} wide, the appended ones {} and {}", data.state_dim,
                data.action_dim, more.state_dim, more.action_dim);
  const std::int64_t base = data.steps();
  for (int e = 0; e < more.episodes(); ++e) data.offsets.push_back(base + more.offsets[e + 1]);
  join(data.states, more.states, true);
  join(data.actions, more.actions, true);
  join(data.goal_names, more.goal_names, !data.goal_names.empty() && !more.goal_names.empty());
  join(data.goal_targets, more.goal_targets, !data.goal_targets.empty() && !more.goal_targets.empty());
  join(data.seeds, more.seeds, !data.seeds.empty() && !more.seeds.empty());
  join(data.completed, more.completed, !data.completed.empty() && !more.completed.empty());
  join(data.qpos, more.qpos, data.qpos_dim == more.qpos_dim && !data.qpos.empty() && !more.qpos.empty());
  join(data.qvel, more.qvel, data.qvel_dim == more.qvel_dim && !data.qvel.empty() && !more.qvel.empty());
}

Dataset select(const Dataset& data, std::span<const int> episodes) {
  Dataset out;
  out.state_dim = data.state_dim;
  out.action_dim = data.action_dim;
  out.qpos_dim = data.qpos_dim;
  out.qvel_dim = data.qvel_dim;
  for (const int e : episodes) {
    BATON_REQUIRE(e >= 0 && e < data.episodes(), "select: episode {} of {}", e, data.episodes());
    const std::int64_t first = data.offsets[e], last = data.offsets[e + 1];
    out.offsets.push_back(out.steps() + last - first);
    copy_rows(out.states, data.states, first, last, data.state_dim);
    copy_rows(out.actions, data.actions, first, last, data.action_dim);
    copy_rows(out.qpos, data.qpos, first, last, data.qpos_dim);
    copy_rows(out.qvel, data.qvel, first, last, data.qvel_dim);
    copy_rows(out.goal_names, data.goal_names, e, e + 1, 1);
    copy_rows(out.goal_targets, data.goal_targets, e, e + 1, data.state_dim);
    copy_rows(out.seeds, data.seeds, e, e + 1, 1);
    copy_rows(out.completed, data.completed, e, e + 1, 1);
  }
  return out;
}

std::vector<float> mean_final_state(const Dataset& data) {
  std::vector<double> sum(static_cast<std::size_t>(data.state_dim));
  for (int e = 0; e < data.episodes(); ++e) {
    const float* last = data.state(e, data.length(e) - 1);
    for (int i = 0; i < data.state_dim; ++i) sum[i] += last[i];
  }
  std::vector<float> mean(sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    mean[i] = static_cast<float>(sum[i] / std::max(1, data.episodes()));
  return mean;
}

}  // namespace baton::rl
