// The batch: an environment's bytes depend on nothing but its own past, and divergence stays where it happens.
#include "envs/sim/batch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>

#include "kernels/dispatch.hpp"
#include "kernels/parallel.hpp"
#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

const Model<double>& scene() {
  static const Model<double> m = mjcf::load(test::model_path("condims.xml"));
  return m;
}

// Sets that only add to another's vectors step by that one's lanes.
bool has_own_lanes(int isa) { return std::string(kernels::isa_vectors(isa)) == kernels::isa_name(isa); }

// Environment `number` of a family: its start depends on the number alone.
void start(Batch& batch, int env, int number) {
  const auto& m = batch.model();
  std::mt19937 gen(static_cast<unsigned>(number));
  std::uniform_real_distribution<double> unit(-1, 1);
  std::vector<double> q(m.qpos0.begin(), m.qpos0.end()), v(static_cast<std::size_t>(m.nv));
  for (double& x : v) x = unit(gen);
  q[0] += 0.1 * unit(gen);
  batch.reset(env, q, v);
}

std::vector<double> state(const Batch& batch, int env) {
  std::vector<double> s(static_cast<std::size_t>(batch.nq() + batch.nv()));
  batch.get_qpos(env, std::span(s).first(static_cast<std::size_t>(batch.nq())));
  batch.get_qvel(env, std::span(s).last(static_cast<std::size_t>(batch.nv())));
  return s;
}

bool same_bytes(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("same bytes for any number of threads, size of the batch and place in it") {
  const int count = 37, steps = 250;
  std::vector<std::vector<double>> expected;
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    Batch batch(scene(), count);
    for (int e = 0; e < count; ++e) start(batch, e, e);
    batch.step(steps);
    for (int e = 0; e < count; ++e) {
      if (threads == 1) expected.push_back(state(batch, e));
      CHECK(same_bytes(state(batch, e), expected[e]));
    }
    CHECK(batch.counts().contacts > 0);
  }
  kernels::set_threads(0);
  Batch reversed(scene(), count + 4), single(scene(), 1);
  for (int e = 0; e < count; ++e) start(reversed, count + 3 - e, e);
  for (int k = 0; k < steps; ++k) reversed.step();
  for (int e = 0; e < count; ++e) CHECK(same_bytes(state(reversed, count + 3 - e), expected[e]));
  for (int e : {0, 5, 36}) {
    start(single, 0, e);
    single.step(steps);
    CHECK(same_bytes(state(single, 0), expected[e]));
  }
}

TEST_CASE("environments that touch the same things come to share a tile, with all that is theirs") {
  const Model<double> m = mjcf::parse(R"(
    <mujoco><option timestep="0.002"/><worldbody>
      <geom type="plane" size="9 9 .1"/>
      <body pos="0 0 .1"><freejoint/><geom size=".1"/></body>
      <body pos="1 0 .1"><freejoint/><geom size=".1"/></body>
      <body><joint name="wheel"/><geom size=".1" pos="0 3 3"/></body>
    </worldbody><actuator><motor joint="wheel"/></actuator></mujoco>)");
  Batch batch(m, 1);
  const int count = 3 * batch.width() + 1;
  batch = Batch(m, count);
  // In three environments of three tiles the second ball leans on the first.
  const std::array leaning{1, batch.width() + 2, 3 * batch.width() - 1};
  const auto start_of = [&](int e) {
    std::vector<double> q = m.qpos0, v(13);
    if (std::ranges::count(leaning, e)) q[7] = 0.195, v[6] = -0.1;
    q[14] = 0.01 * e;
    return std::pair(q, v);
  };
  std::vector<std::unique_ptr<Batch>> alone;
  for (int e = 0; e < count; ++e) alone.push_back(std::make_unique<Batch>(m, 1));
  const auto each = [&](const auto& f) {
    for (int e = 0; e < count; ++e) f(batch, e, e), f(*alone[e], 0, e);
  };
  each([&](Batch& b, int at, int e) {
    const auto [q, v] = start_of(e);
    b.reset(at, q, v);
  });
  std::vector<double> ctrl(static_cast<std::size_t>(count));
  const auto planted = std::vector(13, std::numeric_limits<double>::quiet_NaN());
  for (int k = 0; k < 6; ++k) {
    if (k == 1 || k == 4)
      each([&](Batch& b, int at, int e) {
        if (e == leaning[1] || e == 0) b.set_qvel(at, planted);  // moved since, or not: back to its own start
      });
    for (int e = 0; e < count; ++e) {
      ctrl[e] = 0.1 * e - 0.3 * k;
      alone[e]->set_ctrl(0, std::span(ctrl).subspan(static_cast<std::size_t>(e), 1));
      alone[e]->step(25);
    }
    batch.step(25, ctrl);
    for (int e = 0; e < count; ++e) {
      CAPTURE(e);
      CHECK(same_bytes(state(batch, e), state(*alone[e], 0)));
      CHECK(batch.contacts(e) == alone[e]->contacts(0));
      CHECK(batch.diverged(e) == alone[e]->diverged(0));
    }
    if (k == 0) continue;
    CHECK(batch.tile(leaning[0]) == batch.tile(leaning[1]));
    CHECK(batch.tile(leaning[0]) == batch.tile(leaning[2]));
  }
  CHECK(batch.diverged(leaning[1]) == 2);
}

