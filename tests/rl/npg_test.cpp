#include "rl/npg.hpp"

#include <doctest/doctest.h>

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
  rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3);
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

TEST_CASE("npg step: the same bytes with 1 and 2 threads") {
  constexpr int n = 700;
  kernels::Random random(6);
  std::vector<float> x(n * 10), y(n * 2), advantages(n);
  for (float& value : x) value = random.normal();
  for (float& value : y) value = random.normal();
  for (float& value : advantages) value = random.normal();
  std::vector<float> theta[2];
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    rl::GaussianPolicy policy = test::hand_policy(5, 2, false, 3);
    rl::NpgSolver solver;
    CHECK(solver.step(policy, {x.data(), y.data(), n}, advantages, {}, 0, {}).accepted);
    theta[threads - 1].assign(policy.theta().begin(), policy.theta().end());
  }
  kernels::set_threads(0);
  CHECK(std::memcmp(theta[0].data(), theta[1].data(), theta[0].size() * sizeof(float)) == 0);
}
