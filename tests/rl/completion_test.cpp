#include "rl/completion.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "kernels/error.hpp"

using namespace baton;

namespace {

using Flags = std::vector<std::uint8_t>;

// a is two coordinates: its error is a norm.
const envs::Spec kSpec{.name = "toy",
                       .state_dim = 3,
                       .action_dim = 1,
                       .horizon = 2,
                       .robot_dim = 0,
                       .elements = {{.name = "a", .index = {0, 1}, .epsilon = 0.5f},
                                    {.name = "b", .index = {2}, .epsilon = 0.3f}}};
const envs::Goal kGoal{.name = "b_a", .target = {1, 1, 1}, .elements = {1, 0}};

}  // namespace

TEST_CASE("completion: now, by then, at any time and at the end, in the order of the goal's elements") {
  const std::vector<float> states{0, 0, 0, 1, 0.8f, 0, 0, 0, 1};
  CHECK(rl::done_now(kSpec, kGoal, states) == Flags{0, 0, 0, 1, 1, 0});
  CHECK(rl::done_by(kSpec, kGoal, states) == Flags{0, 0, 0, 1, 1, 1});
  const rl::Completion done = rl::completion(kSpec, kGoal, states);
  CHECK(done.any_time == Flags{1, 1});
  CHECK(done.at_end == Flags{1, 0});
  CHECK(done.count() == 2);
  CHECK(done.count_end() == 1);
  CHECK(done.all());
}

TEST_CASE("completion: epsilon is exclusive, NaN is not done, broken rows are refused") {
  CHECK(rl::done_now(kSpec, kGoal, std::vector<float>{1, 0.5f, 1}) == Flags{1, 0});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(rl::done_now(kSpec, kGoal, std::vector<float>{nan, 1, nan}) == Flags{0, 0});
  CHECK_THROWS_AS(rl::done_now(kSpec, kGoal, std::vector<float>{1, 1}), Error);
  CHECK_THROWS_AS(rl::completion(kSpec, kGoal, {}), Error);
}
