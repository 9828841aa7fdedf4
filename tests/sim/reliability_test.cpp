// Lanes are alone: whatever the neighbours do (touch, diverge, crowd), an environment's bytes are its own. And steps do
// not allocate.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "envs/sim/batch.hpp"
#include "envs/sim/data.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/parallel.hpp"
#include "tests/sim/mujoco_oracle.hpp"
#include "tests/support/allocations.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

const Model<double>& kitchen() {
  static const Model<double> m = mjcf::load(BATON_SOURCE_ROOT "/envs/kitchen/kitchen.xml");
  return m;
}

using State = std::vector<double>;

State state(const Batch& batch, int env) {
  State s(static_cast<std::size_t>(batch.nq() + batch.nv()));
  batch.get_qpos(env, std::span(s).first(static_cast<std::size_t>(batch.nq())));
  batch.get_qvel(env, std::span(s).last(static_cast<std::size_t>(batch.nv())));
  return s;
}

bool same_bytes(const State& a, const State& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// Where the arm starts and where it is sent next, as functions of the environment's number alone: anywhere in the
// joints' and controls' ranges, so that it runs into everything that is there.
class Flail {
 public:
  explicit Flail(int number) : gen_(static_cast<unsigned>(number)) {}

  void start(Batch& batch, int env) {
    const auto& m = batch.model();
    State q(m.qpos0.begin(), m.qpos0.end());
    const State v(static_cast<std::size_t>(m.nv));
    for (const auto& a : m.actuators) {
      const auto& joint = m.joints[static_cast<std::size_t>(a.joint)];
      q[static_cast<std::size_t>(joint.qpos)] = between(joint.range[0], joint.range[1]);
    }
    batch.reset(env, q, v);
  }

  void act(Batch& batch, int env) {
    State ctrl;
    for (const auto& a : batch.model().actuators) ctrl.push_back(between(a.ctrl_range[0], a.ctrl_range[1]));
    batch.set_ctrl(env, ctrl);
  }

 private:
  double between(double low, double high) { return std::uniform_real_distribution<double>(low, high)(gen_); }
  std::mt19937 gen_;
};

constexpr int kActions = 30, kSubsteps = 20;

// The final states of environments first, first + direction, ... of the family, stepped together.
std::vector<State> flail(const Model<double>& model, int count, int first, int direction) {
  Batch batch(model, count);
  std::vector<Flail> family;
  for (int e = 0; e < count; ++e) family.emplace_back(first + direction * e).start(batch, e);
  for (int k = 0; k < kActions; ++k) {
    for (int e = 0; e < count; ++e) family[static_cast<std::size_t>(e)].act(batch, e);
    batch.step(kSubsteps);
  }
  CHECK(batch.counts().contacts > static_cast<std::uint64_t>(count * kActions * kSubsteps));
  std::vector<State> result;
  for (int e = 0; e < count; ++e) result.push_back(state(batch, e));
  return result;
}

// A comb of `teeth` spheres on one free body over a plane.
Model<double> comb(int teeth) {
  std::string xml =
      "<mujoco><option timestep='0.001'/><worldbody><geom type='plane' size='9 9 1' "
      "condim='1'/><body><freejoint/>";
  for (int i = 0; i < teeth; ++i)
    xml += fmt::format("<geom size='.01' mass='.1' condim='1' pos='{} {} 0'/>", 0.02 * (i % 40),
                       0.02 * (i / 40));
  return mjcf::parse(xml + "</body></worldbody></mujoco>", "comb");
}

// Comb number n: lies flat, hangs in the air, or stands on one edge, by n.
void lay(Batch& batch, int env, int n) {
  State q(batch.model().qpos0), v(6);
  q[2] = n % 3 == 1 ? 5 : 0.0099;
  if (n % 3 == 2) q[3] = std::cos(0.1), q[4 + n % 2] = std::sin(0.1);
  v[static_cast<std::size_t>(n % 6)] = 0.01 * n;
  batch.reset(env, q, v);
}

}  // namespace

TEST_CASE("random actions: same bytes in any place, beside any neighbours, for any number of threads") {
  std::vector<Model<double>> models{kitchen()};
  if (const std::string original = test::franka_kitchen(); !original.empty())
    models.push_back(mjcf::load(original));
  for (const auto& model : models) {
    CAPTURE(model.file);
    const int count = 21;
    kernels::set_threads(1);
    const auto expected = flail(model, count, 0, 1);
    kernels::set_threads(2);
    const auto again = flail(model, count, 0, 1), reversed = flail(model, count + 3, count + 2, -1);
    for (int e = 0; e < count; ++e) {
      CAPTURE(e);
      const State& mine = expected[static_cast<std::size_t>(e)];
      CHECK(same_bytes(again[static_cast<std::size_t>(e)], mine));
      CHECK(same_bytes(reversed[static_cast<std::size_t>(count + 2 - e)], mine));
    }
    for (const int e : {0, 7, 20})
      CHECK(same_bytes(flail(model, 1, e, 1)[0], expected[static_cast<std::size_t>(e)]));
  }
  kernels::set_threads(0);
}

