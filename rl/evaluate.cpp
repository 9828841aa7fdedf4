#include "rl/evaluate.hpp"

#include <cmath>

#include "kernels/error.hpp"
#include "rl/completion.hpp"

namespace baton::rl {

MeanError mean_and_error(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  MeanError result;
  for (const double v : values) result.mean += v / n;
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double v : values) squares += (v - result.mean) * (v - result.mean);
  result.error = std::sqrt(squares / (n - 1) / n);
  return result;
}

std::vector<GoalResult> score(const envs::Spec& spec, std::span<const envs::Goal> goals,
                              const Trajectories& trajectories) {
  BATON_REQUIRE(trajectories.state_dim == spec.state_dim, "score: trajectories of {} coordinates, {} has {}",
                trajectories.state_dim, spec.name, spec.state_dim);
  std::vector<GoalResult> results;
  for (const envs::Goal& goal : goals) {
    GoalResult result{.name = goal.name, .elements = {}};
    for (const int e : goal.elements) result.elements.push_back({.name = spec.elements[e].name});
    for (int i = 0; i < trajectories.n; ++i) {
      if (trajectories.goal_names[i] != goal.name) continue;
      const Completion done = completion(spec, goal, trajectories.episode_states(i));
      for (std::size_t e = 0; e < goal.elements.size(); ++e) {
        result.elements[e].completed += done.any_time[e];
        result.elements[e].at_end += done.at_end[e];
      }
      const int count = static_cast<int>(goal.elements.size());
      ++result.episodes;
      result.success += done.count() == count;
      result.success_final += done.count_end() == count;
      result.step_completion += done.count();
      result.step_completion_final += done.count_end();
    }
    BATON_REQUIRE(result.episodes > 0, "score: no episode of goal {}", goal.name);
    const double n = result.episodes;
    result.success /= n, result.success_final /= n, result.step_completion /= n,
        result.step_completion_final /= n;
    for (ElementRate& rate : result.elements) rate.completed /= n, rate.at_end /= n;
    results.push_back(std::move(result));
  }
  return results;
}

GoalResult mean_over_goals(std::span<const GoalResult> goals) {
  GoalResult mean{.name = "mean", .elements = {}};
  for (const GoalResult& goal : goals) {
    const double w = 1.0 / static_cast<double>(goals.size());
    mean.episodes += goal.episodes;
    mean.success += w * goal.success;
    mean.step_completion += w * goal.step_completion;
    mean.success_final += w * goal.success_final;
    mean.step_completion_final += w * goal.step_completion_final;
  }
  return mean;
}

Evaluation evaluate(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                    const RolloutOptions& options, const std::string& policy_name,
                    const ProgressCallback& progress) {
  const std::uint64_t diverged = env.diverged();
  Evaluation result;
  result.env = env.spec().name;
  result.policy = policy_name;
  result.seed = options.seed;
  result.episodes = options.episodes;
  result.goals = score(env.spec(), goals, rollout(env, actor, goals, options, progress));
  result.mean = mean_over_goals(result.goals);
  result.diverged = env.diverged() - diverged;
  return result;
}

nlohmann::ordered_json to_json(const Evaluation& evaluation) {
  using Json = nlohmann::ordered_json;
  Json goals = Json::array();
  for (const GoalResult& goal : evaluation.goals) {
    Json elements = Json::object(), elements_final = Json::object();
    for (const ElementRate& rate : goal.elements) {
      elements[rate.name] = rate.completed;
      elements_final[rate.name] = rate.at_end;
    }
    goals.push_back({{"name", goal.name},
                     {"success", goal.success},
                     {"step_completion", goal.step_completion},
                     {"success_final", goal.success_final},
                     {"step_completion_final", goal.step_completion_final},
                     {"elements", elements},
                     {"elements_final", elements_final}});
  }
  return {{"env", evaluation.env},
          {"policy", evaluation.policy},
          {"seed", evaluation.seed},
          {"episodes", evaluation.episodes},
          {"goals", goals},
          {"mean",
           {{"success", evaluation.mean.success},
            {"step_completion", evaluation.mean.step_completion},
            {"success_final", evaluation.mean.success_final},
            {"step_completion_final", evaluation.mean.step_completion_final}}},
          {"diverged", evaluation.diverged}};
}

}  // namespace baton::rl
