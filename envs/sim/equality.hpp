#pragma once
// Rows of connect and weld equalities, between bodies 1 and 2 (Equality::obj1, obj2; mocap bodies and the world have no
// dofs). Needs kinematics(), bias() (cdof_dot); qvel.
//
//   connect   r = p1 - p2, the anchors in the world                                          3 rows, m
//   weld      the same, then s vec(conj(q2 quat2) q1 quat1), s = torquescale                 6 rows
//   aref = -b J v - k imp(|r|) r - (dJ/dt) v,    R = (1 - imp) / imp * (sum of the bodies' mean inverse inertias)
//
// |r| is of all rows of the equality. MuJoCo, Computation, "Constraint model"; the term with dJ/dt, of these two types
// alone, as MuJoCo 4.0.0's engine computes it.
#include "envs/sim/constraint_rows.hpp"
#include "envs/sim/jacobian.hpp"

namespace baton::sim {

namespace detail {

template <class T>
BATON_HD inline Vec3<T> vector_part(const Quat<T>& q) {
  return {q.x, q.y, q.z};
}

// Velocity of a body's point and its acceleration where qacc = 0, gravity left out. Needs bias().
template <class T>
struct BodyMotion {
  Vec3<T> spin, turn, drift;  // angular velocity, angular acceleration, the point's acceleration
};

template <class T>
BATON_HD inline BodyMotion<T> body_motion(const Model<scalar_t<T>>& m, const Data<T>& d, int body,
                                          const Vec3<T>& point) {
  const Vec3<T> none{T(0), T(0), T(0)};
  Spatial<T> v{none, none}, a{none, none};
  if (const int link = d.plan.link_of[body]; link >= 0) {
    v = d.cvel[link], a = d.cacc[link];
    a.l += cast<T>(m.option.gravity);
  } else if (const int lone = m.bodies[body].last_dof; lone >= 0) {
    v = d.cdof[lone] * d.qvel[lone];
  }
  const Vec3<T> arm = point - d.tree_origin[body];
  return {v.a, a.a, a.l + cross(a.a, arm) + cross(v.a, v.l + cross(v.a, arm))};
}

// The rotation part of a weld: with A = s/2 conj(q2 quat2) and B = q1 quat1, an angular velocity w of body 1 against
// body 2 changes the residual by vec(A w B).
template <class T>
struct WeldRotation {
  Quat<T> A, B;
  Vec3<T> residual;

