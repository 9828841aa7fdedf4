#include "rl/hierarchy.hpp"

#include <doctest/doctest.h>

#include "kernels/error.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/rl/point_goal_demos.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

std::vector<float> numbers(int n, std::uint64_t seed) {
  kernels::Random random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = random.normal();
  return values;
}

// Mean output of one policy for one [state, goal].
std::vector<float> mean_of(const rl::GaussianPolicy& policy, std::span<const float> state,
                           std::span<const float> goal) {
  std::vector<float> x(state.begin(), state.end()), y(policy.out_dim());
  x.insert(x.end(), goal.begin(), goal.end());
  rl::PolicyPass pass;
  pass.reserve(policy, 1);
  pass.forward(policy, x.data(), 1);
  pass.mean(policy, y.data());
  return y;
}

}  // namespace

TEST_CASE("RelayActor: a subgoal every H steps from [state, goal], held, and the low level acts towards it") {
  const rl::RelayPolicy policy = test::hand_relay(true, 3);
  rl::RelayActor actor(policy, test::point_goal_spec(), 2);
  const std::vector<float> goals = numbers(10, 1);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {});
  std::vector<float> actions(4), held;
  for (int t = 0; t < 7; ++t) {
    const std::vector<float> states = numbers(10, 100 + t);
    actor.act(t, states, actions);
    for (int n = 0; n < 2; ++n) {
      const auto state = std::span(states).subspan(n * 5, 5), goal = std::span(goals).subspan(n * 5, 5);
      const auto subgoal = actor.subgoals().subspan(n * 5, 5);
      if (t % 3 == 0) {
        test::check_close(std::vector<float>(subgoal.begin(), subgoal.end()),
                          mean_of(*policy.high, state, goal), 1e-6, 1e-6, "subgoal");
      } else {
        test::check_close(std::vector<float>(subgoal.begin(), subgoal.end()),
                          std::vector<float>(held.begin() + n * 5, held.begin() + n * 5 + 5), 0, 1e-30,
                          "held subgoal");
      }
      test::check_close(std::vector<float>(actions.begin() + 2 * n, actions.begin() + 2 * n + 2),
                        mean_of(policy.low, state, subgoal), 1e-6, 1e-6, "action");
    }
    held.assign(actor.subgoals().begin(), actor.subgoals().end());
  }
}

TEST_CASE("RelayActor: a flat policy acts towards the long-term goal itself") {
  const rl::RelayPolicy policy = test::hand_relay(false);
  rl::RelayActor actor(policy, test::point_goal_spec(), 1);
  const std::vector<float> goal = numbers(5, 2), state = numbers(5, 3);
  std::vector<float> actions(2);
  actor.begin(goal, std::vector<std::uint64_t>{1}, {});
  actor.act(4, state, actions);
  test::check_close(actions, mean_of(policy.low, state, goal), 1e-6, 1e-6, "action");
  CHECK(actor.subgoals().empty());
}

TEST_CASE("RelayActor: the typical robot pose replaces the goal's, as in training") {
  rl::RelayPolicy policy = test::hand_relay(true);
  rl::PolicyEncoding encoding = policy.high->encoding();
  encoding.robot_fill = rl::RobotFill::kTypical;
  encoding.typical_robot = {0.25f, -0.5f};
  policy.high =
      rl::GaussianPolicy(policy.high->spec(), encoding, policy.high->in(), policy.high->out(), {}, 1);
  rl::RelayActor actor(policy, test::point_goal_spec(), 1);
  actor.begin(std::vector<float>{9, 9, 1, 2, 3}, std::vector<std::uint64_t>{1}, {});
  test::check_close(std::vector<float>(actor.goals().begin(), actor.goals().end()),
                    std::vector<float>{0.25f, -0.5f, 1, 2, 3}, 0, 1e-9, "goal");
}

TEST_CASE("RelayActor: exploration scales with sigma, differs between rows and steps, and follows the seed") {
  const rl::RelayPolicy policy = test::hand_relay(true);
  const std::vector<float> goals(10, 0.5f), states(10, 0.1f);
  std::vector<float> mean(4), noisy(4), again(4), next(4);
  rl::RelayActor actor(policy, test::point_goal_spec(), 2);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {});
  actor.act(0, states, mean);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {.low = 1});
  actor.act(0, states, noisy);
  actor.act(1, states, next);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {.low = 1});
  actor.act(0, states, again);
  test::check_close(again, noisy, 0, 1e-30, "same seed");
  CHECK(noisy[0] != mean[0]);
  CHECK(noisy[0] != noisy[2]);
  CHECK(noisy[0] != next[0]);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {.low = 2});
  actor.act(0, states, again);
  for (int i = 0; i < 4; ++i)
    CHECK(again[i] - mean[i] == doctest::Approx(2 * (noisy[i] - mean[i])).epsilon(1e-4));
  std::vector<float> subgoal(actor.subgoals().begin(), actor.subgoals().end());
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {.high = 1});
  actor.act(0, states, again);
  CHECK(actor.subgoals()[0] != subgoal[0]);
}

TEST_CASE("RelayActor: levels that do not fit each other are refused") {
  rl::RelayPolicy policy = test::hand_relay(true);
  policy.high = test::hand_policy(4, 4, true, 1);
  CHECK_THROWS_WITH_AS(rl::RelayActor(policy, test::point_goal_spec(), 1), doctest::Contains("high level"),
                       Error);
}

TEST_CASE("RelayActor: a subgoal that may end when it is reached gives way then, each row by itself") {
  rl::RelayPolicy policy = test::hand_relay(true, 100);
  policy.subgoal_end = rl::SubgoalEnd::kReached;
  rl::RelayActor actor(policy, test::point_goal_spec(), 2);
  const std::vector<float> goals = numbers(10, 1);
  actor.begin(goals, std::vector<std::uint64_t>{5, 6}, {});
  std::vector<float> actions(4), states = numbers(10, 2);
  const auto proposed = [&] { return std::vector<int>(actor.proposed().begin(), actor.proposed().end()); };
  for (int i = 2; i < 5; ++i) states[i] = states[5 + i] = 50;  // far from any subgoal
  actor.act(0, states, actions);
  CHECK(proposed() == std::vector<int>{1, 1});
  actor.act(1, states, actions);
  CHECK(proposed() == std::vector<int>{0, 0});
  const std::vector<float> held(actor.subgoals().begin(), actor.subgoals().end());
  for (int i = 2; i < 5; ++i) states[5 + i] = held[5 + i] + 0.05f;  // within epsilon, row 1 alone
  actor.act(2, states, actions);
  CHECK(proposed() == std::vector<int>{0, 1});
  CHECK(std::equal(held.begin(), held.begin() + 5, actor.subgoals().begin()));
  CHECK_FALSE(std::equal(held.begin() + 5, held.end(), actor.subgoals().begin() + 5));
}
