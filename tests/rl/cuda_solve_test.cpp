// A whole conjugate gradient solve on a device against rl/fisher and rl/cg on the processor.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/cuda/fisher_solve.hpp"
#include "rl/fisher.hpp"
#include "rl/npg.hpp"
#include "rl/trainer.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;

namespace {

struct Problem {
  ag::MlpSpec spec;
  int rows;
  std::vector<float> theta, z, b;
  ag::MlpPass<float> pass;
  Fisher<float> fisher;

  Problem(ag::MlpSpec spec_, int rows_) : spec(std::move(spec_)), rows(rows_) {
    const auto mlp = static_cast<std::size_t>(ag::parameter_count(spec)),
               out = static_cast<std::size_t>(spec.out);
    theta.resize(mlp + out), b.resize(mlp + out), z.resize(static_cast<std::size_t>(rows) * spec.in);
    ag::init_parameters<float>(spec, 3, 1.0f, std::span(theta).first(mlp));
    kernels::Random random(5);
    for (std::size_t j = 0; spec.layer_norm && j < mlp; ++j) theta[j] += 0.1f * random.normal();  // gains
    for (std::size_t j = 0; j < out; ++j) theta[mlp + j] = -0.3f + 0.2f * static_cast<float>(j);
    for (float& x : z) x = random.normal();
    for (float& x : b) x = 0.1f * random.normal();
    pass = ag::MlpPass<float>(spec, rows);
    pass.forward(std::span<const float>(theta).first(mlp), z.data(), rows);
    fisher.set_gaussian(pass, std::span<const float>(theta).first(mlp),
                        std::span<const float>(theta).last(out));
  }
  CgReport solve(const CgOptions& options, std::span<const float> inverse_diagonal, std::vector<float>& x) {
    x.resize(theta.size());
    return ConjugateGradient<float>().solve(
        [&](std::span<const float> v, std::span<float> out) { fisher.product(v, out); },
        std::span<const float>(b), std::span<float>(x), options, inverse_diagonal);
  }
};

ag::MlpSpec spec_of(std::vector<int> hidden, ag::Activation activation, bool layer_norm = false) {
  ag::MlpSpec spec;
  spec.in = 5, spec.out = 3, spec.hidden = std::move(hidden), spec.activation = activation;
  spec.layer_norm = layer_norm;
  return spec;
}

// A sum of n products of floats in another order: n eps times the sum of their magnitudes, here below 8.
double rounding(int n) { return 8 * n * static_cast<double>(std::numeric_limits<float>::epsilon()); }

}  // namespace

TEST_CASE("cuda: a Fisher product is the processor's") {
  for (const bool layer_norm : {false, true})
    for (const auto activation : {ag::Activation::kTanh, ag::Activation::kGelu, ag::Activation::kRelu})
      for (const std::vector<int>& hidden :
           {std::vector<int>{}, std::vector<int>{7}, std::vector<int>{33, 12}}) {
        Problem problem(spec_of(hidden, activation, layer_norm), 37);
        rl::cuda::FisherSolve device(problem.spec, problem.rows, {});
        std::vector<float> x(problem.b.size()), got(x.size()), want(x.size());
        device.solve(problem.theta, problem.z, {}, problem.b, {}, x);
        device.product(problem.b, got);
        problem.fisher.product(problem.b, want);
        test::check_close(got, want, rounding(37), rounding(37), "F b");
      }
}

TEST_CASE("cuda: products and solves count of each row what the processor counts") {
  Problem problem(spec_of({12}, ag::Activation::kGelu), 61);
  std::vector<int> counts;
  for (int i = 0; i < problem.rows; ++i) counts.push_back(i < 20 ? 1 : 1 + i % 2);  // the third output never
  const std::size_t mlp = problem.theta.size() - 3;
  problem.fisher.set_gaussian(problem.pass, std::span<const float>(problem.theta).first(mlp),
                              std::span<const float>(problem.theta).last(3), counts);
  const CgOptions options{.iterations = 10, .damping = 0.1, .tolerance = 1e-10};
  rl::cuda::FisherSolve device(problem.spec, problem.rows, options);
  std::vector<float> got(problem.theta.size()), want, product(got.size()), want_product(got.size());
  const CgReport there = device.solve(problem.theta, problem.z, counts, problem.b, {}, got);
  const CgReport here = problem.solve(options, {}, want);
  CHECK(there.iterations == here.iterations);
  test::check_close(got, want, 1e2 * rounding(10), 1e2 * rounding(10), "x");
  device.product(problem.b, product);
  problem.fisher.product(problem.b, want_product);
  test::check_close(product, want_product, rounding(61), rounding(61), "F b");
  CHECK(product.back() == 0);
  // Counts of one solve do not stay for the next.
  device.solve(problem.theta, problem.z, {}, problem.b, {}, got);
  device.product(problem.b, product);
  CHECK(product.back() == 2 * problem.b.back());
  counts.back() = 4;
  CHECK(test::error_of([&] { device.solve(problem.theta, problem.z, counts, problem.b, {}, got); }) ==
        "fisher solve: 4 of 3 outputs are to count");
  counts.pop_back();
  CHECK(test::error_of([&] { device.solve(problem.theta, problem.z, counts, problem.b, {}, got); }) ==
        "fisher solve: 60 counts for 61 rows");
}

