#include "rl/fisher.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

constexpr int kRows = 7;
const ag::MlpSpec kSpec{.in = 4, .hidden = {6, 5}, .out = 3, .activation = ag::Activation::kTanh};

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
  std::span<const double> mlp(const std::vector<double>& t) const { return std::span(t).first(m); }
  std::span<const double> log_std(const std::vector<double>& t) const { return std::span(t).subspan(m); }
};

std::vector<double> random_vector(std::size_t n, std::uint64_t seed) {
  kernels::Random random(seed);
  std::vector<double> v(n);
  for (double& value : v) value = random.normal();
  return v;
}

// Gradient at `theta` of mean_i KL(pi_0(x_i) || pi_theta(x_i)), by the chain rule.
std::vector<double> kl_gradient(const Problem& problem, const std::vector<double>& theta) {
  ag::MlpPass<double> old_pass(kSpec, kRows), pass(kSpec, kRows);
  old_pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  pass.forward(kSpec, problem.mlp(theta), problem.x.data(), kRows);
  std::vector<double> dy(kRows * kSpec.out), gradient(theta.size());
  for (int j = 0; j < kSpec.out; ++j) {
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

double inner(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("Fisher product: equals differences of the KL gradient along v, at the present policy") {
  const Problem problem;
  ag::MlpPass<double> pass(kSpec, kRows);
  pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  rl::Fisher<double> fisher(pass, problem.mlp(problem.theta), problem.log_std(problem.theta));
  const std::vector<double> v = random_vector(problem.theta.size(), 3);
  std::vector<double> product(v.size(), 123.0), plus = problem.theta, minus = problem.theta,
                                                difference(v.size());
  fisher.product(v, product);
  const double h = 1e-5;
  for (std::size_t k = 0; k < v.size(); ++k) plus[k] += h * v[k], minus[k] -= h * v[k];
  const std::vector<double> up = kl_gradient(problem, plus), down = kl_gradient(problem, minus);
  for (std::size_t k = 0; k < v.size(); ++k) difference[k] = (up[k] - down[k]) / (2 * h);
  test::check_close(product, difference, 1e-6, 1e-7, "F v");
}

TEST_CASE("Fisher product: symmetric, positive semi-definite, the same when asked twice") {
  const Problem problem;
  ag::MlpPass<double> pass(kSpec, kRows);
  pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  rl::Fisher<double> fisher(pass, problem.mlp(problem.theta), problem.log_std(problem.theta));
  std::vector<double> fv(problem.theta.size()), fw(fv.size()), again(fv.size());
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

TEST_CASE("Fisher product: wrong sizes are refused with both numbers") {
  const Problem problem;
  ag::MlpPass<double> pass(kSpec, kRows);
  pass.forward(kSpec, problem.mlp(problem.theta), problem.x.data(), kRows);
  rl::Fisher<double> fisher(pass, problem.mlp(problem.theta), problem.log_std(problem.theta));
  std::vector<double> out(3);
  CHECK_THROWS_WITH_AS(fisher.product(std::vector<double>(3), out), doctest::Contains("parameters"), Error);
}
