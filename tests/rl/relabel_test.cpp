#include "rl/relabel.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::counting_dataset;

namespace {

std::vector<RelabelTuple> all_tuples(const RelabelIndex& index) {
  std::vector<RelabelTuple> tuples;
  index.enumerate([&](const RelabelTuple& tuple) { tuples.push_back(tuple); });
  return tuples;
}

}  // namespace

TEST_CASE("relabel: tuples of a hand-enumerated pair of trajectories") {
  const Dataset data = counting_dataset({4, 1, 3});
  const std::vector<int> episodes{0, 1, 2};
  const RelabelIndex index(data, 2, episodes);
  const std::vector<RelabelTuple> want{{0, 0, 1}, {0, 0, 2}, {0, 1, 1}, {0, 1, 2},
                                       {0, 2, 1}, {2, 0, 1}, {2, 0, 2}, {2, 1, 1}};
  REQUIRE(index.count() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    CAPTURE(i);
    CHECK(index.at(i) == want[i]);
  }
  CHECK(all_tuples(index) == want);
}

TEST_CASE("relabel: counts match the closed form and at() inverts the numbering") {
  for (const int length : {1, 2, 3, 7, 31, 40}) {
    for (const int window : {1, 2, 6, 7, 30, 39, 260}) {
      const Dataset data = counting_dataset({length, 5});
      const std::vector<int> episodes{0, 1};
      const RelabelIndex index(data, window, episodes);
      const std::vector<RelabelTuple> tuples = all_tuples(index);
      CAPTURE(length);
      CAPTURE(window);
      REQUIRE(index.count() == tuples.size());
      CHECK(index.count() == count_tuples(length, window) + count_tuples(5, window));
      int wrong = 0;
      for (std::size_t i = 0; i < tuples.size(); ++i) wrong += index.at(i) != tuples[i];
      CHECK(wrong == 0);
    }
  }
  // 400 demonstrations of 200 steps: the paper's sizes.
  CHECK(count_tuples(200, 30) == 30u * 199u - 435u);
  CHECK(count_tuples(200, 260) == 199u * 200u / 2u);
}