TEST_CASE("cuda: a solve is the processor's, with and without a preconditioner") {
  for (const bool layer_norm : {false, true}) {
    Problem problem(spec_of({16, 16}, ag::Activation::kTanh, layer_norm), 200);
    std::vector<float> inverse_diagonal(problem.theta.size(), 1.0f);
    for (std::size_t i = 0; i < inverse_diagonal.size(); ++i)
      inverse_diagonal[i] = 0.5f + 0.01f * static_cast<float>(i % 100);
    const std::span<const float> none, diagonal(inverse_diagonal);
    for (const auto preconditioner : {none, diagonal}) {
      const CgOptions options{.iterations = 10, .damping = 0.1, .tolerance = 1e-10};
      rl::cuda::FisherSolve device(problem.spec, problem.rows, options);
      std::vector<float> got(problem.theta.size()), want;
      const CgReport there = device.solve(problem.theta, problem.z, {}, problem.b, preconditioner, got);
      const CgReport here = problem.solve(options, preconditioner, want);
      CHECK(there.iterations == here.iterations);
      CHECK(!there.negative_curvature);
      CHECK(there.residual == doctest::Approx(here.residual).epsilon(0.05));
      // Ten iterations magnify rounding by the condition number, at most |F| / damping, about 1e2.
      test::check_close(got, want, 1e2 * rounding(10), 1e2 * rounding(10), "x");
    }
  }
}

TEST_CASE("cuda: a solve that has converged leaves the rest of its graph without effect") {
  Problem problem(spec_of({8}, ag::Activation::kTanh), 50);
  const CgOptions loose{.iterations = 10, .damping = 1, .tolerance = 1e-3};
  rl::cuda::FisherSolve device(problem.spec, problem.rows, loose);
  std::vector<float> got(problem.theta.size()), want;
  const CgReport here = problem.solve(loose, {}, want);
  for (int again = 0; again < 2; ++again) {
    const CgReport there = device.solve(problem.theta, problem.z, {}, problem.b, {}, got);
    CHECK(there.iterations == here.iterations);
    CHECK(there.iterations < 10);
    CHECK(there.residual * there.residual <= 1e-3);
    test::check_close(got, want, rounding(50), rounding(50), "x");
  }
  std::vector<float> zero(problem.b.size());
  const CgReport nothing = device.solve(problem.theta, problem.z, {}, zero, {}, got);
  CHECK(nothing.iterations == 0);
  CHECK(nothing.residual == 0);
  CHECK(got == zero);
}

TEST_CASE("cuda: a curvature that is no number ends the solve and is reported") {
  Problem problem(spec_of({8}, ag::Activation::kTanh), 20);
  problem.z[3] = std::numeric_limits<float>::quiet_NaN();
  rl::cuda::FisherSolve device(problem.spec, problem.rows, {});
  std::vector<float> x(problem.theta.size());
  const CgReport report = device.solve(problem.theta, problem.z, {}, problem.b, {}, x);
  CHECK(report.negative_curvature);
  CHECK(report.iterations == 0);
  CHECK(x == std::vector<float>(x.size()));
}

TEST_CASE("cuda: a natural gradient step whose direction comes from the device is the processor's") {
  const Dataset data = test::point_mass_dataset(6, 25, 1);
  std::vector<int> episodes(6);
  std::iota(episodes.begin(), episodes.end(), 0);
  TupleStream stream;
  stream.data = &data;
  stream.sources.push_back({RelabelIndex(data, 5, episodes), 1.0});
  PolicySettings shape;
  shape.hidden = {8};
  const GaussianPolicy plain = make_policy(data, test::kPointMass, method::gcbc, shape, 3).low;
  shape.layer_norm = true;
  const GaussianPolicy normed = make_policy(data, test::kPointMass, method::gcbc, shape, 3).low;
  constexpr int kRows = 120;
  std::vector<float> x(kRows * 6), y(kRows * 2), advantages(kRows);
  kernels::Random random(9);
  stream.draw(random, kRows, x.data(), y.data());
  for (float& a : advantages) a = random.normal();
  NpgSolver here, there;
  there.set_device(rl::cuda::make_solve());
  NpgSettings settings;
  settings.cg_damping = 0.1f;
  struct Case {
    const GaussianPolicy* start;
    int rows;
    bool counted;
  };
  std::vector<int> counts;
  for (int i = 0; i < kRows; ++i) counts.push_back(1 + i % 3 / 2);
  for (const auto& [start, rows, counted] : {Case{&plain, kRows, false},
                                             {&plain, kRows, true},
                                             {&normed, kRows, false},
                                             {&plain, kRows - 40, false},
                                             {&plain, kRows - 40, true}}) {
    GaussianPolicy want = *start, got = *start;
    PolicyRows own{.x = x.data(), .y = y.data(), .n = rows};
    if (counted) own.counted = std::span<const int>(counts).first(static_cast<std::size_t>(rows));
    const std::span<const float> given(advantages.data(), static_cast<std::size_t>(rows));
    settings.fisher_fraction = rows == kRows ? 1.0f : 0.5f;
    settings.preconditioner = rows == kRows ? Preconditioner::kNone : Preconditioner::kDiagonal;
    const NpgReport a = here.step(want, own, given, {}, 0, settings),
                    b = there.step(got, own, given, {}, 0, settings);
    CHECK(a.accepted);
    CHECK(b.accepted);
    CHECK(b.step == a.step);
    CHECK(b.cg.iterations == a.cg.iterations);
    test::check_close(std::vector<float>(got.theta().begin(), got.theta().end()),
                      std::vector<float>(want.theta().begin(), want.theta().end()), 1e2 * rounding(10),
                      1e2 * rounding(10), "theta");
  }
}

TEST_CASE("cuda: vectors of the wrong size are refused with both sizes") {
  Problem problem(spec_of({8}, ag::Activation::kTanh), 20);
  rl::cuda::FisherSolve device(problem.spec, problem.rows, {});
  std::vector<float> x(problem.theta.size() - 1);
  CHECK(test::error_of([&] { device.solve(problem.theta, problem.z, {}, problem.b, {}, x); }) ==
        "fisher solve: theta of 78, b of 78, x of 77; the policy has 78 parameters");
}
