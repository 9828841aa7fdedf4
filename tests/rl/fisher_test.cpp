#include "rl/fisher.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/cg.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

constexpr int kRows = 7;
const ag::MlpSpec kSpec{.in = 4, .hidden = {6, 5}, .out = 3, .activation = ag::Activation::kTanh};

enum class Kind { kGaussian, kCategorical };

struct Problem {
  std::vector<double> theta, x;  // theta = [mlp..., log_std...]
  std::size_t m = 0;             // MLP parameters

  Problem() {
    kernels::Random random(17);
    m = ag::parameter_count(kSpec);
    theta.resize(m + kSpec.out);
    x.resize(kRows * kSpec.in);
    for (double& value : theta) value = 0.5 * random.normal();
    for (double& value : x) value = random.normal();
  }
  std::size_t parameters(Kind kind) const { return m + (kind == Kind::kGaussian ? kSpec.out : 0); }
  std::span<const double> mlp(const std::vector<double>& t) const { return std::span(t).first(m); }
  std::span<const double> log_std(const std::vector<double>& t) const { return std::span(t).subspan(m); }
};

std::vector<double> random_vector(std::size_t n, std::uint64_t seed) {
  kernels::Random random(seed);
  std::vector<double> v(n);
  for (double& value : v) value = random.normal();
  return v;
}

// p = softmax of each row of u.
std::vector<double> softmax(std::span<const double> u) {
  std::vector<double> p(u.size());
  for (std::size_t i = 0; i < u.size(); i += kSpec.out) {
    double total = 0;
    for (int j = 0; j < kSpec.out; ++j) total += p[i + j] = std::exp(u[i + j]);
    for (int j = 0; j < kSpec.out; ++j) p[i + j] /= total;
  }
  return p;
}

// Gradient at `theta` of mean_i KL(pi_0(x_i) || pi_theta(x_i)), by the chain rule.
std::vector<double> kl_gradient(Kind kind, const Problem& problem, const std::vector<double>& theta) {
  ag::MlpPass<double> old_pass(kSpec, kRows), pass(kSpec, kRows);
  old_pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  pass.forward(kSpec, problem.mlp(theta), problem.x.data(), kRows);
  std::vector<double> dy(kRows * kSpec.out), gradient(problem.parameters(kind));
  if (kind == Kind::kCategorical) {
    const std::vector<double> p0 = softmax(old_pass.output()), p1 = softmax(pass.output());
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = (p1[i] - p0[i]) / kRows;
  }
  for (int j = 0; kind == Kind::kGaussian && j < kSpec.out; ++j) {
    const double s0 = std::exp(problem.log_std(problem.theta)[j]), s1 = std::exp(problem.log_std(theta)[j]);
    for (int i = 0; i < kRows; ++i) {
      const double d = pass.output()[i * kSpec.out + j] - old_pass.output()[i * kSpec.out + j];
      dy[i * kSpec.out + j] = d / (s1 * s1) / kRows;
      gradient[problem.m + j] += (1 - (s0 * s0 + d * d) / (s1 * s1)) / kRows;
    }
  }
  pass.vjp(problem.mlp(theta), dy.data(), std::span(gradient).first(problem.m));
  return gradient;
}

// The Fisher matrix at problem.theta; `pass` is filled.
rl::Fisher<double> make_fisher(Kind kind, const Problem& problem, ag::MlpPass<double>& pass) {
  pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  rl::Fisher<double> fisher;
  if (kind == Kind::kGaussian) {
    fisher.set_gaussian(pass, problem.mlp(problem.theta), problem.log_std(problem.theta));
  } else {
    fisher.set_categorical(pass, problem.mlp(problem.theta));
  }
  return fisher;
}

double inner(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("Fisher product: equals differences of the KL gradient along v, at the present policy") {
  const Problem problem;
  for (const Kind kind : {Kind::kGaussian, Kind::kCategorical}) {
    ag::MlpPass<double> pass;
    rl::Fisher<double> fisher = make_fisher(kind, problem, pass);
    const std::vector<double> v = random_vector(problem.parameters(kind), 3);
    REQUIRE(fisher.parameters() == static_cast<int>(v.size()));
    std::vector<double> product(v.size(), 123.0), plus = problem.theta, minus = problem.theta,
                                                  difference(v.size());
    fisher.product(v, product);
    const double h = 1e-5;
    for (std::size_t k = 0; k < v.size(); ++k) plus[k] += h * v[k], minus[k] -= h * v[k];
    const std::vector<double> up = kl_gradient(kind, problem, plus), down = kl_gradient(kind, problem, minus);
    for (std::size_t k = 0; k < v.size(); ++k) difference[k] = (up[k] - down[k]) / (2 * h);
    test::check_close(product, difference, 1e-6, 1e-7, "F v");
  }
}

TEST_CASE("Fisher product: symmetric, positive semi-definite, the same when asked twice") {
  const Problem problem;
  for (const Kind kind : {Kind::kGaussian, Kind::kCategorical}) {
    ag::MlpPass<double> pass;
    rl::Fisher<double> fisher = make_fisher(kind, problem, pass);
    std::vector<double> fv(problem.parameters(kind)), fw(fv.size()), again(fv.size());
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const std::vector<double> v = random_vector(fv.size(), 2 * seed + 10),
                                w = random_vector(fv.size(), 2 * seed + 11);
      fisher.product(v, fv);
      fisher.product(w, fw);
      CHECK(inner(w, fv) == doctest::Approx(inner(v, fw)).epsilon(1e-12));
      CHECK(inner(v, fv) > 0);
      fisher.product(v, again);
      test::check_close(again, fv, 0, 1e-300, "second product");
    }
  }
}

