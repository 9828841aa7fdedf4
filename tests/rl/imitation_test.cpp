#include "rl/imitation.hpp"

#include <cmath>

#include "kernels/parallel.hpp"
#include "rl/trainer.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;
using baton::test::kPointMass;
using baton::test::point_mass_dataset;

namespace {

PolicySettings small() {
  PolicySettings settings;
  settings.hidden = {32, 32};
  settings.low_window = 10;
  settings.high_window = 40;
  settings.log_std_min = -5;
  return settings;
}

ImitationSettings brief(int updates) {
  ImitationSettings settings;
  settings.updates = updates;
  settings.batch = 128;
  settings.lr = 3e-3f;
  settings.warmup = 20;
  settings.report_every = updates;
  settings.holdout = 0.1f;
  return settings;
}

std::vector<float> act(const GaussianPolicy& policy, const std::vector<float>& x) {
  PolicyPass pass;
  const int n = static_cast<int>(x.size()) / policy.in_dim();
  pass.forward(policy, x.data(), n);
  std::vector<float> y(static_cast<std::size_t>(n * policy.out_dim()));
  pass.mean(policy, y.data());
  return y;
}

}  // namespace

TEST_CASE("imitation: BC finds the point mass's feedback law towards the goal, with every head") {
  const Dataset data = point_mass_dataset(80, 25, 1);
  ImitationSettings settings = brief(1500);
  settings.bc_goal = EpisodeGoal::kTarget;
  PolicySettings shape = small();
  shape.robot_fill = RobotFill::kKeep;  // the goal here is where the robot itself shall be
  shape.flat_relative_goal = true;
  HeadKind head = HeadKind::kGaussian;
  SUBCASE("gaussian") {}
  SUBCASE("two_pass") { head = HeadKind::kTwoPass; }
  SUBCASE("mixture") { head = HeadKind::kMixture; }
  shape.head = head;
  const RelayPolicy policy = imitate(data, kPointMass, method::bc, shape, settings, 3);
  CHECK_FALSE(policy.hierarchical());
  CHECK(policy.low.head().kind == head);
  // Held-out law: a = clamp(2 (goal - s)).
  const Dataset fresh = point_mass_dataset(20, 25, 99);
  std::vector<float> x, want;
  for (int e = 0; e < 20; ++e) {
    for (int t = 0; t < 25; t += 6) {
      x.insert(x.end(), fresh.state(e, t), fresh.state(e, t) + 3);
      x.insert(x.end(), &fresh.goal_targets[e * 3], &fresh.goal_targets[e * 3] + 3);
      want.insert(want.end(), fresh.action(e, t), fresh.action(e, t) + 2);
    }
  }
  const std::vector<float> got = act(policy.low, x);
  double squares = 0;
  for (std::size_t i = 0; i < got.size(); ++i) squares += std::pow(got[i] - want[i], 2);
  CHECK(std::sqrt(squares / static_cast<double>(got.size())) < 0.08);
}

TEST_CASE("imitation: RIL fits both levels; losses fall and held-out follows") {
  const Dataset data = point_mass_dataset(60, 40, 2);
  ImitationSettings settings = brief(900);
  settings.report_every = 300;
  std::vector<nlohmann::ordered_json> reports;
  std::int64_t last = 0;
  const RelayPolicy policy =
      imitate(data, kPointMass, method::ril, small(), settings, 3, [&](const Progress& progress) {
        if (progress.metrics != nullptr) reports.push_back(*progress.metrics);
        CHECK(progress.done == last + 1);
        last = progress.done;
        return true;
      });
  REQUIRE(policy.hierarchical());
  CHECK(last == 900);
  REQUIRE(reports.size() == 3);
  for (const char* level : {"low", "high"}) {
    CAPTURE(level);
    const auto &first = reports.front()[level], &final = reports.back()[level];
    CHECK(final["train"].get<double>() < first["train"].get<double>());
    CHECK(final["heldout"].get<double>() < first["heldout"].get<double>());
    CHECK(final["heldout_mse"].get<double>() < 0.4);  // of unit variance
  }
}

TEST_CASE("imitation: the mse loss ends with log_std of the residuals") {
  const Dataset data = point_mass_dataset(40, 25, 2);
  ImitationSettings settings = brief(400);
  settings.loss = PolicyLoss::kSquaredError;
  const RelayPolicy policy = imitate(data, kPointMass, method::gcbc, small(), settings, 3);
  for (const float s : policy.low.log_std()) CHECK((s > -4.9f && s < 0.0f));
}

TEST_CASE(
    "imitation: the two-pass head ends with log_std of what it acts by, whatever the loss of others is") {
  const Dataset data = point_mass_dataset(40, 25, 2);
  ImitationSettings settings = brief(400);
  PolicySettings shape = small();
  shape.head = HeadKind::kTwoPass;
  const RelayPolicy policy = imitate(data, kPointMass, method::ril, shape, settings, 3);
  CHECK(policy.high->head().kind == HeadKind::kGaussian);
  // The residuals of fresh tuples of the same data have that deviation.
  TupleStream stream = make_stream(method::ril.rule(0), data, all_episodes(data), policy.tuples, kPointMass);
  constexpr int n = 4096;
  std::vector<float> x(n * 6), y(n * 2), u(n * 2);
  kernels::Random random(77);
  stream.draw(random, n, x.data(), y.data());
  PolicyPass pass;
  pass.infer(policy.low, x.data(), n);
  policy.low.normalize_output(x.data(), y.data(), n, u.data());
  for (int j = 0; j < 2; ++j) {
    double squares = 0;
    for (int i = 0; i < n; ++i) squares += std::pow(u[i * 2 + j] - pass.normalized_mean()[i * 2 + j], 2) / n;
    CHECK(policy.low.log_std()[j] > -4.9f);
    CHECK(policy.low.log_std()[j] == doctest::Approx(0.5 * std::log(squares)).epsilon(0.05));
  }
}

