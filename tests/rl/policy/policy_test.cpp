#include <cmath>

#include "rl/policy/policy_pass.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;

namespace {

Normalizer ramp(int n, float mean, float std) {
  Normalizer result;
  for (int i = 0; i < n; ++i) {
    result.mean.push_back(mean + 0.1f * static_cast<float>(i));
    result.std.push_back(std + 0.05f * static_cast<float>(i));
  }
  return result;
}

GaussianPolicy make(RobotFill fill, bool relative, bool residual) {
  PolicyEncoding encoding{.state_dim = 3,
                          .robot_dim = 2,
                          .robot_fill = fill,
                          .relative_goal = relative,
                          .residual = residual,
                          .typical_robot = {}};
  if (fill == RobotFill::kTypical) encoding.typical_robot = {7, 8};
  GaussianPolicy policy({.in = 6, .hidden = {8, 8}, .out = 3, .activation = ag::Activation::kTanh}, encoding,
                        ramp(6, 0.2f, 0.5f), ramp(3, -0.1f, 0.7f), {-0.5f, -3, 1}, 11);
  kernels::Random random(3);  // the last layer starts near zero: give it weight
  for (float& value : policy.theta()) value += 0.2f * random.normal();
  policy.clamp_log_std();
  return policy;
}

std::vector<float> normals(int n, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(n));
  kernels::fill_normal(seed, 0, 0, values);
  return values;
}

}  // namespace

TEST_CASE("policy: encoding is normalised [s, g] or [s, g - s]; fills blank the goal's robot part") {
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  std::vector<float> z(6);
  const auto value = [](float raw, int i) {
    return (raw - (0.2f + 0.1f * static_cast<float>(i))) / (0.5f + 0.05f * static_cast<float>(i));
  };
  make(RobotFill::kKeep, false, false).encode(x.data(), 1, z.data());
  test::check_close(
      z, std::vector<float>{value(1, 0), value(2, 1), value(3, 2), value(4, 3), value(5, 4), value(6, 5)},
      1e-6, 1e-6, "keep");
  make(RobotFill::kKeep, true, false).encode(x.data(), 1, z.data());
  test::check_close(
      z, std::vector<float>{value(1, 0), value(2, 1), value(3, 2), value(3, 3), value(3, 4), value(3, 5)},
      1e-6, 1e-6, "relative");
  make(RobotFill::kZero, true, false).encode(x.data(), 1, z.data());
  test::check_close(
      z, std::vector<float>{value(1, 0), value(2, 1), value(3, 2), value(0, 3), value(0, 4), value(3, 5)},
      1e-6, 1e-6, "zero");
  make(RobotFill::kMask, false, false).encode(x.data(), 1, z.data());
  test::check_close(z, std::vector<float>{value(1, 0), value(2, 1), value(3, 2), 0, 0, value(6, 5)}, 1e-6,
                    1e-6, "mask");
  std::vector<float> goal{4, 5, 6};
  make(RobotFill::kTypical, false, false).fill_goal(goal);
  CHECK(goal == std::vector<float>{7, 8, 6});
}

TEST_CASE("policy: the mean and its normalisation invert each other, residual or not") {
  for (const bool residual : {false, true}) {
    const GaussianPolicy policy = make(RobotFill::kKeep, false, residual);
    const std::vector<float> x = normals(5 * 6, 1);
    PolicyPass pass;
    pass.reserve(policy, 5);
    pass.forward(policy, x.data(), 5);
    std::vector<float> y(15), u(15);
    pass.mean(policy, y.data());
    policy.normalize_output(x.data(), y.data(), 5, u.data());
    test::check_close(std::span<const float>(u), pass.normalized_mean(), 1e-5, 1e-5, "u");
    std::vector<float> log_prob(5);
    pass.log_prob(policy, y.data(), log_prob);
    double peak = 0;
    for (const float s : policy.log_std()) peak -= s + 0.5 * std::log(2 * M_PI);
    test::check_close(log_prob, std::vector<double>(5, peak), 1e-5, 1e-5, "density at the mean");
  }
}

