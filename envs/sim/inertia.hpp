#pragma once
// Joint-space inertia by the composite rigid body algorithm, and its factorisation. Needs kinematics().
//
//   M[i][j] = cdof[j]' crb(body of i) cdof[i] + armature[i] [i == j]        for j = i and i's ancestors
//   M = L' D L, L unit lower triangular with M's sparsity (no fill: elimination runs from the leaves)
//
// Featherstone, Rigid Body Dynamics Algorithms, ch. 6 (CRBA) and 6.5 (LTDL). Only the lower triangle at ancestor
// pairs is written; the rest of M and LD stays zero. M of lone bodies is a constant (plan.hpp).
#include "envs/sim/data.hpp"

namespace baton::sim {

// Inertia of a body of `mass` whose centre of mass lies at `r` from the reference point, with principal moments
// `moments` along the columns of `axes`.
template <class T>
BATON_INLINE Inertia<T> spatial_inertia(const T& mass, const Vec3<T>& moments, const Mat3<T>& axes,
                                        const Vec3<T>& r) {
  auto about_com = [&](int i, int j) {
    return axes(i, 0) * moments.x * axes(j, 0) + axes(i, 1) * moments.y * axes(j, 1) +
           axes(i, 2) * moments.z * axes(j, 2);
  };
  const Vec3<T> h = r * mass;
  return {mass,
          h,
          about_com(0, 0) + h.y * r.y + h.z * r.z,
          about_com(1, 1) + h.x * r.x + h.z * r.z,
          about_com(2, 2) + h.x * r.x + h.y * r.y,
          about_com(0, 1) - h.x * r.y,
          about_com(0, 2) - h.x * r.z,
          about_com(1, 2) - h.y * r.z};
}

template <class T>
BATON_HD void inertia(const Model<scalar_t<T>>& m, Data<T>& d) {
  const auto& chained = d.plan.chained;
  for (int b : chained) {
    const auto& body = m.bodies[b];
    const Mat3<T> axes = d.plan.plain_inertia[b] ? d.xmat[b] : rotation(d.xquat[b] * cast<T>(body.iquat));
    d.cinert[b] = spatial_inertia(T(body.mass), cast<T>(body.inertia), axes, d.xipos[b] - d.tree_origin[b]);
    d.crb[b] = d.cinert[b];
  }
  for (auto b = chained.rbegin(); b != chained.rend(); ++b) {
    const int parent = m.bodies[*b].parent;
    if (m.bodies[parent].weld != 0) d.crb[parent] += d.crb[*b];
  }
  for (int i : d.plan.chained_dofs) {
    const Spatial<T> momentum = d.crb[m.dofs[i].body] * d.cdof[i];
    T* row = &d.M[static_cast<std::size_t>(i) * static_cast<std::size_t>(m.nv)];
    row[i] = dot(d.cdof[i], momentum) + T(m.dofs[i].armature);
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) row[j] = dot(d.cdof[j], momentum);
  }
}

// Factors A = L' D L at `dofs` (whole trees, parents first), where A ([nv * nv], lower triangle at ancestor pairs) is
// overwritten by L, with D on the diagonal, and inverse_diagonal[nv] by 1 / D.
template <class T>
BATON_HD void factor_tree(const Model<scalar_t<T>>& m, const std::vector<int>& dofs, T* A,
                          T* inverse_diagonal) {
  const int nv = m.nv;
  for (auto at = dofs.rbegin(); at != dofs.rend(); ++at) {
    const int k = *at;
    T* row = A + static_cast<std::size_t>(k) * nv;
    inverse_diagonal[k] = T(1) / row[k];
    for (int i = m.dofs[k].parent; i >= 0; i = m.dofs[i].parent) {
      const T l = row[i] * inverse_diagonal[k];
      T* ancestor = A + static_cast<std::size_t>(i) * nv;
      for (int j = i; j >= 0; j = m.dofs[j].parent) ancestor[j] -= l * row[j];
      row[i] = l;
    }
  }
}

// x[nv] <- A^-1 x at `dofs`, from factor_tree's output for them.
template <class T>
BATON_HD void solve_tree(const Model<scalar_t<T>>& m, const std::vector<int>& dofs, const T* LD,
                         const T* inverse_diagonal, T* x) {
  const int nv = m.nv;
  for (auto i = dofs.rbegin(); i != dofs.rend(); ++i)
    for (int j = m.dofs[*i].parent; j >= 0; j = m.dofs[j].parent)
      x[j] -= LD[static_cast<std::size_t>(*i) * nv + j] * x[*i];
  for (int i : dofs) {
    x[i] *= inverse_diagonal[i];
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent)
      x[i] -= LD[static_cast<std::size_t>(i) * nv + j] * x[j];
  }
}

// LD, LDinv from M.
template <class T>
BATON_HD void factor(const Model<scalar_t<T>>& m, Data<T>& d) {
  for (int i : d.plan.chained_dofs)
    for (int j = i; j >= 0; j = m.dofs[j].parent)
      d.LD[static_cast<std::size_t>(i) * m.nv + j] = d.M[static_cast<std::size_t>(i) * m.nv + j];
  factor_tree(m, d.plan.chained_dofs, d.LD.data(), d.LDinv.data());
}

// x[nv] <- M^-1 x. Needs factor().
template <class T>
BATON_HD void solve_m(const Model<scalar_t<T>>& m, const Data<T>& d, T* x) {
  solve_tree(m, d.plan.dofs, d.LD.data(), d.LDinv.data(), x);
}

// y <- M x at dof[0 .. count), whole trees, parents first. x, y [nv] must not overlap.
template <class T>
BATON_HD void mul_m(const Model<scalar_t<T>>& m, const Data<T>& d, const int* dof, int count, const T* x,
                    T* y) {
  const auto nv = static_cast<std::size_t>(m.nv);
  for (int k = 0; k < count; ++k) {
    const int i = dof[k];
    const T* row = &d.M[static_cast<std::size_t>(i) * nv];
    const T xi = x[i];
    T sum = row[i] * xi;
    for (int j = m.dofs[i].parent; j >= 0; j = m.dofs[j].parent) {
      sum += row[j] * x[j];
      y[j] += row[j] * xi;  // ancestors come first: y[j] is there
    }
    y[i] = sum;
  }
}

// y[nv] <- M x.
template <class T>
BATON_HD void mul_m(const Model<scalar_t<T>>& m, const Data<T>& d, const T* x, T* y) {
  mul_m(m, d, d.plan.dofs.data(), m.nv, x, y);
}

}  // namespace baton::sim
