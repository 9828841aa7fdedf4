// The constrained acceleration: against projected Gauss-Seidel on the dual, lanes against scalars.
#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <random>
#include <span>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

// The dual problem, min_f 1/2 f'(J M^-1 J' + R) f + f'(J a0 - aref) under the bounds of each row, by sweeps of
// coordinate descent: another algorithm for the same unique optimum.
Eigen::VectorXd gauss_seidel(const Model<double>& m, Data<double>& d, int sweeps) {
  auto& e = d.efc;
  const auto J_data = test::dense_jacobian(m, e);
  const Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>> J(J_data.data(), e.nrow, m.nv);
  const auto M_data = test::dense_inertia(m, d.plan, d.M);
  const Eigen::Map<const Eigen::MatrixXd> M(M_data.data(), m.nv, m.nv);
  Eigen::MatrixXd A = J * M.llt().solve(J.transpose());
  for (int i = 0; i < e.nrow; ++i) A(i, i) += 1 / e.D[i];
  const Eigen::Map<const Eigen::VectorXd> a0(d.qacc_smooth.data(), m.nv), aref(e.aref.data(), e.nrow);
  const Eigen::VectorXd b = J * a0 - aref;
  Eigen::VectorXd f = Eigen::VectorXd::Zero(e.nrow);
  for (int s = 0; s < sweeps; ++s)
    for (int i = 0; i < e.nrow; ++i) {
      f[i] -= (A.row(i).dot(f) + b[i]) / A(i, i);
      if (i < e.nequality) continue;
      f[i] = i < e.nequality + e.nfriction ? std::clamp(f[i], -e.floss[i], e.floss[i]) : std::max(f[i], 0.0);
    }
  return a0 + M.llt().solve(J.transpose() * f);
}

// A state in contact: the scene after `steps` steps from a random start.
void settle(const Model<double>& m, Data<double>& d, unsigned seed, int steps) {
  std::mt19937 gen(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int i = 0; i < m.nv; ++i) d.qvel[i] = unit(gen);
  for (int k = 0; k < steps; ++k) step(m, d);
}

}  // namespace

TEST_CASE("the optimum is the one that projected Gauss-Seidel finds on the dual") {
  for (const char* name : {"couplings.xml", "condims.xml"}) {
    Model<double> m = mjcf::load(test::model_path(name));
    m.option.tolerance = 1e-14;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      Data<double> d(m);
      settle(m, d, seed, 20 * static_cast<int>(seed));
      forward(m, d);
      REQUIRE(d.efc.nrow > 0);
      const Eigen::VectorXd a = gauss_seidel(m, d, 100000 / d.efc.nrow);
      check_close(std::span(d.qacc), std::span(a.data(), static_cast<std::size_t>(m.nv)), 1e-5, 1e-5, "qacc");
    }
  }
}

TEST_CASE("the acceleration does not depend on where the solver starts") {
  Model<double> m = mjcf::load(test::model_path("condims.xml"));
  m.option.tolerance = 1e-14;
  Data<double> d(m);
  settle(m, d, 3, 60);
  forward(m, d);
  REQUIRE(d.ncontact > 0);
  const auto expected = d.qacc;
  for (double& a : d.qacc_warmstart) a = -30 * a + 7;
  forward(m, d);
  check_close(d.qacc, expected, 1e-8, 1e-8, "qacc");
}

TEST_CASE("lanes agree with double, and a lane's bits do not depend on its neighbours") {
  const Model<double> m = mjcf::load(test::model_path("condims.xml"));
  const Model<float> mf = to_float(m);
  using L = Lanes<float, 4>;
  Data<L> mixed(mf), alone(mf);
  std::vector<Data<double>> reference;
  for (int lane = 0; lane < 4; ++lane) {
    Data<double> d(m);
    settle(m, d, static_cast<unsigned>(lane) + 1, 15 * lane + 3);
    for (int i = 0; i < m.nq; ++i) mixed.qpos[i].set(lane, static_cast<float>(d.qpos[i]));
    for (int i = 0; i < m.nv; ++i) mixed.qvel[i].set(lane, static_cast<float>(d.qvel[i]));
    for (double& a : d.qacc_warmstart) a = 0;
    for (int i = 0; i < m.nq; ++i) d.qpos[i] = static_cast<float>(d.qpos[i]);
    for (int i = 0; i < m.nv; ++i) d.qvel[i] = static_cast<float>(d.qvel[i]);
    forward(m, d);
    reference.push_back(d);
  }
  const auto start = mixed.qpos;  // forward() normalises quaternions
  forward(mf, mixed);
  for (int lane = 0; lane < 4; ++lane) {
    for (int i = 0; i < m.nq; ++i) alone.qpos[i] = L(start[i][lane]);
    for (int i = 0; i < m.nv; ++i) alone.qvel[i] = L(mixed.qvel[i][lane]), alone.qacc_warmstart[i] = L(0.0f);
    forward(mf, alone);
    double size = 1;
    for (double a : reference[lane].qacc) size = std::max(size, std::fabs(a));
    for (int i = 0; i < m.nv; ++i) {
      CAPTURE(lane);
      CAPTURE(i);
      CHECK(mixed.qacc[i][lane] == alone.qacc[i][0]);
      CHECK(std::fabs(mixed.qacc[i][lane] - reference[lane].qacc[i]) <= 2e-3 * size);
    }
  }
}
