#include "rl/policy/heads/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/categorical.hpp"
#include "kernels/error.hpp"
#include "kernels/gaussian.hpp"
#include "kernels/rng.hpp"
#include "rl/fisher.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using rl::Mixture;

namespace {

constexpr int K = 4, D = 3, kRows = 6, kWidth = K * (D + 1);

std::vector<double> normals(std::size_t n, std::uint64_t seed, double scale = 1) {
  kernels::Random random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = scale * random.normal();
  return values;
}

struct Problem {
  std::vector<double> u = normals(kRows * kWidth, 1), y = normals(kRows * D, 2), log_std = normals(D, 3, 0.4);
  std::vector<int> counts{1, 3, 2, 3, 1, 2};
  Mixture<double> mixture;
  Problem() { mixture.set(K, log_std); }
};

// ln pi of the first c numbers, from the definition.
double by_hand(const double* u, const double* y, const std::vector<double>& log_std, int c) {
  double total = 0, density = 0;
  for (int k = 0; k < K; ++k) total += std::exp(u[K * D + k]);
  for (int k = 0; k < K; ++k) {
    double normal = 1;
    for (int j = 0; j < c; ++j) {
      const double s = std::exp(log_std[j]), z = (y[j] - u[k * D + j]) / s;
      normal *= std::exp(-z * z / 2) / (s * std::sqrt(2 * std::numbers::pi));
    }
    density += std::exp(u[K * D + k]) / total * normal;
  }
  return std::log(density);
}

}  // namespace

TEST_CASE("mixture: log-likelihoods are those of the definition, of all numbers and of the first ones") {
  const Problem problem;
  for (const bool counted : {false, true}) {
    std::vector<double> got(kRows), want;
    problem.mixture.log_prob(kRows, counted ? problem.counts.data() : nullptr, problem.u.data(),
                             problem.y.data(), got.data());
    for (int i = 0; i < kRows; ++i)
      want.push_back(by_hand(&problem.u[i * kWidth], &problem.y[i * D], problem.log_std,
                             counted ? problem.counts[i] : D));
    test::check_close(got, want, 1e-12, 1e-12, "ln pi");
  }
  // Far from every component, where the densities themselves are 0 in double.
  std::vector<double> far(D, 200.0), one(1);
  problem.mixture.log_prob(1, nullptr, problem.u.data(), far.data(), one.data());
  CHECK(std::isfinite(one[0]));
  CHECK(one[0] < -5000);
}

TEST_CASE("mixture: what does not count is integrated out") {
  const Problem problem;
  const int two = 2;
  std::vector<double> y(problem.y.begin(), problem.y.begin() + D), value(1);
  double integral = 0;
  const double step = 1e-3;
  for (double last = -12; last <= 12; last += step) {
    y[2] = last;
    problem.mixture.log_prob(1, nullptr, problem.u.data(), y.data(), value.data());
    integral += step * std::exp(value[0]);
  }
  problem.mixture.log_prob(1, &two, problem.u.data(), y.data(), value.data());
  CHECK(integral == doctest::Approx(std::exp(value[0])).epsilon(1e-9));
}

TEST_CASE("mixture: gradients of the log-likelihood agree with central differences") {
  Problem problem;
  const std::vector<double> w = normals(kRows, 5);
  for (const bool counted : {false, true}) {
    CAPTURE(counted);
    const int* counts = counted ? problem.counts.data() : nullptr;
    const auto value = [&] {
      std::vector<double> rows(kRows);
      problem.mixture.set(K, problem.log_std);
      problem.mixture.log_prob(kRows, counts, problem.u.data(), problem.y.data(), rows.data());
      double sum = 0;
      for (int i = 0; i < kRows; ++i) sum += w[i] * rows[i];
      return sum;
    };
    const auto differences = [&](std::vector<double>& at, double offset) {
      std::vector<double> result;
      for (double& number : at) {
        const double old = number;
        number = old + 1e-6;
        const double up = value();
        number = old - 1e-6;
        result.push_back(offset + (up - value()) / 2e-6);
        number = old;
      }
      value();
      return result;
    };
    std::vector<double> d_u(problem.u.size(), 9.0), d_log_std(D, 0.5);
    problem.mixture.log_prob_vjp(kRows, counts, problem.u.data(), problem.y.data(), w.data(), d_u.data(),
                                 nullptr);
    problem.mixture.log_prob_vjp(kRows, counts, problem.u.data(), problem.y.data(), w.data(), nullptr,
                                 d_log_std.data());
    test::check_close(d_u, differences(problem.u, 0), 1e-6, 1e-8, "d u");
    test::check_close(d_log_std, differences(problem.log_std, 0.5), 1e-6, 1e-8, "d log_std");
  }
}

