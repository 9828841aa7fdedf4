#include "rl/advantage.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/error.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using rl::gae;

namespace {

// One robot coordinate, two elements of one coordinate each, epsilon 0.3.
envs::Spec two_elements() {
  envs::Spec spec{
      .name = "toy", .state_dim = 3, .action_dim = 1, .horizon = 4, .robot_dim = 1, .elements = {}};
  spec.elements = {{.name = "a", .index = {1}, .epsilon = 0.3f},
                   {.name = "b", .index = {2}, .epsilon = 0.3f}};
  return spec;
}

// One episode of four steps: a goes 0, 0.5, 1, 0, 1 (goal 1); b stays at 0 (goal 1).
rl::Trajectories toy_trajectory() {
  rl::Trajectories out;
  out.horizon = 4;
  out.state_dim = 3;
  out.action_dim = 1;
  out.subgoal_every = 2;
  out.resize(1);
  const float a[] = {0, 0.5f, 1, 0, 1};
  for (int t = 0; t <= 4; ++t) {
    out.states[t * 3] = 9;  // the robot's own coordinate: must not matter
    out.states[t * 3 + 1] = a[t];
  }
  const float subgoals[] = {0, 0.5f, 0, 0, 1, 0};  // segment 0 wants a = 0.5, segment 1 wants a = 1
  out.high.add_episode(std::vector<int>{0, 2}, subgoals, out.horizon);
  out.goal_names[0] = "a_b";
  return out;
}

const std::vector<std::uint8_t> kOne{0, 0, 1};  // the ends of one episode of three rows
const envs::Goal kGoal{.name = "a_b", .target = {0, 1, 1}, .elements = {0, 1}};

}  // namespace

TEST_CASE("gae: hand-worked example, one episode") {
  // gamma 0.5, lambda 0.5: delta = {1 + 0.5*2 - 1, 0 + 0.5*3 - 2, 2 - 3} = {1, -0.5, -1};
  // A2 = -1, A1 = -0.5 - 0.25 = -0.75, A0 = 1 - 0.1875 = 0.8125.
  const std::vector<float> rewards{1, 0, 2}, values{1, 2, 3};
  std::vector<float> advantages(3), targets(3);
  gae(rewards, values, kOne, {.gamma = 0.5f, .lambda = 0.5f}, advantages, targets);
  test::check_close(advantages, std::vector<float>{0.8125f, -0.75f, -1}, 1e-6, 0, "advantages");
  test::check_close(targets, std::vector<float>{1.8125f, 1.25f, 2}, 1e-6, 0, "targets");
}

TEST_CASE("gae: nothing flows over a segment's end nor between episodes") {
  const std::vector<float> rewards{0, 0, 1, 0, 0, 1}, values(6, 0.0f);
  std::vector<float> advantages(6), targets(6);
  gae(rewards, values, std::vector<std::uint8_t>{0, 1, 1, 0, 1, 1}, {.gamma = 1, .lambda = 1}, advantages,
      targets);
  test::check_close(advantages, std::vector<float>{0, 0, 1, 0, 0, 1}, 0, 1e-9, "segments of 2");
  gae(rewards, values, std::vector<std::uint8_t>{0, 0, 1, 0, 0, 1}, {.gamma = 1, .lambda = 1}, advantages,
      targets);
  test::check_close(advantages, std::vector<float>{1, 1, 1, 1, 1, 1}, 0, 1e-9, "whole episodes");
}

TEST_CASE("gae: lambda 1 gives discounted returns minus values") {
  const std::vector<float> rewards{1, 2, 3}, values{5, -1, 0.5f};
  std::vector<float> advantages(3), targets(3);
  gae(rewards, values, kOne, {.gamma = 0.9f, .lambda = 1}, advantages, targets);
  test::check_close(targets, std::vector<float>{1 + 0.9f * 2 + 0.81f * 3, 2 + 0.9f * 3, 3}, 1e-6, 0,
                    "returns");
  CHECK_THROWS_AS(gae(rewards, values, std::vector<std::uint8_t>(6, 1), {}, advantages, targets), Error);
  CHECK_THROWS_AS(gae(rewards, values, std::vector<std::uint8_t>{0, 1, 0}, {}, advantages, targets), Error);
}

