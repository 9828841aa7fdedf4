#pragma once
// How the solver divides a step's rows. The clusters of trees (constraint_data.hpp) do not touch one another in most
// lanes and steps: each is then a problem of its own. In lanes where a row joins clusters these form one joint problem,
// and in their own problems such lanes are idle. Which of the two a cluster belongs to is each lane's own affair, so
// that no lane's numbers depend on its neighbours.
#include <algorithm>

#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// Do this step's blocks have the dofs that they had when the structure was made? Notes them when they do not.
template <class T>
BATON_HD bool same_blocks(ConstraintData<T>& e) {
  const int* dofs = e.dof_index.data();
  bool same = e.ndof == e.noted_ndof && e.nblock == e.noted_nblock &&
              e.contact_block == e.noted_contact_block &&
              std::equal(dofs, dofs + e.ndof, e.noted_dofs.data());
  for (int n = 0; n < e.nblock && same; ++n) same = e.blocks[n].dof_begin == e.noted_begins[n];
  if (same) return true;
  e.noted_ndof = e.ndof, e.noted_nblock = e.nblock, e.noted_contact_block = e.contact_block;
  std::copy(dofs, dofs + e.ndof, e.noted_dofs.data());
  for (int n = 0; n < e.nblock; ++n) e.noted_begins[n] = e.blocks[n].dof_begin;
  return false;
}

// Where the kinds begin in blocks[begin, end), which are in order.
template <class T>
BATON_HD BlockKinds find_kinds(const ConstraintData<T>& e, const int* blocks, int begin, int end) {
  BlockKinds k{begin, end, end, end, end};
  for (int n = end - 1; n >= begin; --n) {
    const int row = e.blocks[blocks[n]].row_begin;
    if (row >= e.one_sided_end) k.cone = n;
    if (row >= e.nequality + e.nfriction) k.one_sided = n;
    if (row >= e.nequality) k.friction = n;
  }
  return k;
}

template <class T>
BATON_HD void note_small_rows(ConstraintData<T>& e, const Problem& p, SmallRows& rows) {
  rows = {};
  for (int n = p.begin; n < p.end; ++n) {
    if (e.block_contact[p.blocks[n]] >= 0) break;  // lanes with contacts are joined
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    const int at = p.local[e.dof_index[block.dof_begin]];
    if (n < p.friction) {
      rows.equality = block.row_begin;
      rows.equality_jac = block.jac;
    } else if (n < p.one_sided) {
      rows.friction[at] = block.row_begin;
    } else {
      rows.limit[rows.limits++] = {block.row_begin, block.jac, at};
    }
  }
}

}  // namespace detail

// A cluster by itself.
template <class T>
BATON_HD Problem apart_problem(const ConstraintData<T>& e, std::size_t cluster) {
  const int at = e.clusters[cluster].dof_begin;
  return {e.apart_kinds[cluster],    e.block_list.data(),  e.clusters[cluster].dof_count,
          e.apart.dof.data() + at,   e.apart.local.data(), e.apart.first.data() + at,
          e.apart.row_at.data() + at};
}

// Writes block_cluster, block_list, apart_kinds, small_rows; leaves them when blocks have the same dofs as last time.
template <class T>
BATON_HD void partition_rows(ConstraintData<T>& e) {
  if (detail::same_blocks(e)) return;
  for (int n = 0; n < e.nblock; ++n) {
    const int* dof = &e.dof_index[e.blocks[n].dof_begin];
    const int front = e.dof_cluster[dof[0]], back = e.dof_cluster[dof[e.blocks[n].dof_count - 1]];
    e.block_cluster[n] = back == front ? front : -1;
  }
  int next = 0;
  for (std::size_t c = 0; c < e.clusters.size(); ++c) {
    const int begin = next;
    for (int n = 0; n < e.nblock; ++n)
      if (e.block_cluster[n] == static_cast<int>(c)) e.block_list[next++] = n;
    e.apart_kinds[c] = detail::find_kinds(e, e.block_list.data(), begin, next);
    if (e.clusters[c].small) detail::note_small_rows(e, apart_problem(e, c), e.small_rows[c]);
  }
}

namespace detail {

BATON_HD inline int find_root(std::vector<int>& root, int t) {
  while (root[t] != t) t = root[t] = root[root[t]];
  return t;
}

// Rows of H: the trees of joined clusters, component by component of the trees that blocks couple.
template <class T>
BATON_HD void number_joint_dofs(const Model<scalar_t<T>>& m, const std::vector<DofTree>& trees,
                                ConstraintData<T>& e, Problem& p) {
  auto& root = e.tree_root;
  const auto tree_of = [&](int n, int k) { return m.dofs[e.dof_index[e.blocks[n].dof_begin + k]].tree; };
  for (int t = 0; t < m.ntree; ++t)
    root[t] = any(e.joined[e.dof_cluster[trees[t].begin]] > T(scalar_t<T>(0))) ? t : -1;
  for (int n = 0; n < p.end; ++n) {
    const int block = p.blocks[n];
    const int a = tree_of(block, 0), b = tree_of(block, e.blocks[block].dof_count - 1);
    if (a != b) root[find_root(root, a)] = find_root(root, b);
  }
  Envelope& h = e.joint;
  p.ndof = 0;
  for (int r : e.tree_order) {
    if (root[r] != r) continue;
    for (int t : e.tree_order) {
      if (root[t] < 0 || find_root(root, t) != r) continue;
      const int start = p.ndof;
      for (int i = trees[t].begin; i < trees[t].begin + trees[t].count; ++i) {
        h.local[i] = p.ndof;
        h.first[p.ndof] = start;
        h.dof[p.ndof++] = i;
      }
    }
  }
}

}  // namespace detail

// The problem of the clusters that are joined in some lane. The relative order of two coupled dofs is always the same,
// and what is structure in one lane but not in another only adds exact zeros.
template <class T>
BATON_HD Problem joint_problem(const Model<scalar_t<T>>& m, const std::vector<DofTree>& trees,
                               ConstraintData<T>& e) {
  Problem p;
  int count = 0;
  for (int n = 0; n < e.nblock; ++n) {
    const int c = e.block_cluster[n];
    if (c < 0 || any(e.joined[c] > T(scalar_t<T>(0)))) e.joint_blocks[count++] = n;
  }
  p.blocks = e.joint_blocks.data();
  static_cast<BlockKinds&>(p) = detail::find_kinds(e, p.blocks, 0, count);
  detail::number_joint_dofs(m, trees, e, p);
  Envelope& h = e.joint;
  for (int n = 0; n < p.end; ++n) {
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    const int* dof = &e.dof_index[block.dof_begin];
    if (m.dofs[dof[0]].tree == m.dofs[dof[block.dof_count - 1]].tree) continue;
    for (int k = 0; k < block.dof_count; ++k)
      h.first[h.local[dof[k]]] = std::min(h.first[h.local[dof[k]]], h.local[dof[0]]);
  }
  int next = 0;
  for (int i = 0; i < p.ndof; ++i) {
    h.row_at[i] = next - h.first[i];
    next += i - h.first[i] + 1;
  }
  p.dof = h.dof.data(), p.local = h.local.data(), p.first = h.first.data(), p.row_at = h.row_at.data();
  return p;
}

}  // namespace baton::sim
