#include "rl/data/trajectory.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::rl {
namespace {

std::span<const float> row(const std::vector<float>& values, std::size_t index, int width) {
  return std::span(values).subspan(index * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
}

}  // namespace

void Trajectories::resize(int episodes) {
  BATON_REQUIRE(episodes >= 0 && horizon > 0 && state_dim > 0 && action_dim > 0,
                "trajectories: {} episodes of {} steps, states {} and actions {} wide", episodes, horizon,
                state_dim, action_dim);
  n = episodes;
  const std::size_t count = static_cast<std::size_t>(n), s = static_cast<std::size_t>(state_dim);
  observations.assign(count * static_cast<std::size_t>(horizon + 1) * s, 0.0f);
  states.assign(observations.size(), 0.0f);
  actions.assign(count * static_cast<std::size_t>(horizon) * static_cast<std::size_t>(action_dim), 0.0f);
  high.reset(state_dim);
  low.reset(0);
  goal_targets.assign(count * s, 0.0f);
  goal_names.assign(count, std::string());
  seeds.assign(count, 0);
  success.assign(count, 0);
}

void Decided::reset(int numbers) {
  width = numbers;
  spans.clear(), values.clear(), at.clear();
  offsets.assign(1, 0);
}

void Decided::add_episode(std::span<const int> starts, std::span<const float> held, int horizon) {
  BATON_REQUIRE(
      !starts.empty() && starts[0] == 0 && held.size() == starts.size() * static_cast<std::size_t>(width),
      "trajectories: {} decisions of {} numbers in all, {} each are expected", starts.size(), held.size(),
      width);
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const int end = k + 1 < starts.size() ? starts[k + 1] : horizon;
    BATON_REQUIRE(starts[k] < end, "trajectories: a decision from step {} to {}", starts[k], end);
    at.insert(at.end(), static_cast<std::size_t>(end - starts[k]), static_cast<std::int32_t>(spans.size()));
    spans.push_back({starts[k], end - starts[k]});
  }
  values.insert(values.end(), held.begin(), held.end());
  offsets.push_back(static_cast<int>(spans.size()));
}

std::span<const float> Decided::value(int span) const {
  return row(values, static_cast<std::size_t>(span), width);
}

std::span<const float> Trajectories::observation(int episode, int t) const {
  return row(
      observations,
      static_cast<std::size_t>(episode) * static_cast<std::size_t>(horizon + 1) + static_cast<std::size_t>(t),
      state_dim);
}

std::span<const float> Trajectories::state(int episode, int t) const {
  return row(
      states,
      static_cast<std::size_t>(episode) * static_cast<std::size_t>(horizon + 1) + static_cast<std::size_t>(t),
      state_dim);
}

std::span<const float> Trajectories::action(int episode, int t) const {
  return row(
      actions,
      static_cast<std::size_t>(episode) * static_cast<std::size_t>(horizon) + static_cast<std::size_t>(t),
      action_dim);
}

std::span<const float> Trajectories::episode_states(int episode) const {
  return row(states, static_cast<std::size_t>(episode), (horizon + 1) * state_dim);
}

std::span<const float> Trajectories::subgoal(int segment) const { return high.value(segment); }

std::span<const float> Trajectories::low_goal(int episode, int t) const {
  return hierarchical() ? subgoal(segment(episode, t)) : goal(episode);
}

std::span<const float> Trajectories::goal(int episode) const {
  return row(goal_targets, static_cast<std::size_t>(episode), state_dim);
}

Dataset to_dataset(const Trajectories& trajectories, bool only_successful) {
  Dataset data;
  data.state_dim = trajectories.state_dim;
  data.action_dim = trajectories.action_dim;
  for (int e = 0; e < trajectories.n; ++e) {
    if (only_successful && trajectories.success[static_cast<std::size_t>(e)] == 0) continue;
    for (int t = 0; t < trajectories.horizon; ++t) {
      const std::span<const float> state = trajectories.observation(e, t);
      data.states.insert(data.states.end(), state.begin(), state.end());
      for (const float a : trajectories.action(e, t)) data.actions.push_back(std::clamp(a, -1.0f, 1.0f));
    }
    data.offsets.push_back(data.steps() + trajectories.horizon);
    const std::span<const float> goal = trajectories.goal(e);
    data.goal_targets.insert(data.goal_targets.end(), goal.begin(), goal.end());
    data.goal_names.push_back(trajectories.goal_names[static_cast<std::size_t>(e)]);
    data.seeds.push_back(trajectories.seeds[static_cast<std::size_t>(e)]);
    data.completed.push_back(trajectories.success[static_cast<std::size_t>(e)]);
  }
  return data;
}

}  // namespace baton::rl
