#pragma once
// Small clusters (constraint_data.hpp) in closed form: one dof with friction loss and limits, or two that an equality
// J = (j_0, j_1) couples. With the zone of every row given, the optimum x solves a linear system,
//
//   (diag(A) + D j j') x = c + D aref j
//   A_k = m_k + sum D            rows of dof k in their quadratic zone, with the sign s
//   c_k = m_k a0_k + sum D s aref - sum of the friction losses at their bounds
//   x_0 = (A_1 (c_0 + D aref j_0) + D j_1 (c_0 j_1 - c_1 j_0)) / (A_0 A_1 + D (j_0^2 A_1 + j_1^2 A_0)),   x_1 alike
//
// where nothing large cancels. Zones are first those at qacc_warmstart, then those at the last x: a lane whose x keeps
// them is at its optimum, wherever they came from. A lane that does not get there within a few rounds is left to the
// joint problem (partition.hpp). Writes qacc, qfrc_constraint and, of the cluster's rows, jar and force.
#include "envs/sim/partition.hpp"

namespace baton::sim {

namespace detail {

inline constexpr int kSmallRounds = 4;

template <int kDofs, class T>
struct SmallProblem {
  using S = scalar_t<T>;
  ConstraintData<T>& e;
  const SmallRows& rows;
  T x[kDofs];
  // Of each friction loss and limit: D in the quadratic zone, else 0; the friction loss's force at its bounds.
  T friction_D[kDofs], friction_bound[kDofs], limit_D[4];

  BATON_INLINE SmallProblem(ConstraintData<T>& data, const SmallRows& its_rows) : e(data), rows(its_rows) {
    for (int k = 0; k < kDofs; ++k) friction_D[k] = friction_bound[k] = T(S(0));
    for (int n = 0; n < rows.limits; ++n) limit_D[n] = T(S(0));
  }

  // The zones at x. Returns > 0 where one is another than before.
  BATON_INLINE T read_zones() {
    const T zero(S(0));
    T changed = zero;
    const auto note = [&](T& kept, const T& now) {
      changed += abs(now - kept);
      kept = now;
    };
    for (int k = 0; k < kDofs; ++k) {
      const int row = rows.friction[k];
      if (row < 0) continue;
      const T force = e.D[row] * (x[k] - e.aref[row]), bound(e.floss[row]);
      const mask_t<T> inside = abs(force) < bound;
      note(friction_D[k], select(inside, e.D[row], zero));
      note(friction_bound[k], select(inside, zero, select(force > zero, bound, -bound)));
    }
    for (int n = 0; n < rows.limits; ++n) {
      const auto& limit = rows.limit[n];
      const mask_t<T> pushes = e.jac[limit.jac] * x[limit.dof] < e.aref[limit.row];
      note(limit_D[n], select(pushes, e.D[limit.row], zero));
    }
    return changed;
  }

  // x with these zones.
  BATON_INLINE void solve(const T (&inertia)[kDofs], const T (&smooth)[kDofs]) {
    T A[kDofs], c[kDofs];
    for (int k = 0; k < kDofs; ++k) {
      A[k] = inertia[k];
      c[k] = inertia[k] * smooth[k];
      const int row = rows.friction[k];
      if (row < 0) continue;
      A[k] += friction_D[k];
      c[k] += friction_D[k] * e.aref[row] - friction_bound[k];
    }
    for (int n = 0; n < rows.limits; ++n) {
      const auto& limit = rows.limit[n];
      A[limit.dof] += limit_D[n];
      c[limit.dof] += limit_D[n] * e.jac[limit.jac] * e.aref[limit.row];
    }
    if constexpr (kDofs == 1) {
      x[0] = c[0] / A[0];
    } else {
      const T *j = &e.jac[rows.equality_jac], D = e.D[rows.equality], aref = e.aref[rows.equality];
      const T inverse = T(S(1)) / (A[0] * A[1] + D * (j[0] * j[0] * A[1] + j[1] * j[1] * A[0]));
      const T twist = D * (c[0] * j[1] - c[1] * j[0]), push = D * aref;
      x[0] = (A[1] * (c[0] + push * j[0]) + j[1] * twist) * inverse;
      x[1] = (A[0] * (c[1] + push * j[1]) - j[0] * twist) * inverse;
    }
  }

  BATON_INLINE void write_rows() {
    for (int k = 0; k < kDofs; ++k) {
      const int row = rows.friction[k];
      if (row < 0) continue;
      e.jar[row] = x[k] - e.aref[row];
      e.force[row] = -(friction_D[k] * e.jar[row] + friction_bound[k]);
    }
    for (int n = 0; n < rows.limits; ++n) {
      const auto& limit = rows.limit[n];
      e.jar[limit.row] = e.jac[limit.jac] * x[limit.dof] - e.aref[limit.row];
      e.force[limit.row] = -limit_D[n] * e.jar[limit.row];
    }
    if constexpr (kDofs == 2) {
      const T* j = &e.jac[rows.equality_jac];
      T& jar = e.jar[rows.equality];
      jar = j[0] * x[0] + j[1] * x[1] - e.aref[rows.equality];
      e.force[rows.equality] = -e.D[rows.equality] * jar;
    }
  }
};

template <int kDofs, class T>
BATON_HD void solve_small(Data<T>& d, std::size_t cluster) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const T zero(S(0)), one(S(1));
  const int* dof = &e.apart.dof[e.clusters[cluster].dof_begin];
  SmallProblem<kDofs, T> problem{e, e.small_rows[cluster]};
  T inertia[kDofs], smooth[kDofs];
  for (int k = 0; k < kDofs; ++k) {
    inertia[k] = d.M[d.plan.row_at[dof[k]] + dof[k]];
    smooth[k] = d.qacc_smooth[dof[k]];
    problem.x[k] = d.qacc_warmstart[dof[k]];
  }
  problem.read_zones();
  T changed = zero;
  for (int round = 0; round < kSmallRounds; ++round) {
    problem.solve(inertia, smooth);
    changed = problem.read_zones();
    if (!any(changed > zero)) break;
  }
  problem.write_rows();
  const mask_t<T> touched = e.touched[cluster] > zero;
  e.joined[cluster] = max(e.joined[cluster], select(changed > zero, one, zero));
  for (int k = 0; k < kDofs; ++k) {
    d.qacc[dof[k]] = select(touched, problem.x[k], smooth[k]);
    d.qfrc_constraint[dof[k]] = select(touched, inertia[k] * (problem.x[k] - smooth[k]), zero);
  }
}

}  // namespace detail

// The cluster's part of the optimum, in the lanes in which it is not joined.
template <class T>
BATON_HD void solve_small_cluster(Data<T>& d, std::size_t cluster) {
  if (d.efc.clusters[cluster].dof_count == 1) {
    detail::solve_small<1>(d, cluster);
  } else {
    detail::solve_small<2>(d, cluster);
  }
}

}  // namespace baton::sim
