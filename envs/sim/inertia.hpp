#pragma once
// Joint-space inertia by the composite rigid body algorithm, and its factorisation. Needs kinematics().
//
//   M[i][j] = cdof[j]' crb(body of i) cdof[i] + armature[i] [i == j]        for j = i and i's ancestors
//   M = L' D L, L unit lower triangular with M's sparsity (no fill: elimination runs from the leaves)
//
// Featherstone, Rigid Body Dynamics Algorithms, ch. 6 (CRBA) and 6.5 (LTDL). Only the lower triangle at ancestor
// pairs is written; the rest of M and LD stays zero. M of lone bodies is a constant (plan.hpp).
#include "envs/sim/data.hpp"
#include "envs/sim/dense.hpp"

namespace baton::sim {

// Inertia of a body of `mass` whose centre of mass lies at `r` from the reference point, turned by R.
template <class T>
BATON_INLINE Inertia<T> spatial_inertia(const T& mass, const Spread<scalar_t<T>>& spread, const Mat3<T>& R,
                                        const Vec3<T>& r) {
  const T most(spread.most);
  const Vec3<T> u = R * cast<T>(spread.u), v = R * cast<T>(spread.v), h = r * mass;
  return {mass,
          h,
          most - u.x * u.x - v.x * v.x + h.y * r.y + h.z * r.z,
          most - u.y * u.y - v.y * v.y + h.x * r.x + h.z * r.z,
          most - u.z * u.z - v.z * v.z + h.x * r.x + h.y * r.y,
          -u.x * u.y - v.x * v.y - h.x * r.y,
          -u.x * u.z - v.x * v.z - h.x * r.z,
          -u.y * u.z - v.y * v.z - h.y * r.z};
}

template <class T>
BATON_HD void inertia(const Model<scalar_t<T>>& m, Data<T>& d) {
  const auto& awake = d.rest.awake().links;
  for (int n = awake.size(); n-- > 0;) {
    const int k = awake[n];
    const auto& link = d.plan.links[k];
    const Vec3<T> com = d.xipos[link.body] - d.tree_origin[link.body];
    Inertia<T> all = spatial_inertia(T(link.mass), link.spread, d.xmat[link.body], com);
    d.cinert[k] = all;
    if (link.carries) all += d.crb[k];  // of what it carries, so far
    d.crb[k] = all;
    for (int i = link.dof; i < link.dof + link.dofs; ++i) {
      const Spatial<T> momentum = all * d.cdof[i];
      T* row = d.M.data() + d.plan.row_at[i];
      row[i] = dot(d.cdof[i], momentum) + T(m.dofs[i].armature);
      d.plan.for_ancestors(i, [&](int j) BATON_INLINE_LAMBDA { row[j] = dot(d.cdof[j], momentum); });
    }
    if (link.up < 0) continue;
    if (!link.last_child) all += d.crb[link.up];
    d.crb[link.up] = all;
  }
}

namespace detail {

// A tree of any size, along its ancestors: the reference for factor_ltdl(), solve_ltdl() and mul_dense(), and what
// trees of more than kMaxDense dofs take.
template <class T>
BATON_HD void factor_sparse(const Model<scalar_t<T>>& m, const DofTree& tree, T* A, T* inverse_diagonal) {
  for (int k = tree.begin + tree.count - 1; k >= tree.begin; --k) {
    T* row = A + tree.row(k);
    inverse_diagonal[k] = T(1) / row[k];
    for (int i = m.dofs[k].parent; i >= 0; i = m.dofs[i].parent) {
      const T l = row[i] * inverse_diagonal[k];
      T* ancestor = A + tree.row(i);
      for (int j = i; j >= 0; j = m.dofs[j].parent) ancestor[j] -= l * row[j];
      row[i] = l;
    }
  }
}

template <class T>
BATON_HD void solve_sparse(const Model<scalar_t<T>>& m, const DofTree& tree, const T* LD,
                           const T* inverse_diagonal, T* x) {
  const int end = tree.begin + tree.count;
  for (int i = end - 1; i >= tree.begin; --i)
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) x[j] -= LD[tree.row(i) + j] * x[i];
  for (int i = tree.begin; i < end; ++i) {
    x[i] *= inverse_diagonal[i];
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) x[i] -= LD[tree.row(i) + j] * x[j];
  }
}

