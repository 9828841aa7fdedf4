// What a policy does with a batch under the two-pass head and the mixture; the Gaussian head: policy_test.cpp.
#include "rl/policy/policy_pass.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;

namespace {

constexpr int kRows = 7, kIn = 6, kOut = 3;
constexpr Head kHeads[] = {{.kind = HeadKind::kTwoPass}, {.kind = HeadKind::kMixture, .components = 4}};

Normalizer scale(int n, float mean, float std) {
  return {std::vector<float>(static_cast<std::size_t>(n), mean),
          std::vector<float>(static_cast<std::size_t>(n), std)};
}

GaussianPolicy make(const Head& head, bool residual = false) {
  PolicyEncoding encoding{.state_dim = 3, .robot_dim = 2, .relative_goal = true, .residual = residual};
  GaussianPolicy policy({.in = kIn, .hidden = {8, 8}, .out = kOut, .activation = ag::Activation::kTanh},
                        encoding, scale(kIn, 0.2f, 0.5f), scale(kOut, -0.1f, 0.7f), {-0.5f, -3, 1}, 11, head);
  kernels::Random random(3);
  for (float& value : policy.theta()) value += 0.3f * random.normal();
  policy.clamp_log_std();
  return policy;
}

std::vector<float> normals(int n, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(n));
  kernels::fill_normal(seed, 0, 0, values);
  return values;
}

// n times the same raw input.
std::vector<float> repeated(int n) {
  std::vector<float> x;
  const std::vector<float> one = normals(kIn, 4);
  for (int i = 0; i < n; ++i) x.insert(x.end(), one.begin(), one.end());
  return x;
}

}  // namespace

TEST_CASE("heads: the log-likelihood gradient agrees with central differences, whole and counted") {
  const std::vector<int> some{1, 3, 2, 2, 1, 3, 1};
  const std::vector<float> x = normals(kRows * kIn, 1), y = normals(kRows * kOut, 2),
                           weights = normals(kRows, 3);
  for (const Head& head : kHeads) {
    for (const bool counted : {false, true}) {
      CAPTURE(kHeadNames.at(static_cast<std::size_t>(head.kind)));
      CAPTURE(counted);
      GaussianPolicy policy = make(head, counted);
      PolicyPass pass;
      if (counted) pass.set_counted(some);
      std::vector<float> grad(static_cast<std::size_t>(policy.parameters()), 0.5f), rows(kRows);
      pass.forward(policy, x.data(), kRows);
      const double at = pass.weighted_log_likelihood(policy, y.data(), weights, grad);
      // Differences of the row by row likelihoods, which share no sum with the gradient.
      const auto value = [&] {
        pass.infer(policy, x.data(), kRows);
        pass.log_prob(policy, y.data(), rows);
        double sum = 0;
        for (int i = 0; i < kRows; ++i) sum += static_cast<double>(weights[i]) * rows[i];
        return sum;
      };
      CHECK(at == doctest::Approx(value()).epsilon(1e-5));
      std::vector<double> differences;
      for (int p = 0; p < policy.parameters(); ++p) {
        const float old = policy.theta()[p], h = 4e-3f;
        policy.theta()[p] = old + h;
        const double up = value();
        policy.theta()[p] = old - h;
        differences.push_back((up - value()) / (2.0 * h) + 0.5);  // accumulates onto 0.5
        policy.theta()[p] = old;
      }
      test::check_close(grad, differences, 1e-2, 1e-2, "gradient");
    }
  }
}

TEST_CASE("heads: the KL along a direction is half v'Fv, whole and counted; none of itself") {
  const std::vector<int> some{1, 3, 2, 2, 1, 3, 1};
  const std::vector<float> x = normals(kRows * kIn, 1);
  for (const Head& head : kHeads) {
    for (const bool counted : {false, true}) {
      CAPTURE(kHeadNames.at(static_cast<std::size_t>(head.kind)));
      GaussianPolicy policy = make(head);
      PolicyPass pass;
      if (counted) pass.set_counted(some);
      pass.forward(policy, x.data(), kRows);
      pass.remember(policy);
      CHECK(std::abs(pass.mean_kl(policy)) < 1e-6);
      std::vector<float> v = normals(policy.parameters(), 5), product(v.size());
      Fisher<float> fisher;
      pass.set_fisher(policy, fisher);
      fisher.product(v, product);
      double curvature = 0;
      for (std::size_t p = 0; p < v.size(); ++p) curvature += static_cast<double>(v[p]) * product[p];
      double kl = 0;  // both sides: third derivatives cancel
      const std::vector<float> theta(policy.theta().begin(), policy.theta().end());
      for (const float h : {3e-3f, -3e-3f}) {
        for (std::size_t p = 0; p < v.size(); ++p) policy.theta()[p] = theta[p] + h * v[p];
        pass.infer(policy, x.data(), kRows);
        kl += pass.mean_kl(policy) / 2;
      }
      CHECK(kl == doctest::Approx(0.5 * 9e-6 * curvature).epsilon(0.02));
    }
  }
}

