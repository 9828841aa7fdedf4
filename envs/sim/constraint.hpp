#pragma once
// The constraints of one step. Needs kinematics() and collide(); qpos, qvel.
//
//   equality   r = q1 - q1_0 - poly(q2 - q2_0)                J = dr/dq        (connect, weld: equality.hpp)
//   friction   one row per dof with friction loss, force within +-frictionloss
//   limit      r = distance to the limit, when below the joint's margin
//   contact    r = distance - (margin - gap), when negative; edges of the pyramid normal +- mu_k tangent_k, or
//              normal and tangents of the elliptic cone
//   aref = -b J v - k imp(|r|) r,    R = (1 - imp) / imp * (approximate J M^-1 J'),    D = 1 / R
//
// The edges of a pyramid share R = 2 mu^2 R_normal / impratio (mu: first sliding coefficient). Tangents of an elliptic
// cone have R_k = R_normal mu^2 / (mu_k^2 impratio) and no restoring force: aref = -b J v.
// Writes Data::efc: rows in the order above and, within it, of the model (contacts: of their slots).
// MuJoCo, Computation, "Constraint model" and "Solver parameters".
#include "envs/sim/equality.hpp"

namespace baton::sim {

namespace detail {

// The first dof of an equality's row; -1: it has none.
template <class T>
BATON_HD inline int first_dof(const Model<scalar_t<T>>& m, const ConstraintData<T>& e, std::size_t equality) {
  const auto& eq = m.equalities[equality];
  if (eq.type == EqualityType::kJoint) return m.joints[eq.obj1].dof;
  const auto& weld = e.weld_table[equality];
  return weld.dof_count > 0 ? e.weld_dof[weld.dof_begin] : -1;
}

template <class T>
BATON_HD void add_equalities(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  for (std::size_t n = 0; n < m.equalities.size(); ++n) {
    const auto& eq = m.equalities[n];
    if (!eq.active) continue;
    if (const int first = first_dof(m, e, n); first < 0 || d.rest.still_dof(first)) continue;
    if (eq.type != EqualityType::kJoint) {
      add_weld(m, d, n);
      continue;
    }
    const auto& joint1 = m.joints[eq.obj1];
    const T q1 = d.qpos[joint1.qpos] - T(m.qpos0[joint1.qpos]);
    S diag = m.dofs[joint1.dof].invweight;
    T poly(eq.polycoef[0]), slope(S(0));
    if (eq.obj2 >= 0) {
      const auto& joint2 = m.joints[eq.obj2];
      const T q2 = d.qpos[joint2.qpos] - T(m.qpos0[joint2.qpos]);
      diag += m.dofs[joint2.dof].invweight;
      poly = T(eq.polycoef[4]);
      for (int k = 3; k >= 0; --k) {
        slope = slope * q2 + poly;
        poly = poly * q2 + T(eq.polycoef[k]);
      }
    }
    const auto& block = add_block(e, eq.obj2 >= 0 ? 2 : 1, 1, 1, -1);
    int* dof = &e.dof_index[block.dof_begin];
    T* jac = &e.jac[block.jac];
    dof[0] = joint1.dof, jac[0] = T(S(1));
    if (eq.obj2 >= 0) {
      dof[1] = m.joints[eq.obj2].dof, jac[1] = -slope;
      if (e.rank[dof[0]] > e.rank[dof[1]]) std::swap(dof[0], dof[1]), std::swap(jac[0], jac[1]);
    }
    e.mu[block.base_begin] = S(1);
    set_rows(e, block, e.equality_soft[n], diag, S(1), mask_t<T>(true), q1 - poly);
  }
  e.nequality = e.nrow;
}

// A block of one row over one dof.
template <class T>
BATON_INLINE const ConstraintBlock& add_single_block(ConstraintData<T>& e, int dof, scalar_t<T> sign) {
  const auto& block = add_block(e, 1, 1, 1, -1);
  e.dof_index[block.dof_begin] = dof;
  e.jac[block.jac] = T(sign);
  e.mu[block.base_begin] = scalar_t<T>(1);
  return block;
}

// All of a row of friction loss is constant but for its velocity.
template <class T>
BATON_INLINE void add_friction(const Model<scalar_t<T>>& m, ConstraintData<T>& e, int dof) {
  using S = scalar_t<T>;
  const int row = add_single_block(e, dof, S(1)).row_begin;
  e.D[row] = T(e.friction_D[dof]);
  e.aref[row] = T(S(0));
  e.damp[row] = e.friction_damp[dof];
  e.floss[row] = m.dofs[dof].frictionloss;
}

// One side of a joint's range, r beyond it.
template <class T>
BATON_HD inline void add_limit(const Model<scalar_t<T>>& m, ConstraintData<T>& e, int dof, scalar_t<T> sign,
                               const Compliance<scalar_t<T>>& soft, mask_t<T> active, T r) {
  const auto& block = add_single_block(e, dof, sign);
  set_rows(e, block, soft, m.dofs[dof].invweight, scalar_t<T>(1), active, r);
  touch_clusters(e, block, active);
}

// A ball joint's limit: the rotation's angle below the larger end of the range, along its axis.
template <class T>
BATON_HD void add_ball_limit(const Model<scalar_t<T>>& m, Data<T>& d, int j) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const auto& joint = m.joints[j];
  const T* q = &d.qpos[joint.qpos];
  const T sign = select(q[0] < T(S(0)), T(S(-1)), T(S(1)));
  const Vec3<T> v = Vec3<T>{q[1], q[2], q[3]} * sign;
  const T sine = norm(v), two(S(2));
  const T dist = T(std::max(joint.range[0], joint.range[1])) - two * atan2(sine, q[0] * sign);
  const mask_t<T> active = dist < T(joint.margin);
  if (!any(active)) return;
  const mask_t<T> still = sine < T(S(kTiny));
  const Vec3<T> axis = v * (T(S(1)) / select(still, T(S(1)), sine));
  const auto& block = add_block(e, 3, 1, 1, -1);
  for (int k = 0; k < 3; ++k) {
    e.dof_index[block.dof_begin + k] = joint.dof + k;
    e.jac[block.jac + k] = -(k == 0 ? select(still, T(S(1)), axis.x) : select(still, T(S(0)), axis[k]));
  }
  e.mu[block.base_begin] = S(1);
  set_rows(e, block, e.limit_soft[j], m.dofs[joint.dof].invweight, S(1), active, dist - T(joint.margin));
  touch_clusters(e, block, active);
}

template <class T>
BATON_HD void add_limits(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  for (const int n : d.rest.awake().joints) {
    const auto& joint = m.joints[n];
    if (!joint.limited || joint.type == JointType::kFree) continue;
    if (joint.type == JointType::kBall) {
      add_ball_limit(m, d, n);
      continue;
    }
    const T q = d.qpos[joint.qpos], margin(joint.margin);
    const T low = q - T(joint.range[0]), high = T(joint.range[1]) - q;
    const auto& soft = d.efc.limit_soft[n];
    if (const mask_t<T> on = low < margin; any(on))
      add_limit(m, d.efc, joint.dof, S(1), soft, on, low - margin);
    if (const mask_t<T> on = high < margin; any(on))
      add_limit(m, d.efc, joint.dof, S(-1), soft, on, high - margin);
  }
}

// Base rows of a contact: relative motion of the two bodies at the contact's point, in its frame.
template <class T>
BATON_INLINE void contact_jacobian(const Model<scalar_t<T>>& m, const Data<T>& d, const Contact<T>& contact,
                                   const ConstraintBlock& block, const scalar_t<T>* side, mask_t<T> active,
                                   T* jac) {
  using S = scalar_t<T>;
  const Vec3<T> zero{T(S(0)), T(S(0)), T(S(0))}, pos = select(active, contact.pos, zero);
  const Vec3<T> normal = contact.frame.row(0), tangent1 = contact.frame.row(1),
                tangent2 = contact.frame.row(2);
  const int n = block.dof_count;
  int tree = -1;
  Vec3<T> arm = zero;  // from the tree's origin
  for (int k = 0; k < n; ++k) {
    const int i = d.efc.dof_index[block.dof_begin + k];
    if (block.run == DofRun::kScattered || k == 0)
      if (const auto& dof = m.dofs[i]; dof.tree != tree) tree = dof.tree, arm = pos - d.tree_origin[dof.body];
    const Spatial<T>& c = d.cdof[i];
    const T s(side[k]);
    const Vec3<T> v = (c.l + cross(c.a, arm)) * s;
    jac[k] = dot(normal, v);
    if (block.base_count > 1) {
      jac[n + k] = dot(tangent1, v);
      jac[2 * n + k] = dot(tangent2, v);
    }
    if (block.base_count > 3) jac[3 * n + k] = dot(normal, c.a) * s;
    if (block.base_count > 4) {
      jac[4 * n + k] = dot(tangent1, c.a) * s;
      jac[5 * n + k] = dot(tangent2, c.a) * s;
    }
  }
}

// What an elliptic cone's rows have of their own, after set_rows() and the friction coefficients in mu.
template <class T>
BATON_HD inline void set_cone_rows(const Model<scalar_t<T>>& m, ConstraintData<T>& e,
                                   const ConstraintBlock& block, scalar_t<T> sliding, scalar_t<T> damp) {
  using S = scalar_t<T>;
  S* mu = &e.mu[block.base_begin];
  mu[0] = sliding / std::sqrt(m.option.impratio);
  for (int k = 1; k < block.row_count; ++k) {
    const S ratio = mu[k] / mu[0];
    e.D[block.row_begin + k] = e.D[block.row_begin] * T(ratio * ratio);
    e.aref[block.row_begin + k] = T(S(0));
    e.damp[block.row_begin + k] = damp;
  }
}

template <class T>
BATON_HD void add_contacts(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  const bool elliptic = m.option.cone == Cone::kElliptic;
  const int first_row = e.nrow;
  e.contact_block = e.nblock;
  for (int c = 0; c < d.ncontact; ++c) {
    const Contact<T>& contact = d.contacts[c];
    const auto& pair = m.pairs[contact.pair];
    const auto& table = e.pair_table[e.pair_kind[contact.pair]];
    const T r = contact.dist - T(pair.margin - pair.gap);
    const mask_t<T> active = contact.active && r < T(S(0));
    if (table.dof_count == 0 || !any(active) || d.rest.still_dof(e.pair_dof[table.dof_begin])) continue;
    const int dim = pair.condim;
    const bool cone = elliptic && dim > 1;
    auto& block = add_block(e, table.dof_count, dim, dim == 1 || elliptic ? dim : 2 * (dim - 1), c);
    for (int k = 0; k < table.dof_count; ++k)
      e.dof_index[block.dof_begin + k] = e.pair_dof[table.dof_begin + k];
    block.run = table.run;
    contact_jacobian(m, d, contact, block, &e.pair_side[table.dof_begin], active, &e.jac[block.jac]);
    e.mu[block.base_begin] = S(1);
    for (int k = 1; k < dim; ++k) e.mu[block.base_begin + k] = pair.friction[k - 1];
    set_rows(e, block, e.pair_soft[table.soft], table.diag, table.scale, active, r);
    if (cone) set_cone_rows(m, e, block, pair.friction[0], table.friction_damp);
    touch_clusters(e, block, active);
  }
  e.one_sided_end = elliptic ? first_row : e.nrow;
}

}  // namespace detail

