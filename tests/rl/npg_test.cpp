#include "rl/npg.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

// A bandit: one state at the normaliser's mean, so that the mean is the bias alone. theta = [w (2), b, log_std].
rl::GaussianPolicy bandit() {
  rl::PolicyEncoding encoding{.state_dim = 1, .robot_dim = 0, .typical_robot = {}};
  rl::GaussianPolicy policy({.in = 2, .hidden = {}, .out = 1}, encoding, {{0, 0}, {1, 1}}, {{0}, {1}},
                            {.initial = -0.3f, .min = -3, .max = 1}, 1);
  policy.theta()[2] = 0.2f;
  return policy;
}

struct BanditData {
  std::vector<float> x, y, advantages;
  int n;
  explicit BanditData(int count) : x(2 * count, 0.0f), y(count), advantages(count), n(count) {
    kernels::Random random(8);
    for (int i = 0; i < n; ++i) {
      y[i] = 0.2f + std::exp(-0.3f) * random.normal();
      advantages[i] = -(y[i] - 1) * (y[i] - 1) + 0.5f;  // best at 1
    }
  }
  rl::PolicyRows rows() const { return {x.data(), y.data(), n}; }
};

}  // namespace

TEST_CASE("npg step: the closed form of a linear-Gaussian bandit") {
  const BanditData data(400);
  rl::GaussianPolicy policy = bandit();
  const double b = policy.theta()[2], ls = policy.log_std()[0], variance = std::exp(2 * ls);
  // Natural gradient: F = diag(1 / sigma^2, 2), g = mean A ((y - b) / sigma^2, (y - b)^2 / sigma^2 - 1).
  double gb = 0, gl = 0;
  for (int i = 0; i < data.n; ++i) {
    gb += data.advantages[i] * (data.y[i] - b) / variance / data.n;
    gl += data.advantages[i] * ((data.y[i] - b) * (data.y[i] - b) / variance - 1) / data.n;
  }
  const double db = gb * variance, dl = gl / 2, alpha = std::sqrt(2 * 0.001 / (gb * db + gl * dl));
  rl::NpgSolver solver;
  rl::NpgSettings settings;
  settings.kl = 0.001f;
  settings.cg_damping = 1e-6f;
  const rl::NpgReport report = solver.step(policy, data.rows(), data.advantages, {}, 0, settings);
  REQUIRE(report.accepted);
  CHECK(report.step == 1);
  CHECK(report.alpha == doctest::Approx(alpha).epsilon(1e-3));
  CHECK(policy.theta()[2] - b == doctest::Approx(alpha * db).epsilon(1e-3));
  CHECK(policy.log_std()[0] - ls == doctest::Approx(alpha * dl).epsilon(1e-3));
  CHECK(policy.theta()[0] == bandit().theta()[0]);  // its input is zero: no gradient
  // The quadratic model is right to third order: predicted KL is delta, actual KL and improvement are near.
  CHECK(report.predicted_kl == doctest::Approx(0.001).epsilon(1e-3));
  CHECK(report.kl == doctest::Approx(0.001).epsilon(0.1));
  CHECK(report.improvement == doctest::Approx(report.predicted_improvement).epsilon(0.2));
  CHECK(report.cg.residual < 1e-4);
}

TEST_CASE(
    "npg step: with zero advantages the demonstration term alone moves the policy, to the demonstrations") {
  BanditData data(200);
  std::fill(data.advantages.begin(), data.advantages.end(), 0.0f);
  const std::vector<float> demo_x(20, 0.0f), demo_y(10, 0.9f);
  rl::GaussianPolicy policy = bandit();
  const double b = policy.theta()[2], ls = policy.log_std()[0], variance = std::exp(2 * ls);
  const double weight = 0.3, gb = weight * (0.9 - b) / variance,
               gl = weight * ((0.9 - b) * (0.9 - b) / variance - 1);
  const double db = gb * variance, dl = gl / 2, alpha = std::sqrt(2 * 0.001 / (gb * db + gl * dl));
  rl::NpgSolver solver;
  rl::NpgSettings settings;
  settings.kl = 0.001f;
  settings.cg_damping = 1e-6f;
  const rl::NpgReport report =
      solver.step(policy, data.rows(), data.advantages, {demo_x.data(), demo_y.data(), 10}, 0.3f, settings);
  REQUIRE(report.accepted);
  CHECK(policy.theta()[2] - b == doctest::Approx(alpha * db).epsilon(1e-3));
  CHECK(policy.log_std()[0] - ls == doctest::Approx(alpha * dl).epsilon(1e-3));
  CHECK(report.improvement > 0);
}