TEST_CASE("policy: the log-likelihood gradient agrees with central differences") {
  for (const bool residual : {false, true}) {
    GaussianPolicy policy = make(RobotFill::kMask, true, residual);
    const std::vector<float> x = normals(7 * 6, 1), y = normals(7 * 3, 2), weights = normals(7, 3);
    PolicyPass pass;
    pass.reserve(policy, 7);
    std::vector<float> grad(static_cast<std::size_t>(policy.parameters()), 0.5f), scratch(grad.size());
    pass.forward(policy, x.data(), 7);
    const double at = pass.weighted_log_likelihood(policy, y.data(), weights, grad);
    std::vector<float> log_prob(7);
    pass.log_prob(policy, y.data(), log_prob);
    double want = 0;
    for (int i = 0; i < 7; ++i) want += static_cast<double>(weights[i]) * log_prob[i];
    CHECK(at == doctest::Approx(want).epsilon(1e-5));
    std::vector<double> differences;
    for (int p = 0; p < policy.parameters(); ++p) {
      const float old = policy.theta()[p], h = 4e-3f;
      double sides[2];
      for (const int side : {0, 1}) {
        policy.theta()[p] = side == 0 ? old - h : old + h;
        pass.forward(policy, x.data(), 7);
        sides[side] = pass.weighted_log_likelihood(policy, y.data(), weights, scratch);
      }
      policy.theta()[p] = old;
      differences.push_back((sides[1] - sides[0]) / (2.0 * h) + 0.5);  // accumulates onto 0.5
    }
    test::check_close(grad, differences, 5e-3, 5e-3, "gradient");
  }
}

// A policy of two outputs more than count beside one of the first outputs alone: [0, counted).
TEST_CASE("policy: what does not count adds nothing to likelihood, gradient, KL and Fisher products") {
  GaussianPolicy policy = make(RobotFill::kMask, true, false);
  const std::vector<float> x = normals(7 * 6, 1), y = normals(7 * 3, 2), weights = normals(7, 3);
  const std::vector<int> counts{1, 3, 2, 2, 1, 3, 1};
  PolicyPass pass;
  pass.set_counted(counts);
  pass.forward(policy, x.data(), 7);
  std::vector<float> log_prob(7), u(7 * 3), grad(static_cast<std::size_t>(policy.parameters())),
      scratch(grad.size());
  pass.log_prob(policy, y.data(), log_prob);
  policy.normalize_output(x.data(), y.data(), 7, u.data());
  for (int i = 0; i < 7; ++i) {
    double want = 0;
    for (int j = 0; j < counts[i]; ++j) {
      const double s = policy.log_std()[j],
                   d = (u[i * 3 + j] - pass.normalized_mean()[i * 3 + j]) / std::exp(s);
      want -= 0.5 * d * d + s + 0.5 * std::log(2 * 3.14159265358979);
    }
    CHECK(log_prob[i] == doctest::Approx(want).epsilon(1e-5));
  }
  pass.weighted_log_likelihood(policy, y.data(), weights, grad);
  pass.remember(policy);
  const std::vector<float> theta(policy.theta().begin(), policy.theta().end());
  std::vector<float> direction(grad.size()), product(grad.size());
  kernels::fill_normal(5, 0, 0, direction);
  Fisher<float> fisher;
  pass.set_fisher(policy, fisher);
  fisher.product(direction, product);
  std::vector<double> differences;
  for (int p = 0; p < policy.parameters(); ++p) {
    double sides[2];
    for (const int side : {0, 1}) {
      policy.theta()[p] = theta[p] + (side == 0 ? -4e-3f : 4e-3f);
      pass.forward(policy, x.data(), 7);
      sides[side] = pass.weighted_log_likelihood(policy, y.data(), weights, scratch);
    }
    policy.theta()[p] = theta[p];
    differences.push_back((sides[1] - sides[0]) / 8e-3);
  }
  test::check_close(grad, differences, 5e-3, 5e-3, "gradient");
  // KL along a direction v is half v'Fv.
  double curvature = 0;
  for (std::size_t p = 0; p < grad.size(); ++p) curvature += static_cast<double>(direction[p]) * product[p];
  for (std::size_t p = 0; p < theta.size(); ++p) policy.theta()[p] = theta[p] + 3e-3f * direction[p];
  pass.forward(policy, x.data(), 7);
  CHECK(pass.mean_kl(policy) == doctest::Approx(0.5 * 9e-6 * curvature).epsilon(0.03));
  pass.set_counted(std::span(counts).first(6));
  CHECK_THROWS_AS(pass.log_prob(policy, y.data(), log_prob), Error);
}

