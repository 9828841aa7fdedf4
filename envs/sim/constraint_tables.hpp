#pragma once
// ConstraintData::reserve: the tables that depend on the model alone, and room for the rows of any step.
// Formulas: MuJoCo, Computation, "Constraint model" and "Solver parameters".
#include <algorithm>
#include <cmath>
#include <numeric>

#include "envs/sim/constraint_data.hpp"

namespace baton::sim {

inline constexpr double kMinImpedance = 0.0001, kMaxImpedance = 0.9999, kTiny = 1e-15;

// solref > 0 is (time constant, damping ratio), the time constant at least two timesteps so that the integrator stays
// stable (unless Option::refsafe is off); otherwise (-stiffness, -damping). `restoring` false: no stiffness
// (friction loss).
template <class S>
Compliance<S> compliance(const Softness<S>& soft, const Option<S>& option, bool restoring) {
  const auto limit = [](double v) { return std::clamp(v, kMinImpedance, kMaxImpedance); };
  double ref0 = soft.solref[0], ref1 = soft.solref[1];
  if ((ref0 > 0) != (ref1 > 0)) ref0 = 0.02, ref1 = 1;
  const double dmin = limit(soft.solimp[0]), dmax = limit(soft.solimp[1]),
               width = std::max<double>(0, soft.solimp[2]);
  const double midpoint = limit(soft.solimp[3]), power = std::max<double>(1, soft.solimp[4]);
  Compliance<S> c;
  if (ref0 > 0) {
    if (option.refsafe) ref0 = std::max<double>(ref0, 2.0 * static_cast<double>(option.timestep));
    c.k = static_cast<S>(1 / std::max(kTiny, dmax * dmax * ref0 * ref0 * ref1 * ref1));
    c.b = static_cast<S>(2 / std::max(kTiny, dmax * ref0));
  } else {
    c.k = static_cast<S>(-ref0 / (dmax * dmax));
    c.b = static_cast<S>(-ref1 / dmax);
  }
  if (!restoring) c.k = 0;
  c.dmin = static_cast<S>(dmin);
  c.dmax = static_cast<S>(dmax);
  if (width <= kTiny || dmin == dmax) {
    c.dmin = c.dmax = static_cast<S>(0.5 * (dmin + dmax));
  } else {
    c.inv_width = static_cast<S>(1 / width);
  }
  c.midpoint = static_cast<S>(midpoint);
  c.power = static_cast<S>(power);
  c.rise = static_cast<S>(1 / std::pow(midpoint, power - 1));
  c.fall = static_cast<S>(1 / std::pow(1 - midpoint, power - 1));
  return c;
}

// A tree that may touch many others is eliminated last: objects then fill in with it but not with each other. The
// order must not depend on a step's contacts, or a lane's rounding would depend on its neighbours.
template <class T>
void ConstraintData<T>::order_trees(const Model<S>& m) {
  const auto nt = static_cast<std::size_t>(m.ntree);
  std::vector<char> linked(nt * nt, 0);
  const auto link = [&](int dof1, int dof2) {
    if (dof1 < 0 || dof2 < 0) return;
    const auto a = static_cast<std::size_t>(m.dofs[dof1].tree),
               b = static_cast<std::size_t>(m.dofs[dof2].tree);
    if (a != b) linked[a * nt + b] = linked[b * nt + a] = 1;
  };
  for (const auto& pair : m.pairs)
    link(m.bodies[m.geoms[pair.geom1].body].last_dof, m.bodies[m.geoms[pair.geom2].body].last_dof);
  for (const auto& eq : m.equalities) {
    if (eq.type != EqualityType::kJoint) {
      link(m.bodies[eq.obj1].last_dof, m.bodies[eq.obj2].last_dof);
    } else if (eq.obj2 >= 0) {
      link(m.joints[eq.obj1].dof, m.joints[eq.obj2].dof);
    }
  }
  std::vector<int> degree(nt);
  for (std::size_t t = 0; t < nt; ++t)
    degree[t] = static_cast<int>(std::count(linked.begin() + static_cast<std::ptrdiff_t>(t * nt),
                                            linked.begin() + static_cast<std::ptrdiff_t>((t + 1) * nt), 1));
  tree_begin.assign(nt, m.nv);
  tree_size.assign(nt, 0);
  for (int i = 0; i < m.nv; ++i) {
    tree_begin[m.dofs[i].tree] = std::min(tree_begin[m.dofs[i].tree], i);
    ++tree_size[m.dofs[i].tree];
  }
  tree_order.resize(nt);
  std::iota(tree_order.begin(), tree_order.end(), 0);
  std::stable_sort(tree_order.begin(), tree_order.end(), [&](int a, int b) { return degree[a] < degree[b]; });
  rank.resize(static_cast<std::size_t>(m.nv));
  int next = 0;
  for (int t : tree_order)
    for (int i = tree_begin[t]; i < tree_begin[t] + tree_size[t]; ++i) rank[i] = next++;
}

template <class T>
void ConstraintData<T>::reserve_pairs(const Model<S>& m) {
  pair_dof.clear();
  pair_side.clear();
  pair_table.resize(m.pairs.size());
  std::vector<S> side(static_cast<std::size_t>(m.nv));
  std::vector<int> dofs;
  for (std::size_t n = 0; n < m.pairs.size(); ++n) {
    const auto& pair = m.pairs[n];
    const int body1 = m.geoms[pair.geom1].body, body2 = m.geoms[pair.geom2].body;
    std::fill(side.begin(), side.end(), S(0));
    for (int i = m.bodies[body1].last_dof; i >= 0; i = m.dofs[i].parent) side[i] -= S(1);
    for (int i = m.bodies[body2].last_dof; i >= 0; i = m.dofs[i].parent) side[i] += S(1);
    dofs.clear();
    for (int i = 0; i < m.nv; ++i)
      if (side[i] != 0) dofs.push_back(i);
    std::sort(dofs.begin(), dofs.end(), [&](int a, int b) { return rank[a] < rank[b]; });
    PairTable& table = pair_table[n];
    table.dof_begin = static_cast<int>(pair_dof.size());
    table.dof_count = static_cast<int>(dofs.size());
    for (int i : dofs) pair_dof.push_back(i), pair_side.push_back(side[i]);
    table.soft = compliance(pair.softness, m.option, true);
    const bool own = pair.friction_solref[0] != 0 || pair.friction_solref[1] != 0;
    table.friction_damp =
        own ? compliance(Softness<S>{pair.friction_solref, pair.softness.solimp}, m.option, true).b
            : table.soft.b;
    const double weight = static_cast<double>(m.bodies[body1].invweight[0]) + m.bodies[body2].invweight[0];
    const double mu2 = static_cast<double>(pair.friction[0]) * pair.friction[0];
    const bool pyramid = pair.condim > 1 && m.option.cone == Cone::kPyramidal;
    table.diag = static_cast<S>(pyramid ? weight * (1 + mu2) : weight);
    table.scale =
        static_cast<S>(pyramid ? 2 * mu2 / std::max(kTiny, static_cast<double>(m.option.impratio)) : 1);
  }
}

template <class T>
void ConstraintData<T>::reserve_welds(const Model<S>& m) {
  weld_table.assign(m.equalities.size(), {});
  weld_dof.clear();
  weld_side.clear();
  std::vector<std::array<S, 2>> side;
  for (std::size_t n = 0; n < m.equalities.size(); ++n) {
    const auto& eq = m.equalities[n];
    if (eq.type == EqualityType::kJoint) continue;
    WeldTable& table = weld_table[n];
    table.dof_begin = static_cast<int>(weld_dof.size());
    side.assign(static_cast<std::size_t>(m.nv), {});
    for (const auto& [body, k] : std::array{std::pair{eq.obj1, 0}, std::pair{eq.obj2, 1}}) {
      for (int i = m.bodies[body].last_dof; i >= 0; i = m.dofs[i].parent) side[i][k] = S(1);
      for (std::size_t part : {0, 1}) table.diag[part] += m.bodies[body].invweight[part];
    }
    for (int i = 0; i < m.nv; ++i)
      if (side[i][0] != 0 || side[i][1] != 0) weld_dof.push_back(i);
    const auto begin = weld_dof.begin() + table.dof_begin;
    std::sort(begin, weld_dof.end(), [&](int a, int b) { return rank[a] < rank[b]; });
    for (auto i = begin; i != weld_dof.end(); ++i) weld_side.push_back(side[*i]);
    table.dof_count = static_cast<int>(weld_dof.end() - begin);
  }
}

template <class T>
void ConstraintData<T>::reserve(const Model<S>& m, int max_contacts) {
  order_trees(m);
  reserve_pairs(m);
  reserve_welds(m);
  friction_soft.clear(), limit_soft.clear(), equality_soft.clear();
  for (const auto& dof : m.dofs) friction_soft.push_back(compliance(dof.friction_softness, m.option, false));
  for (const auto& joint : m.joints) limit_soft.push_back(compliance(joint.limit_softness, m.option, true));
  for (const auto& eq : m.equalities) equality_soft.push_back(compliance(eq.softness, m.option, true));

  std::size_t singles = 0;  // blocks of one row over at most three dofs
  for (const auto& dof : m.dofs) singles += dof.frictionloss > 0;
  for (const auto& joint : m.joints) singles += joint.limited ? 2 : 0;
  singles += m.equalities.size();
  const std::size_t weld_rows = 6 * m.equalities.size();
  std::size_t dims = 0, chain = 0, area = 0;
  for (std::size_t n = 0; n < m.pairs.size(); ++n) {
    const auto dim = static_cast<std::size_t>(m.pairs[n].condim);
    const auto count = static_cast<std::size_t>(pair_table[n].dof_count);
    dims = std::max(dims, dim), chain = std::max(chain, count), area = std::max(area, dim * count);
  }
  const auto contacts = m.pairs.empty() ? std::size_t{0} : static_cast<std::size_t>(max_contacts);
  const std::size_t rows = singles + weld_rows + contacts * (dims > 1 ? 2 * (dims - 1) : dims),
                    nv = static_cast<std::size_t>(m.nv);
  const T zero(S(0));
  blocks.resize(singles + contacts);
  noted_ndof = noted_nblock = -1;  // the structure below is wiped
  noted_begins.resize(blocks.size());
  block_contact.assign(singles + contacts, -1);
  dof_index.assign(3 * singles + weld_dof.size() + contacts * chain, 0);
  noted_dofs.resize(dof_index.size());
  jac.assign(3 * singles + 6 * weld_dof.size() + contacts * area, zero);
  mu.assign(singles + weld_rows + contacts * dims, S(1));
  for (auto* v : {&D, &aref, &jar, &jp, &force}) v->assign(rows, zero);
  for (auto* v : {&damp, &floss}) v->assign(rows, S(0));
  tree_on.assign(static_cast<std::size_t>(m.ntree), zero);
  tree_root.assign(static_cast<std::size_t>(m.ntree), -1);
  for (auto* v : {&local_dof, &local, &first, &row_at, &columns}) v->assign(nv, -1);
  H.assign(nv * (nv + 1) / 2, zero);
  for (auto* v : {&inverse_diagonal, &x, &mx, &p, &mp, &grad}) v->assign(nv, zero);
}

}  // namespace baton::sim
