// The cost of an elliptic cone: against distances, and its derivatives against central differences.
#include "envs/sim/elliptic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

// One contact of dimension n whose rows are the dofs themselves.
struct OneContact {
  ConstraintData<double> e;
  int n;
  const int first_block = 0;
  std::vector<int> local, row_at;

  Problem problem() const {
    Problem p;
    p.end = 1;
    p.blocks = &first_block;
    p.local = local.data();
    p.row_at = row_at.data();
    return p;
  }

  OneContact(std::mt19937& gen, int dim) : n(dim) {
    std::uniform_real_distribution<double> unit(0.1, 2);
    const auto size = static_cast<std::size_t>(dim);
    e.blocks.push_back({0, dim, 0, 0, dim, 0, dim});
    e.nblock = 1, e.nrow = dim;
    for (auto* v : {&e.D, &e.jar, &e.jp, &e.force}) v->assign(size, 0.0);
    e.mu.assign(size, 1.0);
    e.D[0] = 10 * unit(gen);
    for (std::size_t k = 0; k < size; ++k) {
      if (dim > 1) e.mu[k] = unit(gen);
      e.D[k] = e.D[0] * std::pow(e.mu[k] / e.mu[0], 2);
      e.dof_index.push_back(static_cast<int>(k)), local.push_back(static_cast<int>(k));
      row_at.push_back(static_cast<int>(k * size));
    }
    e.jac.assign(size * size, 0.0);
    for (std::size_t k = 0; k < size; ++k) e.jac[k * size + k] = 1;
    e.H.assign(size * size, 0.0);
    std::normal_distribution<double> normal;
    for (auto* v : {&e.jar, &e.jp})
      for (double& z : *v) z = normal(gen);
  }

  double cost(const std::vector<double>& z) const {
    double U[kMaxBases];
    return cone_at(e, e.blocks[0], z.data(), U).cost;
  }

  std::vector<double> forces(const std::vector<double>& z) {
    e.jar = z;
    cone_forces(e, problem());
    return e.force;
  }

  // 0 top, 1 middle, 2 bottom; at least `margin` away from the borders, else -1.
  int zone(const std::vector<double>& z, double margin) const {
    double square = 0;
    for (std::size_t k = 1; k < z.size(); ++k) square += std::pow(e.mu[k] * z[k], 2);
    const double mu = e.mu[0], N = mu * z[0], T = std::sqrt(square);
    const double top = N - mu * T, bottom = mu * N + T;
    if (std::min(std::fabs(top), std::fabs(bottom)) < margin) return -1;
    return top > 0 ? 0 : bottom < 0 ? 2 : 1;
  }
};

}  // namespace

TEST_CASE("a cone's cost is the squared distance from it, in scaled coordinates") {
  std::mt19937 gen(1);
  for (int k = 0; k < 300; ++k) {
    OneContact c(gen, k % 3 == 0 ? 3 : k % 3 == 1 ? 4 : 6);
    double square = 0;
    for (std::size_t j = 1; j < c.e.jar.size(); ++j) square += std::pow(c.e.mu[j] * c.e.jar[j], 2);
    // The nearest point of the ray (mu, 1) s, s >= 0, in the plane of N and T: the cone is a body of revolution.
    const double mu = c.e.mu[0], N = mu * c.e.jar[0], T = std::sqrt(square);
    const double s = std::max(0.0, (mu * N + T) / (1 + mu * mu));
    const double distance = N >= mu * T ? 0 : std::hypot(N - mu * s, T - s);
    const double expected = 0.5 * c.e.D[0] / (mu * mu) * distance * distance;
    check_close(std::vector{c.cost(c.e.jar)}, std::vector{expected}, 1e-12, 1e-13, "cost");
  }
}

TEST_CASE("without friction a cone's cost is one-sided") {
  std::mt19937 gen(2);
  for (int k = 0; k < 20; ++k) {
    OneContact c(gen, 1);
    const double z = std::min(c.e.jar[0], 0.0);
    check_close(std::vector{c.cost(c.e.jar)}, std::vector{0.5 * c.e.D[0] * z * z}, 1e-14, 0, "cost");
  }
}

TEST_CASE("a cone's forces and curvature are central differences, in every zone") {
  std::mt19937 gen(3);
  int seen[3] = {0, 0, 0};
  const double h = 1e-5;
  for (int k = 0; k < 300; ++k) {
    const int n = k % 3 == 0 ? 3 : k % 3 == 1 ? 4 : 6;
    OneContact c(gen, n);
    const std::vector<double> z = c.e.jar;
    const int zone = c.zone(z, 1e-3);
    if (zone < 0) continue;
    ++seen[zone];
    CAPTURE(zone);
    const std::vector<double> force = c.forces(z);
    add_cone_curvature(c.e, c.problem(), c.e.blocks[0]);
    const std::vector<double> H = c.e.H;
    for (int i = 0; i < n; ++i) {
      std::vector<double> up = z, down = z;
      up[i] += h, down[i] -= h;
      const double slope = (c.cost(up) - c.cost(down)) / (2 * h);
      check_close(std::vector{force[i]}, std::vector{-slope}, 1e-6, 1e-6, "force");
      const auto f1 = c.forces(up), f0 = c.forces(down);
      for (int j = i; j < n; ++j)
        check_close(std::vector{H[j * n + i]}, std::vector{(f0[j] - f1[j]) / (2 * h)}, 1e-5, 1e-4,
                    "curvature");
    }
  }
  for (int count : seen) CHECK(count > 10);
}

TEST_CASE("along a line a cone's slope and curvature are central differences, and a change of zone is seen") {
  std::mt19937 gen(4);
  std::uniform_real_distribution<double> unit(0, 2);
  const double h = 1e-5;
  int changed = 0, same = 0;
  for (int k = 0; k < 300; ++k) {
    const int n = k % 2 == 0 ? 3 : 6;
    OneContact c(gen, n);
    const double alpha = unit(gen);
    const auto at = [&](double a) {
      std::vector<double> z = c.e.jar;
      for (int i = 0; i < n; ++i) z[i] += a * c.e.jp[i];
      return z;
    };
    const int before = c.zone(c.e.jar, 1e-3), here = c.zone(at(alpha), 1e-3);
    if (before < 0 || here < 0) continue;
    double slope = 0, curve = 0, up = 0, down = 0, none = 0;
    cone_line(c.e, c.problem(), alpha, slope, curve);
    cone_line(c.e, c.problem(), alpha + h, up, none);
    cone_line(c.e, c.problem(), alpha - h, down, none);
    check_close(std::vector{slope}, std::vector{(c.cost(at(alpha + h)) - c.cost(at(alpha - h))) / (2 * h)},
                1e-6, 1e-5, "slope");
    check_close(std::vector{curve}, std::vector{(up - down) / (2 * h)}, 1e-5, 1e-3, "curve");
    const bool quadratic = before == here && here != 1;
    for (double& z : c.e.jp) z *= alpha;
    CHECK(cones_kept(c.e, c.problem()) == quadratic);
    ++(quadratic ? same : changed);
  }
  CHECK(changed > 20);
  CHECK(same > 20);
}
