#pragma once
// What the constraints of every kind share: impedance, opening a block, D and reference acceleration of its rows.
// MuJoCo, Computation, "Solver parameters".
#include "envs/sim/data.hpp"

namespace baton::sim {

namespace detail {

// Impedance at the violation r: from dmin at 0 to dmax at the width, along a power curve with a midpoint.
template <class T>
BATON_INLINE T impedance(const Compliance<scalar_t<T>>& c, const T& r) {
  if (c.inv_width == 0) return T(c.dmin);
  const T one(scalar_t<T>(1)), x = min(abs(r) * T(c.inv_width), one);
  if (c.power == 1) return T(c.dmin) + x * T(c.dmax - c.dmin);
  const T low = T(c.rise) * power(x, c.power), high = one - T(c.fall) * power(one - x, c.power);
  return T(c.dmin) + select(x <= T(c.midpoint), low, high) * T(c.dmax - c.dmin);
}

// Opens a block; the caller fills dof_index and jac at the places it names.
template <class T>
BATON_INLINE ConstraintBlock& add_block(ConstraintData<T>& e, int dofs, int bases, int rows, int contact) {
  ConstraintBlock& block = e.blocks[e.nblock];
  e.block_contact[e.nblock++] = contact;
  block = {e.ndof, dofs, e.njac, e.nbase, bases, e.nrow, rows};
  e.ndof += dofs;
  e.njac += dofs * bases;
  e.nbase += bases;
  e.nrow += rows;
  return block;
}

// D and the position part of aref of a block's rows; finish_reference() adds the velocity part.
template <class T>
BATON_INLINE void set_rows(ConstraintData<T>& e, const ConstraintBlock& block,
                           const Compliance<scalar_t<T>>& soft, scalar_t<T> diag, scalar_t<T> scale,
                           mask_t<T> active, T r, scalar_t<T> floss = 0) {
  using S = scalar_t<T>;
  const T zero(S(0)), one(S(1));
  r = select(active, r, zero);
  const T imp = impedance(soft, r);
  const T D = select(active, imp / max(T(scale * S(kTiny)), T(scale * diag) * (one - imp)), zero);
  const T aref = T(-soft.k) * imp * r;
  for (int row = block.row_begin; row < block.row_begin + block.row_count; ++row) {
    e.D[row] = D;
    e.aref[row] = aref;
    e.damp[row] = soft.b;
    e.floss[row] = floss;
  }
}

// Says which clusters the block, whose dofs are there, has rows in: a cluster takes part in a lane's problem only when
// that lane has a row on it, and a small one leaves its closed form where a contact or weld touches it.
template <class T>
BATON_INLINE void touch_clusters(ConstraintData<T>& e, const ConstraintBlock& block, mask_t<T> active) {
  const T on = select(active, T(1), T(0));
  const int front = e.dof_cluster[e.dof_index[block.dof_begin]];
  const int back = e.dof_cluster[e.dof_index[block.dof_begin + block.dof_count - 1]];
  e.touched[front] = max(e.touched[front], on);
  if (back != front) e.touched[back] = max(e.touched[back], on);
  if (back != front || (e.clusters[front].small && e.block_contact[e.nblock - 1] >= 0)) {
    e.joined[front] = max(e.joined[front], on);
    e.joined[back] = max(e.joined[back], on);
  }
}

}  // namespace detail

}  // namespace baton::sim
