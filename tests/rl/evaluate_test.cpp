#include "rl/evaluate.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/hierarchy.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

envs::Spec toy_spec() {
  envs::Spec spec{
      .name = "toy", .state_dim = 3, .action_dim = 1, .horizon = 2, .robot_dim = 0, .elements = {}};
  // "a" is two coordinates: its error is a norm.
  spec.elements = {{.name = "a", .index = {0, 1}, .epsilon = 0.5f},
                   {.name = "b", .index = {2}, .epsilon = 0.3f}};
  return spec;
}

const envs::Goal kGoal{.name = "a_b", .target = {1, 1, 1}, .elements = {0, 1}};

// Two episodes of two steps. First: a done at row 1 only, b at the end: success, but not at the end. Second: a never
// ((0.6, 0.6) is 0.57 away though each coordinate is within 0.5), b from row 1 on.
rl::Trajectories toy_trajectories() {
  rl::Trajectories out;
  out.horizon = 2;
  out.state_dim = 3;
  out.action_dim = 1;
  out.resize(2);
  out.states = {0, 0, 0, 1, 0.8f, 0, 0, 0, 1, 0, 0, 0, 0.6f, 0.6f, 0.8f, 0, 1, 1};
  out.goal_names = {"a_b", "a_b"};
  out.seeds = {8, 9};
  return out;
}

}  // namespace

TEST_CASE("score: at any time and at the last step, per goal and element, on hand-made trajectories") {
  const rl::Trajectories trajectories = toy_trajectories();
  const std::vector<rl::GoalResult> results = rl::score(toy_spec(), std::span(&kGoal, 1), trajectories);
  REQUIRE(results.size() == 1);
  const rl::GoalResult& r = results[0];
  CHECK(r.episodes == 2);
  CHECK(r.success == 0.5);
  CHECK(r.step_completion == 1.5);
  CHECK(r.success_final == 0);
  CHECK(r.step_completion_final == 1);
  REQUIRE(r.elements.size() == 2);
  CHECK(r.elements[0].name == "a");
  CHECK(r.elements[0].completed == 0.5);
  CHECK(r.elements[0].at_end == 0);
  CHECK(r.elements[1].completed == 1);
  CHECK(r.elements[1].at_end == 1);
  CHECK(r.p == std::vector<double>{1, 0.5});
  CHECK(r.d4rl_score == 75);
  REQUIRE(r.each.size() == 2);
  CHECK(r.each[0].seed == 8);
  CHECK(r.each[0].first == std::vector<int>{1, 2});
  CHECK(r.each[0].at_end == std::vector<int>{1});
  CHECK(r.each[1].first == std::vector<int>{-1, 1});
}

TEST_CASE("score: exact success is the goal's elements at the last step and no other of the environment") {
  envs::Spec spec = toy_spec();
  spec.elements.push_back({.name = "c", .index = {2}, .epsilon = 0.3f, .goal = {-1}});
  spec.elements.push_back({.name = "d", .index = {0}, .epsilon = 0.3f});  // no goal of its own: not judged
  const envs::Goal goal{.name = "a", .target = {1, 1, 0}, .elements = {0}};
  rl::Trajectories out;
  out.horizon = 1, out.state_dim = 3, out.action_dim = 1;
  out.resize(3);
  // a done and c not; a done and c, too; c done, but not at the end, and a at the end.
  out.states = {0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, -0.8f, 1, 1, -1, 1, 1, 0};
  out.goal_names = {"a", "a", "a"};
  const rl::GoalResult r = rl::score(spec, std::span(&goal, 1), out)[0];
  CHECK(r.success_final == 1);
  CHECK(r.success_exact == doctest::Approx(2.0 / 3).epsilon(1e-12));
  CHECK(r.each[1].at_end == std::vector<int>{0, 2});
}

