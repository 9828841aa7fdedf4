#pragma once
// Where a step's time goes: one lap per stage, off by default. Off, a lap is one branch that is always predicted; on,
// it reads the processor's time-stamp counter (a few nanoseconds) instead of asking the operating system.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

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

// Ticks of each stage, summed over the environment steps that were timed.
struct StageTimes {
  std::array<std::uint64_t, kStages> ticks{};
  std::uint64_t steps = 0;
};

inline std::uint64_t tick() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

struct StageClock {
  bool on = false;
  std::uint64_t last = 0;
  StageTimes times;

  void start() {
    if (on) last = tick();
  }
  // Everything since the last lap (or start) was this stage.
  void lap(Stage stage) {
    if (!on) return;
    const std::uint64_t now = tick();
    times.ticks[static_cast<std::size_t>(stage)] += now - last;
    last = now;
  }
};

}  // namespace baton::sim
