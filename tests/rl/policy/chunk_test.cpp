// Chunks of actions: what their labels are, which tuples teach them, how they are executed and what of them counts.
#include "rl/policy/chunk.hpp"

#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "rl/advantage.hpp"
#include "rl/data/tuples.hpp"
#include "rl/hierarchy.hpp"
#include "rl/methods/method.hpp"
#include "rl/rollout.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/rl/point_goal_demos.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

// Action 0 moves coordinate 1, action 1 coordinate 0, half a unit each.
envs::Spec toy_spec() {
  return {.name = "toy",
          .state_dim = 3,
          .action_dim = 2,
          .horizon = 9,
          .robot_dim = 2,
          .elements = {},
          .action_target = {.coordinate = {1, 0}, .scale = 0.5f, .low = {-1, -1}, .high = {1, 0.25f}}};
}

// Two episodes, of 5 and 2 steps; state and action k of the whole are k-th of a ramp.
Dataset ramp() {
  Dataset data;
  data.state_dim = 3, data.action_dim = 2;
  for (int k = 0; k < 7; ++k) {
    const float s = 0.1f * static_cast<float>(k);
    data.states.insert(data.states.end(), {s, -s, 9});
    data.actions.insert(data.actions.end(), {0.2f * static_cast<float>(k) - 0.5f, 1.5f - s});
  }
  data.offsets = {0, 5, 7};
  return data;
}

TupleSettings settings_of(const ActionChunk& chunk) {
  TupleSettings settings;
  settings.low_window = 3;
  settings.chunk = chunk;
  return settings;
}

RelayPolicy chunked(bool hierarchical, const ActionChunk& chunk) {
  RelayPolicy policy = test::hand_relay(hierarchical, 5, 5, 2);
  policy.low = test::hand_policy(5, 2 * chunk.predict, false, 21);
  policy.tuples.chunk = chunk;
  return policy;
}

}  // namespace

TEST_CASE("chunk: labels are the actions, or the position targets that they mean, within the limits") {
  const Dataset data = ramp();
  CHECK(action_labels(data, toy_spec(), ActionLabels::kVelocity) == data.actions);
  const std::vector<float> labels = action_labels(data, toy_spec(), ActionLabels::kAbsolute);
  std::vector<float> want;
  for (int k = 0; k < 7; ++k) {
    const float s = 0.1f * static_cast<float>(k), a = 0.2f * static_cast<float>(k) - 0.5f, b = 1.5f - s;
    want.push_back(-s + 0.5f * a);
    want.push_back(std::min(s + 0.5f * std::min(b, 1.0f), 0.25f));
  }
  test::check_close(labels, want, 1e-6, 0, "position targets");
  CHECK(action_labels(data, toy_spec(), ActionLabels::kRelative) == labels);
}

TEST_CASE("chunk: a label's action is the one that it was made from") {
  const Dataset data = ramp();
  const std::vector<float> labels = action_labels(data, toy_spec(), ActionLabels::kAbsolute);
  for (int k = 0; k < 7; ++k) {
    std::vector<float> action(2);
    action_of_label(toy_spec(), ActionLabels::kAbsolute, std::span(data.states).subspan(k * 3, 3),
                    std::span(labels).subspan(k * 2, 2), action);
    CHECK(action[0] == doctest::Approx(data.actions[k * 2]).epsilon(1e-5));
    action_of_label(toy_spec(), ActionLabels::kVelocity, {}, std::span(labels).subspan(k * 2, 2), action);
    CHECK(action[1] == labels[k * 2 + 1]);
  }
}

TEST_CASE("chunk: sizes and labels that an environment does not have are refused") {
  const auto refused = [](ActionChunk chunk, const envs::Spec& spec, const char* why) {
    CHECK(contains(error_of([&] { validate(chunk, spec); }), why));
  };
  refused({.predict = 4, .execute = 5}, toy_spec(), "chunks of 4 actions of which 5 are executed");
  refused({.predict = 0, .execute = 0}, toy_spec(), "chunks of 0");
  refused({.predict = 257}, toy_spec(), "<= 256");
  envs::Spec blind = toy_spec();
  blind.action_target = {};
  refused({.labels = ActionLabels::kRelative}, blind, "actions of toy have no position targets");
}

TEST_CASE("chunk: a tuple's output is the labels from t on, the episode's last one repeated behind its end") {
  const Dataset data = ramp();
  const std::vector<RelabelTuple> tuples{{0, 1, 2}, {0, 3, 1}, {1, 0, 1}};
  const StepLabels labels{data.actions.data(), 2, 3};
  std::vector<float> x(3 * 6), y(3 * 6), want, given(3 * 6);
  for (const int row : {1, 2, 3, 3, 4, 4, 5, 6, 6})
    want.insert(want.end(), {data.actions[row * 2], data.actions[row * 2 + 1]});
  gather_low(data, tuples, labels, x.data(), y.data());
  CHECK(y == want);
  CHECK(x[3] == data.states[3 * 3]);  // the goal: s_{1+2}
  gather_with_goal(data, tuples, final_states(data), labels, x.data(), given.data());
  CHECK(given == want);
}

