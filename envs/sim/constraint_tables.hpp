#pragma once
// ConstraintData::reserve: the tables that depend on the model alone, and room for the rows of any step.
// Formulas: MuJoCo, Computation, "Constraint model" and "Solver parameters".
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "envs/sim/constraint_data.hpp"
#include "envs/sim/plan.hpp"

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
  tree_order.resize(nt);
  std::iota(tree_order.begin(), tree_order.end(), 0);
  std::stable_sort(tree_order.begin(), tree_order.end(), [&](int a, int b) { return degree[a] < degree[b]; });
  rank.resize(static_cast<std::size_t>(m.nv));
  int next = 0;
  const std::vector<DofTree> trees = dof_trees(m);
  for (int t : tree_order)
    for (int i = trees[t].begin; i < trees[t].begin + trees[t].count; ++i) rank[i] = next++;
}

// Trees a and b that something of the model may couple; a = b where it is about one tree alone.
struct TreeLink {
  enum class By { kContact, kEquality, kTwoJoints };  // kTwoJoints: an equality between two of them
  int a, b;
  By by;
};

template <class S>
std::vector<TreeLink> tree_links(const Model<S>& m) {
  std::vector<TreeLink> links;
  const auto add = [&](int dof1, int dof2, TreeLink::By by) {
    if (dof1 < 0) std::swap(dof1, dof2);
    if (dof1 < 0) return;
    links.push_back({m.dofs[dof1].tree, m.dofs[dof2 < 0 ? dof1 : dof2].tree, by});
  };
  for (const auto& eq : m.equalities) {
    if (!eq.active) continue;
    if (eq.type != EqualityType::kJoint) {
      add(m.bodies[eq.obj1].last_dof, m.bodies[eq.obj2].last_dof, TreeLink::By::kEquality);
    } else if (eq.obj2 < 0) {
      add(m.joints[eq.obj1].dof, -1, TreeLink::By::kEquality);
    } else {
      add(m.joints[eq.obj1].dof, m.joints[eq.obj2].dof, TreeLink::By::kTwoJoints);
    }
  }
  for (const auto& pair : m.pairs)
    add(m.bodies[m.geoms[pair.geom1].body].last_dof, m.bodies[m.geoms[pair.geom2].body].last_dof,
        TreeLink::By::kContact);
  return links;
}

// Clusters by union of trees; their dofs in order of elimination, with the envelope that their rows may ever fill.
template <class T>
void ConstraintData<T>::find_clusters(const Model<S>& m) {
  const auto nt = static_cast<std::size_t>(m.ntree), nv = static_cast<std::size_t>(m.nv);
  std::vector<int> root(nt), equalities(nt, 0);
  std::iota(root.begin(), root.end(), 0);
  const auto root_of = [&](int t) {
    while (root[t] != t) t = root[t];
    return t;
  };
  std::vector<char> plain_link(nt, 1);  // all of the tree's equalities are between two joints
  const std::vector<TreeLink> links = tree_links(m);
  for (const auto& [a, b, by] : links) {
    if (by == TreeLink::By::kContact) continue;
    ++equalities[a];
    if (b != a) ++equalities[b];
    if (by != TreeLink::By::kTwoJoints) plain_link[a] = plain_link[b] = 0;
    root[root_of(a)] = root_of(b);
  }
  std::vector<char> ball_limits(nt, 0);
  for (const auto& joint : m.joints)
    if (joint.type == JointType::kBall && joint.limited) ball_limits[m.dofs[joint.dof].tree] = 1;
  clusters.clear();
  apart.dof.clear();
  apart.local.assign(nv, -1);
  dof_cluster.assign(nv, -1);
  const std::vector<DofTree> dofs_of = dof_trees(m);
  for (int r : tree_order) {
    if (root_of(r) != r) continue;
    Cluster c;
    c.dof_begin = static_cast<int>(apart.dof.size());
    int trees = 0, most = 0;
    bool plain = true;
    for (int t : tree_order) {
      if (root_of(t) != r) continue;
      ++trees;
      most = std::max(most, equalities[t]);
      c.held = c.held || equalities[t] > 0;
      plain = plain && dofs_of[t].count == 1 && plain_link[t];
      for (int i = dofs_of[t].begin; i < dofs_of[t].begin + dofs_of[t].count; ++i) {
        c.held = c.held || m.dofs[i].frictionloss > 0;
        apart.local[i] = static_cast<int>(apart.dof.size()) - c.dof_begin;
        dof_cluster[i] = static_cast<int>(clusters.size());
        apart.dof.push_back(i);
      }
    }
    c.dof_count = static_cast<int>(apart.dof.size()) - c.dof_begin;
    c.plain_limits = trees == 1 && !c.held && c.dof_count <= kMaxDense && !ball_limits[r];
    c.small = plain && ((trees == 1 && most == 0) || (trees == 2 && most == 1));
    clusters.push_back(c);
  }
  envelope_of_links(m, links);
}