TEST_CASE("policy: unseen coordinates reach neither state nor goal of the input") {
  PolicyEncoding encoding{.state_dim = 3, .robot_dim = 1, .seen = {0, 2}};
  const GaussianPolicy policy({.in = 6, .hidden = {}, .out = 1}, encoding, ramp(6, 0.2f, 0.5f), ramp(1, 0, 1),
                              {}, 1);
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  std::vector<float> z(6);
  policy.encode(x.data(), 1, z.data());
  CHECK(z[1] == 0);
  CHECK(z[4] == 0);
  for (const int i : {0, 2, 3, 5}) CHECK(z[i] != 0);
  encoding.seen = {0, 3};
  CHECK(test::contains(test::error_of([&] {
                         GaussianPolicy({.in = 6, .hidden = {}, .out = 1}, encoding, ramp(6, 0, 1),
                                        ramp(1, 0, 1), {}, 1);
                       }),
                       "coordinate 3 of a state of 3"));
}

TEST_CASE("policy: a residual output of given coordinates is relative to those") {
  const PolicyEncoding encoding{.state_dim = 3, .robot_dim = 1, .residual = true, .residual_of = {2, 0}};
  const GaussianPolicy policy({.in = 6, .hidden = {}, .out = 2}, encoding, ramp(6, 0, 1), ramp(2, 0, 1), {},
                              1);
  const std::vector<float> x{1, 2, 3, 4, 5, 6}, u{0, 0};
  std::vector<float> y(2), back(2);
  policy.denormalize_output(x.data(), u.data(), 1, y.data());
  test::check_close(y, std::vector<float>{3, 1.1f}, 1e-6, 0, "s[2], s[0] and the normaliser's means");
  policy.normalize_output(x.data(), y.data(), 1, back.data());
  test::check_close(back, u, 0, 1e-6, "back");
}

TEST_CASE("policy: a fit has the bits of forward, likelihood and gradient one after the other") {
  const int n = 300;  // three chunks of rows, the last one with a rest
  const std::vector<float> x = normals(n * 6, 1), y = normals(n * 3, 2), weights = normals(n, 3);
  for (const bool residual : {false, true}) {
    const GaussianPolicy policy = make(RobotFill::kZero, true, residual);
    PolicyPass pass, whole;
    std::vector<float> want(static_cast<std::size_t>(policy.parameters())), grad(want.size(), 7.0f);
    pass.forward(policy, x.data(), n);
    const double value = pass.weighted_log_likelihood(policy, y.data(), weights, want);
    CHECK(whole.fit(policy, PolicyLoss::kLogLikelihood, x.data(), y.data(), n, weights, grad) == value);
    CHECK(grad == want);
    CHECK(std::ranges::equal(whole.normalized_mean(), pass.normalized_mean()));
  }
}

TEST_CASE("policy: fitted by squares it follows the likelihood of a deviation of one") {
  const int n = 300;
  const std::vector<float> x = normals(n * 6, 1), y = normals(n * 3, 2);
  for (const bool residual : {false, true}) {
    GaussianPolicy policy = make(RobotFill::kMask, false, residual);
    std::ranges::fill(policy.log_std(), 0.0f);
    PolicyPass pass;
    std::vector<float> want(static_cast<std::size_t>(policy.parameters())), grad(want.size(), 7.0f);
    pass.forward(policy, x.data(), n);
    const double likelihood = pass.weighted_log_likelihood(policy, y.data(), {}, want);
    for (float& value : want) value = -value;
    std::ranges::fill(std::span(want).last(3), 0.0f);
    const double loss = pass.mean_squared_error(policy, y.data());
    CHECK(loss == doctest::Approx(-likelihood - 1.5 * std::log(2 * M_PI)).epsilon(1e-5));
    CHECK(pass.fit(policy, PolicyLoss::kSquaredError, x.data(), y.data(), n, {}, grad) == loss);
    test::check_close(grad, want, 1e-5, 1e-5, "gradient");
  }
}

