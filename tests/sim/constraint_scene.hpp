#pragma once
// Helpers shared by the tests of constraints, solver, step and batch.
#include <string>
#include <vector>

#include "tests/sim/mujoco_oracle.hpp"
#include "tests/sim/step_instances.hpp"

namespace baton::test {

inline int find_pair(const sim::Model<double>& m, int geom1, int geom2) {
  for (std::size_t n = 0; n < m.pairs.size(); ++n) {
    const auto& p = m.pairs[n];
    if ((p.geom1 == geom1 && p.geom2 == geom2) || (p.geom1 == geom2 && p.geom2 == geom1))
      return static_cast<int>(n);
  }
  return -1;
}

// M as a dense matrix [nv][nv], both triangles.
inline std::vector<double> dense_inertia(const sim::Model<double>& m, const sim::Plan<double>& plan,
                                         const std::vector<double>& M) {
  const auto nv = static_cast<std::size_t>(m.nv);
  std::vector<double> full(nv * nv);
  for (const auto& tree : plan.trees)
    for (int i = tree.begin; i < tree.begin + tree.count; ++i)
      for (int j = tree.begin; j <= i; ++j) {
        const auto r = static_cast<std::size_t>(i), c = static_cast<std::size_t>(j);
        full[r * nv + c] = full[c * nv + r] = M[static_cast<std::size_t>(tree.row(i) + j)];
      }
  return full;
}

// J of the step's rows as a dense matrix [nrow][nv], edges of pyramids spelled out.
inline std::vector<double> dense_jacobian(const sim::Model<double>& m, sim::ConstraintData<double>& e) {
  std::vector<double> J(static_cast<std::size_t>(e.nrow) * static_cast<std::size_t>(m.nv)), unit(m.nv),
      column(e.nrow + 1);
  for (int i = 0; i < m.nv; ++i) {
    unit.assign(static_cast<std::size_t>(m.nv), 0.0);
    unit[i] = 1;
    sim::mul_jac(e, unit.data(), column.data());
    for (int r = 0; r < e.nrow; ++r) J[static_cast<std::size_t>(r * m.nv + i)] = column[r];
  }
  return J;
}

#ifdef BATON_HAVE_MUJOCO
// MuJoCo's contacts into our slots.
inline void copy_contacts(const Oracle& o, sim::Data<double>& d) {
  d.ncontact = 0;
  if (o.d->ncon > static_cast<int>(d.contacts.size())) d.reserve_contacts(o.model, o.d->ncon);
  for (int c = 0; c < o.d->ncon; ++c) {
    const mjContact& theirs = o.d->contact[c];
    auto& ours = d.contacts[d.ncontact++];
    ours.pair = find_pair(o.model, theirs.geom[0], theirs.geom[1]);
    REQUIRE(ours.pair >= 0);
    REQUIRE(o.model.pairs[ours.pair].geom1 == theirs.geom[0]);
    ours.active = true;
    ours.dist = theirs.dist;
    ours.pos = {theirs.pos[0], theirs.pos[1], theirs.pos[2]};
    for (int k = 0; k < 9; ++k) ours.frame.m[k] = theirs.frame[k];
  }
}

// Everything of forward() before the contacts, then MuJoCo's contacts and our rows and solution.
inline sim::SolverReport forward_with_their_contacts(const Oracle& o, sim::Data<double>& d) {
  sim::kinematics(o.model, d);
  sim::inertia(o.model, d);
  sim::factor(o.model, d);
  sim::bias(o.model, d);
  sim::passive(o.model, d);
  sim::actuation(o.model, d);
  sim::smooth(o.model, d);
  copy_contacts(o, d);
  sim::make_constraints(o.model, d);
  return sim::solve_constraints(o.model, d);
}

// Both as exact as they can be.
inline void tighten(Oracle& o) {
  o.m->opt.tolerance = 0;
  o.m->opt.iterations = 200;
  o.m->opt.ls_tolerance = 1e-10;
  o.m->opt.jacobian = mjJAC_DENSE;
  o.m->opt.ls_iterations = 50;
  o.model.option.tolerance = 1e-14;
  o.model.option.iterations = 200;
  o.model.option.ls_iterations = 50;
  o.model.option.ls_tolerance = 1e-10;
}
#endif

}  // namespace baton::test
