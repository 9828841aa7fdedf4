#include "rl/cg.hpp"

#include <doctest/doctest.h>

// GCC 12 takes Eigen's triangular products for uninitialised reads when it inlines them here.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Dense>

#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

// Symmetric positive definite with eigenvalues spread over about four decades.
Eigen::MatrixXd random_spd(int n, std::uint64_t seed) {
  kernels::Random random(seed);
  Eigen::MatrixXd q(n, n);
  for (int i = 0; i < n * n; ++i) q.data()[i] = random.normal();
  const Eigen::MatrixXd basis = Eigen::HouseholderQR<Eigen::MatrixXd>(q).householderQ();
  Eigen::VectorXd values(n);
  for (int i = 0; i < n; ++i) values[i] = std::pow(10.0, -2 + 4.0 * i / (n - 1));
  return basis * values.asDiagonal() * basis.transpose();
}

auto product_of(const Eigen::MatrixXd& a) {
  return [&a](std::span<const double> v, std::span<double> out) {
    Eigen::Map<Eigen::VectorXd>(out.data(), a.rows()) =
        a * Eigen::Map<const Eigen::VectorXd>(v.data(), a.rows());
  };
}

}  // namespace

TEST_CASE(
    "conjugate gradient: solves (A + damping I) x = b like a direct solver, with and without "
    "preconditioner") {
  constexpr int n = 24;
  const Eigen::MatrixXd a = random_spd(n, 5);
  Eigen::VectorXd b(n), x(n);
  for (int i = 0; i < n; ++i) b[i] = std::sin(i + 1.0);
  const rl::CgOptions options{.iterations = 400, .damping = 0.1, .tolerance = 1e-26};
  const Eigen::MatrixXd damped = a + 0.1 * Eigen::MatrixXd::Identity(n, n);
  const Eigen::VectorXd want = damped.llt().solve(b);
  const Eigen::VectorXd inverse_diagonal = damped.diagonal().cwiseInverse();
  for (const bool preconditioned : {false, true}) {
    const auto m =
        preconditioned ? std::span<const double>(inverse_diagonal.data(), n) : std::span<const double>();
    rl::ConjugateGradient<double> cg;
    const rl::CgReport report = cg.solve(product_of(a), std::span<const double>(b.data(), n),
                                         std::span<double>(x.data(), n), options, m);
    test::check_close(std::span<const double>(x.data(), n), std::span<const double>(want.data(), n), 1e-8,
                      1e-10, "x");
    CHECK(report.residual < 1e-10);
    CHECK(!report.negative_curvature);
  }
}

TEST_CASE(
    "conjugate gradient: k distinct eigenvalues take k iterations, and the reported residual is the true "
    "one") {
  constexpr int n = 12;
  Eigen::MatrixXd a = Eigen::MatrixXd::Identity(n, n);
  for (int i = 0; i < n; ++i) a(i, i) = 1 + i % 3;
  const std::vector<double> b{1, -2, 3, 4, 5, -6, 7, 8, 9, 1, 2, 3};
  std::vector<double> x(n);
  rl::ConjugateGradient<double> cg;
  rl::CgReport report = cg.solve(product_of(a), b, x, {.iterations = 50, .damping = 0, .tolerance = 1e-20});
  CHECK(report.iterations == 3);
  report = cg.solve(product_of(a), b, x, {.iterations = 2, .damping = 0, .tolerance = 0});
  const Eigen::Map<const Eigen::VectorXd> bv(b.data(), n), xv(x.data(), n);
  CHECK(report.residual == doctest::Approx((bv - a * xv).norm() / bv.norm()).epsilon(1e-9));
}

TEST_CASE("conjugate gradient: zero right-hand side gives zero, negative curvature is reported") {
  const Eigen::MatrixXd a = -Eigen::MatrixXd::Identity(3, 3);
  std::vector<double> x(3, 7.0);
  rl::ConjugateGradient<double> cg;
  rl::CgReport report = cg.solve(product_of(a), std::vector<double>(3, 0.0), x, {});
  test::check_close(x, std::vector<double>(3, 0.0), 0, 1e-30, "x");
  CHECK(report.iterations == 0);
  report = cg.solve(product_of(a), std::vector<double>{1, 2, 3}, x, {});
  CHECK(report.negative_curvature);
}

TEST_CASE("conjugate gradient: the diagonal undoes a bad scaling of the unknowns") {
  constexpr int n = 40;
  // D B D with a well-conditioned B and scales D over six decades.
  const Eigen::MatrixXd b = random_spd(n, 3) * 1e-2 + Eigen::MatrixXd::Identity(n, n);
  Eigen::VectorXd scale(n);
  for (int i = 0; i < n; ++i) scale[i] = std::pow(10.0, -3 + 6.0 * (i * 7 % n) / (n - 1));
  const Eigen::MatrixXd a = scale.asDiagonal() * b * scale.asDiagonal();
  const Eigen::VectorXd want = Eigen::VectorXd::Ones(n).cwiseQuotient(scale), rhs = a * want;
  const Eigen::VectorXd inverse_diagonal = a.diagonal().cwiseInverse();
  Eigen::VectorXd x(n);
  rl::ConjugateGradient<double> cg;
  const auto solve = [&](std::span<const double> m) {
    return cg.solve(product_of(a), std::span<const double>(rhs.data(), n), std::span<double>(x.data(), n),
                    {.iterations = 100, .damping = 0, .tolerance = 1e-24}, m);
  };
  const rl::CgReport plain = solve({}), scaled = solve({inverse_diagonal.data(), n});
  CHECK(plain.iterations == 100);  // not there yet
  CHECK(scaled.iterations < 40);
  CHECK(scaled.residual <= 1e-12);
  test::check_close(std::span<const double>(x.data(), n), std::span<const double>(want.data(), n), 1e-6, 0,
                    "x");
}