// rows[row] <- J v, v[nv], of one block.
template <int kBases, DofRun kRun, class T>
BATON_INLINE void mul_edges(const ConstraintData<T>& e, const ConstraintBlock& block, const T* v, T* rows) {
  using S = scalar_t<T>;
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  const int count = kRun == DofRun::kSix ? 6 : block.dof_count, first = dof[0];
  T sum[kBases];
  repeat<0, kBases>([&](auto b) BATON_INLINE_LAMBDA { sum[b] = jac[b * count] * v[first]; });
  for (int k = 1; k < count; ++k) {
    const T its = v[kRun == DofRun::kScattered ? dof[k] : first + k];
    repeat<0, kBases>([&](auto b) BATON_INLINE_LAMBDA { sum[b] += jac[b * count + k] * its; });
  }
  T* row = rows + block.row_begin;
  repeat<1, kBases>([&](auto b) BATON_INLINE_LAMBDA {
    const T tangent = sum[b] * T(S(e.mu[block.base_begin + b]));
    row[2 * b - 2] = sum[0] + tangent;
    row[2 * b - 1] = sum[0] - tangent;
  });
}
template <class T>
BATON_INLINE void mul_block(const ConstraintData<T>& e, const ConstraintBlock& block, const T* v, T* rows) {
  if (block.row_count != block.base_count) {
    if (block.base_count == 3)
      return with_run(block.run, [&](auto run) BATON_INLINE_LAMBDA { mul_edges<3, run>(e, block, v, rows); });
    if (block.base_count == 4) return mul_edges<4, DofRun::kScattered>(e, block, v, rows);
    return mul_edges<kMaxBases, DofRun::kScattered>(e, block, v, rows);
  }
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  for (int b = 0; b < block.base_count; ++b) {
    T sum = jac[b * block.dof_count] * v[dof[0]];
    for (int k = 1; k < block.dof_count; ++k) sum += jac[b * block.dof_count + k] * v[dof[k]];
    rows[block.row_begin + b] = sum;
  }
}

