#include "rl/distill.hpp"

#include <cmath>

#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;
using baton::test::kPointMass;
using baton::test::point_mass_dataset;

namespace {

// The point mass driven by a teacher's low level towards the corner it is made for, straight.
Trajectories rollouts_of(const RelayPolicy& teacher, const std::vector<float>& goal, int n, int horizon) {
  Trajectories t;
  t.horizon = horizon;
  t.state_dim = 3;
  t.action_dim = 2;
  t.subgoal_every = 10;
  t.resize(n);
  t.low.reset(2);
  PolicyPass pass;
  for (int e = 0; e < n; ++e) {
    kernels::Random random(77, static_cast<std::uint64_t>(e));
    float s[3] = {random.uniform() - 0.5f, random.uniform() - 0.5f, 0};
    for (int step = 0; step <= horizon; ++step) {
      std::copy(s, s + 3, &t.observations[(e * (horizon + 1) + step) * 3]);
      if (step == horizon) break;
      const float x[6] = {s[0], s[1], s[2], goal[0], goal[1], goal[2]};
      float* a = &t.actions[(e * horizon + step) * 2];
      pass.forward(teacher.low, x, 1);
      pass.mean(teacher.low, a);
      for (int i = 0; i < 2; ++i) s[i] += 0.1f * std::clamp(a[i], -1.0f, 1.0f);
      s[2] += 0.3f * (s[0] - s[2]);
    }
    std::vector<int> starts;
    std::vector<float> held;
    for (int step = 0; step < horizon; step += 10) {
      starts.push_back(step);
      held.insert(held.end(), goal.begin(), goal.end());
    }
    t.high.add_episode(starts, held, t.horizon);
    std::vector<int> steps(static_cast<std::size_t>(horizon));
    std::iota(steps.begin(), steps.end(), 0);
    t.low.add_episode(
        steps, std::span(t.actions).subspan(static_cast<std::size_t>(e) * horizon * 2, horizon * 2), horizon);
    std::ranges::copy(goal, &t.goal_targets[e * 3]);
    t.goal_names[e] = "corner";
    t.success[e] = e % 3 != 0;
  }
  t.states = t.observations;
  return t;
}

}  // namespace

TEST_CASE(
    "trajectories: as demonstrations they keep observations, clip actions and drop failures when asked") {
  Trajectories t;
  t.horizon = 2;
  t.state_dim = 2;
  t.action_dim = 1;
  t.resize(2);
  for (std::size_t i = 0; i < t.observations.size(); ++i) t.observations[i] = static_cast<float>(i);
  t.actions = {3, -0.5f, -7, 0.25f};
  t.goal_targets = {1, 2, 3, 4};
  t.goal_names = {"a", "b"};
  t.success = {0, 1};
  const Dataset all = to_dataset(t), good = to_dataset(t, true);
  CHECK(all.offsets == std::vector<std::int64_t>{0, 2, 4});
  CHECK(all.states == std::vector<float>{0, 1, 2, 3, 6, 7, 8, 9});
  CHECK(all.actions == std::vector<float>{1, -0.5f, -1, 0.25f});
  CHECK(good.states == std::vector<float>{6, 7, 8, 9});
  CHECK(good.goal_targets == std::vector<float>{3, 4});
  CHECK(good.goal_names == std::vector<std::string>{"b"});
  validate(all, "test");
}

TEST_CASE("distill: one policy comes to act like two teachers, each at its own goal") {
  const Dataset demos = point_mass_dataset(40, 30, 1);
  PolicySettings shape;
  shape.hidden = {24, 24};
  shape.low_window = 10;
  shape.high_window = 30;
  shape.log_std_min = -5;
  ImitationSettings imitation;
  imitation.updates = 600;
  imitation.batch = 64;
  imitation.report_every = 600;
  imitation.lr = 3e-3f;
  const RelayPolicy teacher = imitate(demos, kPointMass, method::ril, shape, imitation, 1);
  const RelayPolicy start = make_policy(demos, kPointMass, method::ril, shape, 2);
  const std::vector<float> a{0.8f, -0.6f, 0.8f}, b{-0.7f, 0.5f, -0.7f};
  const Trajectories at_a = rollouts_of(teacher, a, 12, 30), at_b = rollouts_of(teacher, b, 12, 30);
  const std::vector<Teacher> teachers{{&teacher, &at_a}, {&teacher, &at_b}};
  DistillSettings settings;
  settings.imitation = imitation;
  settings.demos_fraction = 0.3f;
  const RelayPolicy student = distill(start, teachers, &demos, kPointMass, settings, 3);
  CHECK(student.method == "distilled");
  const auto distance = [&](const RelayPolicy& policy) {
    double squares = 0;
    int count = 0;
    PolicyPass pass, other;
    for (const Trajectories* t : {&at_a, &at_b}) {
      for (int e = 1; e < 12; e += 3) {
        for (int step = 0; step + 10 < 30; step += 4) {
          std::vector<float> x(t->observation(e, step).begin(), t->observation(e, step).end());
          x.insert(x.end(), t->observation(e, step + 8).begin(), t->observation(e, step + 8).end());
          std::vector<float> y(2);
          pass.forward(policy.low, x.data(), 1);
          pass.mean(policy.low, y.data());
          for (int i = 0; i < 2; ++i, ++count) {
            squares += std::pow(std::clamp(t->action(e, step)[i], -1.0f, 1.0f) - y[i], 2);
          }
        }
      }
    }
    return std::sqrt(squares / count);
  };
  CHECK(distance(student) < 0.5 * distance(start));
}

TEST_CASE("distill: teachers of another shape or none at all are refused") {
  const Dataset demos = point_mass_dataset(4, 12, 1);
  PolicySettings shape;
  shape.hidden = {4};
  const RelayPolicy start = make_policy(demos, kPointMass, method::ril, shape, 2);
  const RelayPolicy flat = make_policy(demos, kPointMass, method::bc, shape, 2);
  const Trajectories t = rollouts_of(start, {0, 0, 0}, 2, 10);
  const std::vector<Teacher> teachers{{&flat, &t}};
  CHECK(contains(error_of([&] { distill(start, teachers, nullptr, kPointMass, {}, 1); }), "flat, the start"));
  CHECK(contains(error_of([&] { distill(start, {}, nullptr, kPointMass, {}, 1); }), "no teachers"));
}
