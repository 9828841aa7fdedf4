#include "rl/evaluate.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::rl {

void completion(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> states,
                std::span<std::uint8_t> completed, std::span<std::uint8_t> at_end) {
  const std::size_t S = static_cast<std::size_t>(spec.state_dim), rows = states.size() / S;
  BATON_REQUIRE(rows > 0 && states.size() == rows * S, "completion: {} state numbers are not rows of {}",
                states.size(), S);
  BATON_REQUIRE(completed.size() == goal.elements.size() && at_end.size() == goal.elements.size(),
                "completion: room for {} and {} flags, goal {} has {} elements", completed.size(),
                at_end.size(), goal.name, goal.elements.size());
  for (std::size_t e = 0; e < goal.elements.size(); ++e) {
    const envs::Element& element = spec.elements[goal.elements[e]];
    completed[e] = at_end[e] = 0;
    for (std::size_t t = 0; t < rows; ++t) {
      const bool done = envs::element_error(element, states.subspan(t * S, S), goal.target) < element.epsilon;
      if (done) completed[e] = 1;
      at_end[e] = done;
    }
  }
}

std::vector<GoalResult> score(const envs::Spec& spec, std::span<const envs::Goal> goals,
                              const Trajectories& trajectories) {
  BATON_REQUIRE(trajectories.state_dim == spec.state_dim, "score: trajectories of {} coordinates, {} has {}",
                trajectories.state_dim, spec.name, spec.state_dim);
  const std::size_t rows = static_cast<std::size_t>(trajectories.horizon + 1) * spec.state_dim;
  std::vector<GoalResult> results;
  for (const envs::Goal& goal : goals) {
    const std::size_t count = goal.elements.size();
    GoalResult result{.name = goal.name, .elements = {}};
    for (const int e : goal.elements) result.elements.push_back({.name = spec.elements[e].name});
    std::vector<std::uint8_t> completed(count), at_end(count);
    for (int i = 0; i < trajectories.n; ++i) {
      if (trajectories.goal_names[i] != goal.name) continue;
      completion(spec, goal, std::span(trajectories.states).subspan(i * rows, rows), completed, at_end);
      std::size_t any = 0, last = 0;
      for (std::size_t e = 0; e < count; ++e) {
        any += completed[e], last += at_end[e];
        result.elements[e].completed += completed[e];
        result.elements[e].at_end += at_end[e];
      }
      ++result.episodes;
      result.success += any == count;
      result.success_final += last == count;
      result.step_completion += static_cast<double>(any);
      result.step_completion_final += static_cast<double>(last);
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

Evaluation evaluate(envs::BatchEnv& env, const RelayPolicy& policy, std::span<const envs::Goal> goals,
                    const RolloutOptions& options, const std::string& policy_name,
                    const ProgressCallback& progress) {
  const std::uint64_t diverged = env.diverged();
  Evaluation result;
  result.env = env.spec().name;
  result.policy = policy_name;
  result.seed = options.seed;
  result.episodes = options.episodes;
  result.goals = score(env.spec(), goals, rollout(env, policy, goals, options, progress));
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