TEST_CASE("heads: what a row says depends on no other row; kept or not, the same bits") {
  const std::vector<float> x = normals(300 * kIn, 1);
  for (const Head& head : kHeads) {
    const GaussianPolicy policy = make(head, true);
    PolicyPass whole, one;
    whole.forward(policy, x.data(), 300);
    std::vector<float> y(300 * kOut), alone(kOut);
    whole.mean(policy, y.data());
    for (const int i : {0, 140, 299}) {
      one.infer(policy, &x[static_cast<std::size_t>(i * kIn)], 1);
      one.mean(policy, alone.data());
      CHECK(std::equal(alone.begin(), alone.end(), y.begin() + i * kOut));
    }
  }
}

TEST_CASE("heads: samples depend on the row's seed and step alone") {
  constexpr int n = 64;
  const std::vector<float> x = repeated(n), one = normals(kIn, 4);
  std::vector<std::uint64_t> seeds(n);
  for (int i = 0; i < n; ++i) seeds[i] = static_cast<std::uint64_t>(i);
  for (const Head& head : kHeads) {
    const GaussianPolicy policy = make(head);
    PolicyPass pass, single;
    pass.infer(policy, x.data(), n);
    single.infer(policy, one.data(), 1);
    std::vector<float> y(n * kOut), alone(kOut);
    pass.sample(policy, seeds, 9, 1.0f, y.data());
    single.sample(policy, std::span(seeds).subspan(17, 1), 9, 1.0f, alone.data());
    CHECK(std::equal(alone.begin(), alone.end(), y.begin() + 17 * kOut));
    single.sample(policy, std::span(seeds).subspan(17, 1), 10, 1.0f, alone.data());
    CHECK_FALSE(std::equal(alone.begin(), alone.end(), y.begin() + 17 * kOut));
  }
}

TEST_CASE("heads: samples of two passes have the composite mean and the deviation") {
  constexpr int n = 4000;
  const GaussianPolicy policy = make(kHeads[0]);
  const std::vector<float> x = repeated(n);
  std::vector<std::uint64_t> seeds(n);
  for (int i = 0; i < n; ++i) seeds[i] = static_cast<std::uint64_t>(i);
  PolicyPass pass;
  pass.infer(policy, x.data(), n);
  std::vector<float> y(n * kOut), mean(n * kOut);
  pass.mean(policy, mean.data());
  pass.sample(policy, seeds, 0, 2.0f, y.data());
  for (int j = 0; j < kOut; ++j) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const double d = y[i * kOut + j] - mean[j];
      sum += d, squares += d * d;
    }
    const double sigma = 2 * std::exp(policy.log_std()[j]) * policy.out().std[j];
    CHECK(std::abs(sum / n) < 4 * sigma / std::sqrt(n));
    CHECK(std::abs(squares / n / (sigma * sigma) - 1) < 4 * std::sqrt(2.0 / n));
  }
  pass.sample(policy, seeds, 0, 0.0f, y.data());
  test::check_close(y, mean, 1e-6, 1e-6, "no noise: the mean");
}

