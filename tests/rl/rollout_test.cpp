#include "rl/rollout.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/hierarchy.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

rl::Trajectories collect(int batch, const rl::RelayPolicy& policy, const std::string& goals,
                         rl::RolloutOptions options) {
  const auto env = envs::make_env("point_goal", {.size = batch});
  rl::RelayActor actor(policy, env->spec(), batch);
  return rl::rollout(*env, actor, env->goals(goals), options);
}

rl::RolloutOptions exploring(int episodes) {
  rl::RolloutOptions options;
  options.episodes = episodes;
  options.seed = 77;
  options.exploration = {.low = 1, .high = 0.5f};
  return options;
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void check_same(const rl::Trajectories& a, const rl::Trajectories& b) {
  CHECK(a.n == b.n);
  CHECK(same_bytes(a.observations, b.observations));
  CHECK(same_bytes(a.states, b.states));
  CHECK(same_bytes(a.actions, b.actions));
  CHECK(same_bytes(a.high.values, b.high.values));
  CHECK(same_bytes(a.low.values, b.low.values));
  CHECK(same_bytes(a.seeds, b.seeds));
  CHECK(same_bytes(a.success, b.success));
  CHECK(a.goal_names == b.goal_names);
}

}  // namespace

TEST_CASE("rollout: the same bytes for 1 and 2 threads and for batches of 4 and 16") {
  for (const bool hierarchical : {true, false}) {
    const rl::RelayPolicy policy = test::hand_relay(hierarchical);
    kernels::set_threads(1);
    const rl::Trajectories small = collect(4, policy, "all", exploring(7));
    const rl::Trajectories large = collect(16, policy, "all", exploring(7));
    check_same(small, large);
    kernels::set_threads(2);
    check_same(small, collect(4, policy, "all", exploring(7)));
    check_same(small, collect(300, policy, "all", exploring(7)));
    kernels::set_threads(0);
  }
}

TEST_CASE("rollout: an episode is a function of (seed, goal, index): it can be made alone") {
  const rl::RelayPolicy policy = test::hand_relay(true);
  const rl::Trajectories all = collect(4, policy, "all", exploring(5));
  rl::RolloutOptions one = exploring(1);
  one.first_episode = 3;
  const rl::Trajectories alone = collect(1, policy, "top_right", one);
  const int row = 1 * 5 + 3;  // second goal, episode 3
  REQUIRE(all.goal_names[row] == "top_right");
  CHECK(all.seeds[row] == alone.seeds[0]);
  CHECK(std::memcmp(alone.actions.data(), all.action(row, 0).data(), alone.actions.size() * sizeof(float)) ==
        0);
  CHECK(std::memcmp(alone.states.data(), all.state(row, 0).data(), alone.states.size() * sizeof(float)) == 0);
  CHECK(rl::episode_seed(1, "a_b", 0) != rl::episode_seed(1, "b_a", 0));
  CHECK(rl::episode_seed(1, "a_b", 0) != rl::episode_seed(1, "a_b", 1));
  CHECK(rl::episode_seed(1, "a_b", 0) != rl::episode_seed(2, "a_b", 0));
}

TEST_CASE("rollout: rows are what happened: actions replayed in the environment give the same states") {
  const rl::RelayPolicy policy = test::hand_relay(true);
  const rl::Trajectories own = collect(3, policy, "left_top", exploring(5));
  const auto env = envs::make_env("point_goal", {.size = 1});
  env->reset(std::span(own.seeds).subspan(4, 1));
  for (int t = 0; t < own.horizon; ++t) {
    CHECK(std::memcmp(env->state().data(), own.state(4, t).data(), 5 * sizeof(float)) == 0);
    CHECK(std::memcmp(env->observation().data(), own.observation(4, t).data(), 5 * sizeof(float)) == 0);
    env->step(own.action(4, t));
  }
  CHECK(std::memcmp(env->state().data(), own.state(4, own.horizon).data(), 5 * sizeof(float)) == 0);
}

TEST_CASE("rollout: a policy of another shape is refused, and progress can stop the work") {
  const rl::RelayPolicy wrong = test::hand_relay(true, 10, 6, 2);
  CHECK_THROWS_WITH_AS(collect(2, wrong, "all", exploring(1)), doctest::Contains("6 state coordinates"),
                       Error);
  const rl::RelayPolicy policy = test::hand_relay(true);
  const auto env = envs::make_env("point_goal", {.size = 2});
  int calls = 0;
  const auto stop = [&](const rl::Progress& progress) {
    CHECK(progress.total == 3 * 4 * 90);
    return ++calls < 5;
  };
  rl::RelayActor actor(policy, env->spec(), 2);
  CHECK_THROWS_AS(rl::rollout(*env, actor, env->goals("all"), exploring(4), stop), rl::Interrupted);
  CHECK(calls == 5);
}
