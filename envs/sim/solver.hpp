#pragma once
// The acceleration under constraints. Needs smooth(), make_constraints(), qacc_warmstart.
//
//   qacc = argmin_a  1/2 (a - a0)' M (a - a0) + sum_i s_i((J a - aref)_i),      a0 = qacc_smooth
//   s_i(z) = D z^2 / 2                                          equalities
//            D z^2 / 2 while D |z| < floss, then |z| floss - floss^2 / (2 D)    friction loss
//            D min(z, 0)^2 / 2                                  limits, contacts
//            the squared distance from the cone                 contacts with elliptic cones, in elliptic.hpp
//
// The optimum is unique. The rows fall into problems (partition.hpp): small clusters have a closed form (small.hpp), a
// tree at its limits another (limits.hpp), the others Newton's method: H = M + J' D J over the rows in their quadratic
// zone (and the cones' second derivatives), H p = -gradient by an envelope LDL', exact line search along p. It starts
// at qacc_warmstart; a lane stops when its full step changes no row's zone (the optimum of a quadratic) or when
// gradient or expected improvement, scaled by 1 / (mean_inertia nv), fall below the tolerance; then it is frozen while
// the others go on. Writes qacc, qfrc_constraint = M (qacc - qacc_smooth), efc.force, efc.jar. MuJoCo, Computation,
// "Solver: Newton".
#include <limits>

#include "envs/sim/constraint.hpp"
#include "envs/sim/elliptic.hpp"
#include "envs/sim/envelope.hpp"
#include "envs/sim/inertia.hpp"
#include "envs/sim/limits.hpp"
#include "envs/sim/small.hpp"

