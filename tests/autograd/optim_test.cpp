#include "autograd/optim.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

namespace baton::ag {
namespace {

constexpr int kMany = 10007;  // kernels::parallel_stretches cuts them into 4096, 4096 and 1815

template <class T>
std::vector<T> normals(std::uint64_t seed) {
  kernels::Random random(seed);
  std::vector<T> out(kMany);
  for (T& x : out) x = static_cast<T>(random.normal());
  return out;
}

// Three steps with clipping at half the rate.
template <class T>
std::vector<T> optimized(const OptimizerOptions& options, std::vector<double>* norms) {
  Optimizer<T> optimizer(kMany, options);
  std::vector<T> theta = normals<T>(1);
  for (std::uint64_t t = 1; t <= 3; ++t) {
    optimizer.step(theta, normals<T>(1 + t), T(0.5));
    norms->push_back(optimizer.gradient_norm());
  }
  return theta;
}

// The same by one call of the ref kernels per step.
template <class T>
std::vector<T> ref_optimized(const OptimizerOptions& options, std::vector<double>* norms) {
  std::vector<T> theta = normals<T>(1), m(kMany), v(kMany);
  for (std::uint64_t t = 1; t <= 3; ++t) {
    const std::vector<T> g = normals<T>(1 + t);
    norms->push_back(std::sqrt(kernels::ref::dot(kMany, g.data(), g.data())));
    const T gradient_scale = static_cast<T>(options.clip_norm / norms->back());
    if (options.algorithm == Algorithm::kSgd) {
      kernels::SgdStep<T> step = sgd_numbers<T>(options, 0.5 * options.lr);
      step.gradient_scale = gradient_scale;
      kernels::ref::sgd(kMany, step, g.data(), theta.data(), m.data());
    } else {
      kernels::AdamStep<T> step = adam_numbers<T>(options, static_cast<std::int64_t>(t), 0.5 * options.lr);
      step.gradient_scale = gradient_scale;
      kernels::ref::adam(kMany, step, g.data(), theta.data(), m.data(), v.data());
    }
  }
  return theta;
}

}  // namespace

TEST_CASE_TEMPLATE("many parameters: steps and norms are ref's, with the same bits for 1, 2 and 3 threads", T,
                   float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const Algorithm algorithm : {Algorithm::kAdam, Algorithm::kAdamW, Algorithm::kSgd}) {
    const OptimizerOptions options{.algorithm = algorithm,
                                   .lr = 0.1,
                                   .nesterov = true,
                                   .weight_decay = algorithm == Algorithm::kAdam ? 0 : 0.1,
                                   .clip_norm = 20};
    std::vector<double> want_norms, first_norms;
    std::vector<T> first;
    const std::vector<T> want = ref_optimized<T>(options, &want_norms);
    for (const int threads : {1, 2, 3}) {
      kernels::set_threads(threads);
      std::vector<double> norms;
      const std::vector<T> theta = optimized<T>(options, &norms);
      if (threads == 1) first = theta, first_norms = norms;
      CHECK(theta == first);
      CHECK(norms == first_norms);
    }
    test::check_close(first, want, 32 * eps, 32 * eps, "theta");
    test::check_close(first_norms, want_norms, 1e-13, 0, "norm");
  }
  kernels::set_threads(0);
}

TEST_CASE("a gradient that is not finite is named beyond the first stretch, too") {
  Optimizer<float> adam(kMany, {});
  std::vector<float> theta = normals<float>(1), gradient = normals<float>(2);
  const std::vector<float> before = theta;
  gradient[5003] = gradient[9000] = std::numeric_limits<float>::quiet_NaN();
  for (const int threads : {1, 3}) {
    kernels::set_threads(threads);
    CHECK_THROWS_WITH_AS(adam.step(theta, gradient), "adamw: the gradient of parameter 5003 is nan", Error);
  }
  kernels::set_threads(0);
  CHECK(theta == before);
}

TEST_CASE("the first steps equal AdamW worked out by hand") {
  const OptimizerOptions options{
      .lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6, .weight_decay = 0.01, .clip_norm = 0};
  Optimizer<double> adam(2, options);
  std::vector<double> theta = {1, -2}, want = theta, m = {0, 0}, v = {0, 0};
  const std::vector<std::vector<double>> gradients = {{0.5, -3}, {0.1, 0}, {-2, 1}};
  for (int t = 1; t <= 3; ++t) {
    const auto& g = gradients[static_cast<std::size_t>(t) - 1];
    adam.step(theta, g);
    for (std::size_t i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.99 * v[i] + 0.01 * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.99, t));
      want[i] += -0.1 * 0.01 * want[i] - 0.1 * m_hat / (std::sqrt(v_hat) + 1e-6);
    }
  }
  test::check_close(theta, want, 1e-13, 1e-14, "theta");
  CHECK(adam.steps() == 3);
}