// The same of all blocks, or of a problem's.
template <class T>
BATON_HD void mul_jac(const ConstraintData<T>& e, const T* v, T* rows) {
  for (int n = 0; n < e.nblock; ++n) mul_block(e, e.blocks[n], v, rows);
}
template <class T>
BATON_HD void mul_jac(const ConstraintData<T>& e, const Problem& p, const T* v, T* rows) {
  for (int n = p.begin; n < p.end; ++n) mul_block(e, e.blocks[p.blocks[n]], v, rows);
}

// out[nv] += sign J' rows of a block with the edges of a pyramid.
template <int kBases, DofRun kRun, class T>
BATON_INLINE void add_edges_transpose(const ConstraintData<T>& e, const ConstraintBlock& block, const T* row,
                                      scalar_t<T> sign, T* out) {
  const int* dof = &e.dof_index[block.dof_begin];
  const T* jac = &e.jac[block.jac];
  T along[kBases];
  along[0] = row[0] + row[1];
  repeat<1, kBases>([&](auto b) BATON_INLINE_LAMBDA {
    if (b > 1) along[0] += row[2 * b - 2] + row[2 * b - 1];
    along[b] = (row[2 * b - 2] - row[2 * b - 1]) * T(e.mu[block.base_begin + b] * sign);
  });
  along[0] *= T(sign);
  const int count = kRun == DofRun::kSix ? 6 : block.dof_count, first = dof[0];
  for (int k = 0; k < count; ++k) {
    T& to = out[kRun == DofRun::kScattered ? dof[k] : first + k];
    T sum = to;
    repeat<0, kBases>([&](auto b) BATON_INLINE_LAMBDA { sum += jac[b * count + k] * along[b]; });
    to = sum;
  }
}

