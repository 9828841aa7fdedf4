#include "rl/policy/heads/two_pass.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "rl/fisher.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using rl::TwoPass;

namespace {

constexpr int kFeatures = 4, kOut = 3, kRows = 7;
const ag::MlpSpec kSpec{.in = kFeatures + kOut + 1,
                        .hidden = {6, 5},
                        .out = kOut,
                        .activation = ag::Activation::kGelu,
                        .layer_norm = true};

std::vector<double> normals(std::size_t n, std::uint64_t seed, double scale = 1) {
  kernels::Random random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = scale * random.normal();
  return values;
}

struct Problem {
  std::vector<double> theta = normals(static_cast<std::size_t>(ag::parameter_count(kSpec)), 1, 0.6);
  std::vector<double> z = normals(kRows * kFeatures, 2), dy = normals(kRows * kOut, 3);
  std::vector<double> log_std = normals(kOut, 4, 0.3);

  TwoPass<double>::Input encode() const {
    return [this](double* to, int first, int rows) {
      std::copy_n(&z[static_cast<std::size_t>(first * kFeatures)], rows * kFeatures, to);
    };
  }
  // The mean, by the network alone.
  std::vector<double> by_hand(std::span<const double> at) const {
    ag::MlpPass<double> pass;
    std::vector<double> x(kRows * kSpec.in);
    for (int i = 0; i < kRows; ++i) std::copy_n(&z[i * kFeatures], kFeatures, &x[i * kSpec.in]);
    pass.forward(kSpec, at, x.data(), kRows);
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kOut; ++j)
        x[i * kSpec.in + kFeatures + j] = 0.9 * std::as_const(pass).output()[i * kOut + j];
      x[i * kSpec.in + kFeatures + kOut] = 0.9;
    }
    pass.forward(kSpec, at, x.data(), kRows);
    return {pass.output().begin(), pass.output().end()};
  }
  std::vector<double> moved(std::span<const double> v, double h) const {
    std::vector<double> to = theta;
    for (std::size_t k = 0; k < to.size(); ++k) to[k] += h * v[k];
    return to;
  }
};

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("two passes: the mean is f(z, 0.9 f(z, 0, 0), 0.9), kept or not, whatever rows stand beside") {
  const Problem problem;
  TwoPass<double> passes, bare;
  passes.forward(kSpec, problem.theta, problem.encode(), kRows);
  test::check_close(passes.output(), std::span<const double>(problem.by_hand(problem.theta)), 1e-12, 1e-12,
                    "mean");
  bare.infer(kSpec, problem.theta, problem.encode(), kRows);
  CHECK(std::ranges::equal(bare.output(), passes.output()));
  bare.infer(kSpec, problem.theta, problem.encode(), 2);
  CHECK(std::ranges::equal(bare.output(), passes.output().first(2 * kOut)));
  CHECK_THROWS_AS(bare.infer({.in = 4, .hidden = {}, .out = 3}, problem.theta, problem.encode(), 1), Error);
}

TEST_CASE("two passes: jvp and vjp are the derivatives through both, by differences") {
  const Problem problem;
  TwoPass<double> passes;
  passes.forward(kSpec, problem.theta, problem.encode(), kRows);
  const double h = 1e-6;
  const std::vector<double> v = normals(problem.theta.size(), 5);
  std::vector<double> jv(kRows * kOut), difference(jv.size());
  passes.jvp(problem.theta, v, jv.data());
  const std::vector<double> up = problem.by_hand(problem.moved(v, h)),
                            down = problem.by_hand(problem.moved(v, -h));
  for (std::size_t i = 0; i < jv.size(); ++i) difference[i] = (up[i] - down[i]) / (2 * h);
  test::check_close(jv, difference, 1e-6, 1e-7, "J v");

  std::vector<double> gradient(problem.theta.size(), 0.5), want(gradient.size());
  passes.vjp(problem.theta, problem.dy.data(), gradient);
  for (std::size_t k = 0; k < want.size(); ++k) {
    std::vector<double> unit(want.size());
    unit[k] = 1;
    const std::vector<double> above = problem.by_hand(problem.moved(unit, h)),
                              below = problem.by_hand(problem.moved(unit, -h));
    want[k] = 0.5 + (inner(above, problem.dy) - inner(below, problem.dy)) / (2 * h);
  }
  test::check_close(gradient, want, 1e-6, 1e-7, "J' dy");
}

TEST_CASE("two passes: the loss of training and its gradient, by hand and by differences") {
  const Problem problem;
  const std::vector<double> a = normals(kRows * kOut, 8);
  const std::uint64_t seed = 77;
  const auto loss = [&](std::span<const double> theta) {
    ag::MlpPass<double> pass;
    double sum = 0;
    for (const bool second : {false, true}) {
      std::vector<double> x(kRows * kSpec.in);
      for (int i = 0; i < kRows; ++i) {
        std::copy_n(&problem.z[i * kFeatures], kFeatures, &x[i * kSpec.in]);
        if (!second) continue;
        kernels::Random noise(seed, i);
        for (int j = 0; j < kOut; ++j)
          x[i * kSpec.in + kFeatures + j] = 0.9 * a[i * kOut + j] + 0.1 * noise.normal();
        x[i * kSpec.in + kFeatures + kOut] = 0.9;
      }
      pass.forward(kSpec, theta, x.data(), kRows);
      for (int i = 0; i < kRows * kOut; ++i) sum += std::pow(std::as_const(pass).output()[i] - a[i], 2);
    }
    return sum / (2 * kRows);
  };
  TwoPass<double> passes;
  std::vector<double> gradient(problem.theta.size(), 9.0), want(gradient.size());
  const double value = passes.fit(kSpec, problem.theta, problem.encode(), a.data(), kRows, seed, gradient);
  CHECK(value == doctest::Approx(loss(problem.theta)).epsilon(1e-12));
  for (std::size_t k = 0; k < want.size(); ++k) {
    std::vector<double> unit(want.size());
    unit[k] = 1;
    want[k] = (loss(problem.moved(unit, 1e-6)) - loss(problem.moved(unit, -1e-6))) / 2e-6;
  }
  test::check_close(gradient, want, 1e-6, 1e-7, "gradient");
}

