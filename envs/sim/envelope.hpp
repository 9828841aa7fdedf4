#pragma once
// H = M + J' D J of the solver: its structure for one step, and the LDL' factorisation inside its envelope.
//
// Trees that no row touches are left out; the others fall into components, and rows of H are numbered component by
// component in ConstraintData::tree_order. The relative order of two coupled dofs is therefore always the same, and
// what is structure in one lane but not in another only adds exact zeros.
// George, Liu, Computer Solution of Large Sparse Positive Definite Systems, ch. 4.
#include <algorithm>

#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

BATON_HD inline int find_root(std::vector<int>& root, int t) {
  while (root[t] != t) t = root[t] = root[root[t]];
  return t;
}

}  // namespace detail

namespace detail {

// Do this step's blocks have the dofs that they had when the structure was made? Notes them when they do not.
template <class T>
BATON_HD bool same_blocks(ConstraintData<T>& e) {
  const int* dofs = e.dof_index.data();
  bool same = e.ndof == e.noted_ndof && e.nblock == e.noted_nblock &&
              std::equal(dofs, dofs + e.ndof, e.noted_dofs.data());
  for (int n = 0; n < e.nblock && same; ++n) same = e.blocks[n].dof_begin == e.noted_begins[n];
  if (same) return true;
  e.noted_ndof = e.ndof, e.noted_nblock = e.nblock;
  std::copy(dofs, dofs + e.ndof, e.noted_dofs.data());
  for (int n = 0; n < e.nblock; ++n) e.noted_begins[n] = e.blocks[n].dof_begin;
  return false;
}

}  // namespace detail

// Writes nlocal, local_dof, local, first, row_at; leaves them when blocks have the same dofs as in the last step.
template <class T>
BATON_HD void build_envelope(const Model<scalar_t<T>>& m, ConstraintData<T>& e) {
  if (detail::same_blocks(e)) return;
  auto& root = e.tree_root;
  for (int t = 0; t < m.ntree; ++t) root[t] = -1;
  const auto tree_of = [&](const ConstraintBlock& block, int k) {
    return m.dofs[e.dof_index[block.dof_begin + k]].tree;
  };
  for (int n = 0; n < e.nblock; ++n) {
    const int a = tree_of(e.blocks[n], 0), b = tree_of(e.blocks[n], e.blocks[n].dof_count - 1);
    for (int t : {a, b})
      if (root[t] < 0) root[t] = t;
    if (a != b) root[detail::find_root(root, a)] = detail::find_root(root, b);
  }
  for (int i = 0; i < m.nv; ++i) e.local[i] = -1;
  e.nlocal = 0;
  for (int r : e.tree_order) {
    if (root[r] != r) continue;
    for (int t : e.tree_order) {
      if (root[t] < 0 || detail::find_root(root, t) != r) continue;
      const int start = e.nlocal;
      for (int i = e.tree_begin[t]; i < e.tree_begin[t] + e.tree_size[t]; ++i) {
        e.local[i] = e.nlocal;
        e.first[e.nlocal] = start;
        e.local_dof[e.nlocal++] = i;
      }
    }
  }
  for (int n = 0; n < e.nblock; ++n) {
    const ConstraintBlock& block = e.blocks[n];
    if (tree_of(block, 0) == tree_of(block, block.dof_count - 1)) continue;
    const int start = e.local[e.dof_index[block.dof_begin]];
    for (int k = 0; k < block.dof_count; ++k) {
      int& first = e.first[e.local[e.dof_index[block.dof_begin + k]]];
      first = std::min(first, start);
    }
  }
  int next = 0;
  for (int i = 0; i < e.nlocal; ++i) {
    e.row_at[i] = next - e.first[i];
    next += i - e.first[i] + 1;
  }
}

// H = M.
template <class T>
BATON_HD void load_inertia(const Model<scalar_t<T>>& m, const Data<T>& d, ConstraintData<T>& e) {
  const T zero(scalar_t<T>(0));
  for (int i = 0; i < e.nlocal; ++i) {
    T* row = e.H.data() + e.row_at[i];
    for (int j = e.first[i]; j < i; ++j) row[j] = zero;
    const int dof = e.local_dof[i];
    for (int j = dof; j >= 0; j = m.dofs[j].parent)
      row[e.local[j]] = d.M[static_cast<std::size_t>(dof) * m.nv + j];
  }
}

// H <- L (unit, below the diagonal); inverse_diagonal = 1 / D. A pivot lost to rounding is lifted to a tiny number.
template <class T>
BATON_HD void factor_envelope(ConstraintData<T>& e) {
  using S = scalar_t<T>;
  for (int i = 0; i < e.nlocal; ++i) {
    T* row = e.H.data() + e.row_at[i];
    const int first = e.first[i];
    T pivot = row[i];
    for (int j = first; j < i; ++j) {
      const T* other = e.H.data() + e.row_at[j];
      T sum = row[j];
      for (int k = first > e.first[j] ? first : e.first[j]; k < j; ++k) sum -= row[k] * other[k];
      row[j] = sum;
    }
    for (int j = first; j < i; ++j) {
      const T l = row[j] * e.inverse_diagonal[j];
      pivot -= l * row[j];
      row[j] = l;
    }
    e.inverse_diagonal[i] = T(S(1)) / select(pivot < T(S(kTiny)), T(S(kTiny)), pivot);
  }
}

// y[nlocal] <- H^-1 y.
template <class T>
BATON_HD void solve_envelope(const ConstraintData<T>& e, T* y) {
  for (int i = 0; i < e.nlocal; ++i) {
    const T* row = e.H.data() + e.row_at[i];
    T sum = y[i];
    for (int j = e.first[i]; j < i; ++j) sum -= row[j] * y[j];
    y[i] = sum;
  }
  for (int i = 0; i < e.nlocal; ++i) y[i] *= e.inverse_diagonal[i];
  for (int i = e.nlocal - 1; i >= 0; --i) {
    const T* row = e.H.data() + e.row_at[i];
    for (int j = e.first[i]; j < i; ++j) y[j] -= row[j] * y[i];
  }
}

}  // namespace baton::sim