TEST_CASE("policy: samples depend on the row's seed and step alone and have the policy's moments") {
  const GaussianPolicy policy = make(RobotFill::kKeep, false, false);
  const int n = 4000;
  const std::vector<float> one = normals(6, 4);
  std::vector<float> x;
  std::vector<std::uint64_t> seeds;
  for (int i = 0; i < n; ++i) {
    x.insert(x.end(), one.begin(), one.end());
    seeds.push_back(static_cast<std::uint64_t>(i));
  }
  PolicyPass pass, single;
  pass.reserve(policy, n);
  pass.forward(policy, x.data(), n);
  std::vector<float> y(3 * n), mean(3 * n), alone(3);
  pass.sample(policy, seeds, 9, 1.0f, y.data());
  pass.mean(policy, mean.data());
  single.forward(policy, one.data(), 1);
  single.sample(policy, std::span(seeds).subspan(17, 1), 9, 1.0f, alone.data());
  CHECK(std::equal(alone.begin(), alone.end(), y.begin() + 17 * 3));
  for (int j = 0; j < 3; ++j) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) sum += y[3 * i + j] - mean[j], squares += std::pow(y[3 * i + j] - mean[j], 2);
    const double sigma = std::exp(policy.log_std()[j]) * policy.out().std[j];
    CHECK(std::fabs(sum / n) < 5 * sigma / std::sqrt(n));
    CHECK(std::sqrt(squares / n) == doctest::Approx(sigma).epsilon(0.06));
  }
  pass.sample(policy, seeds, 9, 0.0f, y.data());
  test::check_close(y, mean, 1e-6, 1e-6, "no noise: the mean");
}

TEST_CASE("policy: mean KL is zero at itself and matches a hand-worked Gaussian") {
  const PolicyEncoding encoding{.state_dim = 1, .robot_dim = 0, .typical_robot = {}};
  GaussianPolicy policy({2, {}, 2}, encoding, ramp(2, 0, 1), ramp(2, 0, 1), {.initial = 0}, 0);
  std::ranges::fill(policy.theta(), 0.0f);  // u = bias = 0, sigma = 1
  const std::vector<float> x(3 * 2, 0.0f);
  PolicyPass pass;
  pass.forward(policy, x.data(), 3);
  pass.remember(policy);
  CHECK(pass.mean_kl(policy) == 0);
  policy.theta()[4] = policy.theta()[5] = 1;
  pass.forward(policy, x.data(), 3);
  CHECK(pass.mean_kl(policy) == doctest::Approx(1.0).epsilon(1e-6));
  policy.log_std()[0] = policy.log_std()[1] = std::log(2.0f);
  CHECK(pass.mean_kl(policy) == doctest::Approx(2 * (std::log(2.0) + 2.0 / 8.0 - 0.5)).epsilon(1e-6));
}

TEST_CASE("policy: sizes that do not fit are refused with both values") {
  const PolicyEncoding encoding{.state_dim = 3, .robot_dim = 1, .residual = true, .typical_robot = {}};
  const auto build = [&](int in, int out, Normalizer a, Normalizer b) {
    return test::error_of([&] { GaussianPolicy({in, {4}, out}, encoding, a, b, {}, 0); });
  };
  CHECK(test::contains(build(5, 3, ramp(5, 0, 1), ramp(3, 0, 1)),
                       "input is 5 wide, state and goal of 3 make 6"));
  CHECK(test::contains(build(6, 2, ramp(6, 0, 1), ramp(2, 0, 1)), "residual output must be a state of 3"));
  CHECK(test::contains(build(6, 3, ramp(4, 0, 1), ramp(3, 0, 1)),
                       "input normaliser: 4 means and 4 deviations, 6 are expected"));
  CHECK(test::contains(build(6, 3, ramp(6, 0, 1), ramp(3, 0, 0)), "output normaliser: std [0] is 0"));
  CHECK_THROWS_AS(parse_robot_fill("kept"), UsageError);
}