TEST_CASE("contacts: lanes do not compete for slots, and each has a limit of its own") {
  const int teeth = kMaxContacts + 100, count = 7, steps = 12;
  const Model<double> m = comb(teeth);
  Batch together(m, count);
  for (int e = 0; e < count; ++e) lay(together, e, e);
  together.step(steps);
  CHECK(together.contacts(0) == kMaxContacts);
  CHECK(together.contacts(1) == 0);
  CHECK(together.counts().dropped >= 100u * steps);
  std::uint64_t dropped = 0;
  for (int e = 0; e < count; ++e) {
    Batch alone(m, 1);
    lay(alone, 0, e);
    alone.step(steps);
    dropped += alone.counts().dropped;
    CAPTURE(e);
    CHECK(same_bytes(state(together, e), state(alone, 0)));
  }
  CHECK(together.counts().dropped == dropped);
}

TEST_CASE("a planted blow-up is put back alone, counted, and changes no bit of the others") {
  struct Plant {
    Field field;
    double value;
  };
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Plant plants[] = {{Field::kQpos, nan},      {Field::kQpos, -inf},    {Field::kQpos, 1e20},
                          {Field::kQvel, nan},      {Field::kQvel, inf},     {Field::kQvel, 3e38},
                          {Field::kQvel, 1e9},      {Field::kCtrl, nan},     {Field::kCtrl, inf},
                          {Field::kWarmstart, nan}, {Field::kWarmstart, inf}};
  const int count = 18, victim = 5;
  for (const Plant& plant : plants) {
    Batch clean(kitchen(), count), planted(kitchen(), count);
    std::vector<Flail> family;
    for (Batch* batch : {&clean, &planted}) {
      for (int e = 0; e < count; ++e) {
        Flail one(e);
        one.start(*batch, e), one.act(*batch, e);
      }
      batch->step(60);
    }
    const auto size = static_cast<std::size_t>(plant.field == Field::kQpos   ? clean.nq()
                                               : plant.field == Field::kCtrl ? clean.nu()
                                                                             : clean.nv());
    State values(size);
    planted.get(plant.field, victim, values);
    values[size / 2] = plant.value;
    planted.set(plant.field, victim, values);
    clean.step(40), planted.step(40);
    CAPTURE(static_cast<int>(plant.field));
    CAPTURE(plant.value);
    for (int e = 0; e < count; ++e) {
      CAPTURE(e);
      const State after = state(planted, e);
      for (const double x : after) REQUIRE(std::isfinite(x));
      if (e == victim) continue;
      CHECK(same_bytes(after, state(clean, e)));
      CHECK(planted.diverged(e) == 0);
    }
    // An infinite control is clipped to its range, and a warm start that is no number may simply not be used.
    const bool harmless =
        plant.field == Field::kWarmstart || (plant.field == Field::kCtrl && std::isinf(plant.value));
    if (!harmless) CHECK(planted.diverged(victim) >= 1);
    CHECK(planted.counts().diverged == planted.diverged(victim));
    // Back to sane controls, it goes on.
    const State zero(static_cast<std::size_t>(planted.nu()));
    planted.set_ctrl(victim, zero);
    const auto before = planted.diverged(victim);
    planted.step(40);
    CHECK(planted.diverged(victim) == before);
  }
}

TEST_CASE("stepping does not allocate") {
  CHECK(test::allocations_of([] { delete new int; }) >= 1);
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    for (const auto precision : {Precision::kLanes, Precision::kFloat, Precision::kDouble}) {
      const int count = precision == Precision::kLanes ? 48 : 3;
      Batch batch(kitchen(), count, {.precision = precision, .isa = {}});
      for (int e = 0; e < count; ++e) {
        Flail one(e);
        one.start(batch, e), one.act(batch, e);
      }
      batch.step(200);  // room for contacts has grown as far as it will
      CHECK(test::allocations_of([&] {
              for (int k = 0; k < 100; ++k) batch.step();
            }) == 0);
    }
  }
  kernels::set_threads(0);
}
