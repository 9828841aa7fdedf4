#include "envs/point_goal/point_goal.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "tests/rl/point_goal_demos.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

// Final state and observation after 40 scripted steps of environments with these seeds.
std::vector<float> run(std::span<const std::uint64_t> seeds) {
  const auto env = envs::make_env("point_goal", {.size = static_cast<int>(seeds.size())});
  const envs::Goal goal = env->goals("left_top").front();
  env->reset(seeds);
  std::vector<float> actions(seeds.size() * 2);
  for (int t = 0; t < 40; ++t) {
    for (std::size_t n = 0; n < seeds.size(); ++n) {
      envs::point_goal_action(env->spec(), goal, env->observation().subspan(n * 5, 5),
                              std::span(actions).subspan(n * 2, 2));
    }
    env->step(actions);
  }
  std::vector<float> result(env->state().begin(), env->state().end());
  result.insert(result.end(), env->observation().begin(), env->observation().end());
  return result;
}

}  // namespace

TEST_CASE("point_goal: the operator completes every goal undisturbed and most goals disturbed") {
  int completed = 0;
  test::point_goal_demos(30, 0.0f, 1, &completed);
  CHECK(completed == 30);
  test::point_goal_demos(60, 0.1f, 2, &completed);
  CHECK(completed >= 36);
}

TEST_CASE("point_goal: an environment depends on its seed alone, not on batch size, place or threads") {
  std::vector<std::uint64_t> seeds(200);
  for (std::size_t n = 0; n < seeds.size(); ++n) seeds[n] = 1000 + n;
  kernels::set_threads(1);
  const std::vector<float> one = run(seeds);
  kernels::set_threads(2);
  const std::vector<float> two = run(seeds);
  CHECK(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
  const std::vector<float> alone = run(std::span(seeds).subspan(137, 1));
  CHECK(std::memcmp(alone.data(), &one[137 * 5], 5 * sizeof(float)) == 0);
  CHECK(std::memcmp(&alone[5], &one[(200 + 137) * 5], 5 * sizeof(float)) == 0);
  kernels::set_threads(0);
}

TEST_CASE("point_goal: a knob moves by the point's push alone and stops at the end of its rail") {
  const auto env = envs::make_env("point_goal", {.size = 1, .noise_ratio = 0});
  const std::uint64_t seed = 3;
  env->reset(std::span(&seed, 1));
  // Straight left along y ~ 0, above the rest of "left" (0.3 away): nothing is touched.
  for (int t = 0; t < 5; ++t) env->step(std::vector<float>{-1, 0});
  for (int i = 2; i < 5; ++i) CHECK(env->state()[i] == 0.0f);
  const envs::Goal goal = env->goals("left_top").front();
  std::vector<float> action(2);
  for (int t = 0; t < 40 && env->state()[2] == 0; ++t) {
    envs::point_goal_action(env->spec(), goal, env->state(), action);
    env->step(action);
  }
  REQUIRE(env->state()[2] > 0);
  // From behind the knob straight on: travel grows with the point, up to 0.6; the point is then stopped, too.
  for (int t = 0; t < 40; ++t) env->step(std::vector<float>{0, 1});
  CHECK(env->state()[2] <= 0.6f);
  CHECK(std::isfinite(env->state()[1]));
}

TEST_CASE("point_goal: without noise the observation is the state") {
  const auto env = envs::make_env("point_goal", {.size = 3, .noise_ratio = 0});
  env->reset(std::vector<std::uint64_t>{1, 2, 3});
  env->step(std::vector<float>{1, 0, 0, 1, -1, 5});
  test::check_close(std::vector<float>(env->observation().begin(), env->observation().end()),
                    std::vector<float>(env->state().begin(), env->state().end()), 0, 1e-9, "observation");
}

TEST_CASE("a push: some consecutive actions are one random constant, where and which is the seed's alone") {
  const auto actions_of = [](std::uint64_t seed, int batch, int push) {
    const auto env = envs::make_env("point_goal", {.size = batch, .noise_ratio = 0, .push = push});
    env->reset(std::vector<std::uint64_t>(static_cast<std::size_t>(batch), seed));
    std::vector<float> moves;  // of the last environment, whose own actions are 0
    const std::size_t row = static_cast<std::size_t>(batch - 1) * env->spec().state_dim;
    for (int t = 0; t < env->spec().horizon; ++t) {
      const float x = env->state()[row], y = env->state()[row + 1];
      env->step(std::vector<float>(static_cast<std::size_t>(batch) * 2, 0.0f));
      moves.push_back(std::abs(env->state()[row] - x) + std::abs(env->state()[row + 1] - y));
    }
    return moves;
  };
  int first = -1, differ = 0;
  for (std::uint64_t seed = 1; seed < 9; ++seed) {
    const std::vector<float> moves = actions_of(seed, 1, 5);
    const auto moved = [](float v) { return v > 0; };
    CHECK(std::ranges::count_if(moves, moved) == 5);
    const auto begin = std::ranges::find_if(moves, moved);
    CHECK(std::all_of(begin, begin + 5, moved));
    CHECK(actions_of(seed, 3, 5) == moves);
    const int at = static_cast<int>(begin - moves.begin());
    differ += at != first;
    first = at;
  }
  CHECK(differ > 4);
  CHECK(std::ranges::count(actions_of(1, 1, 0), 0.0f) == 90);
  CHECK(actions_of(1, 1, 90).front() > 0);
  CHECK_THROWS_WITH_AS(envs::make_env("point_goal", {.size = 1, .push = 91}),
                       doctest::Contains("episodes have 90"), Error);
}

TEST_CASE("make_env and goals: an unknown name is refused with the nearest") {
  CHECK_THROWS_WITH_AS(envs::make_env("point_gaol", {}), doctest::Contains("point_goal"), UsageError);
  const auto env = envs::make_env("point_goal", {});
  CHECK_THROWS_WITH_AS(env->goals("left_top,left_rigth"), doctest::Contains("left_right"), UsageError);
  CHECK(env->goals("all").size() == 3);
  CHECK(env->goals("unseen").front().elements.size() == 3);
  CHECK_THROWS_AS(envs::make_env("point_goal", {.size = 0}), Error);
}