TEST_CASE("clipping scales the gradient to the given norm") {
  Optimizer<double> clipped(2, {.lr = 0.1, .clip_norm = 1}), plain(2, {.lr = 0.1});
  std::vector<double> a = {0, 0}, b = {0, 0};
  for (int i = 0; i < 3; ++i) {
    const double size = 10.0 * (i + 1);
    clipped.step(a, std::vector<double>{3 * size, 4 * size});
    plain.step(b, std::vector<double>{0.6, 0.8});
    CHECK(clipped.gradient_norm() == doctest::Approx(5 * size).epsilon(1e-14));
  }
  test::check_close(a, b, 1e-13, 0, "theta");
}

TEST_CASE("sgd equals momentum worked out by hand, plain, heavy-ball and Nesterov") {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      Optimizer<double> sgd(2, {.algorithm = Algorithm::kSgd,
                                .lr = 0.1,
                                .momentum = momentum,
                                .nesterov = nesterov,
                                .weight_decay = 0.01});
      std::vector<double> theta = {1, -2}, want = theta, m = {0, 0};
      for (const std::vector<double>& g : {std::vector<double>{0.5, -3}, {0.1, 0}, {-2, 1}}) {
        sgd.step(theta, g, 0.5);  // the schedule halves lr
        for (std::size_t i = 0; i < 2; ++i) {
          m[i] = momentum * m[i] + g[i];
          want[i] = want[i] * (1 - 0.05 * 0.01) - 0.05 * (nesterov ? g[i] + momentum * m[i] : m[i]);
        }
      }
      test::check_close(theta, want, 1e-14, 1e-14, "theta");
    }
  }
}

TEST_CASE("heavy-ball momentum on a quadratic follows its characteristic roots") {
  // theta'' = (1 + b - lr) theta' - b theta for the gradient theta: with b = (1 - sqrt(lr))^2 the roots coincide at
  // r = 1 - sqrt(lr) and theta_t = (1 + t (1 - lr - r) / r) r^t.
  const double lr = 0.04, r = 1 - std::sqrt(lr);
  Optimizer<double> sgd(1, {.algorithm = Algorithm::kSgd, .lr = lr, .momentum = r * r});
  std::vector<double> theta = {1};
  for (int t = 1; t <= 50; ++t) {
    sgd.step(theta, std::vector<double>(theta));
    CHECK(theta[0] == doctest::Approx((1 + t * (1 - lr - r) / r) * std::pow(r, t)).epsilon(1e-10));
  }
}

TEST_CASE("every algorithm clips by the norm alike: the step is that of the shortened gradient") {
  for (const Algorithm algorithm : {Algorithm::kAdam, Algorithm::kAdamW, Algorithm::kSgd}) {
    Optimizer<double> clipped(2, {.algorithm = algorithm, .lr = 0.1, .clip_norm = 2});
    Optimizer<double> plain(2, {.algorithm = algorithm, .lr = 0.1});
    std::vector<double> a = {1, 1}, b = a;
    clipped.step(a, std::vector<double>{30, 40});
    plain.step(b, std::vector<double>{1.2, 1.6});
    clipped.step(a, std::vector<double>{0.3, 0.4});
    plain.step(b, std::vector<double>{0.3, 0.4});
    test::check_close(a, b, 1e-14, 0, "theta");
  }
}

TEST_CASE_TEMPLATE("a gradient that is not finite is refused by its index and changes nothing", T, float,
                   double) {
  Optimizer<T> adam(3, {.algorithm = Algorithm::kAdam});
  std::vector<T> theta = {1, 2, 3};
  const std::vector<T> bad = {0, std::numeric_limits<T>::quiet_NaN(), 0};
  CHECK_THROWS_WITH_AS(adam.step(theta, bad), "adam: the gradient of parameter 1 is nan", Error);
  CHECK(theta == std::vector<T>{1, 2, 3});
  CHECK(adam.steps() == 0);
  Optimizer<T> named(3, {.algorithm = Algorithm::kSgd}, [](int i) { return fmt::format("w[{}]", i); });
  std::vector<T> infinite = {0, 0, std::numeric_limits<T>::infinity()};
  CHECK_THROWS_WITH_AS(named.step(theta, infinite), "sgd: the gradient of w[2] is inf", Error);
  const std::vector<T> short_one = {0, 0};
  CHECK_THROWS_AS(adam.step(theta, short_one), Error);
}