TEST_CASE("a diverged environment is put back alone and counted") {
  for (const double poison :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e30}) {
    Batch clean(scene(), 6), poisoned(scene(), 6);
    for (int e = 0; e < 6; ++e) start(clean, e, e), start(poisoned, e, e);
    clean.step(20), poisoned.step(20);
    std::vector<double> q(static_cast<std::size_t>(scene().nq));
    poisoned.get_qpos(2, q);
    q[1] = poison;
    poisoned.set_qpos(2, q);
    clean.step(30), poisoned.step(30);
    CHECK(poisoned.diverged(2) == 1);
    CHECK(poisoned.counts().diverged == 1);
    for (int e = 0; e < 6; ++e) {
      CAPTURE(e);
      CHECK(same_bytes(state(clean, e), state(poisoned, e)) == (e != 2));
      if (e != 2) CHECK(poisoned.diverged(e) == 0);
    }
    // One substep was lost to the divergence; the rest went on from the reset state.
    Batch again(scene(), 1);
    start(again, 0, 2);
    again.step(29);
    CHECK(same_bytes(state(again, 0), state(poisoned, 2)));
  }
}

TEST_CASE("what is no number in the very first step leaves nothing behind") {
  const Model<double> m = mjcf::load(test::source_path("envs/kitchen/kitchen.xml"));
  Batch batch(m, 20), clean(m, 20);
  std::vector<double> q(m.qpos0.begin(), m.qpos0.end());
  for (int i = 0; i < m.nq; ++i) {
    q[i] = std::numeric_limits<double>::quiet_NaN();
    batch.set_qpos(i % 20, q);
    q[i] = m.qpos0[i];
  }
  batch.step(1);
  for (int e = 0; e < 20; ++e) CHECK(batch.diverged(e) == 1);
  batch.step(50);
  clean.step(50);
  for (int e = 0; e < 20; ++e) {
    CHECK(batch.diverged(e) == 1);
    CHECK(same_bytes(state(batch, e), state(clean, e)));
  }
}

TEST_CASE("every instruction set and precision agrees with stepping in double") {
  const auto& m = scene();
  const int steps = 40;
  Data<double> d(m);
  Batch exact(m, 1, {.precision = Precision::kDouble, .isa = {}});
  start(exact, 0, 4);
  exact.get_qpos(0, d.qpos);
  exact.get_qvel(0, d.qvel);
  for (int k = 0; k < steps; ++k) step(m, d);
  exact.step(steps);
  std::vector<double> expected(d.qpos);
  expected.insert(expected.end(), d.qvel.begin(), d.qvel.end());
  CHECK(same_bytes(state(exact, 0), expected));

  std::vector<BatchOptions> all{{.precision = Precision::kFloat, .isa = {}}};
  for (int isa = 0; isa < kernels::isa_count(); ++isa)
    if (kernels::isa_available(isa) && has_own_lanes(isa))
      all.push_back({.precision = Precision::kLanes, .isa = kernels::isa_name(isa)});
  for (const auto& options : all) {
    Batch batch(m, 3, options);
    for (int e = 0; e < 3; ++e) start(batch, e, 4);
    batch.step(steps);
    CAPTURE(batch.isa());
    for (int e = 0; e < 3; ++e) check_close(state(batch, e), expected, 1e-3, 2e-3, "state");
  }
}

// Where a contact begins within a rounding of the very step, float may decide otherwise: up to a quarter of the states
// may (5 of 40 do on walker.xml, fewer elsewhere); an instruction set that computes something else parts in all.
TEST_CASE("one step of every model by every instruction set is that of double") {
  auto paths = test::model_files();
  paths.push_back(test::source_path("envs/kitchen/kitchen.xml"));
  constexpr int kStates = 40;
  for (const auto& path : paths) {
    const Model<double> m = mjcf::load(path);
    Batch exact(m, kStates, {.precision = Precision::kDouble, .isa = {}});
    Data<double> d(m);
    const auto begin = [&](Batch& batch) {
      for (int e = 0; e < kStates; ++e) {
        test::draw_state(m, static_cast<unsigned>(e), d);
        batch.reset(e, d.qpos, d.qvel);
        batch.set_ctrl(e, d.ctrl);
      }
      batch.step();
    };
    begin(exact);
    for (int isa = 0; isa < kernels::isa_count(); ++isa) {
      if (!kernels::isa_available(isa) || !has_own_lanes(isa)) continue;
      Batch lanes(m, kStates, {.precision = Precision::kLanes, .isa = kernels::isa_name(isa)});
      begin(lanes);
      int apart = 0;
      std::vector<double> want(static_cast<std::size_t>(m.nv)), got(want);
      for (int e = 0; e < kStates; ++e) {
        exact.get_qvel(e, want);
        lanes.get_qvel(e, got);
        double scale = 1, error = 0;
        for (std::size_t i = 0; i < want.size(); ++i) {
          scale = std::max(scale, std::fabs(want[i]));
          const double x = std::fabs(got[i] - want[i]);
          if (!(x <= error)) error = x;
        }
        apart += !(error <= 2e-3 * scale);
      }
      CHECK_MESSAGE(apart <= kStates / 4, path << " on " << lanes.isa() << ": " << apart << " states part");
    }
  }
}