TEST_CASE("relabel: a very long demonstration is inverted exactly at both ends") {
  Dataset data;
  data.state_dim = data.action_dim = 1;
  data.offsets = {0, 2'000'000'000};  // no arrays: the index looks at lengths alone
  const std::vector<int> episodes{0};
  const RelabelIndex index(data, 2'000'000'000, episodes);
  const std::uint64_t m = 1'999'999'999, count = m * (m + 1) / 2;
  REQUIRE(index.count() == count);
  CHECK(index.at(0) == RelabelTuple{0, 0, 1});
  CHECK(index.at(m - 1) == RelabelTuple{0, 0, 1'999'999'999});
  CHECK(index.at(m) == RelabelTuple{0, 1, 1});
  CHECK(index.at(count - 1) == RelabelTuple{0, 1'999'999'998, 1});
  CHECK(index.at(count - 2) == RelabelTuple{0, 1'999'999'997, 2});
}

TEST_CASE("relabel: sampling is uniform over tuples (chi-square) and repeats under a seed") {
  const Dataset data = counting_dataset({6, 3});
  const std::vector<int> episodes{0, 1};
  const RelabelIndex index(data, 3, episodes);
  const int cells = static_cast<int>(index.count()), draws = 3000 * cells;
  kernels::Random random(5), again(5);
  std::map<std::tuple<int, int, int>, int> seen;
  for (int i = 0; i < draws; ++i) {
    const RelabelTuple tuple = index.sample(random);
    ++seen[{tuple.episode, tuple.t, tuple.w}];
    if (i < 100) CHECK(tuple == index.sample(again));
  }
  REQUIRE(static_cast<int>(seen.size()) == cells);
  double chi = 0;
  for (const auto& [tuple, n] : seen) chi += (n - 3000.0) * (n - 3000.0) / 3000.0;
  CHECK(chi < 2.5 * cells);  // mean cells - 1, deviation sqrt(2 cells): beyond 5 deviations here
}

TEST_CASE("relabel: gathers state, goal and target of algorithms 2 and 3") {
  const Dataset data = counting_dataset({50, 50});
  const std::vector<RelabelTuple> tuples{{1, 3, 2}, {0, 4, 40}};
  const StepLabels labels{data.actions.data(), data.action_dim};
  std::vector<float> x(8), low(2), high(4);
  gather_low(data, tuples, labels, x.data(), low.data());
  test::check_close(x, std::vector<float>{103, 103.1f, 105, 105.1f, 4, 4.1f, 44, 44.1f}, 1e-6, 0, "x");
  test::check_close(low, std::vector<float>{-0.103f, -0.004f}, 1e-5, 0, "actions");
  std::vector<float> high_x(8);
  gather_high(data, tuples, 30, high_x.data(), high.data());
  CHECK(high_x == x);
  test::check_close(high, std::vector<float>{105, 105.1f, 34, 34.1f}, 1e-6, 0, "subgoals: s_{t+min(w, W_l)}");
  const std::vector<float> goals = final_states(data);
  gather_with_goal(data, tuples, goals, labels, x.data(), low.data());
  test::check_close(x, std::vector<float>{103, 103.1f, 149, 149.1f, 4, 4.1f, 49, 49.1f}, 1e-6, 0,
                    "final goal");
}

TEST_CASE("relabel: more tuples than a block, drawn and gathered, equal one after the other") {
  const Dataset data = counting_dataset({40, 3, 25});
  const std::vector<int> episodes{0, 1, 2};
  const RelabelIndex index(data, 30, episodes);
  std::vector<RelabelTuple> tuples(1300);
  kernels::Random random(5), again(5);
  index.sample(random, tuples);
  const auto s = static_cast<std::size_t>(data.state_dim);
  std::vector<float> x(tuples.size() * 2 * s), y(tuples.size() * s);
  gather_high(data, tuples, 7, x.data(), y.data());
  int wrong = 0;
  for (std::size_t i = 0; i < tuples.size(); ++i) {
    const RelabelTuple& tuple = tuples[i];
    wrong += !(tuple == index.sample(again));
    const auto differs = [&](int t, const float* row) {
      return !std::equal(row, row + s, data.state(tuple.episode, t));
    };
    wrong += differs(tuple.t, &x[i * 2 * s]) + differs(tuple.t + tuple.w, &x[(i * 2 + 1) * s]);
    wrong += differs(tuple.t + std::min(tuple.w, 7), &y[i * s]);
  }
  CHECK(wrong == 0);
  CHECK(random.next_u64() == again.next_u64());
}

TEST_CASE(
    "relabel: a table holds every state on no more lines than it fills, and gathers the dataset's bits") {
  for (const auto& [width, stride] : {std::pair{1, 1}, {3, 4}, {9, 16}, {16, 16}, {17, 32}, {30, 32}}) {
    CAPTURE(width);
    Dataset data;
    data.state_dim = width;
    data.action_dim = 3;
    data.offsets = {0, 40, 43, 68};
    data.states.resize(68 * static_cast<std::size_t>(width));
    data.actions.resize(68 * 3);
    kernels::fill_normal(1, 0, 0, data.states);
    kernels::fill_normal(1, 1, 0, data.actions);
    const StateTable table(data);
    REQUIRE(table.stride() == stride);
    CHECK(&table.data() == &data);
    CHECK(reinterpret_cast<std::uintptr_t>(table.rows()) % 64 == 0);
    int wrong = 0;
    for (std::int64_t r = 0; r < data.steps(); ++r)
      wrong += !std::equal(table.rows() + r * stride, table.rows() + r * stride + width, data.state(0, r));
    CHECK(wrong == 0);

    const std::vector<int> episodes{0, 1, 2};
    std::vector<RelabelTuple> tuples(600);  // two blocks
    kernels::Random random(5);
    RelabelIndex(data, 30, episodes).sample(random, tuples);
    const std::vector<float> goals = final_states(data);
    const StepLabels labels{data.actions.data(), data.action_dim};
    const auto same = [&](std::size_t out, auto gather) {
      std::vector<float> x(600 * 2 * static_cast<std::size_t>(width)), y(600 * out), table_x(x), table_y(y);
      gather(Steps(data), x.data(), y.data());
      gather(Steps(table), table_x.data(), table_y.data());
      return table_x == x && table_y == y && x != std::vector<float>(x.size());
    };
    CHECK(same(3, [&](const Steps& from, float* x, float* y) { gather_low(from, tuples, labels, x, y); }));
    CHECK(same(static_cast<std::size_t>(width),
               [&](const Steps& from, float* x, float* y) { gather_high(from, tuples, 7, x, y); }));
    CHECK(same(3, [&](const Steps& from, float* x, float* y) {
      gather_with_goal(from, tuples, goals, labels, x, y);
    }));
  }
}

TEST_CASE("relabel: no tuple, a bad window or an unknown episode is an error that says so") {
  const Dataset data = counting_dataset({1, 1, 3});
  const std::vector<int> short_ones{0, 1}, unknown{3}, fine{2};
  CHECK(test::contains(test::error_of([&] { RelabelIndex(data, 5, short_ones); }), "no pair of states"));
  CHECK(test::contains(test::error_of([&] { RelabelIndex(data, 5, unknown); }), "episode 3 of 3"));
  CHECK(test::contains(test::error_of([&] { RelabelIndex(data, 0, fine); }), "window is 0"));
  const RelabelIndex index(data, 5, fine);
  CHECK(test::contains(test::error_of([&] { index.at(3); }), "tuple 3 of 3"));
}