TEST_CASE(
    "npg step: KL stays within slack * delta, the surrogate grows, the log_std stays within its range") {
  constexpr int n = 256;
  rl::Head head = test::kHeads[0];
  SUBCASE("gaussian") {}
  SUBCASE("two_pass") { head = test::kHeads[1]; }
  SUBCASE("mixture") { head = test::kHeads[2]; }
  rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3, head);
  kernels::Random random(5);
  std::vector<float> x(n * 10), y(n * 2), advantages(n);
  for (float& value : x) value = random.normal();
  for (float& value : y) value = random.normal();
  for (float& value : advantages) value = random.normal();
  rl::NpgSolver solver;
  for (int step = 0; step < 10; ++step) {
    rl::NpgSettings settings;
    settings.kl = 0.05f;
    settings.fisher_fraction = step % 2 ? 0.3f : 1.0f;
    const rl::NpgReport report = solver.step(policy, {x.data(), y.data(), n}, advantages, {}, 0, settings);
    REQUIRE(report.accepted);
    CHECK(report.kl <= 1.5 * 0.05);
    CHECK(report.improvement > 0);
    CHECK(report.cg.iterations == 10);
    for (const float value : policy.log_std())
      CHECK((value >= policy.range().min && value <= policy.range().max));
  }
}

TEST_CASE("npg step: no gradient or no acceptable step leaves the policy untouched") {
  const BanditData data(50);
  rl::GaussianPolicy policy = bandit();
  rl::NpgSolver solver;
  const rl::NpgReport none = solver.step(policy, data.rows(), std::vector<float>(50, 0.0f), {}, 0, {});
  CHECK(!none.accepted);
  // Advantages that shrink sigma: the KL of the full step is then larger than its quadratic model says.
  std::vector<float> narrow(50);
  for (int i = 0; i < 50; ++i) narrow[i] = -(data.y[i] - 0.2f) * (data.y[i] - 0.2f);
  rl::NpgSettings strict;
  strict.kl = 0.1f;
  strict.kl_slack = 1;
  strict.line_search = 1;
  CHECK(!solver.step(policy, data.rows(), narrow, {}, 0, strict).accepted);
  const rl::GaussianPolicy start = bandit();
  const std::vector<float> before(start.theta().begin(), start.theta().end());
  test::check_close(std::vector<float>(policy.theta().begin(), policy.theta().end()), before, 0, 1e-30,
                    "theta");
  strict.line_search = 5;
  const rl::NpgReport shorter = solver.step(policy, data.rows(), narrow, {}, 0, strict);
  CHECK(shorter.accepted);
  CHECK(shorter.step < 1);
  std::vector<float> bad(50, 1.0f);
  bad[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(solver.step(policy, data.rows(), bad, {}, 0, {}), doctest::Contains("advantage 7"),
                       Error);
}

TEST_CASE("npg step: of a softmax policy it moves the logits by the advantages, until the KL is delta") {
  // One state of zeros: the logits are the biases. Every choice is sampled as often as it is likely, and its
  // advantage is its reward less the mean: then g = p A and F^-1 g = A, up to a constant (Kakade 2001).
  const std::vector<double> p{0.5, 0.25, 0.125, 0.125}, reward{0.1, 1.0, -0.5, 0.3};
  rl::CategoricalPolicy policy({.in = 2, .hidden = {}, .out = 4}, 1);
  std::ranges::fill(policy.theta(), 0.0f);
  double mean_reward = 0, variance = 0;
  for (int k = 0; k < 4; ++k) {
    policy.theta()[8 + k] = static_cast<float>(std::log(p[k]));
    mean_reward += p[k] * reward[k];
  }
  for (int k = 0; k < 4; ++k) variance += p[k] * std::pow(reward[k] - mean_reward, 2);
  constexpr int n = 160;
  std::vector<float> x(2 * n, 0.0f), advantages(n);
  std::vector<std::int32_t> y(n);
  for (int i = 0, k = 0, left = n / 2; i < n; ++i, --left) {
    if (left == 0) left = static_cast<int>(std::lround(p[++k] * n));
    y[i] = k;
    advantages[i] = static_cast<float>(reward[k] - mean_reward);
  }
  rl::NaturalGradient<rl::CategoricalPolicy> solver;
  for (const auto preconditioner : {rl::Preconditioner::kNone, rl::Preconditioner::kDiagonal}) {
    rl::NpgSettings settings;
    settings.kl = 1e-4f;
    settings.cg_damping = 1e-6f;
    settings.preconditioner = preconditioner;
    rl::CategoricalPolicy moved = policy;
    const rl::NpgReport report = solver.step(moved, {x.data(), y.data(), n}, advantages, {}, 0, settings);
    REQUIRE(report.accepted);
    CHECK(report.step == 1);
    const double alpha = std::sqrt(2e-4 / variance);  // g'F^-1 g is the advantages' variance
    CHECK(report.alpha == doctest::Approx(alpha).epsilon(1e-3));
    CHECK(report.predicted_kl == doctest::Approx(1e-4).epsilon(1e-3));
    CHECK(report.kl == doctest::Approx(1e-4).epsilon(0.03));
    CHECK(report.predicted_improvement == doctest::Approx(alpha * variance).epsilon(1e-3));
    CHECK(report.improvement == doctest::Approx(alpha * variance).epsilon(0.03));
    const auto logit_change = [&](int k) { return moved.theta()[8 + k] - policy.theta()[8 + k]; };
    for (int k = 1; k < 4; ++k) {
      CHECK(logit_change(k) - logit_change(0) ==
            doctest::Approx(alpha * (reward[k] - reward[0])).epsilon(2e-3));
    }
    for (int j = 0; j < 8; ++j) CHECK(moved.theta()[j] == 0);
  }
  y[3] = 4;
  CHECK_THROWS_WITH_AS(solver.step(policy, {x.data(), y.data(), n}, advantages, {}, 0, {}),
                       "categorical: choice 4 of row 3 is outside 0..3", Error);
}

TEST_CASE("npg step: the diagonal preconditioner leaves the direction and needs fewer iterations") {
  constexpr int n = 300;
  kernels::Random random(5);
  std::vector<float> x(n * 10), y(n * 2), advantages(n);
  for (int i = 0; i < n * 10; ++i)
    x[i] = random.normal() * std::pow(10.0f, static_cast<float>(i % 10) / 3 - 1.5f);
  for (float& value : y) value = random.normal();
  for (float& value : advantages) value = random.normal();
  rl::NpgSolver solver;
  rl::NpgReport report[2];
  for (const bool diagonal : {false, true}) {
    rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3);
    rl::NpgSettings settings;
    settings.fisher_fraction = 1;
    settings.cg_iterations = 500;
    settings.cg_damping = 1e-2f;
    settings.cg_tolerance = 1e-6f;
    settings.preconditioner = diagonal ? rl::Preconditioner::kDiagonal : rl::Preconditioner::kNone;
    report[diagonal] = solver.step(policy, {x.data(), y.data(), n}, advantages, {}, 0, settings);
    REQUIRE(report[diagonal].accepted);
    CHECK(report[diagonal].cg.residual <= 1e-3);
  }
  CHECK(report[1].alpha == doctest::Approx(report[0].alpha).epsilon(1e-3));
  CHECK(report[1].cg.iterations < report[0].cg.iterations);
  MESSAGE("CG iterations without and with the diagonal: " << report[0].cg.iterations << ", "
                                                          << report[1].cg.iterations);
}