TEST_CASE(
    "mixture: the joint KL is the weights' and the components', none of itself, at least the mixture's own") {
  const Problem problem;
  const std::vector<double> old = normals(kRows * kWidth, 8), s_old = normals(D, 9, 0.4);
  for (const bool counted : {false, true}) {
    const int* counts = counted ? problem.counts.data() : nullptr;
    std::vector<double> got(kRows), want(kRows), itself(kRows, 1.0);
    problem.mixture.kl(kRows, counts, old.data(), s_old.data(), problem.u.data(), got.data());
    for (int i = 0; i < kRows; ++i) {
      const double *p = &old[i * kWidth], *q = &problem.u[i * kWidth];
      double total = 0, part = 0;
      kernels::categorical_kl<double>(1, K, p + K * D, q + K * D, &want[i]);
      for (int k = 0; k < K; ++k) total += std::exp(p[K * D + k]);
      for (int k = 0; k < K; ++k) {
        kernels::gaussian_kl<double>(1, counted ? problem.counts[i] : D, p + k * D, s_old.data(), q + k * D,
                                     problem.log_std.data(), &part);
        want[i] += std::exp(p[K * D + k]) / total * part;
      }
    }
    test::check_close(got, want, 1e-11, 1e-12, "KL");
    problem.mixture.kl(kRows, counts, problem.u.data(), problem.log_std.data(), problem.u.data(),
                       itself.data());
    test::check_close(itself, std::vector<double>(kRows), 0, 1e-13, "KL of itself");
  }
  // One number alone: the mixtures' own KL by integration.
  const int one = 1;
  Mixture<double> before;
  before.set(K, s_old);
  for (int i = 0; i < kRows; ++i) {
    double own = 0, bound = 0, log_p = 0, log_q = 0;
    const double step = 1e-3;
    for (double at = -14; at <= 14; at += step) {
      const double y[D] = {at, 0, 0};
      before.log_prob(1, &one, &old[i * kWidth], y, &log_p);
      problem.mixture.log_prob(1, &one, &problem.u[i * kWidth], y, &log_q);
      own += step * std::exp(log_p) * (log_p - log_q);
    }
    problem.mixture.kl(1, &one, &old[i * kWidth], s_old.data(), &problem.u[i * kWidth], &bound);
    CHECK(own > 0);
    CHECK(own <= bound);
  }
}

TEST_CASE("mixture: the metric is the Hessian of the joint KL and the square of its root") {
  const Problem problem;
  const double share = 0.25;
  for (const int c : {2, D}) {
    CAPTURE(c);
    for (int column = 0; column < kWidth; ++column) {
      std::vector<double> got(kWidth), want;
      got[column] = 1;
      problem.mixture.metric(1, &c, problem.u.data(), share, got.data());
      // Second differences of KL(u || .) at u in directions `row` and `column`.
      for (int row = 0; row < kWidth; ++row) {
        const auto kl = [&](double a, double b) {
          std::vector<double> at(problem.u.begin(), problem.u.begin() + kWidth);
          at[row] += a, at[column] += b;
          double value = 0;
          problem.mixture.kl(1, &c, problem.u.data(), problem.log_std.data(), at.data(), &value);
          return value;
        };
        const double h = 1e-3;
        want.push_back(share * (kl(h, h) - kl(h, -h) - kl(-h, h) + kl(-h, -h)) / (4 * h * h));
      }
      test::check_close(got, want, 1e-5, 1e-7, "M");
      std::vector<double> square(kWidth);
      for (int k = 0; k < kWidth; ++k) {
        std::vector<double> root(kWidth);
        root[k] = 1;
        problem.mixture.metric_root(1, &c, problem.u.data(), share, root.data());
        for (int row = 0; row < kWidth; ++row) square[row] += root[row] * root[column];
      }
      test::check_close(square, got, 1e-11, 1e-13, "L L'");
    }
  }
}

