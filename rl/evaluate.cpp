#include "rl/evaluate.hpp"

#include <algorithm>
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

namespace {

// The rows in which the goal's elements are first done, and what is done at the end.
EpisodeResult judge(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> states,
                    std::uint64_t seed) {
  const std::vector<std::uint8_t> now = done_now(spec, goal, states);
  const std::size_t elements = goal.elements.size(), dim = static_cast<std::size_t>(spec.state_dim);
  EpisodeResult result{.seed = seed, .first = std::vector<int>(elements, -1), .at_end = {}};
  for (std::size_t i = now.size(); i-- > 0;)
    if (now[i] != 0) result.first[i % elements] = static_cast<int>(i / elements);
  result.at_end = elements_done(spec, goal, states.last(dim));
  return result;
}

// Adds one episode to the sums of its goal.
void add(const envs::Goal& goal, const EpisodeResult& episode, GoalResult& sums) {
  const std::size_t wanted = goal.elements.size();
  std::size_t done = 0, done_at_end = 0;
  for (std::size_t e = 0; e < wanted; ++e) {
    const bool any_time = episode.first[e] >= 0;
    const bool at_end = std::ranges::find(episode.at_end, goal.elements[e]) != episode.at_end.end();
    sums.elements[e].completed += any_time, sums.elements[e].at_end += at_end;
    done += any_time, done_at_end += at_end;
  }
  sums.success += done == wanted;
  sums.success_final += done_at_end == wanted;
  sums.success_exact += done_at_end == wanted && episode.at_end.size() == wanted;
  sums.step_completion += static_cast<double>(done);
  sums.step_completion_final += static_cast<double>(done_at_end);
  for (std::size_t k = 0; k < done; ++k) sums.p[k] += 1;
}

}  // namespace

std::vector<GoalResult> score(const envs::Spec& spec, std::span<const envs::Goal> goals,
                              const Trajectories& trajectories) {
  BATON_REQUIRE(trajectories.state_dim == spec.state_dim, "score: trajectories of {} coordinates, {} has {}",
                trajectories.state_dim, spec.name, spec.state_dim);
  std::vector<GoalResult> results;
  for (const envs::Goal& goal : goals) {
    GoalResult result{.name = goal.name};
    for (const int e : goal.elements) result.elements.push_back({.name = spec.elements[e].name});
    result.p.assign(goal.elements.size(), 0.0);
    for (int i = 0; i < trajectories.n; ++i) {
      if (trajectories.goal_names[i] != goal.name) continue;
      result.each.push_back(judge(spec, goal, trajectories.episode_states(i), trajectories.seeds[i]));
      add(goal, result.each.back(), result);
    }
    result.episodes = static_cast<int>(result.each.size());
    BATON_REQUIRE(result.episodes > 0, "score: no episode of goal {}", goal.name);
    const double n = result.episodes;
    for (double* sum : {&result.success, &result.success_final, &result.success_exact,
                        &result.step_completion, &result.step_completion_final})
      *sum /= n;
    for (double& share : result.p) share /= n;
    for (ElementRate& rate : result.elements) rate.completed /= n, rate.at_end /= n;
    result.d4rl_score = 100 * result.step_completion / static_cast<double>(goal.elements.size());
    results.push_back(std::move(result));
  }
  return results;
}

GoalResult mean_over_goals(std::span<const GoalResult> goals) {
  GoalResult mean{.name = "mean"};
  std::vector<int> counts;
  for (const GoalResult& goal : goals) {
    const double w = 1.0 / static_cast<double>(goals.size());
    mean.episodes += goal.episodes;
    mean.success += w * goal.success;
    mean.step_completion += w * goal.step_completion;
    mean.success_final += w * goal.success_final;
    mean.step_completion_final += w * goal.step_completion_final;
    mean.success_exact += w * goal.success_exact;
    mean.d4rl_score += w * goal.d4rl_score;
    const std::size_t longest = std::max(mean.p.size(), goal.p.size());
    mean.p.resize(longest), counts.resize(longest);
    for (std::size_t k = 0; k < goal.p.size(); ++k) mean.p[k] += goal.p[k], ++counts[k];
  }
  for (std::size_t k = 0; k < counts.size(); ++k) mean.p[k] /= counts[k];
  return mean;
}

Evaluation evaluate(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                    const RolloutOptions& options, const ProgressCallback& progress) {
  const std::uint64_t diverged = env.diverged();
  Evaluation result;
  result.env.name = env.spec().name;
  for (const envs::Element& element : env.spec().elements) result.elements.push_back(element.name);
  result.seed = options.seed;
  result.episodes = options.episodes;
  result.goals = score(env.spec(), goals, rollout(env, actor, goals, options, progress));
  result.mean = mean_over_goals(result.goals);
  result.diverged = env.diverged() - diverged;
  return result;
}

namespace {

using Json = nlohmann::ordered_json;

// What goals and their mean have alike.
Json figures(const GoalResult& result) {
  return {{"success", result.success},
          {"step_completion", result.step_completion},
          {"success_final", result.success_final},
          {"step_completion_final", result.step_completion_final},
          {"success_exact", result.success_exact},
          {"p", result.p},
          {"d4rl_score", result.d4rl_score}};
}

Json episodes_of(const Evaluation& evaluation, const GoalResult& goal) {
  Json episodes = Json::array();
  for (const EpisodeResult& episode : goal.each) {
    Json completed = Json::array(), first = Json::array(), at_end = Json::array();
    for (std::size_t e = 0; e < goal.elements.size(); ++e) {
      if (episode.first[e] < 0) continue;
      completed.push_back(goal.elements[e].name);
      first.push_back(episode.first[e]);
    }
    for (const int e : episode.at_end) at_end.push_back(evaluation.elements[static_cast<std::size_t>(e)]);
    episodes.push_back(
        {{"seed", episode.seed}, {"completed", completed}, {"first", first}, {"at_end", at_end}});
  }
  return episodes;
}

Json goal_json(const Evaluation& evaluation, const GoalResult& goal) {
  Json elements = Json::object(), elements_final = Json::object();
  for (const ElementRate& rate : goal.elements) {
    elements[rate.name] = rate.completed;
    elements_final[rate.name] = rate.at_end;
  }
  Json json{{"name", goal.name}};
  json.update(figures(goal));
  json["elements"] = elements, json["elements_final"] = elements_final;
  json["episodes"] = episodes_of(evaluation, goal);
  return json;
}

// A float as the number that its shortest text says: 0.1f as 0.1.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

}  // namespace

Json to_json(const Evaluation& evaluation) {
  Json goals = Json::array();
  for (const GoalResult& goal : evaluation.goals) goals.push_back(goal_json(evaluation, goal));
  const EnvSettings& env = evaluation.env;
  Json json{{"env", env.name}, {"model", has_model_file(env) ? env.model : "own"}};
  json.update({{"noise_ratio", shortest(env.noise_ratio)},
               {"start_spread", shortest(env.start_spread)},
               {"displaced", env.displaced},
               {"displacement", shortest(env.displacement)},
               {"push", env.push},
               {"policy", evaluation.policy},
               {"method", evaluation.method},
               {"train_seed", evaluation.train_seed ? Json(*evaluation.train_seed) : Json()},
               {"seed", evaluation.seed},
               {"episodes", evaluation.episodes},
               {"goals", goals},
               {"mean", figures(evaluation.mean)},
               {"diverged", evaluation.diverged}});
  return json;
}

}  // namespace baton::rl
