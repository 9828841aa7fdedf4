#pragma once
// Where a step's time goes: one lap per stage, off by default. Off, a lap is one branch that is always predicted; on,
// it reads the processor's time-stamp counter (a few nanoseconds) instead of asking the operating system.
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "envs/sim/number.hpp"

namespace baton::sim {

// In pipeline order, as in step.hpp. kCount: contacts counted and diverged states put back by the tile.
enum class Stage {
  kKinematics,
  kInertia,  // and its factorisation
  kBias,
  kSmooth,  // passive and actuator forces, the unconstrained acceleration
  kCollide,
  kConstraints,
  kSolve,
  kIntegrate,
  kCount
};
inline constexpr std::size_t kStages = 9;
inline constexpr std::array<const char*, kStages> kStageNames{
    "kinematics", "inertia", "bias", "smooth", "collide", "constraints", "solve", "integrate", "bookkeeping"};

// Ticks of each stage, summed over environment steps. Blocks of steps in which the operating system took the processor
// away are left out: what another program did is no stage of ours.
struct StageTimes {
  std::array<std::uint64_t, kStages> ticks{};
  std::uint64_t steps = 0, interrupted = 0;  // that count, that do not
};

inline std::uint64_t tick() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

// The clock of steps that nobody times.
struct NoClock {
  BATON_HD void start() {}
  BATON_HD void lap(Stage) {}
};

struct StageClock {
  bool on = false;
  StageTimes times;

  // Around a block of steps; env_steps: steps in it, summed over environments.
  void begin() {
    if (on) block_.fill(0), switches_ = switches();
  }
  void end(std::uint64_t env_steps) {
    if (!on) return;
    if (switches() != switches_) {
      times.interrupted += env_steps;
      return;
    }
    for (std::size_t i = 0; i < kStages; ++i) times.ticks[i] += block_[i];
    times.steps += env_steps;
  }

  void start() {
    if (on) last_ = tick();
  }
  // Everything since the last lap (or start) was this stage.
  void lap(Stage stage) {
    if (!on) return;
    const std::uint64_t now = tick();
    block_[static_cast<std::size_t>(stage)] += now - last_;
    last_ = now;
  }

 private:
  // How often the operating system took the processor from this thread so far.
  static long switches() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
  }

  std::array<std::uint64_t, kStages> block_{};
  std::uint64_t last_ = 0;
  long switches_ = 0;
};

}  // namespace baton::sim
