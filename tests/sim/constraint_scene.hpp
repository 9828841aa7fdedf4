#pragma once
// Models and helpers shared by the tests of constraints, solver, step and batch.
#include <string>
#include <vector>

#include "envs/sim/step.hpp"
#include "tests/sim/mujoco_oracle.hpp"

namespace baton::test {

// Couplings, friction loss, limits of each kind, soft and stiff: no contacts.
inline const char* const kJointsScene = R"(
<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.002"/>
  <default><geom contype="0" conaffinity="0"/></default>
  <worldbody>
    <body name="arm" pos="0 0 1">
      <joint name="a" axis="0 1 0" range="-0.5 0.5" damping="0.4" frictionloss="0.3" armature="0.02"/>
      <geom type="capsule" size=".04 .2" pos="0.1 0 0.1"/>
      <body pos="0 0 0.3">
        <joint name="b" type="slide" axis="1 0 0.3" range="-0.05 0.05" margin="0.01" solreflimit="0.05 0.7"/>
        <geom type="box" size=".05 .04 .1"/>
        <body pos="0.2 0 0">
          <joint name="c" type="ball" range="0 0.6" solimplimit="0.5 0.9 0.2 0.3 3"/>
          <geom type="capsule" size=".03 .1" pos="0 0 0.1"/>
        </body>
      </body>
    </body>
    <body name="knob" pos="1 0 0">
      <joint name="k" axis="0 0 1" frictionloss="0.05" solreffriction="0.03 1" solimpfriction="0.8 0.9 0.01 0.5 2"/>
      <geom type="cylinder" size=".03 .02" pos="0.01 0 0"/>
    </body>
    <body name="plate" pos="1 1 0">
      <joint name="p" axis="1 0 0" damping="0.1"/>
      <geom type="box" size=".1 .1 .01"/>
    </body>
    <body name="slider" pos="0 1 0">
      <joint name="s" type="slide" axis="0 0 1" range="-0.1 0.1" solreflimit="-300 -20" frictionloss="4"/>
      <geom type="sphere" size=".05"/>
    </body>
  </worldbody>
  <equality>
    <joint joint1="p" joint2="k" polycoef="0.02 1.5 0.3 -0.2 0.1" solref="0.03 0.9"/>
    <joint joint1="b" polycoef="0.01 0 0 0 0" solimp="0.8 0.95 0.05 0.6 1"/>
  </equality>
</mujoco>)";

// Contacts of every dimension between an articulated arm, free bodies and the floor.
inline const char* const kContactsScene = R"(
<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.002" impratio="2"/>
  <worldbody>
    <geom name="floor" type="plane" size="2 2 0.1" condim="3"/>
    <body name="arm" pos="0 0 0.253">
      <joint name="a" axis="0 1 0" damping="0.4" frictionloss="0.1" armature="0.01"/>
      <geom type="capsule" size=".04" fromto="0 0 0 0.3 0 0" condim="1"/>
      <body pos="0.3 0 0">
        <joint name="b" axis="0 1 0" range="-1 1"/>
        <joint name="c" axis="0 0 1"/>
        <geom type="capsule" size=".05" fromto="0 0 0 0.25 0 -0.2" condim="4" friction="0.8 0.02 0.001"/>
      </body>
    </body>
    <body name="ball" pos="0.6 0.05 0.08">
      <freejoint/>
      <geom type="sphere" size=".09" condim="6" friction="0.7 0.03 0.004" solref="0.01 0.8"/>
    </body>
    <body name="rod" pos="0.75 0.1 0.045">
      <freejoint/>
      <geom type="capsule" size=".05 .1" euler="1.57 0 0" solimp="0.8 0.99 0.01 0.4 3" condim="3"
            margin="0.01" gap="0.004"/>
    </body>
  </worldbody>
</mujoco>)";

inline int find_pair(const sim::Model<double>& m, int geom1, int geom2) {
  for (std::size_t n = 0; n < m.pairs.size(); ++n) {
    const auto& p = m.pairs[n];
    if ((p.geom1 == geom1 && p.geom2 == geom2) || (p.geom1 == geom2 && p.geom2 == geom1))
      return static_cast<int>(n);
  }
  return -1;
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

// MuJoCo as exact as it can be.
inline void tighten(Oracle& o) {
  o.m->opt.tolerance = 0;
  o.m->opt.iterations = 200;
  o.m->opt.ls_tolerance = 1e-10;
  o.m->opt.jacobian = mjJAC_DENSE;
  o.model.option.tolerance = 1e-14;
}
#endif

}  // namespace baton::test