TEST_CASE("imitation: the same bytes with 1, 2 and 3 threads, other bytes with another seed; every head") {
  const Dataset data = point_mass_dataset(12, 30, 4);
  ImitationSettings settings = brief(25);
  settings.batch = 300;  // several chunks
  settings.state_noise = 0.05f;
  settings.final_goal_fraction = 0.2f;
  PolicySettings shape = small();
  SUBCASE("gaussian") {}
  SUBCASE("two_pass") { shape.head = HeadKind::kTwoPass; }
  SUBCASE("mixture") { shape.head = HeadKind::kMixture; }
  const auto train = [&](int threads, std::uint64_t seed) {
    kernels::set_threads(threads);
    RelayPolicy policy = imitate(data, kPointMass, method::ril, shape, settings, seed);
    kernels::set_threads(0);
    std::vector<float> bytes(policy.low.theta().begin(), policy.low.theta().end());
    bytes.insert(bytes.end(), policy.high->theta().begin(), policy.high->theta().end());
    return bytes;
  };
  const std::vector<float> one = train(1, 5);
  CHECK(one == train(2, 5));
  CHECK(one == train(3, 5));
  CHECK(one != train(1, 6));
}

TEST_CASE("imitation: a stream moves the asked share of goals to the end or to the compound goal") {
  const Dataset data = point_mass_dataset(10, 30, 4);
  const std::vector<int> episodes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  TupleStream stream;
  stream.data = &data;
  stream.kind = TupleKind::kHigh;
  stream.low_window = 5;
  stream.final_goal_fraction = 0.25f;
  stream.target_goal_fraction = 0.5f;
  stream.goals = data.goal_targets;
  stream.sources.push_back({RelabelIndex(data, 8, episodes), 1.0});
  const int n = 4000;
  std::vector<float> x(n * 6), y(n * 3);
  kernels::Random random(1);
  stream.draw(random, n, x.data(), y.data());
  int targets = 0, finals = 0;
  for (int i = 0; i < n; ++i) {
    for (int e = 0; e < 10; ++e) {
      targets += std::equal(&x[i * 6 + 3], &x[i * 6 + 6], &data.goal_targets[e * 3]);
      finals += std::equal(&x[i * 6 + 3], &x[i * 6 + 6], data.state(e, 29));
    }
  }
  CHECK(targets == doctest::Approx(0.5 * n).epsilon(0.08));
  CHECK(finals > 0.22 * n);
}

TEST_CASE("imitation: normalisers are the tuples' mean and floored deviation") {
  const Dataset data = test::counting_dataset({40}, 2, 1);
  const std::vector<int> episodes{0};
  TupleStream stream;
  stream.data = &data;
  stream.kind = TupleKind::kHigh;
  stream.sources.push_back({RelabelIndex(data, 1, episodes), 1.0});
  const Normalizers scale = measure(
      stream, {.relative_goal = true, .residual = true, .residual_of = {}, .seen = {}, .typical_robot = {}},
      0.5f, 0.25f, 1);
  // t uniform over 0..38; goal - state = 1 and subgoal - state = 1, without spread: floors.
  CHECK(scale.in.mean[0] == doctest::Approx(19).epsilon(0.02));
  CHECK(scale.in.std[1] == doctest::Approx(std::sqrt((39.0 * 39 - 1) / 12)).epsilon(0.02));
  test::check_close(std::vector<float>(scale.in.mean.begin() + 2, scale.in.mean.end()),
                    std::vector<float>{1, 1}, 1e-5, 0, "");
  CHECK(scale.in.std[2] == 0.5f);
  test::check_close(scale.out.mean, std::vector<float>{1, 1}, 1e-5, 0, "out");
  CHECK(scale.out.std == std::vector<float>{0.25f, 0.25f});
}

TEST_CASE("imitation: stops when asked, and refuses data that does not fit") {
  const Dataset data = point_mass_dataset(4, 10, 1);
  CHECK_THROWS_AS(imitate(data, kPointMass, method::ril, small(), brief(50), 1,
                          [](const Progress& progress) { return progress.done < 3; }),
                  Interrupted);
  CHECK_THROWS_AS(find_method("gail"), UsageError);
  const envs::Spec kitchen{
      .name = "kitchen", .state_dim = 30, .action_dim = 9, .horizon = 280, .robot_dim = 9, .elements = {}};
  CHECK(contains(error_of([&] { imitate(data, kitchen, method::bc, small(), brief(5), 1); }),
                 "states have 3 numbers and actions 2, kitchen expects 30 and 9"));
  Dataset unlabelled = data;
  unlabelled.goal_targets.clear();
  ImitationSettings settings = brief(5);
  settings.bc_goal = EpisodeGoal::kTarget;
  CHECK(contains(error_of([&] { imitate(unlabelled, kPointMass, method::bc, small(), settings, 1); }),
                 "no compound goals"));
  const Dataset too_short = test::counting_dataset({1, 1}, 3, 2);
  CHECK(contains(error_of([&] { imitate(too_short, kPointMass, method::ril, small(), brief(5), 1); }),
                 "shorter than 2 steps"));
}
