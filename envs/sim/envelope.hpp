#pragma once
// H = M + J' D J of one of the solver's problems: M into it, and its LDL' factorisation inside its envelope (Envelope).
// George, Liu, Computer Solution of Large Sparse Positive Definite Systems, ch. 4.
#include "envs/sim/inertia.hpp"

namespace baton::sim {

// Whether H's envelope is a whole triangle of few rows: dense.hpp then does the same.
BATON_HD inline bool is_dense(const Problem& p) {
  return p.ndof <= kMaxDense && p.ndof > 0 && p.row_at[p.ndof - 1] == packed_row(p.ndof - 1);
}

// H = M.
template <class T>
BATON_HD void load_inertia(const Model<scalar_t<T>>& m, const Data<T>& d, ConstraintData<T>& e,
                           const Problem& p) {
  const T zero(scalar_t<T>(0));
  const DofTree& tree = d.plan.trees[m.dofs[p.dof[0]].tree];
  if (is_dense(p) && tree.count == p.ndof) {
    std::copy_n(d.M.data() + tree.matrix, packed_row(tree.count), e.H.data());
    return;
  }
  for (int i = 0; i < p.ndof; ++i) {
    T* row = e.H.data() + p.row_at[i];
    const int dof = p.dof[i], begin = d.plan.trees[m.dofs[dof].tree].begin, at = p.local[begin];
    for (int j = p.first[i]; j < at; ++j) row[j] = zero;
    const T* from = d.M.data() + d.plan.row_at[dof];
    for (int j = begin; j <= dof; ++j) row[at + j - begin] = from[j];
  }
}

// H <- L (unit, below the diagonal); inverse_diagonal = 1 / D. A pivot lost to rounding is lifted to a tiny number.
template <class T>
BATON_HD void factor_envelope(ConstraintData<T>& e, const Problem& p) {
  using S = scalar_t<T>;
  if (is_dense(p)) {
    with_size(p.ndof, [&](auto n) { factor_ldlt<n>(e.H.data(), e.inverse_diagonal.data(), T(S(kTiny))); });
    return;
  }
  for (int i = 0; i < p.ndof; ++i) {
    T* row = e.H.data() + p.row_at[i];
    const int first = p.first[i];
    T pivot = row[i];
    for (int j = first; j < i; ++j) {
      const T* other = e.H.data() + p.row_at[j];
      T sum = row[j];
      for (int k = first > p.first[j] ? first : p.first[j]; k < j; ++k) sum -= row[k] * other[k];
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

// y[ndof] <- H^-1 y.
template <class T>
BATON_HD void solve_envelope(const ConstraintData<T>& e, const Problem& p, T* y) {
  if (is_dense(p)) {
    with_size(p.ndof, [&](auto n) { solve_ldlt<n>(e.H.data(), e.inverse_diagonal.data(), y); });
    return;
  }
  for (int i = 0; i < p.ndof; ++i) {
    const T* row = e.H.data() + p.row_at[i];
    T sum = y[i];
    for (int j = p.first[i]; j < i; ++j) sum -= row[j] * y[j];
    y[i] = sum;
  }
  for (int i = 0; i < p.ndof; ++i) y[i] *= e.inverse_diagonal[i];
  for (int i = p.ndof - 1; i >= 0; --i) {
    const T* row = e.H.data() + p.row_at[i];
    for (int j = p.first[i]; j < i; ++j) y[j] -= row[j] * y[i];
  }
}

}  // namespace baton::sim
