#pragma once
// The scripted operators of the environments behind one interface, for recording demonstrations.
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "envs/env.hpp"
#include "rl/run/config.hpp"

namespace baton::cli {

class DemoOperator {
 public:
  virtual ~DemoOperator() = default;
  // Starts an episode of environment i. All randomness is the seed's.
  virtual void reset(int i, const envs::Goal& goal, std::uint64_t seed) = 0;
  // observation [N][S] -> wanted [N][A], what is recorded, and executed [N][A], what the environment gets.
  virtual void act(std::span<const float> observation, std::span<float> wanted,
                   std::span<float> executed) = 0;
  // Operator i sees nothing left to do.
  virtual bool done(int i) const = 0;
};

// An environment with its operators.
struct DemoBench {
  std::unique_ptr<envs::BatchEnv> env;
  std::unique_ptr<DemoOperator> operators;
  int qpos_dim = 0, qvel_dim = 0;  // of the simulator's state; 0: it has none

  // True generalised coordinates of environment i: [qpos_dim], [qvel_dim]. Nothing when there are none.
  void simulator_state(int i, std::span<double> qpos, std::span<double> qvel) const;
};

// Throws on an environment without operator.
DemoBench make_demo_bench(const rl::Config& config, int size, bool disturbed);

}  // namespace baton::cli
