#include "envs/kitchen/teleoperator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "envs/kitchen/kitchen_env.hpp"
#include "kernels/error.hpp"

namespace baton::envs {
namespace {

struct Outcome {
  std::vector<int> completed;                        // elements done at any time, for each episode
  std::vector<std::vector<float>> wanted, executed;  // [episode][steps * 9]
  bool in_range = true;
};

// Episode i is seeded with seed + i.
Outcome operate(const std::vector<Goal>& goals, const TeleoperatorSettings& settings, int steps,
                std::uint64_t seed) {
  const int n = static_cast<int>(goals.size());
  EnvOptions options;
  options.size = n;
  KitchenEnv env(options);
  Teleoperator operators(n, settings);
  std::vector<std::uint64_t> seeds;
  for (int i = 0; i < n; ++i) {
    seeds.push_back(seed + static_cast<std::uint64_t>(i));
    operators.reset(i, goals[i].elements, seeds.back());
  }
  env.reset(seeds);
  Outcome out;
  out.wanted.resize(n);
  out.executed.resize(n);
  std::vector<std::vector<bool>> done(n, std::vector<bool>(kKitchenElements));
  std::vector<float> wanted(n * 9), executed(n * 9);
  for (int t = 0; t < steps; ++t) {
    operators.act(env.observation(), wanted, executed);
    for (const auto* list : {&wanted, &executed})
      for (const float a : *list) out.in_range = out.in_range && std::fabs(a) <= 1;
    for (int i = 0; i < n; ++i) {
      out.wanted[i].insert(out.wanted[i].end(), &wanted[9 * i], &wanted[9 * i] + 9);
      out.executed[i].insert(out.executed[i].end(), &executed[9 * i], &executed[9 * i] + 9);
    }
    env.step(executed);
    for (int i = 0; i < n; ++i)
      for (const int e : goals[i].elements) {
        const Element& element = kitchen_spec().elements[e];
        if (element_error(element, env.state().subspan(30 * i, 30), goals[i].target) < element.epsilon)
          done[i][e] = true;
      }
  }
  for (const auto& d : done) out.completed.push_back(static_cast<int>(std::count(d.begin(), d.end(), true)));
  return out;
}

TEST_CASE("teleoperator: undisturbed, every single element is done within 110 actions") {
  const auto goals = kitchen_goals("bottomknob,topknob,switch,slide,hinge,microwave,kettle");
  const Outcome out = operate(goals, {}, 110, 1);
  for (std::size_t i = 0; i < goals.size(); ++i) CHECK_MESSAGE(out.completed[i] == 1, goals[i].name);
  CHECK(out.in_range);
  CHECK(out.wanted == out.executed);
}

TEST_CASE("teleoperator: undisturbed, at least 95 % of the compound goals are completed in an episode") {
  auto goals = kitchen_goals("all,unseen");
  const Outcome out = operate(goals, {}, kKitchenHorizon, 200);
  const auto full = std::count(out.completed.begin(), out.completed.end(), 4);
  CHECK(full >= std::ceil(0.95 * static_cast<double>(goals.size())));
}

TEST_CASE("teleoperator: disturbed as for training, at least 70 % are completed") {
  const auto goals = kitchen_goals("all,all");
  TeleoperatorSettings settings;
  settings.disturbance_low = 0.05;
  settings.disturbance_high = 0.30;
  const Outcome out = operate(goals, settings, kKitchenHorizon, 300);
  const auto full = std::count(out.completed.begin(), out.completed.end(), 4);
  CHECK(full >= std::ceil(0.7 * static_cast<double>(goals.size())));
  CHECK(out.in_range);
  for (std::size_t i = 0; i < goals.size(); ++i) CHECK(out.wanted[i] != out.executed[i]);
}

TEST_CASE(
    "teleoperator: an operator's actions do not depend on its neighbours, styles differ between seeds") {
  const auto goals = kitchen_goals("kettle,microwave_slide,kettle_switch");
  const Outcome all = operate(goals, {}, 30, 400), alone = operate({goals[1]}, {}, 30, 401),
                other = operate({goals[1]}, {}, 30, 5);
  CHECK(all.wanted[1] == alone.wanted[0]);
  CHECK(alone.wanted[0] != other.wanted[0]);
}

TEST_CASE("teleoperator: wrong settings, elements and shapes are refused") {
  CHECK_THROWS_AS(Teleoperator(0, {}), Error);
  TeleoperatorSettings bad;
  bad.disturbance_low = 0.2;
  CHECK_THROWS_AS(Teleoperator(1, bad), Error);
  bad = {};
  bad.calm = 1;
  CHECK_THROWS_AS(Teleoperator(1, bad), Error);
  Teleoperator one(1, {});
  CHECK_THROWS_AS(one.reset(1, {kKettle}, 1), Error);
  CHECK_THROWS_AS(one.reset(0, {7}, 1), Error);
  std::vector<float> observation(30), wanted(9), executed(8);
  CHECK_THROWS_AS(one.act(observation, wanted, executed), Error);
}

}  // namespace
}  // namespace baton::envs