TEST_CASE("task reward: an element counts once, progress sums to its part, undoing costs") {
  const rl::Trajectories trajectory = toy_trajectory();
  rl::TaskRewardSettings settings{.task_weight = 1, .progress_weight = 0, .undo_weight = 0};
  test::check_close(rl::task_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{0, 1, 0, 0}, 0, 1e-9);
  settings = {.task_weight = 0, .progress_weight = 2, .undo_weight = 0};
  test::check_close(rl::task_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{1, 1, 0, 0}, 0, 1e-6);
  settings = {.task_weight = 0, .progress_weight = 0, .undo_weight = 3};
  test::check_close(rl::task_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{0, 0, -3, 0}, 0, 1e-9);
}

TEST_CASE("subgoal reward: sparse, elements and euclidean by their definitions") {
  const rl::Trajectories trajectory = toy_trajectory();
  rl::LowRewardSettings settings{.subgoal = rl::SubgoalReward::kSparse,
                                 .subgoal_weight = 2,
                                 .subgoal_epsilon = 1,
                                 .task = {.task_weight = 0, .progress_weight = 0}};
  // |a - subgoal| after each step: 0, 0.5, 1, 0; b is always where its subgoal is. Weight 2 over segments of 2.
  test::check_close(rl::low_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{1, 0, 0, 1}, 0, 1e-9);
  settings.subgoal = rl::SubgoalReward::kElements;
  test::check_close(rl::low_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{1, 0.5f, 0.5f, 1}, 0, 1e-9);
  settings.subgoal = rl::SubgoalReward::kEuclidean;
  const float half = static_cast<float>(-0.5 / 0.3 / std::sqrt(2.0));
  test::check_close(rl::low_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{0, half, 2 * half, 0}, 1e-5, 1e-6);
  settings.subgoal = rl::SubgoalReward::kNone;
  test::check_close(rl::low_rewards(two_elements(), kGoal, trajectory, settings),
                    std::vector<float>{0, 0, 0, 0}, 0, 1e-9);
}

TEST_CASE("task reward: an element outside the goal costs its way to its own goal, and gives it back") {
  envs::Spec spec = two_elements();
  spec.elements[0].goal = {2};  // a's own goal; the toy's a goes 0, 0.5, 1, 0, 1
  const envs::Goal b_alone{.name = "b", .target = {0, 0, 1}, .elements = {1}};
  const rl::TaskRewardSettings settings{
      .task_weight = 0, .progress_weight = 0, .undo_weight = 0, .spare_weight = 2};
  test::check_close(rl::task_rewards(spec, b_alone, toy_trajectory(), settings),
                    std::vector<float>{-0.5f, -0.5f, 1, -1}, 1e-6, 0, "spared");
  spec.elements[0].goal.clear();  // no goal of its own: nothing to spare
  test::check_close(rl::task_rewards(spec, b_alone, toy_trajectory(), settings), std::vector<float>(4, 0.0f),
                    0, 1e-9, "without");
}

TEST_CASE("high reward: the task reward summed over each segment") {
  const rl::TaskRewardSettings settings{.task_weight = 1, .progress_weight = 2, .undo_weight = 3};
  test::check_close(rl::high_rewards(two_elements(), kGoal, toy_trajectory(), settings),
                    std::vector<float>{3, -3}, 0, 1e-6);
}

TEST_CASE("completion_flags: stay once set, per element and row") {
  test::check_close(rl::completion_flags(two_elements(), kGoal, toy_trajectory()),
                    std::vector<float>{0, 0, 0, 0, 1, 0, 1, 0, 1, 0}, 0, 1e-9);
}

TEST_CASE("standardize: mean 0 and deviation 1; a constant becomes zeros") {
  std::vector<float> values{1, 2, 3, 4};
  rl::standardize(values);
  const double s = std::sqrt(1.25);
  test::check_close(values, std::vector<double>{-1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s}, 1e-6, 0);
  std::vector<float> constant(5, 3.0f);
  rl::standardize(constant);
  test::check_close(constant, std::vector<float>(5, 0.0f), 0, 1e-9);
}
