#include "envs/sim/constants.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "envs/sim/inertia.hpp"
#include "envs/sim/jacobian.hpp"
#include "envs/sim/kinematics.hpp"
#include "envs/sim/smooth.hpp"

namespace baton::sim {
namespace {

// J M^-1 J' of a link's six velocities: linear at its centre of mass, then angular.
using Mobility = std::array<std::array<double, 6>, 6>;

Mobility mobility_of(const Model<double>& m, const Data<double>& d, int link) {
  const auto nv = static_cast<std::size_t>(m.nv);
  std::vector<Vec3<double>> linear(nv), angular(nv);
  point_jacobian(m, d, link, d.xipos[link], linear.data(), angular.data());
  std::array<std::vector<double>, 6> rows;
  for (int r = 0; r < 6; ++r)
    for (std::size_t i = 0; i < nv; ++i) rows[r].push_back(r < 3 ? linear[i][r] : angular[i][r - 3]);
  Mobility mobility{};
  for (int r = 0; r < 6; ++r) {
    std::vector<double> solved = rows[r];
    solve_m(m, d, solved.data());
    for (int k = 0; k <= r; ++k) {
      for (std::size_t i = 0; i < nv; ++i) mobility[r][k] += rows[k][i] * solved[i];
      mobility[k][r] = mobility[r][k];
    }
  }
  return mobility;
}

// The mean of linear, and of angular, velocities' mobility at a point `arm` from the link's centre of mass. There the
// linear velocity along an axis e is e . (v + w x arm) = v . e + w . (arm x e).
std::array<double, 2> mean_mobility(const Mobility& mobility, const Vec3<double>& arm) {
  std::array<double, 2> trace{};
  for (int axis = 0; axis < 3; ++axis) {
    Vec3<double> e{0, 0, 0};
    e[axis] = 1;
    const Vec3<double> turn = cross(arm, e);
    trace[0] += mobility[axis][axis];
    for (int j = 0; j < 3; ++j) {
      trace[0] += 2 * turn[j] * mobility[axis][3 + j];
      for (int k = 0; k < 3; ++k) trace[0] += turn[j] * turn[k] * mobility[3 + j][3 + k];
    }
    trace[1] += mobility[3 + axis][3 + axis];
  }
  return {trace[0] / 3, trace[1] / 3};
}

// Bodies fixed to a link share its six solutions.
void body_weights(Model<double>& m, const Data<double>& d) {
  std::map<int, Mobility> mobilities;
  for (std::size_t b = 1; b < m.bodies.size(); ++b) {
    auto& body = m.bodies[b];
    body.invweight = {0, 0};
    if (body.weld == 0) continue;
    const auto [link, added] = mobilities.try_emplace(body.weld);
    if (added) link->second = mobility_of(m, d, body.weld);
    body.invweight = mean_mobility(link->second, d.xipos[b] - d.xipos[body.weld]);
  }
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

bool is_null(const Vec3<double>& v) { return std::fabs(v.x) + std::fabs(v.y) + std::fabs(v.z) < 1e-14; }

// A leaf body on the world (or on a fixed child of it) that only slides along its own axes, its centre of mass at its
// origin: MuJoCo takes the plain 1 / mass for its weights, without armature and without the mean over the three axes.
bool only_slides(const Model<double>& m, std::size_t b) {
  const auto& body = m.bodies[b];
  const auto& parent = m.bodies[static_cast<std::size_t>(body.parent)];
  if (body.joints == 0 || !is_null(body.ipos) || !is_null({body.iquat.x, body.iquat.y, body.iquat.z}))
    return false;
  if (body.parent != 0 && (parent.parent != 0 || parent.joints != 0)) return false;
  for (const auto& other : m.bodies)
    if (&other != &m.bodies[0] && other.parent == static_cast<int>(b)) return false;
  for (int j = body.joint; j < body.joint + body.joints; ++j) {
    const auto& joint = m.joints[static_cast<std::size_t>(j)];
    const auto& a = joint.axis;
    const int components = (std::fabs(a.x) > 1e-14) + (std::fabs(a.y) > 1e-14) + (std::fabs(a.z) > 1e-14);
    if (joint.type != JointType::kSlide || !is_null(joint.pos) || components != 1) return false;
  }
  return true;
}

void slider_weights(Model<double>& m) {
  for (std::size_t b = 1; b < m.bodies.size(); ++b) {
    if (!only_slides(m, b)) continue;
    auto& body = m.bodies[b];
    body.invweight = {1 / body.mass, 0};
    for (int i = body.dof; i < body.dof + body.dofs; ++i)
      m.dofs[static_cast<std::size_t>(i)].invweight = 1 / body.mass;
  }
}

void find_floating_bodies(Model<double>& m) {
  std::vector<int> dofs(static_cast<std::size_t>(m.ntree));
  for (const auto& dof : m.dofs) ++dofs[static_cast<std::size_t>(dof.tree)];
  for (auto& joint : m.joints) {
    const auto tree = static_cast<std::size_t>(m.dofs[static_cast<std::size_t>(joint.dof)].tree);
    joint.floating = joint.type == JointType::kFree && dofs[tree] == dof_count(joint.type);
  }
}

constexpr double kTinyMobility = 1e-15;  // 1/kg, 1/(kg m^2): a gear of zeros moves nothing

// A positive velocity bias of a position servo (gain kp, bias -kp) is MuJoCo's damping ratio: its coefficient follows
// from the inertia that the moment feels with all other dofs free (MuJoCo 4.0.0).
void servo_damping(Model<double>& m, const Data<double>& d) {
  for (auto& actuator : m.actuators) {
    if (actuator.gain[0] != -actuator.bias[1] || actuator.bias[2] <= 0) continue;
    const auto t = detail::transmission(m, d, actuator);
    std::vector<double> moment(static_cast<std::size_t>(m.nv));
    std::copy_n(t.moment, t.count, moment.begin() + t.dof);
    std::vector<double> solved = moment;
    solve_m(m, d, solved.data());
    double mobility = 0;
    for (std::size_t i = 0; i < moment.size(); ++i) mobility += moment[i] * solved[i];
    const double mass = mobility > kTinyMobility ? 1 / mobility : 0;
    actuator.bias[2] *= -2 * std::sqrt(actuator.gain[0] * mass);
  }
}

}  // namespace

void compute_constants(Model<double>& m) {
  if (m.nv == 0) return;
  find_floating_bodies(m);
  Data<double> d(m);
  kinematics(m, d);
  inertia(m, d);
  factor(m, d);
  double sum = 0;
  for (int i = 0; i < m.nv; ++i) sum += d.M[d.plan.row_at[i] + i];
  m.mean_inertia = sum / m.nv;
  dof_weights(m, d);
  servo_damping(m, d);
  body_weights(m, d);
  slider_weights(m);
}

}  // namespace baton::sim