TEST_CASE("npg step: a NaN in the gradient stops it by the name of the first parameter, theta untouched") {
  rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3);
  const std::vector<float> before(policy.theta().begin(), policy.theta().end());
  std::vector<float> x(40, 0.3f), y(8, 0.1f), advantages(4, 1.0f);
  y[5] = std::numeric_limits<float>::quiet_NaN();
  rl::NpgSolver solver;
  CHECK_THROWS_WITH_AS(solver.step(policy, {x.data(), y.data(), 4}, advantages, {}, 0, {}),
                       "npg: the gradient of layer 0 weight [0][0] is nan", Error);
  CHECK(std::ranges::equal(policy.theta(), before));
}

TEST_CASE("npg step: the same bytes with 1 and 2 threads, with every head") {
  const test::HandRows rows;
  rl::Head head = test::kHeads[0];
  SUBCASE("gaussian") {}
  SUBCASE("two_pass") { head = test::kHeads[1]; }
  SUBCASE("mixture") { head = test::kHeads[2]; }
  std::vector<float> theta[2];
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3, head);
    rl::NpgSolver solver;
    rl::NpgSettings settings;
    CHECK(solver.step(policy, rows.first(rows.n), rows.advantages, {}, 0, settings).accepted);
    settings.preconditioner = rl::Preconditioner::kDiagonal;
    settings.fisher_fraction = 1;
    CHECK(solver.step(policy, rows.first(rows.n), rows.advantages, {}, 0, settings).accepted);
    theta[threads - 1].assign(policy.theta().begin(), policy.theta().end());
  }
  kernels::set_threads(0);
  CHECK(std::memcmp(theta[0].data(), theta[1].data(), theta[0].size() * sizeof(float)) == 0);
}