TEST_CASE("heads: a mixture draws every component by its weight, and the moments are the mixture's") {
  constexpr int n = 8000, K = 4;
  GaussianPolicy policy = make(kHeads[1]);
  for (float& s : policy.log_std()) s = -3;
  const std::span<float> theta =
      policy.theta();  // the last layer's biases: means far apart, p = 0.1, 0.2, 0.3, 0.4
  const std::span<float> bias = theta.subspan(theta.size() - kOut - K * (kOut + 1), K * (kOut + 1));
  const std::size_t weights = 8 * bias.size();
  std::fill_n(bias.data() - weights, weights, 0.0f);
  for (int k = 0; k < K; ++k) {
    for (int j = 0; j < kOut; ++j) bias[k * kOut + j] = static_cast<float>(2 * k + j);
    bias[K * kOut + k] = std::log(static_cast<float>(k + 1));
  }
  const std::vector<float> x = repeated(n);
  std::vector<std::uint64_t> seeds(n);
  for (int i = 0; i < n; ++i) seeds[i] = static_cast<std::uint64_t>(i);
  PolicyPass pass;
  pass.infer(policy, x.data(), n);
  std::vector<float> y(n * kOut), u(y.size());
  pass.sample(policy, seeds, 5, 1.0f, y.data());
  policy.normalize_output(x.data(), y.data(), n, u.data());
  std::array<int, K> drawn{};
  double squares = 0;
  for (int i = 0; i < n; ++i) {
    const int k = std::clamp(static_cast<int>(std::lround(u[i * kOut] / 2)), 0, K - 1);
    ++drawn[k];
    for (int j = 0; j < kOut; ++j) squares += std::pow(u[i * kOut + j] - (2 * k + j), 2);
  }
  for (int k = 0; k < K; ++k) {
    const double p = 0.1 * (k + 1);
    CHECK(std::abs(drawn[k] - n * p) < 4 * std::sqrt(n * p * (1 - p)));
  }
  const double variance = std::exp(-6.0);
  CHECK(std::abs(squares / (n * kOut) / variance - 1) < 4 * std::sqrt(2.0 / (n * kOut)));
  // The mean action is the likeliest component's mean.
  test::check_close(pass.normalized_mean().first(kOut), std::span<const float>(std::vector<float>{6, 7, 8}),
                    1e-6, 0, "mode");
}

TEST_CASE("heads: a fit of a mixture has the bits of forward, likelihood and gradient one after the other") {
  constexpr int n = 300;
  const std::vector<float> x = normals(n * kIn, 1), y = normals(n * kOut, 2), weights = normals(n, 3);
  const GaussianPolicy policy = make(kHeads[1], true);
  PolicyPass pass, whole;
  std::vector<float> want(static_cast<std::size_t>(policy.parameters())), grad(want.size(), 7.0f);
  pass.forward(policy, x.data(), n);
  const double value = pass.weighted_log_likelihood(policy, y.data(), weights, want);
  CHECK(whole.fit(policy, PolicyLoss::kSquaredError, x.data(), y.data(), n, weights, grad) == value);
  CHECK(grad == want);
  CHECK(std::ranges::equal(whole.normalized_mean(), pass.normalized_mean()));
}

TEST_CASE("heads: a fit of two passes is that of the head over encoded inputs and normalised outputs") {
  constexpr int n = 40;
  const std::vector<float> x = normals(n * kIn, 1), y = normals(n * kOut, 2);
  const GaussianPolicy policy = make(kHeads[0], true);
  PolicyPass pass;
  TwoPass<float> head;
  const auto mlp = static_cast<std::size_t>(policy.mlp_parameters());
  std::vector<float> u(y.size()), want(mlp), grad(mlp + kOut, 7.0f), other(grad.size());
  policy.normalize_output(x.data(), y.data(), n, u.data());
  const double loss = head.fit(
      policy.network(), policy.mlp_theta(),
      [&](float* z, int first, int rows) {
        policy.encode(&x[static_cast<std::size_t>(first * kIn)], rows, z);
      },
      u.data(), n, 9, want);
  CHECK(pass.fit(policy, PolicyLoss::kLogLikelihood, x.data(), y.data(), n, {}, grad, 9) == loss);
  CHECK(std::equal(want.begin(), want.end(), grad.begin()));
  for (const float value : std::span(grad).last(kOut)) CHECK(value == 0);
  CHECK(pass.fit(policy, PolicyLoss::kLogLikelihood, x.data(), y.data(), n, {}, other, 10) != loss);
}

TEST_CASE("heads: one pass serves policies of every head in turn") {
  const std::vector<float> x = normals(kRows * kIn, 1);
  PolicyPass pass;
  for (const int round : {0, 1}) {
    for (const Head& head : {Head{}, kHeads[0], kHeads[1]}) {
      CAPTURE(round);
      const GaussianPolicy policy = make(head);
      PolicyPass fresh;
      std::vector<float> y(kRows * kOut), want(y.size());
      fresh.infer(policy, x.data(), kRows);
      fresh.mean(policy, want.data());
      pass.infer(policy, x.data(), kRows);
      pass.mean(policy, y.data());
      CHECK(y == want);
    }
  }
}

TEST_CASE("heads: components that a head has not are refused") {
  const auto build = [](Head head) { return test::error_of([&] { make(head); }); };
  CHECK(test::contains(build({.kind = HeadKind::kTwoPass, .components = 2}),
                       "a two_pass head of 2 components; a mixture has 1..64, others 1"));
  CHECK(test::contains(build({.kind = HeadKind::kMixture, .components = 65}),
                       "a mixture head of 65 components"));
  CHECK(make({.kind = HeadKind::kMixture, .components = 1}).network().out == kOut + 1);
}