// out[nv] += sign J' rows of a problem.
template <class T>
BATON_HD void add_jac_transpose(const ConstraintData<T>& e, const Problem& p, const T* rows, scalar_t<T> sign,
                                T* out) {
  for (int n = p.begin; n < p.end; ++n) {
    const ConstraintBlock& block = e.blocks[p.blocks[n]];
    const T* row = rows + block.row_begin;
    if (block.row_count == block.base_count) {
      for (int b = 0; b < block.base_count; ++b) {
        const T along = row[b] * T(sign);
        const T* jac = &e.jac[block.jac + b * block.dof_count];
        for (int k = 0; k < block.dof_count; ++k) out[e.dof_index[block.dof_begin + k]] += jac[k] * along;
      }
    } else if (block.base_count == 3) {
      with_run(block.run,
               [&](auto run) BATON_INLINE_LAMBDA { add_edges_transpose<3, run>(e, block, row, sign, out); });
    } else if (block.base_count == 4) {
      add_edges_transpose<4, DofRun::kScattered>(e, block, row, sign, out);
    } else {
      add_edges_transpose<kMaxBases, DofRun::kScattered>(e, block, row, sign, out);
    }
  }
}

template <class T>
BATON_HD void make_constraints(const Model<scalar_t<T>>& m, Data<T>& d) {
  using S = scalar_t<T>;
  auto& e = d.efc;
  e.nblock = e.nrow = e.nbase = e.njac = e.ndof = 0;
  d.rest.wake_coupled(d);
  for (const int c : d.rest.awake().clusters) {
    e.touched[c] = T(S(e.clusters[c].held));
    e.joined[c] = T(S(0));
  }
  detail::add_equalities(m, d);
  for (const int i : d.rest.awake().dofs)
    if (m.dofs[i].frictionloss > 0) detail::add_friction(m, e, i);
  e.nfriction = e.nrow - e.nequality;
  detail::add_limits(m, d);
  detail::add_contacts(m, d);
  mul_jac(e, d.qvel.data(), e.jp.data());
  for (int i = 0; i < e.nrow; ++i)
    e.aref[i] = select(e.D[i] > T(S(0)), e.aref[i] - T(e.damp[i]) * e.jp[i], T(S(0)));
}

}  // namespace baton::sim
