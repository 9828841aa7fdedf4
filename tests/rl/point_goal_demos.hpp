#pragma once
// Demonstrations of point_goal by its scripted operator, for tests of the whole method in seconds.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "envs/env.hpp"
#include "envs/point_goal/point_goal.hpp"
#include "kernels/rng.hpp"
#include "rl/data/dataset.hpp"
#include "rl/imitation.hpp"

namespace baton::test {

// Episodes over all demonstrated goals in turn. `disturbance` is the size of noise added to what is executed; the
// operator's own action is what is recorded.
inline rl::Dataset point_goal_demos(int episodes, float disturbance, std::uint64_t seed,
                                    int* completed = nullptr) {
  const std::unique_ptr<envs::BatchEnv> env = envs::make_env("point_goal", {.size = 1});
  const envs::Spec& spec = env->spec();
  const std::vector<envs::Goal> goals = env->goals("all");
  rl::Dataset data;
  data.state_dim = spec.state_dim;
  data.action_dim = spec.action_dim;
  if (completed) *completed = 0;
  for (int e = 0; e < episodes; ++e) {
    const envs::Goal& goal = goals[e % goals.size()];
    const std::uint64_t episode_seed = kernels::mix_seed(seed, e);
    kernels::Random random(episode_seed, 1000);
    env->reset(std::span(&episode_seed, 1));
    std::vector<float> action(spec.action_dim), executed(spec.action_dim), drift(spec.action_dim);
    bool all = true;
    for (int t = 0; t < spec.horizon; ++t) {
      envs::point_goal_action(spec, goal, env->observation(), action);
      data.states.insert(data.states.end(), env->observation().begin(), env->observation().end());
      data.actions.insert(data.actions.end(), action.begin(), action.end());
      for (int j = 0; j < spec.action_dim; ++j) {
        drift[j] = 0.8f * drift[j] + disturbance * random.normal();
        executed[j] = std::clamp(action[j] + drift[j], -1.0f, 1.0f);
      }
      env->step(executed);
    }
    for (const int i : goal.elements) {
      all = all && envs::element_done(spec.elements[i], env->state(), goal.target);
    }
    if (completed && all) ++*completed;
    data.offsets.push_back(data.offsets.back() + spec.horizon);
    data.goal_names.push_back(goal.name);
    data.goal_targets.insert(data.goal_targets.end(), goal.target.begin(), goal.target.end());
  }
  return data;
}

inline envs::Spec point_goal_spec() { return envs::make_env("point_goal", {})->spec(); }

inline rl::PolicySettings point_goal_policy_settings() {
  rl::PolicySettings settings;
  settings.hidden = {64, 64};
  settings.subgoal_every = 10;
  settings.low_window = 10;
  settings.high_window = 80;
  return settings;
}

inline constexpr int kPointGoalSubgoalEvery = 10;

}  // namespace baton::test
