#pragma once
// The acceleration under constraints. Needs smooth(), make_constraints(), qacc_warmstart.
//
//   qacc = argmin_a  1/2 (a - a0)' M (a - a0) + sum_i s_i((J a - aref)_i),      a0 = qacc_smooth
//   s_i(z) = D z^2 / 2                                          equalities
//            D z^2 / 2 while D |z| < floss, then |z| floss - floss^2 / (2 D)    friction loss
//            D min(z, 0)^2 / 2                                  limits, contacts
//            the squared distance from the cone                 contacts with elliptic cones, in elliptic.hpp
//
// The optimum is unique. Newton's method: H = M + J' D J over the rows in their quadratic zone (and the cones' second
// derivatives), H p = -gradient by an envelope LDL' of the trees that constraints touch, exact line search along p. It
// starts
// at the better of qacc_warmstart and a0, and a lane stops when its full step changes no row's zone (the optimum of a
// quadratic) or when gradient or expected improvement, scaled by 1 / (mean_inertia nv), fall below the tolerance; then
// it is frozen while the others go on.
// Writes qacc, qfrc_constraint = M (qacc - qacc_smooth), efc.force, efc.jar. MuJoCo, Computation, "Solver: Newton".
#include <limits>

#include "envs/sim/constraint.hpp"
#include "envs/sim/elliptic.hpp"
#include "envs/sim/envelope.hpp"
#include "envs/sim/inertia.hpp"