template <class T>
BATON_HD void mul_sparse(const Model<scalar_t<T>>& m, const DofTree& tree, const T* M, const T* x, T* y) {
  for (int i = tree.begin; i < tree.begin + tree.count; ++i) {
    const T* row = M + tree.row(i);
    const T xi = x[i];
    T sum = row[i] * xi;
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) {
      sum += row[j] * x[j];
      y[j] += row[j] * xi;  // ancestors come first: y[j] is there
    }
    y[i] = sum;
  }
}

}  // namespace detail

// Factors A = L' D L of a whole tree, where A (as M: zero but at ancestor pairs) is overwritten by L, with D on
// the diagonal, and inverse_diagonal[nv] by 1 / D.
template <class T>
BATON_INLINE void factor_tree(const Model<scalar_t<T>>& m, const DofTree& tree, T* A, T* inverse_diagonal) {
  if (tree.count > kMaxDense) return detail::factor_sparse(m, tree, A, inverse_diagonal);
  with_size(tree.count, [&](auto n) { factor_ltdl<n>(A + tree.matrix, inverse_diagonal + tree.begin); });
}

// The same at several.
template <class T>
BATON_HD void factor_trees(const Model<scalar_t<T>>& m, const std::vector<DofTree>& trees, T* A,
                           T* inverse_diagonal) {
  for (const DofTree& tree : trees) factor_tree(m, tree, A, inverse_diagonal);
}

// x[nv] <- A^-1 x at a whole tree, from factor_trees()'s output for it.
template <class T>
BATON_INLINE void solve_tree(const Model<scalar_t<T>>& m, const DofTree& tree, const T* LD,
                             const T* inverse_diagonal, T* x) {
  if (tree.count > kMaxDense) return detail::solve_sparse(m, tree, LD, inverse_diagonal, x);
  with_size(tree.count,
            [&](auto n) { solve_ltdl<n>(LD + tree.matrix, inverse_diagonal + tree.begin, x + tree.begin); });
}

// The same at several.
template <class T>
BATON_HD void solve_trees(const Model<scalar_t<T>>& m, const std::vector<DofTree>& trees, const T* LD,
                          const T* inverse_diagonal, T* x) {
  for (const DofTree& tree : trees) solve_tree(m, tree, LD, inverse_diagonal, x);
}

// A <- M at a whole tree.
template <class T>
BATON_INLINE void copy_tree(const DofTree& tree, const T* M, T* A) {
  std::copy_n(M + tree.matrix, packed_row(tree.count), A + tree.matrix);
}

// LD, LDinv from M.
template <class T>
BATON_HD void factor(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (const DofTree& tree : d.plan.chained_trees) {
    if (d.rest.still_dof(tree.begin)) continue;
    copy_tree(tree, d.M.data(), d.LD.data());
    factor_tree(m, tree, d.LD.data(), d.LDinv.data());
  }
}

// x[nv] <- M^-1 x. Needs factor().
template <class T>
BATON_HD void solve_m(const Model<scalar_t<T>>& m, const Data<T>& d, T* x) {
  solve_trees(m, d.plan.trees, d.LD.data(), d.LDinv.data(), x);
}

// y <- M x at a whole tree. x, y [nv] must not overlap.
template <class T>
BATON_INLINE void mul_m(const Model<scalar_t<T>>& m, const Data<T>& d, const DofTree& tree, const T* x,
                        T* y) {
  if (tree.count > kMaxDense) return detail::mul_sparse(m, tree, d.M.data(), x, y);
  with_size(tree.count,
            [&](auto n) { mul_dense<n>(d.M.data() + tree.matrix, x + tree.begin, y + tree.begin); });
}

// y <- M x at dof[0 .. count), whole trees, each in order.
template <class T>
BATON_HD void mul_m(const Model<scalar_t<T>>& m, const Data<T>& d, const int* dof, int count, const T* x,
                    T* y) {
  for (int k = 0; k < count;) {
    const DofTree& tree = d.plan.trees[m.dofs[dof[k]].tree];
    mul_m(m, d, tree, x, y);
    k += tree.count;
  }
}

// y[nv] <- M x.
template <class T>
BATON_HD void mul_m(const Model<scalar_t<T>>& m, const Data<T>& d, const T* x, T* y) {
  for (const DofTree& tree : d.plan.trees) mul_m(m, d, tree, x, y);
}

}  // namespace baton::sim