// first and row_at of `apart`.
template <class T>
void ConstraintData<T>::envelope_of_links(const Model<S>& m, const std::vector<TreeLink>& links) {
  const auto nv = static_cast<std::size_t>(m.nv);
  apart.first.assign(nv, 0);
  apart.row_at.assign(nv, 0);
  const std::vector<DofTree> trees = dof_trees(m);
  const auto start = [&](int t) { return apart.local[trees[t].begin]; };
  std::vector<int> first(static_cast<std::size_t>(m.ntree));
  for (int t = 0; t < m.ntree; ++t) first[t] = start(t);
  for (const auto& [a, b, by] : links)
    if (dof_cluster[trees[a].begin] == dof_cluster[trees[b].begin])
      for (int t : std::array{a, b}) first[t] = std::min({first[t], start(a), start(b)});
  for (const Cluster& c : clusters) {
    int next = 0;
    for (int i = 0; i < c.dof_count; ++i) {
      const auto at = static_cast<std::size_t>(c.dof_begin + i);
      apart.first[at] = first[m.dofs[apart.dof[at]].tree];
      apart.row_at[at] = next - apart.first[at];
      next += i - apart.first[at] + 1;
    }
  }
}

// The dofs that move one of two bodies but not both, with the sign of the second's motion.
template <class T>
void ConstraintData<T>::add_pair_dofs(const Model<S>& m, int body1, int body2) {
  std::vector<S> side(static_cast<std::size_t>(m.nv));
  for (int i = m.bodies[body1].last_dof; i >= 0; i = m.dofs[i].parent) side[i] -= S(1);
  for (int i = m.bodies[body2].last_dof; i >= 0; i = m.dofs[i].parent) side[i] += S(1);
  const auto begin = static_cast<std::ptrdiff_t>(pair_dof.size());
  for (int i = 0; i < m.nv; ++i)
    if (side[i] != 0) pair_dof.push_back(i);
  std::sort(pair_dof.begin() + begin, pair_dof.end(), [&](int a, int b) { return rank[a] < rank[b]; });
  for (auto i = pair_dof.begin() + begin; i != pair_dof.end(); ++i) pair_side.push_back(side[*i]);
}

