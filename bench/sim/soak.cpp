// Soak: many steps of the kitchen in float lanes on every core, under random and adversarial treatment, each with its
// own environments in the same tiles:
//
//   random    the random actions of envs/sim/random_actions.hpp
//   slammed   each control at an end of its range, the other end next, for 1 to 20 actions each
//   thrown    starts anywhere in (and 20 % beyond) the joints' ranges, free bodies inside one another, at up to 10 m/s
//             or rad/s; one start in 20 at 0.9 of the largest velocity that is let pass; then slammed
//   abused    controls that are NaN, infinite, 1e30 or an end of their range
//   planted   random actions; one action in eight begins with a NaN, an infinity or 1e9 written into the state
//
//   sim_soak [STEPS] [SEED]      steps summed over environments (default 10,000,000)
//
// After every action, the state of every environment must be finite and within the batch's bounds, and every planted
// state that cannot be lived through must have been put back and counted; the kinetic energy of arms that were only
// steered must stay under kEnergyBound. Prints figures per treatment; exits 1 if anything was violated or a divergence
// went unreported.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/inertia.hpp"
#include "envs/sim/kinematics.hpp"
#include "envs/sim/random_actions.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace {

using namespace baton;
using namespace baton::sim;

constexpr int kEnvs = 480, kTreatments = 5;
constexpr const char* kNames[kTreatments] = {"random", "slammed", "thrown", "abused", "planted"};
enum Treatment { kRandom, kSlammed, kThrown, kAbused, kPlanted };
constexpr double kEnergyBound =
    50;  // J: five times what 18 kg of arm have at the 2 rad/s its joints are made for
constexpr int kThrowEvery = 15;  // actions: by then things lie still
constexpr double kNan = std::numeric_limits<double>::quiet_NaN(),
                 kInf = std::numeric_limits<double>::infinity();

struct Figures {
  std::uint64_t diverged = 0, planted = 0;
  double max_velocity = 0, max_energy = 0;
  int max_contacts = 0;
};

class Soak {
 public:
  explicit Soak(std::uint64_t seed)
      : seed_(seed), batch_(envs::kitchen_model(), kEnvs), exact_(batch_.model()) {
    for (int e = 0; e < kEnvs; ++e) {
      random_.emplace_back(seed, static_cast<std::uint64_t>(e) + 1'000'000);
      restart(batch_, e);
    }
    slam_.assign(kEnvs, 0);
    plants_.assign(kEnvs, 0);
    q_.resize(static_cast<std::size_t>(batch_.nq()));
    v_.resize(static_cast<std::size_t>(batch_.nv()));
    ctrl_.resize(static_cast<std::size_t>(batch_.nu()));
  }

  void run(std::int64_t actions) {
    std::vector<std::uint64_t> before(kEnvs);
    for (std::int64_t a = 0; a < actions; ++a) {
      for (int e = 0; e < kEnvs; ++e) {
        before[static_cast<std::size_t>(e)] = batch_.diverged(e);
        treat(e, a);
      }
      batch_.step(kActionSteps);
      for (int e = 0; e < kEnvs; ++e) check(e, a, before[static_cast<std::size_t>(e)]);
    }
  }

  const Batch& batch() const { return batch_; }
  const Figures& figures(int treatment) const { return figures_[treatment]; }
  std::uint64_t violations() const { return violations_; }

 private:
  static int treatment(int e) { return e % kTreatments; }
  double between(int e, double low, double high) {
    return low + (high - low) * random_[static_cast<std::size_t>(e)].uniform_double();
  }
  bool chance(int e, std::uint32_t one_in) { return random_[static_cast<std::size_t>(e)].below(one_in) == 0; }

  void treat(int e, std::int64_t action) {
    const bool first = (action + e) % (treatment(e) == kThrown ? kThrowEvery : kEpisodeActions) == 0;
    if (first) treatment(e) == kThrown ? throw_it(e) : restart(batch_, e);
    switch (treatment(e)) {
      case kSlammed:
      case kThrown:
        return slam(e);
      case kAbused:
        return abuse(e);
      default:
        batch_.get_qpos(e, q_);
        random_action(batch_.model(), seed_, e, action, q_, ctrl_);
        batch_.set_ctrl(e, ctrl_);
        if (treatment(e) == kPlanted && chance(e, 8)) plant(e);
    }
  }

  // slam_: actions until the other end's turn comes, negative at the low end.
  void slam(int e) {
    int& left = slam_[static_cast<std::size_t>(e)];
    if (left == 0) left = (chance(e, 2) ? 1 : -1) * static_cast<int>(1 + between(e, 0, 20));
    for (std::size_t i = 0; i < ctrl_.size(); ++i) {
      const auto& range = batch_.model().actuators[i].ctrl_range;
      ctrl_[i] = range[(left > 0) == (i % 2 == 0) ? 1 : 0];
    }
    left -= left > 0 ? 1 : -1;
    batch_.set_ctrl(e, ctrl_);
  }

  void abuse(int e) {
    for (std::size_t i = 0; i < ctrl_.size(); ++i) {
      const auto& range = batch_.model().actuators[i].ctrl_range;
      const double choices[] = {kNan, kInf, -kInf, 1e30, -1e30, range[0], range[1], range[0]};
      // One action in four has a NaN: the others must be lived through.
      ctrl_[i] = choices[chance(e, 36) ? 0 : static_cast<std::size_t>(between(e, 1, 8))];
    }
    batch_.set_ctrl(e, ctrl_);
  }

