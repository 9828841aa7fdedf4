// A tree at its limits in closed form: where Newton's method ends, in lanes of any company.
#include "envs/sim/limits.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

// Narrow ranges, some of them softer than others, one with a margin; a foot that reaches the floor when j1 bends.
Model<double> crane() {
  Model<double> m = mjcf::parse(R"(
    <mujoco>
      <compiler angle="radian" autolimits="true"/>
      <option timestep="0.002"/>
      <default>
        <joint armature="0.02" damping="0.5" range="-0.3 0.3"/>
        <geom type="capsule" size="0.04" contype="0" conaffinity="0"/>
      </default>
      <worldbody>
        <geom name="floor" type="plane" size="2 2 .1" contype="1" conaffinity="1"/>
        <body pos="0 0 1">
          <joint name="j1" axis="0 1 0"/>
          <geom fromto="0 0 0 .5 0 0"/>
          <body pos=".5 0 0">
            <joint name="j2" axis="0 1 0" solreflimit="0.05 1" solimplimit="0.5 0.7 0.1"/>
            <joint name="j3" axis="1 0 0" margin="0.1"/>
            <geom fromto="0 0 0 .4 0 0"/>
            <body pos=".4 0 0">
              <joint name="j4" type="slide" axis="1 0 0" range="-0.05 0.05"/>
              <joint name="j5" axis="0 0 1" range="-0.01 0.01"/>
              <geom fromto="0 0 0 .2 0 0"/>
              <geom type="sphere" size="0.05" pos=".2 0 0" contype="1" conaffinity="1"/>
            </body>
          </body>
        </body>
      </worldbody>
    </mujoco>)");
  m.option.tolerance = 1e-14;
  return m;
}

// A state about the limits; `low`: bent down to the floor.
void pose(Data<double>& d, std::mt19937& gen, bool low) {
  std::uniform_real_distribution<double> unit(-1, 1);
  const double reach[] = {0.4, 0.4, 0.4, 0.07, 0.02};
  for (int i = 0; i < 5; ++i) {
    d.qpos[i] = reach[i] * unit(gen);
    d.qvel[i] = 2 * unit(gen);
    d.qacc_warmstart[i] = 30 * unit(gen);
  }
  if (low) d.qpos[0] = 1.2;
}

}  // namespace

TEST_CASE("limits in closed form: the optimum is Newton's method's") {
  const Model<double> m = crane();
  std::mt19937 gen(7);
  int closed = 0, limited = 0, touching = 0;
  for (int n = 0; n < 300; ++n) {
    CAPTURE(n);
    Data<double> d(m);
    REQUIRE(d.efc.clusters.size() == 1);
    REQUIRE(d.efc.clusters[0].plain_limits);
    pose(d, gen, n % 3 == 0);
    const auto start = d.qacc_warmstart;
    forward(m, d);
    d.qacc_warmstart = start;
    const SolverReport report = solve_constraints(m, d);
    const auto qacc = d.qacc, qfrc = d.qfrc_constraint, force = d.efc.force, jar = d.efc.jar;
    touching += d.ncontact > 0;
    limited += d.efc.nrow > 0 && d.ncontact == 0;
    closed += d.efc.nrow > 0 && d.ncontact == 0 && report.iterations == 0;
    d.efc.clusters[0].plain_limits = false;
    solve_constraints(m, d);
    const auto rows = static_cast<std::size_t>(d.efc.nrow), nv = static_cast<std::size_t>(m.nv);
    const auto same = [](const std::vector<double>& got, const std::vector<double>& want, std::size_t count,
                         const char* what) {
      double size = 1;
      for (std::size_t i = 0; i < count; ++i) size = std::max(size, std::fabs(want[i]));
      check_close(std::span(got).first(count), std::span(want).first(count), 0, 1e-11 * size, what);
    };
    same(qacc, d.qacc, nv, "qacc");
    same(qfrc, d.qfrc_constraint, nv, "qfrc_constraint");
    same(force, d.efc.force, rows, "force");
    same(jar, d.efc.jar, rows, "jar");
  }
  CHECK(touching > 50);
  CHECK(limited > 100);
  CHECK(closed > limited * 9 / 10);
}

TEST_CASE("limits in closed form: a lane's bits do not depend on what its neighbours touch") {
  const Model<double> m = crane();
  const Model<float> mf = to_float(m);
  using L = Lanes<float, 4>;
  std::mt19937 gen(11);
  for (int n = 0; n < 50; ++n) {
    CAPTURE(n);
    Data<L> mixed(mf);
    for (int l = 0; l < 4; ++l) {
      Data<double> d(m);
      pose(d, gen, (n + l) % 4 == 0);
      for (int i = 0; i < m.nv; ++i) {
        mixed.qpos[i].set(l, static_cast<float>(d.qpos[i]));
        mixed.qvel[i].set(l, static_cast<float>(d.qvel[i]));
        mixed.qacc_warmstart[i].set(l, static_cast<float>(d.qacc_warmstart[i]));
      }
    }
    const auto start = mixed.qacc_warmstart;
    forward(mf, mixed);
    for (int l = 0; l < 4; ++l) {
      Data<L> alone(mf);
      for (int i = 0; i < m.nv; ++i) {
        alone.qpos[i] = L(mixed.qpos[i][l]);
        alone.qvel[i] = L(mixed.qvel[i][l]);
        alone.qacc_warmstart[i] = L(start[i][l]);
      }
      forward(mf, alone);
      CAPTURE(l);
      for (int i = 0; i < m.nv; ++i) {
        CAPTURE(i);
        CHECK(mixed.qacc[i][l] == alone.qacc[i][0]);
        CHECK(mixed.qfrc_constraint[i][l] == alone.qfrc_constraint[i][0]);
      }
    }
  }
}
