// dense.hpp against Eigen, for every size, and apply()/turn_about() of turn.hpp against quaternions.
#include "envs/sim/dense.hpp"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <random>

#include "envs/sim/turn.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

std::vector<double> values(const Eigen::VectorXd& v) { return {v.data(), v.data() + v.size()}; }

// A matrix of n rows whose condition number is some hundreds at most.
Eigen::MatrixXd positive_definite(int n, std::mt19937& gen) {
  std::normal_distribution<double> normal;
  const Eigen::MatrixXd B = Eigen::MatrixXd::NullaryExpr(n, n, [&] { return normal(gen); });
  return B * B.transpose() + Eigen::MatrixXd::Identity(n, n);
}

void check_size(int n, std::mt19937& gen) {
  CAPTURE(n);
  const Eigen::MatrixXd A = positive_definite(n, gen);
  std::normal_distribution<double> normal;
  const Eigen::VectorXd x = Eigen::VectorXd::NullaryExpr(n, [&] { return normal(gen); });
  const Eigen::VectorXd expected = A.ldlt().solve(x);
  const auto at = [](int i, int j) { return static_cast<std::size_t>(packed_row(i) + j); };
  std::vector<double> packed(at(n, 0)), inverse(kMaxDense), y = values(x), product(kMaxDense);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) packed[at(i, j)] = A(i, j);
  std::vector<double> LD = packed;
  with_size(n, [&](auto size) {
    mul_dense<size>(packed.data(), x.data(), product.data());
    factor_ltdl<size>(LD.data(), inverse.data());
    solve_ltdl<size>(LD.data(), inverse.data(), y.data());
  });
  product.resize(static_cast<std::size_t>(n));
  check_close(product, values(A * x), 1e-13, 1e-13, "A x");
  check_close(y, values(expected), 1e-11, 1e-11, "L' D L");
  // L' D L = A, entry by entry.
  Eigen::MatrixXd L = Eigen::MatrixXd::Identity(n, n), D = Eigen::MatrixXd::Zero(n, n);
  for (int i = 0; i < n; ++i) {
    D(i, i) = LD[at(i, i)];
    CHECK(inverse[static_cast<std::size_t>(i)] == doctest::Approx(1 / D(i, i)).epsilon(1e-15));
    for (int j = 0; j < i; ++j) L(i, j) = LD[at(i, j)];
  }
  const Eigen::MatrixXd rebuilt = L.transpose() * D * L;
  check_close(values(rebuilt.reshaped()), values(A.reshaped()), 1e-13, 1e-12, "L' D L rebuilt");
  y = values(x);
  with_size(n, [&](auto size) {
    factor_ldlt<size>(packed.data(), inverse.data(), 1e-15);
    solve_ldlt<size>(packed.data(), inverse.data(), y.data());
  });
  check_close(y, values(expected), 1e-11, 1e-11, "L D L'");
}

Quat<double> random_quat(std::mt19937& gen) {
  std::normal_distribution<double> normal;
  return normalized(Quat<double>{normal(gen), normal(gen), normal(gen), normal(gen)});
}

std::vector<double> values(const Mat3<double>& a) { return {a.m, a.m + 9}; }

}  // namespace

TEST_CASE("small dense matrices of every size: products, both factorisations and their solutions") {
  std::mt19937 gen(3);
  for (int n = 1; n <= kMaxDense; ++n) check_size(n, gen);
}

TEST_CASE("a pivot that rounding lost is lifted") {
  double A[] = {1, 1, 1}, inverse[2];
  factor_ldlt<2>(A, inverse, 1e-15);
  CHECK(inverse[1] == doctest::Approx(1e15));
}

TEST_CASE("rotations from the right: none, about an axis of coordinates, any") {
  std::mt19937 gen(4);
  const double angle = 0.7, s = std::sin(0.5 * angle), c = std::cos(0.5 * angle);
  std::vector<Quat<double>> turns{{1, 0, 0, 0}, {c, s, 0, 0}, {c, 0, -s, 0}, {c, 0, 0, s}};
  for (int k = 0; k < 4; ++k) turns.push_back(random_quat(gen));
  for (const auto& q : turns) {
    const Mat3<double> start = rotation(random_quat(gen));
    Mat3<double> R = start;
    apply(Turn<double>(q), R);
    check_close(values(R), values(start * rotation(q)), 1e-14, 1e-14, "turn");
  }
  for (const Vec3<double>& axis :
       {Vec3<double>{1, 0, 0}, Vec3<double>{0, -1, 0}, Vec3<double>{0, 0, 1}, Vec3<double>{0.6, 0, -0.8}}) {
    const Mat3<double> start = rotation(random_quat(gen));
    Mat3<double> R = start;
    turn_about(axis, coordinate_axis(axis), angle, R);
    check_close(values(R), values(start * rotation(axis_angle(axis, angle))), 1e-14, 1e-14, "turn_about");
  }
}