  BATON_HD Vec3<T> image(const Vec3<T>& w) const { return vector_part(A * Quat<T>{T(0), w.x, w.y, w.z} * B); }
  // vec(d(A w B)/dt) at constant w, for angular velocities w1, w2: dA/dt = -A w2 / 2, dB/dt = w1 B / 2.
  BATON_HD Vec3<T> drift(const Vec3<T>& w, const Vec3<T>& w1, const Vec3<T>& w2) const {
    const T half(scalar_t<T>(0.5)), zero(0);
    const Quat<T> q{zero, w.x, w.y, w.z}, q1{zero, w1.x, w1.y, w1.z}, q2{zero, w2.x, w2.y, w2.z};
    return (vector_part(A * (q * q1) * B) - vector_part(A * (q2 * q) * B)) * half;
  }
};

template <class T>
BATON_HD inline WeldRotation<T> weld_rotation(const Model<scalar_t<T>>& m, const Equality<scalar_t<T>>& eq,
                                              const Data<T>& d) {
  const T scale(eq.torquescale), half(scalar_t<T>(0.5));
  const Quat<T> one = conjugate(orientation(m, d, eq.obj2) * cast<T>(eq.quat2));
  const Quat<T> B = orientation(m, d, eq.obj1) * cast<T>(eq.quat1);
  const T s = scale * half;
  return {{one.w * s, one.x * s, one.y * s, one.z * s}, B, vector_part(one * B) * scale};
}

// jac[3 or 6][dof_count].
template <class T>
BATON_HD inline void weld_jacobian(const Model<scalar_t<T>>& m, const Data<T>& d,
                                   const ConstraintBlock& block, const std::array<scalar_t<T>, 2>* side,
                                   const Vec3<T>& p1, const Vec3<T>& p2, const WeldRotation<T>* rotation,
                                   T* jac) {
  const int n = block.dof_count;
  for (int k = 0; k < n; ++k) {
    const int i = d.efc.dof_index[block.dof_begin + k];
    const T s1(side[k][0]), s2(side[k][1]);
    const Vec3<T> v = dof_point_velocity(d, m, i, p1) * s1 - dof_point_velocity(d, m, i, p2) * s2;
    for (int r = 0; r < 3; ++r) jac[r * n + k] = v[r];
    if (rotation == nullptr) continue;
    const Vec3<T> turn = rotation->image(d.cdof[i].a * (s1 - s2));
    for (int r = 0; r < 3; ++r) jac[(3 + r) * n + k] = turn[r];
  }
}

// A connect or weld of which some body has dofs.
template <class T>
BATON_HD void add_weld(const Model<scalar_t<T>>& m, Data<T>& d, std::size_t index) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const auto& eq = m.equalities[index];
  const auto& table = e.weld_table[index];
  const bool weld = eq.type == EqualityType::kWeld;
  const int rows = weld ? 6 : 3;
  const auto& block = add_block(e, table.dof_count, rows, rows, -1);
  for (int k = 0; k < table.dof_count; ++k)
    e.dof_index[block.dof_begin + k] = e.weld_dof[table.dof_begin + k];
  const Vec3<T> p1 = d.xpos[eq.obj1] + d.xmat[eq.obj1] * cast<T>(eq.anchor1);
  const Vec3<T> p2 = d.xpos[eq.obj2] + d.xmat[eq.obj2] * cast<T>(eq.anchor2);
  const WeldRotation<T> rotation = weld_rotation(m, eq, d);
  weld_jacobian(m, d, block, &e.weld_side[table.dof_begin], p1, p2, weld ? &rotation : nullptr,
                &e.jac[block.jac]);
  const BodyMotion<T> b1 = body_motion(m, d, eq.obj1, p1), b2 = body_motion(m, d, eq.obj2, p2);
  const Vec3<T> spin = b1.spin - b2.spin;
  const Vec3<T> residual[2] = {p1 - p2, rotation.residual};
  const Vec3<T> drift[2] = {b1.drift - b2.drift,
                            rotation.image(b1.turn - b2.turn) + rotation.drift(spin, b1.spin, b2.spin)};
  T square = dot(residual[0], residual[0]);
  if (weld) square += dot(residual[1], residual[1]);
  const auto& soft = e.equality_soft[index];
  const T imp = impedance(soft, sqrt(square)), one(S(1));
  for (int r = 0; r < rows; ++r) {
    const int row = block.row_begin + r;
    e.D[row] = one / max(T(S(kTiny)), T(table.diag[r / 3]) * (one - imp) / imp);
    e.aref[row] = T(-soft.k) * imp * residual[r / 3][r % 3] - drift[r / 3][r % 3];
    e.damp[row] = soft.b;
    e.floss[row] = S(0);
    e.mu[block.base_begin + r] = S(1);
  }
  touch_clusters(e, block, mask_t<T>(true));
}

}  // namespace detail

// H += J' D J of a block whose rows are its base rows and always in their quadratic zone.
template <class T>
BATON_HD inline void add_plain_curvature(ConstraintData<T>& e, const Problem& p,
                                         const ConstraintBlock& block) {
  const int count = block.dof_count;
  const int* dof = &e.dof_index[block.dof_begin];
  for (int b = 0; b < block.base_count; ++b) {
    const T* jac = &e.jac[block.jac + b * count];
    const T& D = e.D[block.row_begin + b];
    for (int j = 0; j < count; ++j) {
      const T scaled = D * jac[j];
      const int column = p.local[dof[j]];
      for (int i = j; i < count; ++i) e.H[p.row_at[p.local[dof[i]]] + column] += jac[i] * scaled;
    }
  }
}

}  // namespace baton::sim