namespace baton::sim {

struct SolverReport {
  int iterations = 0;   // Newton steps of the slowest lane
  int line_search = 0;  // evaluations beyond the first, over all steps
};

namespace detail {

// Gradient's constraint part: force[row] = -s'(jar).
template <class T>
BATON_INLINE void row_forces(ConstraintData<T>& e) {
  const T zero(scalar_t<T>(0));
  const int friction_end = e.nequality + e.nfriction;
  for (int i = 0; i < e.nequality; ++i) e.force[i] = -e.D[i] * e.jar[i];
  for (int i = e.nequality; i < friction_end; ++i)
    e.force[i] = clamp(-e.D[i] * e.jar[i], T(-e.floss[i]), T(e.floss[i]));
  for (int i = friction_end; i < e.one_sided_end; ++i) e.force[i] = -e.D[i] * min(e.jar[i], zero);
  if (e.one_sided_end < e.nrow) cone_forces(e);
}

// sum_i s_i at the residuals `jar`.
template <class T>
BATON_INLINE T row_cost(const ConstraintData<T>& e, const T* jar) {
  using S = scalar_t<T>;
  const T zero(S(0)), half(S(0.5));
  const int friction_end = e.nequality + e.nfriction;
  T cost = zero;
  for (int i = 0; i < e.nequality; ++i) cost += half * e.D[i] * jar[i] * jar[i];
  for (int i = e.nequality; i < friction_end; ++i) {
    const T floss(e.floss[i]), z = abs(jar[i]);
    cost += select(e.D[i] * z < floss, half * e.D[i] * z * z, floss * (z - half * floss / e.D[i]));
  }
  for (int i = friction_end; i < e.one_sided_end; ++i) {
    const T z = min(jar[i], zero);
    cost += half * e.D[i] * z * z;
  }
  return e.one_sided_end < e.nrow ? cost + cone_cost(e, jar) : cost;
}

// A row's D while it is in its quadratic zone, else 0.
template <class T>
BATON_INLINE T curvature(const ConstraintData<T>& e, int row, const T& jar) {
  const T zero(scalar_t<T>(0));
  if (row < e.nequality) return e.D[row];
  if (row < e.nequality + e.nfriction) return select(e.D[row] * abs(jar) < T(e.floss[row]), e.D[row], zero);
  return select(jar < zero, e.D[row], zero);
}

// H += J' W J over one block's base rows, W an arrow matrix: `corner` at the normal, `cross` beside it, `diag` below.
template <int kBases, class T>
BATON_HD inline void add_arrow(ConstraintData<T>& e, const ConstraintBlock& block, const T& corner,
                               const T* cross, const T* diag) {
  const int count = block.dof_count;
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  int* column = e.columns.data();
  for (int i = 0; i < count; ++i) {
    column[i] = e.local[dof[i]];
    T image[kBases];
    image[0] = corner * jac[i];
    for (int b = 1; b < kBases; ++b) {
      image[0] += cross[b] * jac[b * count + i];
      image[b] = cross[b] * jac[i] + diag[b] * jac[b * count + i];
    }
    T* row = e.H.data() + e.row_at[column[i]];
    for (int j = 0; j <= i; ++j) {
      T sum = row[column[j]];
      for (int b = 0; b < kBases; ++b) sum += jac[b * count + j] * image[b];
      row[column[j]] = sum;
    }
  }
}

// H += J' D J.
template <class T>
BATON_HD inline void add_curvature(ConstraintData<T>& e) {
  using S = scalar_t<T>;
  for (int n = 0; n < e.nblock; ++n) {
    const ConstraintBlock& block = e.blocks[n];
    if (is_plain(block)) {
      n < e.contact_block ? add_plain_curvature(e, block) : add_cone_curvature(e, block);
      continue;
    }
    const int bases = block.base_count, row = block.row_begin;
    // The edges' D in terms of base rows.
    T corner = T(S(0)), cross[kMaxBases], diag[kMaxBases];
    if (bases == 1) corner = curvature(e, row, e.jar[row]);
    for (int b = 1; b < bases; ++b) {
      const T plus = curvature(e, row + 2 * b - 2, e.jar[row + 2 * b - 2]);
      const T minus = curvature(e, row + 2 * b - 1, e.jar[row + 2 * b - 1]);
      const T mu(e.mu[block.base_begin + b]);
      corner += plus + minus;
      cross[b] = mu * (plus - minus);
      diag[b] = mu * mu * (plus + minus);
    }
    if (!any(corner > T(S(0)))) continue;
    switch (bases) {
      case 1:
        add_arrow<1>(e, block, corner, cross, diag);
        break;
      case 3:
        add_arrow<3>(e, block, corner, cross, diag);
        break;
      case 4:
        add_arrow<4>(e, block, corner, cross, diag);
        break;
      default:
        add_arrow<kMaxBases>(e, block, corner, cross, diag);
    }
  }
}

template <class T>
struct LinePoint {
  T slope, curve;  // derivatives of the cost along p
  T moved;         // > 0 where some row is in another zone than at the start
};

// Along x + alpha p: slope0, curve0 are the quadratic part's derivatives at alpha = 0.
template <class T>
BATON_INLINE LinePoint<T> line_point(const ConstraintData<T>& e, const T& alpha, const T& slope0,
                                     const T& curve0) {
  using S = scalar_t<T>;
  const T zero(S(0));
  T slope = slope0 + alpha * curve0, curve = curve0, moved = zero;
  const int friction_end = e.nequality + e.nfriction;
  for (int i = e.nequality; i < friction_end; ++i) {
    const T floss(e.floss[i]), z = e.jar[i] + alpha * e.jp[i], f = clamp(e.D[i] * z, -floss, floss);
    const T before = clamp(e.D[i] * e.jar[i], -floss, floss);
    const mask_t<T> inside = abs(f) < floss, was_inside = abs(before) < floss;
    slope += f * e.jp[i];
    curve += select(inside, e.D[i] * e.jp[i] * e.jp[i], zero);
    moved += select((inside && was_inside) || f == before, zero, T(S(1)));
  }
  for (int i = friction_end; i < e.one_sided_end; ++i) {
    const T z = min(e.jar[i] + alpha * e.jp[i], zero), t = e.D[i] * e.jp[i];
    slope += t * z;
    curve += select(z < zero, t * e.jp[i], zero);
    moved += abs(select(z < zero, e.D[i], zero) - select(e.jar[i] < zero, e.D[i], zero));
  }
  if (e.one_sided_end < e.nrow) cone_line(e, alpha, slope, curve, moved);
  return {slope, curve, moved};
}

template <class T>
BATON_INLINE T dot_dofs(int n, const T* a, const T* b) {
  T sum = T(scalar_t<T>(0));
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// x, mx, jar at the better of qacc_warmstart and qacc_smooth; dofs of trees that have no row in a lane stay smooth.
template <class T>
BATON_HD inline void start_solver(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const T zero(S(0));
  mul_jac(e, d.qacc_smooth.data(), e.jar.data());
  for (int i = 0; i < e.nrow; ++i) e.jar[i] -= e.aref[i];
  for (int i = 0; i < m.nv; ++i) {
    e.p[i] = zero;
    e.x[i] = select(e.tree_on[m.dofs[i].tree] > zero, d.qacc_warmstart[i] - d.qacc_smooth[i], zero);
  }
  mul_m(m, d, e.x.data(), e.mx.data());
  mul_jac(e, e.x.data(), e.jp.data());
  for (int i = 0; i < e.nrow; ++i) e.jp[i] += e.jar[i];
  const T warm = T(S(0.5)) * dot_dofs(m.nv, e.x.data(), e.mx.data()) + row_cost(e, e.jp.data());
  const mask_t<T> better = warm < row_cost(e, e.jar.data());
  for (int i = 0; i < m.nv; ++i) {
    e.x[i] = select(better, e.x[i], zero);
    e.mx[i] = select(better, e.mx[i], zero);
  }
  for (int i = 0; i < e.nrow; ++i) e.jar[i] = select(better, e.jp[i], e.jar[i]);
}

// p = -H^-1 grad, mp = M p, jp = J p.
template <class T>
BATON_HD inline void newton_direction(const Model<scalar_t<T>>& m, Data<T>& d) {
  auto& e = d.efc;
  load_inertia(m, d, e);
  add_curvature(e);
  factor_envelope(e);
  T* y = d.scratch.data();
  for (int i = 0; i < e.nlocal; ++i) y[i] = -e.grad[e.local_dof[i]];
  solve_envelope(e, y);
  for (int i = 0; i < e.nlocal; ++i) e.p[e.local_dof[i]] = y[i];
  mul_m(m, d, e.p.data(), e.mp.data());
  mul_jac(e, e.p.data(), e.jp.data());
}

// Step along p at which the cost's slope is at most ls_tolerance of the slope at 0: Newton on the slope, which grows
// with alpha, kept inside the interval where it changes sign. The full step is taken where it changes no zone, and
// `settled` says where.
template <class T>
BATON_HD inline T line_search(const Model<scalar_t<T>>& m, const ConstraintData<T>& e, const T& descent,
                              mask_t<T> live, mask_t<T>& settled, SolverReport& report) {
  using S = scalar_t<T>;
  const T zero(S(0)), one(S(1)), huge(std::numeric_limits<S>::max());
  T slope0 = dot_dofs(m.nv, e.p.data(), e.mx.data()), curve0 = dot_dofs(m.nv, e.p.data(), e.mp.data());
  for (int i = 0; i < e.nequality; ++i) {
    slope0 += e.D[i] * e.jar[i] * e.jp[i];
    curve0 += e.D[i] * e.jp[i] * e.jp[i];
  }
  T alpha = one, low = zero, high = huge;
  LinePoint<T> point = line_point(e, alpha, slope0, curve0);
  settled = !(point.moved > zero);
  const T enough = abs(descent) * T(m.option.ls_tolerance);
  mask_t<T> search = live && !settled && abs(point.slope) > enough;
  for (int k = 0; k < m.option.ls_iterations && any(search); ++k, ++report.line_search) {
    const mask_t<T> beyond = point.slope > zero;
    low = select(beyond, low, alpha);
    high = select(beyond, alpha, high);
    const T inside = select(high < huge, T(S(0.5)) * (low + high), alpha + alpha);
    const T newton = alpha - point.slope / point.curve;
    const T next = select(newton > low && newton < high, newton, inside);
    search = search && next > low && next < high;  // rounding leaves nothing between
    alpha = select(search, next, alpha);
    point = line_point(e, alpha, slope0, curve0);
    search = search && abs(point.slope) > enough;
  }
  return alpha;
}

}  // namespace detail

template <class T>
BATON_HD SolverReport solve_constraints(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  SolverReport report;
  const T zero(S(0));
  if (e.nrow == 0) {
    for (int i = 0; i < m.nv; ++i) d.qacc[i] = d.qacc_smooth[i], d.qfrc_constraint[i] = zero;
    return report;
  }
  build_envelope(m, e);
  detail::start_solver(m, d);
  const T scale(S(1) / (m.mean_inertia * static_cast<S>(m.nv)));
  // A float gradient is a difference of forces: below this it is their rounding.
  const S floor = std::is_same_v<S, float> ? S(1e-6) : S(0);
  const T small(std::max(m.option.tolerance, floor)), least(m.option.tolerance);
  mask_t<T> live(true);
  for (; report.iterations < m.option.iterations; ++report.iterations) {
    detail::row_forces(e);
    for (int i = 0; i < m.nv; ++i) e.grad[i] = e.mx[i];
    add_jac_transpose(e, e.force.data(), S(-1), e.grad.data());
    live = live && scale * sqrt(detail::dot_dofs(m.nv, e.grad.data(), e.grad.data())) >= small;
    if (!any(live)) break;
    detail::newton_direction(m, d);
    const T descent = detail::dot_dofs(m.nv, e.grad.data(), e.p.data());
    mask_t<T> settled;
    const T alpha = detail::line_search(m, e, descent, live, settled, report);
    for (int i = 0; i < m.nv; ++i) {
      e.x[i] = select(live, e.x[i] + alpha * e.p[i], e.x[i]);
      e.mx[i] = select(live, e.mx[i] + alpha * e.mp[i], e.mx[i]);
    }
    for (int i = 0; i < e.nrow; ++i) e.jar[i] = select(live, e.jar[i] + alpha * e.jp[i], e.jar[i]);
    live = live && !settled && scale * T(S(-0.5)) * alpha * descent >= least;
    if (!any(live)) {
      ++report.iterations;
      break;
    }
  }
  detail::row_forces(e);
  for (int i = 0; i < m.nv; ++i) {
    d.qacc[i] = d.qacc_smooth[i] + e.x[i];
    d.qfrc_constraint[i] = e.mx[i];
  }
  return report;
}

}  // namespace baton::sim