namespace baton::sim {

struct SolverReport {
  int iterations = 0;   // Newton steps of the slowest lane of the slowest problem
  int line_search = 0;  // evaluations beyond the first, over all steps
};

namespace detail {

// f(row) for every row of blocks[begin, end).
template <class T, class F>
BATON_INLINE void for_rows(const ConstraintData<T>& e, const Problem& p, int begin, int end, const F& f) {
  for (int n = begin; n < end; ++n) {
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    for (int row = block.row_begin, last = row + block.row_count; row < last; ++row) f(row);
  }
}

// Gradient's constraint part: force[row] = -s'(jar).
template <class T>
BATON_INLINE void row_forces(ConstraintData<T>& e, const Problem& p) {
  const T zero(scalar_t<T>(0));
  for_rows(e, p, p.begin, p.friction, [&](int i) BATON_INLINE_LAMBDA { e.force[i] = -e.D[i] * e.jar[i]; });
  for_rows(e, p, p.friction, p.one_sided, [&](int i) BATON_INLINE_LAMBDA {
    e.force[i] = clamp(-e.D[i] * e.jar[i], T(-e.floss[i]), T(e.floss[i]));
  });
  for_rows(e, p, p.one_sided, p.cone,
           [&](int i) BATON_INLINE_LAMBDA { e.force[i] = -e.D[i] * min(e.jar[i], zero); });
  if (p.cone < p.end) cone_forces(e, p);
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
template <int kBases, DofRun kRun, class T>
BATON_HD inline void add_arrow(ConstraintData<T>& e, const Problem& p, const ConstraintBlock& block,
                               const T& corner, const T* cross, const T* diag) {
  const int count = kRun == DofRun::kSix ? 6 : block.dof_count;
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  const int first = p.local[dof[0]];
  int* column = e.columns.data();
  for (int i = 0; i < count; ++i) {
    if constexpr (kRun == DofRun::kScattered) column[i] = p.local[dof[i]];
    T image[kBases];
    image[0] = corner * jac[i];
    repeat<1, kBases>([&](auto b) BATON_INLINE_LAMBDA {
      image[0] += cross[b] * jac[b * count + i];
      image[b] = cross[b] * jac[i] + diag[b] * jac[b * count + i];
    });
    T* row = e.H.data() + p.row_at[kRun == DofRun::kScattered ? column[i] : first + i];
    for (int j = 0; j <= i; ++j) {
      T& to = row[kRun == DofRun::kScattered ? column[j] : first + j];
      T sum = to;
      repeat<0, kBases>([&](auto b) BATON_INLINE_LAMBDA { sum += jac[b * count + j] * image[b]; });
      to = sum;
    }
  }
}

// H += J' D J.
template <class T>
BATON_HD inline void add_curvature(ConstraintData<T>& e, const Problem& p) {
  using S = scalar_t<T>;
  for (int n = p.begin; n < p.end; ++n) {
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    if (is_plain(block)) {
      n < p.friction ? add_plain_curvature(e, p, block) : add_cone_curvature(e, p, block);
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
        add_arrow<1, DofRun::kScattered>(e, p, block, corner, cross, diag);
        break;
      case 3:
        with_run(block.run,
                 [&](auto run) BATON_INLINE_LAMBDA { add_arrow<3, run>(e, p, block, corner, cross, diag); });
        break;
      case 4:
        add_arrow<4, DofRun::kScattered>(e, p, block, corner, cross, diag);
        break;
      default:
        add_arrow<kMaxBases, DofRun::kScattered>(e, p, block, corner, cross, diag);
    }
  }
}

// Lanes in which no row is in another zone at jar + jp than at jar, so that the cost is one quadratic between them.
template <class T>
BATON_INLINE mask_t<T> zones_kept(const ConstraintData<T>& e, const Problem& p) {
  const T zero(scalar_t<T>(0));
  T moved = zero;
  for_rows(e, p, p.friction, p.one_sided, [&](int i) BATON_INLINE_LAMBDA {
    const T floss(e.floss[i]), before = clamp(e.D[i] * e.jar[i], -floss, floss);
    const T after = clamp(e.D[i] * (e.jar[i] + e.jp[i]), -floss, floss);
    const mask_t<T> inside = abs(before) < floss && abs(after) < floss;
    moved += select(inside, zero, abs(after - before));
  });
  for_rows(e, p, p.one_sided, p.cone, [&](int i) BATON_INLINE_LAMBDA {
    const T after = e.jar[i] + e.jp[i];
    moved += abs(select(after < zero, e.D[i], zero) - select(e.jar[i] < zero, e.D[i], zero));
  });
  const mask_t<T> kept = moved == zero;
  return p.cone < p.end ? kept && cones_kept(e, p) : kept;
}

template <class T>
struct LinePoint {
  T slope, curve;  // derivatives of the cost along p
};

// Along x + alpha p: slope0, curve0 are the quadratic part's derivatives at alpha = 0.
template <class T>
BATON_INLINE LinePoint<T> line_point(const ConstraintData<T>& e, const Problem& p, const T& alpha,
                                     const T& slope0, const T& curve0) {
  const T zero(scalar_t<T>(0));
  T slope = slope0 + alpha * curve0, curve = curve0;
  for_rows(e, p, p.friction, p.one_sided, [&](int i) BATON_INLINE_LAMBDA {
    const T floss(e.floss[i]), f = clamp(e.D[i] * (e.jar[i] + alpha * e.jp[i]), -floss, floss);
    slope += f * e.jp[i];
    curve += select(abs(f) < floss, e.D[i] * e.jp[i] * e.jp[i], zero);
  });
  for_rows(e, p, p.one_sided, p.cone, [&](int i) BATON_INLINE_LAMBDA {
    const T z = min(e.jar[i] + alpha * e.jp[i], zero), t = e.D[i] * e.jp[i];
    slope += t * z;
    curve += select(z < zero, t * e.jp[i], zero);
  });
  if (p.cone < p.end) cone_line(e, p, alpha, slope, curve);
  return {slope, curve};
}

template <class T>
BATON_INLINE T dot_dofs(const Problem& p, const T* a, const T* b) {
  T sum = T(scalar_t<T>(0));
  for (int i = 0; i < p.ndof; ++i) sum += a[p.dof[i]] * b[p.dof[i]];
  return sum;
}

// x, mx, jar at qacc_warmstart in the lanes of lanes_of(dof), at qacc_smooth in the others.
template <class T, class L>
BATON_HD inline void start_solver(const Model<scalar_t<T>>& m, Data<T>& d, const Problem& p,
                                  const L& lanes_of) {
  auto& e = d.efc;
  const T zero(scalar_t<T>(0));
  for (int k = 0; k < p.ndof; ++k) {
    const int i = p.dof[k];
    const mask_t<T> mine = lanes_of(i);
    e.p[i] = select(mine, d.qacc_warmstart[i], d.qacc_smooth[i]);
    e.x[i] = select(mine, d.qacc_warmstart[i] - d.qacc_smooth[i], zero);
  }
  mul_m(m, d, p.dof, p.ndof, e.x.data(), e.mx.data());
  mul_jac(e, p, e.p.data(), e.jar.data());
  for_rows(e, p, p.begin, p.end, [&](int i) BATON_INLINE_LAMBDA { e.jar[i] -= e.aref[i]; });
}

// p = -H^-1 grad, mp = M p, jp = J p.
template <class T>
BATON_HD inline void newton_direction(const Model<scalar_t<T>>& m, Data<T>& d, const Problem& p) {
  auto& e = d.efc;
  load_inertia(m, d, e, p);
  add_curvature(e, p);
  factor_envelope(e, p);
  T* y = d.scratch.data();
  for (int i = 0; i < p.ndof; ++i) y[i] = -e.grad[p.dof[i]];
  solve_envelope(e, p, y);
  for (int i = 0; i < p.ndof; ++i) e.p[p.dof[i]] = y[i];
  mul_m(m, d, p.dof, p.ndof, e.p.data(), e.mp.data());
  mul_jac(e, p, e.p.data(), e.jp.data());
}

// Step along p at which the cost's slope is at most ls_tolerance of the slope at 0: Newton on the slope, which grows
// with alpha, kept inside the interval where it changes sign. Lanes outside `search` take the full step.
template <class T>
BATON_HD inline T line_search(const Model<scalar_t<T>>& m, const ConstraintData<T>& e, const Problem& p,
                              const T& descent, mask_t<T> search, SolverReport& report) {
  using S = scalar_t<T>;
  const T zero(S(0)), one(S(1)), huge(std::numeric_limits<S>::max());
  T slope0 = dot_dofs(p, e.p.data(), e.mx.data()), curve0 = dot_dofs(p, e.p.data(), e.mp.data());
  for_rows(e, p, p.begin, p.friction, [&](int i) BATON_INLINE_LAMBDA {
    slope0 += e.D[i] * e.jar[i] * e.jp[i];
    curve0 += e.D[i] * e.jp[i] * e.jp[i];
  });
  T alpha = one, low = zero, high = huge;
  LinePoint<T> point = line_point(e, p, alpha, slope0, curve0);
  const T enough = abs(descent) * T(m.option.ls_tolerance);
  search = search && abs(point.slope) > enough;
  for (int k = 0; k < m.option.ls_iterations && any(search); ++k, ++report.line_search) {
    const mask_t<T> beyond = point.slope > zero;
    low = select(beyond, low, alpha);
    high = select(beyond, alpha, high);
    const T inside = select(high < huge, T(S(0.5)) * (low + high), alpha + alpha);
    const T newton = alpha - point.slope / point.curve;
    const T next = select(newton > low && newton < high, newton, inside);
    search = search && next > low && next < high;  // rounding leaves nothing between
    alpha = select(search, next, alpha);
    point = line_point(e, p, alpha, slope0, curve0);
    search = search && abs(point.slope) > enough;
  }
  return alpha;
}

// Newton's method in the lanes of `live`, where the dofs of lanes_of(dof) take part; writes their qacc and
// qfrc_constraint.
template <class T, class L>
BATON_HD void solve_problem(const Model<scalar_t<T>>& m, Data<T>& d, const Problem& p, mask_t<T> live,
                            const L& lanes_of, SolverReport& report) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const T scale(S(1) / (m.mean_inertia * static_cast<S>(m.nv)));
  // A float gradient is a difference of forces: below this it is their rounding.
  const S floor = std::is_same_v<S, float> ? S(1e-6) : S(0);
  const T small(std::max(m.option.tolerance, floor)), least(m.option.tolerance);
  start_solver(m, d, p, lanes_of);
  int iterations = 0;
  while (iterations < m.option.iterations) {
    row_forces(e, p);
    for (int i = 0; i < p.ndof; ++i) e.grad[p.dof[i]] = e.mx[p.dof[i]];
    add_jac_transpose(e, p, e.force.data(), S(-1), e.grad.data());
    live = live && scale * sqrt(dot_dofs(p, e.grad.data(), e.grad.data())) >= small;
    if (!any(live)) break;
    newton_direction(m, d, p);
    ++iterations;
    const mask_t<T> search = live && !zones_kept(e, p);
    T alpha(S(1)), descent(S(0));
    if (any(search)) {
      descent = dot_dofs(p, e.grad.data(), e.p.data());
      alpha = line_search(m, e, p, descent, search, report);
    }
    for (int k = 0; k < p.ndof; ++k) {
      const int i = p.dof[k];
      e.x[i] = select(live, e.x[i] + alpha * e.p[i], e.x[i]);
      e.mx[i] = select(live, e.mx[i] + alpha * e.mp[i], e.mx[i]);
    }
    for_rows(e, p, p.begin, p.end, [&](int i) BATON_INLINE_LAMBDA {
      e.jar[i] = select(live, e.jar[i] + alpha * e.jp[i], e.jar[i]);
    });
    live = search && scale * T(S(-0.5)) * alpha * descent >= least;
    if (!any(live)) break;
  }
  report.iterations = std::max(report.iterations, iterations);
  for (int k = 0; k < p.ndof; ++k) {
    const int i = p.dof[k];
    const mask_t<T> mine = lanes_of(i);
    d.qacc[i] = select(mine, d.qacc_smooth[i] + e.x[i], d.qacc[i]);
    d.qfrc_constraint[i] = select(mine, e.mx[i], d.qfrc_constraint[i]);
  }
}

// A cluster by itself in the lanes of `mine`: those at plain limits in closed form, the others by Newton's method.
template <class T>
BATON_HD void solve_cluster(const Model<scalar_t<T>>& m, Data<T>& d, bool plain_limits, const Problem& p,
                            mask_t<T> mine, SolverReport& report) {
  TreeLimits<T> limits;
  if (plain_limits) limits.solve(m, d, p, mine);
  const mask_t<T> rest = mine && !limits.settled();
  if (any(rest)) {
    solve_problem(
        m, d, p, rest, [&](int) { return rest; }, report);
    row_forces(d.efc, p);
  }
  if (any(limits.settled())) limits.write(d, p, !any(rest));
}

// The clusters that are joined in some lane, all together; of these a lane has its own joined ones in it.
template <class T>
BATON_HD void solve_joint(const Model<scalar_t<T>>& m, Data<T>& d, SolverReport& report) {
  auto& e = d.efc;
  const T zero(scalar_t<T>(0));
  const Problem p = joint_problem(m, d.plan.trees, e);
  mask_t<T> mine(false);
  for (const T& joined : e.joined) mine = mine || joined > zero;
  const auto lanes_of = [&](int i) BATON_INLINE_LAMBDA { return e.joined[e.dof_cluster[i]] > zero; };
  for (int n = p.begin; n < p.end; ++n) {
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    for_rows(e, p, n, n + 1, [&](int row) BATON_INLINE_LAMBDA {
      e.held_D[row] = e.D[row];  // a block that couples two clusters exists in lanes that are joined only
      e.D[row] = select(lanes_of(e.dof_index[block.dof_begin]), e.D[row], zero);
    });
  }
  solve_problem(m, d, p, mine, lanes_of, report);
  for_rows(e, p, p.begin, p.end, [&](int i) BATON_INLINE_LAMBDA { e.D[i] = e.held_D[i]; });
  mul_jac(e, p, d.qacc.data(), e.jar.data());
  for_rows(e, p, p.begin, p.end, [&](int i) BATON_INLINE_LAMBDA { e.jar[i] -= e.aref[i]; });
  row_forces(e, p);
}

}  // namespace detail

template <class T>
BATON_HD SolverReport solve_constraints(const Model<scalar_t<T>>& m, Data<T>& d) {
  auto& e = d.efc;
  SolverReport report;
  const T zero(scalar_t<T>(0));
  for (const int i : d.rest.awake().dofs) d.qacc[i] = d.qacc_smooth[i], d.qfrc_constraint[i] = zero;
  if (e.nrow == 0) return report;
  partition_rows(e);
  mask_t<T> joined(false);
  for (const int c : d.rest.awake().clusters) {
    if (const BlockKinds& kinds = e.apart_kinds[c]; kinds.begin < kinds.end) {
      if (e.clusters[c].small) {
        solve_small_cluster(d, c);
      } else if (const mask_t<T> mine = e.touched[c] > zero && !(e.joined[c] > zero); any(mine)) {
        detail::solve_cluster(m, d, e.clusters[c].plain_limits, apart_problem(e, c), mine, report);
      }
    }
    joined = joined || e.joined[c] > zero;
  }
  if (any(joined)) detail::solve_joint(m, d, report);
  return report;
}

}  // namespace baton::sim