// Thousands of pairs have few softnesses, and few of them differ in their bodies: what they share is there once.
template <class T>
void ConstraintData<T>::reserve_pairs(const Model<S>& m) {
  pair_dof.clear();
  pair_side.clear();
  pair_soft.clear();
  pair_table.clear();
  pair_kind.clear();
  std::map<std::pair<int, int>, std::array<int, 2>> dofs_of;  // bodies: begin, count
  std::map<std::pair<std::array<S, 2>, std::array<S, 5>>, int> soft_of;
  std::map<PairTable, int> kind_of;
  for (const auto& pair : m.pairs) {
    const int body1 = m.geoms[pair.geom1].body, body2 = m.geoms[pair.geom2].body;
    const int begin = static_cast<int>(pair_dof.size());
    const auto [dofs, new_bodies] = dofs_of.try_emplace({body1, body2}, std::array{begin, 0});
    if (new_bodies) {
      add_pair_dofs(m, body1, body2);
      dofs->second[1] = static_cast<int>(pair_dof.size()) - begin;
    }
    const auto [soft, new_soft] =
        soft_of.try_emplace({pair.softness.solref, pair.softness.solimp}, static_cast<int>(pair_soft.size()));
    if (new_soft) pair_soft.push_back(compliance(pair.softness, m.option, true));
    PairTable table;
    table.dof_begin = dofs->second[0];
    table.dof_count = dofs->second[1];
    if (table.dof_count > 0) {
      const int* dof = &pair_dof[table.dof_begin];
      bool consecutive = true;
      for (int k = 1; k < table.dof_count; ++k)
        consecutive = consecutive && dof[k] == dof[0] + k && m.dofs[dof[k]].tree == m.dofs[dof[0]].tree;
      table.run = !consecutive           ? DofRun::kScattered
                  : table.dof_count == 6 ? DofRun::kSix
                                         : DofRun::kConsecutive;
    }
    table.soft = soft->second;
    const bool own = pair.friction_solref[0] != 0 || pair.friction_solref[1] != 0;
    table.friction_damp =
        own ? compliance(Softness<S>{pair.friction_solref, pair.softness.solimp}, m.option, true).b
            : pair_soft[table.soft].b;
    const double weight = static_cast<double>(m.bodies[body1].invweight[0]) + m.bodies[body2].invweight[0];
    const double mu2 = static_cast<double>(pair.friction[0]) * pair.friction[0];
    const bool pyramid = pair.condim > 1 && m.option.cone == Cone::kPyramidal;
    table.diag = static_cast<S>(pyramid ? weight * (1 + mu2) : weight);
    table.scale =
        static_cast<S>(pyramid ? 2 * mu2 / std::max(kTiny, static_cast<double>(m.option.impratio)) : 1);
    const auto [kind, new_kind] = kind_of.try_emplace(table, static_cast<int>(pair_table.size()));
    if (new_kind) pair_table.push_back(table);
    pair_kind.push_back(kind->second);
  }
  // Every tile has these tables.
  pair_kind.shrink_to_fit(), pair_dof.shrink_to_fit(), pair_side.shrink_to_fit();
  pair_table.shrink_to_fit(), pair_soft.shrink_to_fit();
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
  find_clusters(m);
  reserve_pairs(m);
  reserve_welds(m);
  friction_D.clear(), friction_damp.clear(), limit_soft.clear(), equality_soft.clear();
  for (const auto& dof : m.dofs) {
    const Compliance<S> soft = compliance(dof.friction_softness, m.option, false);
    const double dmin = soft.dmin;  // the impedance without violation
    friction_D.push_back(static_cast<S>(dmin / std::max(kTiny * dmin, dof.invweight * (1 - dmin))));
    friction_damp.push_back(soft.b);
  }
  for (const auto& joint : m.joints) limit_soft.push_back(compliance(joint.limit_softness, m.option, true));
  for (const auto& eq : m.equalities) equality_soft.push_back(compliance(eq.softness, m.option, true));

  std::size_t singles = 0;  // blocks of one row over at most three dofs
  for (const auto& dof : m.dofs) singles += dof.frictionloss > 0;
  for (const auto& joint : m.joints) singles += joint.limited ? 2 : 0;
  singles += m.equalities.size();
  std::size_t weld_rows = 0;
  for (const auto& eq : m.equalities) weld_rows += eq.type == EqualityType::kJoint ? 0 : 6;
  std::size_t dims = 0, chain = 0, area = 0;
  for (std::size_t n = 0; n < m.pairs.size(); ++n) {
    const auto dim = static_cast<std::size_t>(m.pairs[n].condim);
    const auto count = static_cast<std::size_t>(pair_table[pair_kind[n]].dof_count);
    dims = std::max(dims, dim), chain = std::max(chain, count), area = std::max(area, dim * count);
  }
  const auto contacts = m.pairs.empty() ? std::size_t{0} : static_cast<std::size_t>(max_contacts);
  const std::size_t rows = singles + weld_rows + contacts * (dims > 1 ? 2 * (dims - 1) : dims),
                    nv = static_cast<std::size_t>(m.nv);
  const T zero(S(0));
  block_contact.assign(singles + contacts, -1);
  dof_index.assign(3 * singles + weld_dof.size() + contacts * chain, 0);
  reserve_structure(m, singles + contacts);
  jac.assign(3 * singles + 6 * weld_dof.size() + contacts * area, zero);
  mu.assign(singles + weld_rows + contacts * dims, S(1));
  for (auto* v : {&D, &aref, &jar, &jp, &force, &held_D}) v->assign(rows, zero);
  for (auto* v : {&damp, &floss}) v->assign(rows, S(0));
  H.assign(nv * (nv + 1) / 2, zero);
  for (auto* v : {&inverse_diagonal, &x, &mx, &p, &mp, &grad}) v->assign(nv, zero);
}

// Room for `blocks` blocks and what partition.hpp makes of them.
template <class T>
void ConstraintData<T>::reserve_structure(const Model<S>& m, std::size_t block_count) {
  const auto nv = static_cast<std::size_t>(m.nv);
  blocks.resize(block_count);
  noted_ndof = noted_nblock = -1;  // the structure below is wiped
  noted_begins.resize(block_count);
  noted_dofs.resize(dof_index.size());
  for (auto* v : {&block_cluster, &block_list, &joint_blocks}) v->assign(block_count, -1);
  for (auto* v : {&touched, &joined}) v->assign(clusters.size(), T(S(0)));
  apart_kinds.assign(clusters.size(), {});
  small_rows.assign(clusters.size(), {});
  tree_root.assign(static_cast<std::size_t>(m.ntree), -1);
  for (auto* v : {&joint.dof, &joint.local, &joint.first, &joint.row_at, &columns}) v->assign(nv, -1);
}

}  // namespace baton::sim