TEST_CASE("Fisher diagonal: the mean of estimates is the diagonal of the products") {
  const Problem problem;
  for (const Kind kind : {Kind::kGaussian, Kind::kCategorical}) {
    ag::MlpPass<double> pass;
    rl::Fisher<double> fisher = make_fisher(kind, problem, pass);
    const std::size_t n = problem.parameters(kind);
    std::vector<double> want(n), unit(n), column(n), estimate(n), sum(n), squares(n);
    for (std::size_t k = 0; k < n; ++k) {
      std::ranges::fill(unit, 0.0);
      unit[k] = 1;
      fisher.product(unit, column);
      want[k] = column[k];
    }
    constexpr int kDraws = 400;
    for (int draw = 0; draw < kDraws; ++draw) {
      fisher.diagonal(static_cast<std::uint64_t>(draw), estimate);
      for (std::size_t k = 0; k < n; ++k) sum[k] += estimate[k], squares[k] += estimate[k] * estimate[k];
    }
    double worst = 0;  // in standard errors; 90 or so of them
    for (std::size_t k = 0; k < n; ++k) {
      const double mean = sum[k] / kDraws,
                   error = std::sqrt(std::max(0.0, squares[k] / kDraws - mean * mean));
      const double gap = std::fabs(mean - want[k]) / (error / std::sqrt(kDraws) + 1e-12 * (1 + want[k]));
      if (!(gap <= worst)) worst = gap;
    }
    CHECK(worst < 4.5);
  }
}

TEST_CASE("Fisher diagonal: exact for one output, and takes conjugate gradient past badly scaled inputs") {
  const ag::MlpSpec spec{.in = 6, .hidden = {}, .out = 1, .activation = ag::Activation::kTanh};
  constexpr int kMany = 40;
  kernels::Random random(4);
  std::vector<double> theta(7), x(kMany * 6), log_std{-0.3};
  for (double& value : theta) value = random.normal();
  for (int i = 0; i < kMany * 6; ++i) x[i] = random.normal() * std::pow(10.0, i % 6 - 3);
  ag::MlpPass<double> pass;
  pass.forward(spec, theta, x.data(), kMany);
  rl::Fisher<double> fisher;
  fisher.set_gaussian(pass, theta, log_std);
  std::vector<double> diagonal(8), want(8), unit(8), column(8), b = random_vector(8, 9), d(8);
  fisher.diagonal(1, diagonal);
  for (std::size_t k = 0; k < 8; ++k) {
    std::ranges::fill(unit, 0.0);
    unit[k] = 1;
    fisher.product(unit, column);
    want[k] = column[k];
  }
  test::check_close(diagonal, want, 1e-12, 0, "diagonal");
  for (double& value : diagonal) value = 1 / (value + 1e-8);
  rl::ConjugateGradient<double> cg;
  const auto product = [&](std::span<const double> v, std::span<double> out) { fisher.product(v, out); };
  const rl::CgOptions options{.iterations = 200, .damping = 1e-8, .tolerance = 1e-20};
  const rl::CgReport plain = cg.solve(product, b, d, options);
  const rl::CgReport preconditioned = cg.solve(product, b, d, options, diagonal);
  CHECK(preconditioned.residual <= 1e-10);
  CHECK(2 * preconditioned.iterations < plain.iterations);
}

TEST_CASE("Fisher product: wrong sizes are refused with both numbers") {
  const Problem problem;
  ag::MlpPass<double> pass;
  rl::Fisher<double> fisher = make_fisher(Kind::kGaussian, problem, pass);
  std::vector<double> out(3);
  CHECK_THROWS_WITH_AS(fisher.product(std::vector<double>(3), out), doctest::Contains("parameters"), Error);
  CHECK_THROWS_WITH_AS(fisher.set_gaussian(pass, problem.mlp(problem.theta), std::vector<double>(2)),
                       doctest::Contains("3 outputs for a log_std of 2"), Error);
}
