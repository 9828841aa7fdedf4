#pragma once
// Contacts with elliptic friction cones: their part of the solver's cost (solver.hpp).
//
// A block of dimension n has one row per base: normal, tangents, spin, rolls, with residual z = J a - aref. With
// U = (mu z_0, f_1 z_1, .., f_n-1 z_n-1), N = U_0, t = (U_1, ..), T = |t|, c = D_0 / mu^2 and mu = f_1 / sqrt(impratio)
// (ConstraintData::mu holds mu, f_1, ..; rows keep D_j f_1^2 = D_1 f_j^2), the cost is c / 2 times the squared distance
// of U from the cone N >= mu T:
//
//   top     N >= mu T          0
//   bottom  mu N + T <= 0      c (N^2 + T^2) / 2
//   middle  otherwise          c (N - mu T)^2 / (2 (1 + mu^2))
//
// Without friction (n = 1: mu = 1, T = 0) that is D min(z, 0)^2 / 2. A lane without the contact has D_0 = 0: its cost,
// force and curvature are exact zeros. MuJoCo, Computation, "Friction cones" and "Primal problem".
#include "envs/sim/constraint_data.hpp"

namespace baton::sim {

// The cost of one cone at one point, by derivatives: s_N, s_T / T, and the Hessian in U,
//   d2s = nn e e' + nt (e u' + u e') + tt (I_t - u u') + uu u u',   e the normal, u = t / T.
template <class T>
struct ConePoint {
  T cost, slope_n, slope_t;  // slope_t = s_T / T
  T nn, nt, tt, uu;
  T inverse;  // 1 / T, 1 where T is 0
  T middle;   // 1 in the middle zone, else 0
  T zone;     // 0 top, 1 middle, 2 bottom
};

template <class T>
BATON_HD inline ConePoint<T> cone_point(const T& D, const T& mu, const T& N, const T& square) {
  using S = scalar_t<T>;
  const T zero(S(0)), one(S(1)), length = sqrt(square);
  const mask_t<T> real = D > zero, top = !(real && N < mu * length);
  const mask_t<T> bottom = !top && mu * N + length <= zero, middle = !top && !bottom;
  const T c = D / (mu * mu), cm = c / (one + mu * mu), gap = N - mu * length;
  ConePoint<T> p;
  p.inverse = one / select(length > zero, length, one);
  p.middle = select(middle, one, zero);
  p.zone = select(top, zero, select(bottom, T(S(2)), one));
  p.cost = T(S(0.5)) * select(bottom, c * (N * N + square), select(middle, cm * gap * gap, zero));
  p.slope_n = select(bottom, c * N, select(middle, cm * gap, zero));
  p.slope_t = select(bottom, c, select(middle, -cm * mu * gap * p.inverse, zero));
  p.nn = select(bottom, c, select(middle, cm, zero));
  p.nt = select(middle, -cm * mu, zero);
  p.tt = p.slope_t;
  p.uu = select(middle, cm * mu * mu, p.slope_t);
  return p;
}

// U at the rows' residuals z; returns T^2.
template <class T>
BATON_HD inline T cone_coordinates(const ConstraintData<T>& e, const ConstraintBlock& block, const T* z,
                                   T* U) {
  using S = scalar_t<T>;
  T square(S(0));
  for (int j = 0; j < block.base_count; ++j) {
    U[j] = T(e.mu[block.base_begin + j]) * z[block.row_begin + j];
    if (j > 0) square += U[j] * U[j];
  }
  return square;
}

template <class T>
BATON_HD inline ConePoint<T> cone_at(const ConstraintData<T>& e, const ConstraintBlock& block, const T* z,
                                     T* U) {
  const T square = cone_coordinates(e, block, z, U);
  return cone_point(e.D[block.row_begin], T(e.mu[block.base_begin]), U[0], square);
}

// force[row] = -ds/dz of a problem's cones.
template <class T>
BATON_HD inline void cone_forces(ConstraintData<T>& e, const Problem& problem) {
  T U[kMaxBases];
  for (int n = problem.cone; n < problem.end; ++n) {
    const ConstraintBlock& block = e.blocks[problem.blocks[n]];
    const ConePoint<T> p = cone_at(e, block, e.jar.data(), U);
    T* force = &e.force[block.row_begin];
    const auto* mu = &e.mu[block.base_begin];
    force[0] = -T(mu[0]) * p.slope_n;
    for (int j = 1; j < block.base_count; ++j) force[j] = -T(mu[j]) * p.slope_t * U[j];
  }
}

// Lanes in which the costs of the cones are the same quadratics at jar and at jar + jp.
template <class T>
BATON_HD inline mask_t<T> cones_kept(const ConstraintData<T>& e, const Problem& problem) {
  T U[kMaxBases], V[kMaxBases], moved(scalar_t<T>(0));
  for (int n = problem.cone; n < problem.end; ++n) {
    const ConstraintBlock& block = e.blocks[problem.blocks[n]];
    const ConePoint<T> start = cone_at(e, block, e.jar.data(), U);
    cone_coordinates(e, block, e.jp.data(), V);
    T square(scalar_t<T>(0));
    for (int j = 0; j < block.base_count; ++j) {
      U[j] += V[j];
      if (j > 0) square += U[j] * U[j];
    }
    const ConePoint<T> end = cone_point(e.D[block.row_begin], T(e.mu[block.base_begin]), U[0], square);
    moved += end.middle + abs(end.zone - start.zone);
  }
  return moved == T(scalar_t<T>(0));
}

// slope, curve += derivatives of the cones' cost along jar + alpha jp.
template <class T>
BATON_HD inline void cone_line(const ConstraintData<T>& e, const Problem& problem, const T& alpha, T& slope,
                               T& curve) {
  using S = scalar_t<T>;
  T U[kMaxBases], V[kMaxBases];
  for (int n = problem.cone; n < problem.end; ++n) {
    const ConstraintBlock& block = e.blocks[problem.blocks[n]];
    cone_coordinates(e, block, e.jar.data(), U);
    const T speed = cone_coordinates(e, block, e.jp.data(), V);
    T square(S(0)), mixed(S(0));
    for (int j = 0; j < block.base_count; ++j) {
      U[j] += alpha * V[j];
      if (j > 0) square += U[j] * U[j], mixed += U[j] * V[j];
    }
    const ConePoint<T> p = cone_point(e.D[block.row_begin], T(e.mu[block.base_begin]), U[0], square);
    const T along = mixed * p.inverse;
    slope += p.slope_n * V[0] + p.slope_t * mixed;
    curve += p.nn * V[0] * V[0] + T(S(2)) * p.nt * V[0] * along + p.tt * (speed - along * along) +
             p.uu * along * along;
  }
}

// H += J' (d2s/dz2) J of one cone.
template <class T>
BATON_HD inline void add_cone_curvature(ConstraintData<T>& e, const Problem& problem,
                                        const ConstraintBlock& block) {
  using S = scalar_t<T>;
  T U[kMaxBases], scale[kMaxBases];
  const ConePoint<T> p = cone_at(e, block, e.jar.data(), U);
  const T zero(S(0));
  if (!any(p.zone > zero)) return;
  const int count = block.dof_count, dim = block.base_count;
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  for (int b = 0; b < dim; ++b) {
    scale[b] = T(e.mu[block.base_begin + b]);
    if (b > 0) U[b] *= p.inverse;
  }
  for (int j = 0; j < count; ++j) {
    T image[kMaxBases];  // of the dof's column
    const T normal = scale[0] * jac[j];
    T along = zero;
    for (int b = 1; b < dim; ++b) {
      image[b] = scale[b] * jac[b * count + j];
      along += U[b] * image[b];
    }
    image[0] = scale[0] * (p.nn * normal + p.nt * along);
    const T turn = p.nt * normal + (p.uu - p.tt) * along;
    for (int b = 1; b < dim; ++b) image[b] = scale[b] * (p.tt * image[b] + turn * U[b]);
    const int column = problem.local[dof[j]];
    for (int i = j; i < count; ++i) {
      T sum = jac[i] * image[0];
      for (int b = 1; b < dim; ++b) sum += jac[b * count + i] * image[b];
      e.H[problem.row_at[problem.local[dof[i]]] + column] += sum;
    }
  }
}

}  // namespace baton::sim