  void plant(int e) {
    const double values[] = {kNan, kInf, -kInf, 1e9, -1e9};
    const bool position = chance(e, 2);
    std::vector<double>& x = position ? q_ : v_;
    const Field field = position ? Field::kQpos : Field::kQvel;
    batch_.get(field, e, x);
    const double value = values[static_cast<std::size_t>(between(e, 0, 5))];
    x[static_cast<std::size_t>(between(e, 0, static_cast<double>(x.size())))] = value;
    batch_.set(field, e, x);
    // 1e9 in a quaternion is another rotation.
    plants_[static_cast<std::size_t>(e)] = !position || !std::isfinite(value);
    ++figures_[kPlanted].planted;
  }

  void throw_it(int e) {
    const auto& m = batch_.model();
    const double speed = chance(e, 20) ? 9000 : 10;
    for (double& v : v_) v = between(e, -speed, speed);
    for (const auto& joint : m.joints) {
      double* q = &q_[static_cast<std::size_t>(joint.qpos)];
      const double* q0 = &m.qpos0[static_cast<std::size_t>(joint.qpos)];
      if (joint.type == JointType::kHinge || joint.type == JointType::kSlide) {
        const double low = joint.limited ? joint.range[0] : -3, high = joint.limited ? joint.range[1] : 3;
        *q = between(e, low - 0.2 * (high - low), high + 0.2 * (high - low));
        continue;
      }
      if (joint.type == JointType::kFree)
        for (int k = 0; k < 3; ++k) *q++ = *q0++ + between(e, -0.5, 0.5);
      for (int k = 0; k < 4; ++k) q[k] = between(e, -1, 1);
    }
    batch_.reset(e, q_, v_);
  }

  double kinetic_energy() {
    const auto& m = batch_.model();
    std::copy(q_.begin(), q_.end(), exact_.qpos.begin());
    kinematics(m, exact_);
    inertia(m, exact_);
    std::vector<double> momentum(v_.size());
    mul_m(m, exact_, v_.data(), momentum.data());
    return 0.5 * std::inner_product(v_.begin(), v_.end(), momentum.begin(), 0.0);
  }

  void check(int e, std::int64_t action, std::uint64_t diverged_before) {
    Figures& f = figures_[treatment(e)];
    const BatchOptions bounds;
    batch_.get_qpos(e, q_);
    batch_.get_qvel(e, v_);
    const std::uint64_t diverged = batch_.diverged(e) - diverged_before;
    f.diverged += diverged;
    f.max_contacts = std::max(f.max_contacts, batch_.contacts(e));
    for (const double q : q_) require(std::fabs(q) <= bounds.max_position, e, action, "position", q);
    for (const double v : v_) {
      require(std::fabs(v) <= bounds.max_velocity, e, action, "velocity", v);
      f.max_velocity = std::max(f.max_velocity, std::fabs(v));
    }
    int& planted = plants_[static_cast<std::size_t>(e)];
    if (planted) require(diverged > 0, e, action, "planted, but not counted", 0);
    planted = 0;
    const bool steered = treatment(e) == kRandom || treatment(e) == kSlammed;
    if (!steered || (action + e / kTreatments) % 16 != 0) return;
    const double energy = kinetic_energy();
    f.max_energy = std::max(f.max_energy, energy);
    require(energy <= kEnergyBound, e, action, "kinetic energy", energy);
  }

  void require(bool fine, int e, std::int64_t action, const char* what, double value) {
    if (fine) return;
    if (++violations_ <= 10)
      fmt::print("violated: environment {} ({}), action {}: {} {}\n", e, kNames[treatment(e)], action, what,
                 value);
  }

  std::uint64_t seed_;
  Batch batch_;
  Data<double> exact_;
  std::vector<kernels::Random> random_;
  std::vector<int> slam_, plants_;
  std::vector<double> q_, v_, ctrl_;
  Figures figures_[kTreatments];
  std::uint64_t violations_ = 0;
};

int soak(std::int64_t steps, std::uint64_t seed) {
  const std::int64_t actions = std::max<std::int64_t>(1, steps / (kEnvs * kActionSteps));
  Soak soak(seed);
  const auto start = std::chrono::steady_clock::now();
  soak.run(actions);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const BatchCounts counts = soak.batch().counts();
  std::uint64_t reported = 0;
  fmt::print("{:<9}{:>12}{:>10}{:>10}{:>16}{:>14}{:>14}\n", "treatment", "steps", "planted", "diverged",
             "max velocity", "max energy", "max contacts");
  for (int t = 0; t < kTreatments; ++t) {
    const Figures& f = soak.figures(t);
    reported += f.diverged;
    fmt::print("{:<9}{:>12}{:>10}{:>10}{:>16.1f}{:>14}{:>14}\n", kNames[t], counts.steps / kTreatments,
               f.planted, f.diverged, f.max_velocity,
               t <= kSlammed ? fmt::format("{:.1f} J", f.max_energy) : "", f.max_contacts);
  }
  const bool sound = soak.violations() == 0 && reported == counts.diverged && counts.dropped == 0;
  fmt::print(
      "{} steps in {:.0f} s on {} threads ({}), seed {}: {} violations, {} of {} divergences reported, {} "
      "contacts "
      "dropped: {}\n",
      counts.steps, seconds, kernels::threads(), soak.batch().isa(), seed, soak.violations(), reported,
      counts.diverged, counts.dropped, sound ? "sound" : "NOT SOUND");
  return sound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::int64_t steps = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 10'000'000;
    BATON_REQUIRE(steps > 0 && argc <= 3, "usage: sim_soak [STEPS] [SEED], STEPS a positive number");
    return soak(steps, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  } catch (const std::exception& e) {
    fmt::print(stderr, "sim_soak: {}\n", e.what());
    return 2;
  }
}