TEST_CASE("mixture: Fisher products are differences of the joint KL's gradient through a network") {
  const ag::MlpSpec spec{.in = 2, .hidden = {5}, .out = kWidth};
  std::vector<double> theta = normals(static_cast<std::size_t>(ag::parameter_count(spec)), 1, 0.6);
  const std::size_t m = theta.size();
  const std::vector<double> x = normals(kRows * 2, 2), s = normals(D, 3, 0.4), v = normals(m + D, 4);
  const Problem problem;
  ag::MlpPass<double> pass;
  for (const bool counted : {false, true}) {
    CAPTURE(counted);
    const std::span<const int> counts =
        counted ? std::span<const int>(problem.counts) : std::span<const int>();
    pass.forward(spec, theta, x.data(), kRows);
    const std::vector<double> old(pass.output().begin(), pass.output().end());
    // Mean KL(old || at theta + a v + b w).
    const std::vector<double> w = normals(m + D, 7);
    const auto kl = [&](double a, double b) {
      std::vector<double> at = theta, deviation = s, rows(kRows);
      for (std::size_t k = 0; k < m + D; ++k) (k < m ? at[k] : deviation[k - m]) += a * v[k] + b * w[k];
      ag::MlpPass<double> moved;
      moved.forward(spec, at, x.data(), kRows);
      Mixture<double> mixture;
      mixture.set(K, deviation);
      mixture.kl(kRows, counted ? counts.data() : nullptr, old.data(), s.data(), moved.output().data(),
                 rows.data());
      double sum = 0;
      for (const double row : rows) sum += row / kRows;
      return sum;
    };
    rl::Fisher<double> fisher;
    fisher.set_mixture(pass, theta, s, K, counts);
    std::vector<double> product(v.size()), diagonal(v.size()), total(v.size());
    fisher.product(v, product);
    double got = 0;
    for (std::size_t k = 0; k < v.size(); ++k) got += w[k] * product[k];
    const double h = 1e-4;
    CHECK(got ==
          doctest::Approx((kl(h, h) - kl(h, -h) - kl(-h, h) + kl(-h, -h)) / (4 * h * h)).epsilon(1e-5));
    // The diagonal's estimate, mean of many draws, beside products with unit vectors.
    constexpr int draws = 4000;
    for (int draw = 0; draw < draws; ++draw) {
      fisher.diagonal(static_cast<std::uint64_t>(draw), diagonal);
      for (std::size_t k = 0; k < v.size(); ++k) total[k] += diagonal[k] / draws;
    }
    for (std::size_t k = 0; k < v.size(); ++k) {
      std::vector<double> unit(v.size());
      unit[k] = 1;
      fisher.product(unit, product);
      CHECK(total[k] == doctest::Approx(product[k]).epsilon(0.15));
    }
  }
}

TEST_CASE(
    "mixture: components are drawn by the inverse distribution function; the mode is the likeliest's mean") {
  Mixture<double> mixture;
  const std::vector<double> log_std(1);
  mixture.set(3, log_std);
  // p = 0.2, 0.5, 0.3
  const std::vector<double> u{-1, 0, 1, std::log(2.0), std::log(5.0), std::log(3.0)};
  for (const auto& [uniform, want] :
       {std::pair{0.0, 0}, {0.199, 0}, {0.201, 1}, {0.699, 1}, {0.701, 2}, {0.9999, 2}})
    CHECK(mixture.component(u.data(), uniform) == want);
  double mode = 9;
  mixture.mode(1, u.data(), &mode);
  CHECK(mode == 0);
  const std::vector<double> sure{-1,    0,    1, 0,
                                 -2000, -2000};  // the others have no probability: none is drawn by rounding
  CHECK(mixture.component(sure.data(), std::nextafter(1.0, 0.0)) == 0);
  CHECK_THROWS_AS(mixture.set(0, log_std), Error);
  CHECK_THROWS_AS(mixture.set(rl::kMostComponents + 1, log_std), Error);
}
