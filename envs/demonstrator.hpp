#pragma once
// Who records demonstrations: a scripted operator of each environment, one for every environment of a batch. It sees
// what a policy sees and touches no simulator.
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "envs/env.hpp"

namespace baton::envs {

class Demonstrator {
 public:
  virtual ~Demonstrator() = default;
  // Starts an episode of environment i towards `goal`, its elements in their order. All randomness is the seed's.
  virtual void reset(int i, const Goal& goal, std::uint64_t seed) = 0;
  // observation [N][S] -> wanted [N][A], what is recorded, and executed [N][A], what the environment is given. Both in
  // [-1, 1], both overwritten.
  virtual void act(std::span<const float> observation, std::span<float> wanted,
                   std::span<float> executed) = 0;
  // Demonstrator i saw nothing left to do at the last act().
  virtual bool done(int i) const = 0;
};

struct DemonstratorOptions {
  float spread = 1;      // of style, 0..1; 0: every episode the same
  float tremor = 0.02f;  // deviation of quick noise in the recorded action, action units
  // Deviation of slow noise in the executed action only, action units: drawn for each episode between these two.
  float disturbance_low = 0, disturbance_high = 0;
};

// The demonstrators of a named environment (names: env_names()). Throws on an unknown name and says what was probably
// meant.
std::unique_ptr<Demonstrator> make_demonstrator(const std::string& env, int size,
                                                const DemonstratorOptions& options);

}  // namespace baton::envs