TEST_CASE("sites, contacts and controls of an environment") {
  const Model<double> m = mjcf::parse(R"(
    <mujoco><worldbody>
      <geom type="plane" size="1 1 .1" condim="1"/>
      <body name="cart" pos="0 0 0.099">
        <joint name="x" type="slide" axis="1 0 0" damping="1"/>
        <geom type="sphere" size=".1" condim="1"/>
        <site name="top" pos="0 0 0.1"/>
      </body>
    </worldbody>
    <actuator><motor joint="x"/></actuator></mujoco>)",
                                      "cart");
  Batch batch(m, 3);
  const std::vector<double> push{1.0};
  batch.set_ctrl(1, push);
  batch.step(100);
  CHECK(batch.site_position(1, 0)[0] > 0.001);
  CHECK(std::fabs(batch.site_position(0, 0)[0]) < 1e-6);
  CHECK(std::fabs(batch.site_position(2, 0)[2] - 0.199) < 1e-6);
  CHECK(batch.contacts(0) == 1);
  CHECK(batch.counts().steps == 300);
}

TEST_CASE("wrong use of a batch says what is wrong") {
  CHECK_THROWS_WITH_AS(Batch(scene(), 0), doctest::Contains("at least one"), Error);
  CHECK_THROWS_WITH_AS(Batch(scene(), 2, {.precision = Precision::kLanes, .isa = "avx3"}),
                       doctest::Contains("avx3"), Error);
  Batch batch(scene(), 2);
  std::vector<double> few(3);
  CHECK_THROWS_WITH_AS(batch.set_qpos(0, few), doctest::Contains("3 values"), Error);
  CHECK_THROWS_WITH_AS(batch.set_qpos(2, few), doctest::Contains("the batch has 2"), Error);
  CHECK_THROWS_WITH_AS(batch.site_position(0, 0), doctest::Contains("site 0"), Error);
  CHECK_THROWS_WITH_AS(batch.step(-1), doctest::Contains("-1 steps"), Error);
  CHECK_THROWS_WITH_AS(batch.step(1, few), doctest::Contains("3 controls given for 2"), Error);
}

TEST_CASE("a mocap body drags what is welded to it, in its own environment alone") {
  const Model<double> m = mjcf::parse(R"(
    <mujoco><option gravity="0 0 0"/><worldbody>
      <body name="hand" mocap="true" pos="0 0 1"/>
      <body name="cup" pos="0 0 1"><freejoint/><geom type="sphere" size=".05"/></body>
    </worldbody>
    <equality><weld body1="hand" body2="cup"/></equality></mujoco>)",
                                      "hand");
  for (const auto precision : {Precision::kDouble, Precision::kLanes}) {
    BatchOptions options;
    options.precision = precision;
    Batch batch(m, 3, options);
    const std::vector<double> there{0.3, 0.2, 1.1}, turned{std::sqrt(0.5), 0, std::sqrt(0.5), 0};
    batch.set(Field::kMocapPos, 1, there);
    batch.set(Field::kMocapQuat, 1, turned);
    batch.step(1000);
    std::vector<double> q(7), expected{0.3, 0.2, 1.1};
    expected.insert(expected.end(), turned.begin(), turned.end());
    batch.get_qpos(1, q);
    check_close(q, expected, 0, 1e-4, "dragged");
    batch.get_qpos(2, q);
    check_close(q, std::vector<double>{0, 0, 1, 1, 0, 0, 0}, 0, 1e-6, "left alone");
    batch.reset(1, m.qpos0, std::vector<double>(6));
    std::vector<double> pos(3);
    batch.get(Field::kMocapPos, 1, pos);
    check_close(pos, std::vector<double>{0, 0, 1}, 0, 0, "mocap after reset");
    CHECK_THROWS_WITH_AS(batch.set(Field::kMocapPos, 0, q), doctest::Contains("mocap_pos"), Error);
  }
}