TEST_CASE("chunk: goals lie no nearer than what is executed, uniformly, but at an episode's end") {
  Dataset data;
  data.state_dim = 1, data.action_dim = 2;
  for (int k = 0; k < 40; ++k) data.states.push_back(static_cast<float>(k));
  data.actions.resize(80);
  data.offsets = {0, 40};
  envs::Spec spec = toy_spec();
  spec.state_dim = 1;
  TupleSettings settings = settings_of({.predict = 4, .execute = 3});
  settings.low_window = 6;
  const TupleStream stream = make_stream(method::ril.rule(0), data, all_episodes(data), settings, spec);
  constexpr int kDraws = 30000;
  kernels::Random random(4);
  int count[7] = {}, wrong = 0;
  for (const RelabelTuple& tuple : stream.draw_tuples(random, kDraws).tuples) {
    const int left = 39 - tuple.t;
    wrong += tuple.w < std::min(3, left) || tuple.w > 6 || tuple.t + tuple.w > 39;
    if (left >= 6) ++count[tuple.w];
  }
  CHECK(wrong == 0);
  const double each = (count[3] + count[4] + count[5] + count[6]) / 4.0;
  for (int w = 3; w <= 6; ++w) CHECK(std::abs(count[w] - each) < 5 * std::sqrt(each));
}

TEST_CASE("chunk: an actor plans every T_a steps and under a new subgoal, and executes what it planned") {
  const envs::Spec spec = test::point_goal_spec();
  for (const ActionLabels labels : {ActionLabels::kVelocity, ActionLabels::kAbsolute}) {
    const RelayPolicy policy = chunked(true, {.predict = 4, .execute = 3, .labels = labels});
    RelayActor actor(policy, spec, 1);
    kernels::Random random(8);
    std::vector<float> goal(5), state(5), actions(2), x(10), chunk(8);
    for (float& value : goal) value = random.normal();
    actor.begin(goal, std::vector<std::uint64_t>{5}, {});
    PolicyPass pass;
    int start = 0;
    for (int t = 0; t < 10; ++t) {
      for (float& value : state) value = random.normal();
      actor.act(t, state, actions);
      const bool plans = t == 0 || t == 3 || t == 5 || t == 8;  // subgoals at 0 and 5
      CHECK(static_cast<bool>(actor.planned()[0]) == plans);
      if (plans) {
        start = t;
        std::copy_n(actor.subgoals().begin(), 5, std::copy(state.begin(), state.end(), x.begin()));
        pass.infer(policy.low, x.data(), 1);
        pass.mean(policy.low, chunk.data());
      }
      CHECK(std::ranges::equal(actor.chunks(), chunk));
      for (int j = 0; j < 2; ++j) {
        const float label = chunk[static_cast<std::size_t>(2 * (t - start) + j)];
        const float want =
            labels == ActionLabels::kVelocity ? label : (label - state[j]) / spec.action_target.scale;
        CHECK(actions[j] == want);
      }
    }
  }
}

TEST_CASE(
    "chunk: a rollout's decisions are the chunks, their rewards discounted sums over the steps they held") {
  const RelayPolicy policy = chunked(true, {.predict = 4, .execute = 3});
  const auto env = envs::make_env("point_goal", {.size = 2});
  RelayActor actor(policy, env->spec(), 2);
  RolloutOptions options;
  options.episodes = 3;
  options.exploration = {.low = 1, .high = 1};
  const Trajectories own = rollout(*env, actor, env->goals("left_top"), options);
  const Decisions low = low_decisions(own, true);
  CHECK(low.step[1] == 3);
  CHECK(low.length[1] == 2);  // cut off by the subgoal of step 5
  CHECK(low.end[1] == 1);
  CHECK(low.end[0] == 0);
  CHECK(std::accumulate(low.length.begin(), low.length.end(), 0) == 3 * own.horizon);
  for (std::size_t k = 0; k < low.size(); ++k) {
    const auto action = own.action(low.episode[k], low.step[k]);
    CHECK(std::ranges::equal(own.low.value(static_cast<int>(k)).first(2), action));
  }
  std::vector<float> rewards(static_cast<std::size_t>(own.n) * own.horizon);
  for (std::size_t i = 0; i < rewards.size(); ++i) rewards[i] = static_cast<float>(i);
  const std::vector<float> sums = decision_rewards(rewards, low, own.horizon, 0.5f);
  CHECK(sums[0] == doctest::Approx(0 + 0.5 * 1 + 0.25 * 2));
  CHECK(sums[1] == doctest::Approx(3 + 0.5 * 4));
}

TEST_CASE("chunk: a decision of several steps discounts by gamma to their number") {
  // gamma 0.5, lambda 1: A = r - V + 0.5^length (V' + A') by hand, backwards.
  const std::vector<float> rewards{1, 2}, values{3, 4};
  const std::vector<std::uint8_t> ends{0, 1};
  std::vector<float> advantages(2), targets(2);
  gae(rewards, values, ends, {.gamma = 0.5f, .lambda = 1}, advantages, targets, std::vector<int>{3, 2});
  test::check_close(advantages, std::vector<float>{1 - 3 + 0.125f * (4 - 2), -2}, 1e-6, 0, "advantages");
}
