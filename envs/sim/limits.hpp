#pragma once
// A tree at the limits of its hinges and slides, in closed form, in the lanes where nothing else acts on it. With
// a = qacc of the dofs at limits, G = their part of M^-1, and given which rows push,
//
//   (I + G W) a = a0 + G c        W_k = sum D, c_k = sum D s aref over the rows of dof k that push, s their signs
//   f = c - W a                   their generalised force; qacc = qacc_smooth + M^-1 f
//
// a0 = qacc_smooth of these dofs. I + G W needs no pivots: its leading minors are those of I + sqrt(W) G sqrt(W).
// Which rows push is first read at qacc_warmstart, then at the last a: a lane whose a changes none is at its optimum.
// One that does not get there within a few rounds, or that has a contact, is left to Newton's method (solver.hpp). Rows
// that a lane does not have only add exact zeros. Golub, Van Loan, Matrix Computations, 2.1.4 and 3.2.
#include "envs/sim/inertia.hpp"
#include "envs/sim/partition.hpp"

namespace baton::sim {

template <class T>
class TreeLimits {
  using S = scalar_t<T>;

 public:
  // Of a cluster with Cluster::plain_limits, in `mine`. Sets settled().
  BATON_HD void solve(const Model<S>& m, const Data<T>& d, const Problem& p, mask_t<T> mine) {
    mine = mine && !gather(d, p);
    if (rows_ == 0 || !any(mine)) return;
    const DofTree& tree = d.plan.trees[m.dofs[p.dof[0]].tree];
    for (int k = 0; k < dofs_; ++k) {
      T* column = column_[k].data();
      for (int i = 0; i < tree.count; ++i) column[i] = T(S(i == dof_[k] ? 1 : 0));
      solve_tree(m, tree, d.LD.data(), d.LDinv.data(), column - tree.begin);
      smooth_[k] = d.qacc_smooth[tree.begin + dof_[k]];
      a_[k] = d.qacc_warmstart[tree.begin + dof_[k]];
    }
    for (int n = 0; n < rows_; ++n) push_[n] = T(S(0));
    read_zones(d.efc);
    mask_t<T> changed = mine;
    for (int round = 0; round < kRounds && any(changed); ++round) {
      solve_zones(d.efc);
      changed = mine && read_zones(d.efc) > T(S(0));
    }
    settled_ = mine && !changed;
  }

  // The lanes whose optimum solve() found.
  BATON_HD mask_t<T> settled() const { return settled_; }

  // qacc and qfrc_constraint in the lanes of settled(); jar and force of the limits' rows there, or in all lanes.
  BATON_HD void write(Data<T>& d, const Problem& p, bool all_rows) const {
    auto& e = d.efc;
    const int begin = p.dof[0];
    for (int i = 0; i < p.ndof; ++i) {
      T x(S(0));
      for (int k = 0; k < dofs_; ++k) x += column_[k][i] * force_[k];
      d.qacc[begin + i] = select(settled_, d.qacc_smooth[begin + i] + x, d.qacc[begin + i]);
    }
    for (int k = 0; k < dofs_; ++k) {
      T& to = d.qfrc_constraint[begin + dof_[k]];
      to = select(settled_, force_[k], to);
    }
    const mask_t<T> rows = settled_ || mask_t<T>(all_rows);
    for (int n = 0; n < rows_; ++n) {
      const int row = row_[n];
      const T jar = e.jac[jac_[n]] * a_[of_[n]] - e.aref[row];
      e.jar[row] = select(rows, jar, e.jar[row]);
      e.force[row] = select(rows, -push_[n] * jar, e.force[row]);
    }
  }

 private:
  static constexpr int kRounds = 4, kMost = kMaxDense;

  // The rows and their dofs. Returns the lanes with a contact.
  BATON_HD mask_t<T> gather(const Data<T>& d, const Problem& p) {
    const auto& e = d.efc;
    mask_t<T> contact(false);
    for (int n = p.begin; n < p.end; ++n) {
      const ConstraintBlock& block = e.blocks[p.blocks[n]];
      if (e.block_contact[p.blocks[n]] >= 0) {
        contact = contact || e.D[block.row_begin] > T(S(0));
        continue;
      }
      const int at = p.local[e.dof_index[block.dof_begin]];
      if (dofs_ == 0 || dof_[dofs_ - 1] != at) dof_[dofs_++] = at;  // a dof's rows stand together
      row_[rows_] = block.row_begin;
      jac_[rows_] = block.jac;
      of_[rows_++] = dofs_ - 1;
    }
    return contact;
  }

  // Which rows push at a: D where they do, else 0. Returns > 0 where one is another than before.
  BATON_HD T read_zones(const ConstraintData<T>& e) {
    T changed(S(0));
    for (int n = 0; n < rows_; ++n) {
      const mask_t<T> pushes = e.jac[jac_[n]] * a_[of_[n]] < e.aref[row_[n]];
      const T now = select(pushes, e.D[row_[n]], T(S(0)));
      changed += abs(now - push_[n]);
      push_[n] = now;
    }
    return changed;
  }

  // a and f with these zones.
  BATON_HD void solve_zones(const ConstraintData<T>& e) {
    std::array<std::array<T, kMost>, kMost> K;
    std::array<T, kMost> W, c;
    for (int k = 0; k < dofs_; ++k) W[k] = c[k] = T(S(0));
    for (int n = 0; n < rows_; ++n) {
      W[of_[n]] += push_[n];
      c[of_[n]] += push_[n] * e.jac[jac_[n]] * e.aref[row_[n]];
    }
    for (int i = 0; i < dofs_; ++i) {
      a_[i] = smooth_[i];
      for (int k = 0; k < dofs_; ++k) {
        const T& G = column_[k][dof_[i]];
        K[i][k] = G * W[k];
        a_[i] += G * c[k];
      }
      K[i][i] += T(S(1));
    }
    for (int k = 0; k < dofs_; ++k) {
      const T inverse = T(S(1)) / K[k][k];
      for (int i = k + 1; i < dofs_; ++i) {
        const T l = K[i][k] * inverse;
        for (int j = k + 1; j < dofs_; ++j) K[i][j] -= l * K[k][j];
        a_[i] -= l * a_[k];
      }
      K[k][k] = inverse;
    }
    for (int k = dofs_ - 1; k >= 0; --k) {
      for (int j = k + 1; j < dofs_; ++j) a_[k] -= K[k][j] * a_[j];
      a_[k] *= K[k][k];
      force_[k] = c[k] - W[k] * a_[k];
    }
  }

  int rows_ = 0, dofs_ = 0;
  mask_t<T> settled_{false};
  std::array<int, 2 * kMost> row_, jac_, of_;  // of_: into the arrays of dofs
  std::array<T, 2 * kMost> push_;
  std::array<int, kMost> dof_;  // within the tree
  std::array<T, kMost> smooth_, a_, force_;
  std::array<std::array<T, kMost>, kMost> column_;  // of M^-1
};

}  // namespace baton::sim