TEST_CASE("score: epsilon is exclusive, and a goal without episodes is refused") {
  envs::Spec spec = toy_spec();
  rl::Trajectories trajectories = toy_trajectories();
  trajectories.states.assign(trajectories.states.size(), 1.0f);
  for (std::size_t i = 0; i < trajectories.states.size(); i += 3)
    trajectories.states[i] = 0.5f;  // a: 0.5 away exactly
  CHECK(rl::score(spec, std::span(&kGoal, 1), trajectories)[0].elements[0].completed == 0);
  spec.elements[0].epsilon = 0.5001f;
  CHECK(rl::score(spec, std::span(&kGoal, 1), trajectories)[0].elements[0].completed == 1);
  envs::Goal other = kGoal;
  other.name = "b_a";
  CHECK_THROWS_WITH_AS(rl::score(spec, std::span(&other, 1), trajectories), doctest::Contains("b_a"), Error);
}

TEST_CASE("mean_over_goals: every goal weighs the same") {
  rl::GoalResult a, b;
  a.success = 1, a.step_completion = 4, a.success_final = 0.5, a.episodes = 10;
  a.p = {1, 1}, b.p = {0.5};
  b.success = 0, b.step_completion = 1, b.success_final = 0, b.episodes = 90;
  const rl::GoalResult mean = rl::mean_over_goals(std::vector<rl::GoalResult>{a, b});
  CHECK(mean.success == 0.5);
  CHECK(mean.step_completion == 2.5);
  CHECK(mean.success_final == 0.25);
  CHECK(mean.p == std::vector<double>{0.75, 1});
}

TEST_CASE("evaluate: the JSON keeps its contract and is the same text for any batch size and thread count") {
  const rl::RelayPolicy policy = test::hand_relay(true);
  rl::RolloutOptions options;
  options.episodes = 3;
  options.seed = 5;
  const auto text = [&](int batch, int threads) {
    kernels::set_threads(threads);
    const auto env = envs::make_env("point_goal", {.size = batch});
    rl::RelayActor actor(policy, env->spec(), batch);
    rl::Evaluation evaluation = rl::evaluate(*env, actor, env->goals("all"), options);
    evaluation.policy = "runs/x", evaluation.method = "ril", evaluation.train_seed = 7;
    return rl::to_json(evaluation).dump();
  };
  const std::string one = text(2, 1);
  CHECK(one == text(64, 2));
  kernels::set_threads(0);
  const nlohmann::json json = nlohmann::json::parse(one);
  CHECK(json["env"] == "point_goal");
  CHECK(json["policy"] == "runs/x");
  CHECK(json["method"] == "ril");
  CHECK(json["train_seed"] == 7);
  CHECK(json["model"] == "own");
  CHECK(json["seed"] == 5);
  CHECK(json["episodes"] == 3);
  REQUIRE(json["goals"].size() == 3);
  for (const auto& goal : json["goals"]) {
    for (const char* key : {"name", "success", "step_completion", "success_final", "success_exact", "p",
                            "d4rl_score", "elements"})
      CHECK(goal.contains(key));
    CHECK(goal["elements"].size() == 2);
    CHECK(goal["p"].size() == 2);
    REQUIRE(goal["episodes"].size() == 3);
    double completed = 0;
    for (const auto& episode : goal["episodes"]) {
      CHECK(episode["seed"].is_number_unsigned());
      CHECK(episode["completed"].size() == episode["first"].size());
      CHECK(episode["at_end"].is_array());
      completed += static_cast<double>(episode["completed"].size()) / 3;
    }
    CHECK(completed == doctest::Approx(goal["step_completion"].get<double>()).epsilon(1e-12));
  }
  for (const char* key : {"success", "step_completion", "success_final", "success_exact", "p", "d4rl_score"})
    CHECK(json["mean"].contains(key));
}

TEST_CASE("mean_and_error: the deviation with n - 1 over the root of n; one value has none") {
  const std::vector<double> three{1, 2, 6};
  CHECK(rl::mean_and_error(three).mean == doctest::Approx(3).epsilon(1e-12));
  CHECK(rl::mean_and_error(three).error == doctest::Approx(std::sqrt(7.0 / 3)).epsilon(1e-12));
  CHECK(rl::mean_and_error(std::vector<double>{4}).mean == 4);
  CHECK(rl::mean_and_error(std::vector<double>{4}).error == 0);
}