TEST_CASE("Adam finds the minimum of a badly scaled quadratic") {
  Optimizer<float> adam(2, {.lr = 0.02F});
  std::vector<float> theta = {3, -2}, gradient(2);
  for (int i = 0; i < 3000; ++i) {
    gradient = {100 * (theta[0] - 1), 0.1F * (theta[1] - 1)};
    adam.step(theta, gradient, static_cast<float>(schedule_factor(Schedule::kCosine, i, 3000)));
  }
  test::check_close(theta, std::vector<float>{1, 1}, 0, 1e-3, "theta");
}

TEST_CASE_TEMPLATE("a rate that is not finite or negative is refused and changes nothing", T, float, double) {
  Optimizer<T> sgd(2, {.algorithm = Algorithm::kSgd});
  std::vector<T> theta = {1, 2};
  const std::vector<T> gradient = {1, 1};
  CHECK_THROWS_WITH_AS(sgd.step(theta, gradient, T(-0.5)), "sgd: lr_scale -0.5 must be finite and >= 0",
                       Error);
  CHECK_THROWS_AS(sgd.step(theta, gradient, std::numeric_limits<T>::quiet_NaN()), Error);
  CHECK_THROWS_AS(sgd.step(theta, gradient, std::numeric_limits<T>::infinity()), Error);
  CHECK(theta == std::vector<T>{1, 2});
  CHECK(sgd.steps() == 0);
  sgd.step(theta, gradient, T(0));
  CHECK(theta == std::vector<T>{1, 2});
  CHECK(sgd.steps() == 1);
}

TEST_CASE("schedules start at 1, end at their floor, and warm up") {
  for (const Schedule each : {Schedule::kLinear, Schedule::kCosine}) {
    CHECK(schedule_factor(each, 0, 1, 0, 0.1) == doctest::Approx(1));
    CHECK(schedule_factor(each, 1, 1, 0, 0.1) == doctest::Approx(0.1));
    CHECK(schedule_factor(each, 0, 0, 0, 0.1) == doctest::Approx(0.1));
    CHECK(schedule_factor(each, 0, 100, 10, 0.5) ==
          doctest::Approx(0.1));  // below the floor while it warms up
    CHECK(schedule_factor(each, 0, 100, 0, 0.1) == doctest::Approx(1));
    CHECK(schedule_factor(each, 50, 100, 0, 0.1) == doctest::Approx(0.55));
    CHECK(schedule_factor(each, 100, 100, 0, 0.1) == doctest::Approx(0.1));
    CHECK(schedule_factor(each, 500, 100, 0, 0.1) == doctest::Approx(0.1));
  }
  for (int t = 0; t <= 12; ++t) {
    const double warm = t < 4 ? (t + 1) / 4.0 : 1.0, done = std::min(t, 10) / 10.0;
    CHECK(schedule_factor(Schedule::kLinear, t, 10, 4, 0.2) ==
          doctest::Approx(warm * (1 - 0.8 * done)).epsilon(1e-14));
    CHECK(schedule_factor(Schedule::kCosine, t, 10, 4, 0.2) ==
          doctest::Approx(warm * (0.6 + 0.4 * std::cos(std::acos(-1.0) * done))).epsilon(1e-14));
  }
  CHECK(schedule_factor(Schedule::kConstant, 70, 100) == 1);
  CHECK(schedule_factor(Schedule::kConstant, 0, 100, 10) == doctest::Approx(0.1));
  CHECK(schedule_factor(Schedule::kConstant, 10, 100, 10) == 1);
  CHECK(parse_schedule("cosine") == Schedule::kCosine);
  CHECK(schedule_name(Schedule::kLinear) == "linear");
  CHECK_THROWS_AS(parse_schedule("exponential"), Error);
}

TEST_CASE("options outside their range are refused") {
  CHECK_THROWS_AS(Optimizer<float>(1, {.lr = -1}), Error);
  CHECK_THROWS_AS(Optimizer<float>(1, {.beta1 = 1}), Error);
  CHECK_THROWS_AS(Optimizer<float>(1, {.beta2 = 1.5}), Error);
  CHECK_THROWS_AS(Optimizer<float>(1, {.eps = 0}), Error);
  CHECK_THROWS_AS(Optimizer<float>(1, {.clip_norm = -1}), Error);
  CHECK_THROWS_AS(Optimizer<float>(1, {.momentum = 1}), Error);
  CHECK_THROWS_WITH_AS(Optimizer<float>(1, {.algorithm = Algorithm::kAdam, .weight_decay = 0.1}),
                       "adam: weight_decay 0.1 must be 0; adamw is the one that decays weights", Error);
  CHECK_THROWS_WITH_AS(parse_algorithm("adamm"), "optimizer 'adamm' is unknown, known are adam, adamw, sgd",
                       Error);
}

}  // namespace baton::ag
