#include "envs/sim/constants.hpp"

#include <algorithm>

#include "envs/sim/inertia.hpp"
#include "envs/sim/jacobian.hpp"
#include "envs/sim/kinematics.hpp"

namespace baton::sim {
namespace {

// trace(J M^-1 J') / 3 for the three rows of J given as one column vector a dof.
double mean_inverse_inertia(const Model<double>& m, const Data<double>& d, const std::vector<Vec3<double>>& jacobian) {
  std::vector<double> row(static_cast<std::size_t>(m.nv)), solved;
  double trace = 0;
  for (int axis = 0; axis < 3; ++axis) {
    for (int i = 0; i < m.nv; ++i) row[i] = jacobian[i][axis];
    solved = row;
    solve_m(m, d, solved.data());
    for (int i = 0; i < m.nv; ++i) trace += row[i] * solved[i];
  }
  return trace / 3;
}

void dof_weights(Model<double>& m, const Data<double>& d) {
  std::vector<double> column(static_cast<std::size_t>(m.nv)), diagonal(static_cast<std::size_t>(m.nv));
  for (int i = 0; i < m.nv; ++i) {
    std::fill(column.begin(), column.end(), 0.0);
    column[i] = 1;
    solve_m(m, d, column.data());
    diagonal[i] = column[i];
  }
  for (const auto& joint : m.joints) {
    const int n = dof_count(joint.type), group = std::min(n, 3);
    for (int start = joint.dof; start < joint.dof + n; start += group) {
      double mean = 0;
      for (int k = 0; k < group; ++k) mean += diagonal[start + k] / group;
      for (int k = 0; k < group; ++k) m.dofs[start + k].invweight = mean;
    }
  }
}

}  // namespace

void compute_constants(Model<double>& m) {
  if (m.nv == 0) return;
  Data<double> d(m);
  kinematics(m, d);
  inertia(m, d);
  factor(m, d);
  double sum = 0;
  for (int i = 0; i < m.nv; ++i) sum += d.M[static_cast<std::size_t>(i) * m.nv + i];
  m.mean_inertia = sum / m.nv;
  dof_weights(m, d);

  std::vector<Vec3<double>> linear(static_cast<std::size_t>(m.nv)), angular(static_cast<std::size_t>(m.nv));
  for (int b = 1; b < static_cast<int>(m.bodies.size()); ++b) {
    auto& body = m.bodies[b];
    body.invweight = {0, 0};
    if (body.weld == 0) continue;
    point_jacobian(m, d, b, d.xipos[b], linear.data(), angular.data());
    body.invweight = {mean_inverse_inertia(m, d, linear), mean_inverse_inertia(m, d, angular)};
  }
}

}  // namespace baton::sim