TEST_CASE("two passes: a fit of several chunks of rows has the same bytes on one thread and on three") {
  constexpr int n = 200;  // 400 rows: the two halves meet within a chunk
  const Problem problem;
  const std::vector<double> z = normals(n * kFeatures, 2), a = normals(n * kOut, 8);
  const TwoPass<double>::Input encode = [&](double* to, int first, int rows) {
    std::copy_n(&z[static_cast<std::size_t>(first * kFeatures)], rows * kFeatures, to);
  };
  std::vector<double> want(problem.theta.size());
  double loss = 0;
  for (const int threads : {1, 3}) {
    kernels::set_threads(threads);
    TwoPass<double> passes;
    std::vector<double> gradient(want.size());
    const double now = passes.fit(kSpec, problem.theta, encode, a.data(), n, 3, gradient);
    if (threads == 1) want = gradient, loss = now;
    CHECK(now == loss);
    CHECK(gradient == want);
  }
  kernels::set_threads(0);
}

TEST_CASE("two passes: Fisher products are differences of the KL gradient, with and without counts") {
  const Problem problem;
  const std::vector<int> some{1, 3, 2, 2, 3, 1, 3};
  TwoPass<double> passes, moved;
  passes.forward(kSpec, problem.theta, problem.encode(), kRows);
  const std::vector<double> old(passes.output().begin(), passes.output().end());
  const std::size_t m = problem.theta.size();
  const std::vector<double> v = normals(m + kOut, 6);
  for (const bool counted : {false, true}) {
    CAPTURE(counted);
    const std::span<const int> counts = counted ? std::span<const int>(some) : std::span<const int>();
    // Gradient of mean KL(old || at theta + h v, log_std + h v).
    const auto gradient = [&](double h) {
      const std::vector<double> theta = problem.moved(std::span(v).first(m), h);
      moved.forward(kSpec, theta, problem.encode(), kRows);
      std::vector<double> result(m + kOut), dy(kRows * kOut);
      for (int i = 0; i < kRows * kOut; ++i) {
        const int j = i % kOut;
        if (counted && j >= some[i / kOut]) continue;
        const double s0 = std::exp(2 * problem.log_std[j]),
                     s1 = std::exp(2 * (problem.log_std[j] + h * v[m + j])), d = moved.output()[i] - old[i];
        dy[i] = d / s1 / kRows;
        result[m + j] += (1 - (s0 + d * d) / s1) / kRows;
      }
      moved.vjp(theta, dy.data(), std::span(result).first(m));
      return result;
    };
    rl::Fisher<double> fisher;
    fisher.set_gaussian(passes, problem.theta, problem.log_std, counts);
    REQUIRE(fisher.parameters() == static_cast<int>(v.size()));
    std::vector<double> product(v.size(), 5.0), difference(v.size());
    fisher.product(v, product);
    const std::vector<double> up = gradient(1e-5), down = gradient(-1e-5);
    for (std::size_t k = 0; k < v.size(); ++k) difference[k] = (up[k] - down[k]) / 2e-5;
    test::check_close(product, difference, 1e-6, 1e-7, "F v");
    CHECK(inner(v, product) > 0);
  }
}

TEST_CASE("two passes: the squares that stand for the diagonal are those of each pass's own part") {
  const Problem problem;
  TwoPass<double> passes;
  passes.forward(kSpec, problem.theta, problem.encode(), kRows);
  std::vector<double> squares(problem.theta.size()), want(squares.size());
  passes.vjp_squares(problem.theta, problem.dy.data(), squares);
  // Row by row: the second pass's part is that of a network told what the first one said, the first's is the rest.
  ag::MlpPass<double> second;
  std::vector<double> x(kRows * kSpec.in);
  for (int i = 0; i < kRows; ++i) std::copy_n(&problem.z[i * kFeatures], kFeatures, &x[i * kSpec.in]);
  second.forward(kSpec, problem.theta, x.data(), kRows);
  for (int i = 0; i < kRows * kOut; ++i)
    x[i / kOut * kSpec.in + kFeatures + i % kOut] = 0.9 * std::as_const(second).output()[i];
  for (int i = 0; i < kRows; ++i) x[i * kSpec.in + kFeatures + kOut] = 0.9;
  second.forward(kSpec, problem.theta, x.data(), kRows);
  for (int i = 0; i < kRows; ++i) {
    std::vector<double> dy(kRows * kOut), whole(squares.size()), part(squares.size());
    std::copy_n(&problem.dy[i * kOut], kOut, &dy[i * kOut]);
    passes.vjp(problem.theta, dy.data(), whole);
    second.vjp(problem.theta, dy.data(), part);
    for (std::size_t k = 0; k < want.size(); ++k)
      want[k] += part[k] * part[k] + (whole[k] - part[k]) * (whole[k] - part[k]);
  }
  test::check_close(squares, want, 1e-9, 1e-12, "squares");
}
