#include "rl/data/tuples.hpp"

#include <numeric>

#include "rl/methods/method.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

// One robot coordinate and two elements of one coordinate each.
envs::Spec two_elements() {
  return {.name = "toy",
          .state_dim = 3,
          .action_dim = 1,
          .horizon = 8,
          .robot_dim = 1,
          .elements = {{.name = "a", .index = {1}, .epsilon = 0.3f},
                       {.name = "b", .index = {2}, .epsilon = 0.3f}}};
}

// Two demonstrations; coordinate 0 says where a state is: 100 e + t. First: a done at t = 2 (undone at 3), b at t = 5,
// 8 states. Second: b alone wanted, never done, 3 states.
Dataset demonstrations() {
  Dataset data;
  data.state_dim = 3, data.action_dim = 1;
  const float a[] = {0, 0.5f, 1, 0, 0, 1, 1, 1}, b[] = {0, 0, 0, 0, 0.5f, 1, 1, 1};
  for (int t = 0; t < 8; ++t) data.states.insert(data.states.end(), {static_cast<float>(t), a[t], b[t]});
  for (int t = 0; t < 3; ++t) data.states.insert(data.states.end(), {100.0f + static_cast<float>(t), 0, 0});
  for (int i = 0; i < 11; ++i) data.actions.push_back(static_cast<float>(i) / 100);
  data.offsets = {0, 8, 11};
  data.goal_targets = {0, 1, 1, 0, 0, 1};
  return data;
}

// Distinct (t, goal's place, output) of many draws: coordinate 0 of state and goal, and the first output.
std::vector<std::array<float, 3>> drawn(const TupleStream& stream) {
  constexpr int kDraws = 3000;
  const std::size_t in = 6, out = static_cast<std::size_t>(stream.output_dim());
  std::vector<float> x(kDraws * in), y(kDraws * out);
  kernels::Random random(3);
  stream.draw(random, kDraws, x.data(), y.data());
  std::vector<std::array<float, 3>> all;
  for (std::size_t i = 0; i < kDraws; ++i) all.push_back({x[i * in], x[i * in + 3], y[i * out]});
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

TEST_CASE("tuples: demonstrations are cut where an element of their goal is done for the first time") {
  CHECK(steps_to_completion(demonstrations(), two_elements()) ==
        std::vector<std::int32_t>{2, 1, 3, 2, 1, 2, 1, 0, 2, 1, 0});
  Dataset unlabelled = demonstrations();
  unlabelled.goal_targets.clear();
  CHECK(contains(error_of([&] { steps_to_completion(unlabelled, two_elements()); }), "no compound goals"));
}

TEST_CASE("tuples: the oracle's low level goes for the end of its piece, by hand") {
  const Dataset data = demonstrations();
  const TupleStream low = make_stream(method::oracle.rule(0), data, all_episodes(data), {}, two_elements());
  CHECK(drawn(low) == std::vector<std::array<float, 3>>{{0, 2, 0},
                                                        {1, 2, 0.01f},
                                                        {2, 5, 0.02f},
                                                        {3, 5, 0.03f},
                                                        {4, 5, 0.04f},
                                                        {5, 7, 0.05f},
                                                        {6, 7, 0.06f},
                                                        {100, 102, 0.08f},
                                                        {101, 102, 0.09f}});
}

TEST_CASE(
    "tuples: the oracle's high level proposes the end of the piece, or the goal where that comes first") {
  const Dataset data = demonstrations();
  const std::vector<int> second{1}, first{0};
  const TupleSettings settings{.high_window = 4};
  CHECK(drawn(make_stream(method::oracle.rule(1), data, second, settings, two_elements())) ==
        std::vector<std::array<float, 3>>{{100, 101, 101}, {100, 102, 102}, {101, 102, 102}});
  const auto all = drawn(make_stream(method::oracle.rule(1), data, first, settings, two_elements()));
  const std::int32_t left[] = {2, 1, 3, 2, 1, 2, 1};
  std::vector<std::array<float, 3>> want;
  for (int t = 0; t < 7; ++t) {
    for (int w = 1; w <= 4 && t + w <= 7; ++w)
      want.push_back({static_cast<float>(t), static_cast<float>(t + w),
                      static_cast<float>(t + std::min(w, static_cast<int>(left[t])))});
  }
  CHECK(all == want);
}

TEST_CASE("tuples: every method's streams are those of its rules") {
  const Dataset data = demonstrations();
  const TupleSettings settings{.low_window = 2, .high_window = 5};
  const auto stream = [&](const Method& method, int level) {
    return make_stream(method.rule(level), data, all_episodes(data), settings, two_elements());
  };
  CHECK(stream(method::ril, 0).sources[0].index.window() == 2);
  CHECK(stream(method::ril, 1).sources[0].index.window() == 5);
  CHECK(stream(method::ril, 1).low_window == 2);
  CHECK(stream(method::gcbc, 0).sources[0].index.window() == 5);
  // BC: every state but the last, once, towards the demonstration's end.
  CHECK(drawn(stream(method::bc, 0)).size() == 9);
  for (const auto& tuple : drawn(stream(method::bc, 0))) CHECK(tuple[1] == (tuple[0] < 50 ? 7 : 102));
  TupleSettings to_target = settings;
  to_target.bc_goal = EpisodeGoal::kTarget;
  CHECK(make_stream(method::bc.rule(0), data, all_episodes(data), to_target, two_elements()).goals ==
        data.goal_targets);
}
