#pragma once
// The kitchen as a batch of environments: FrankaKitchen-v1's interface on our simulator.
//
//   target_j = clip(observed_j + 0.16 * clip(action_j, -1, 1), bounds_j)      held for 40 physics steps of 2 ms
//
// `observed` is the last observation, sensor noise included. An observation is the true qpos plus
// uniform(-1, 1) * ratio * amplitude (kitchen_sensor_amplitude). By default the ratio is FrankaKitchen-v1's, 0.01 for
// the robot and 0.0005 for objects; a given ratio (the paper's environment: 0.1) holds for both. Noise is a function
// of (seed, step, coordinate) alone.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "envs/kitchen/goals.hpp"

namespace baton::sim {
class Batch;
}

namespace baton::envs {

class KitchenEnv final : public BatchEnv {
 public:
  // options.model: a file of another model of the kitchen (load_kitchen), in place of kitchen.xml. Throws naming the
  // file and what does not fit.
  explicit KitchenEnv(const EnvOptions& options);
  ~KitchenEnv() override;

  const Spec& spec() const override { return kitchen_spec(); }
  int size() const override { return size_; }
  std::vector<Goal> goals(const std::string& list) const override;
  void reset(std::span<const std::uint64_t> seeds) override;
  void step(std::span<const float> actions) override;
  void step_from(std::span<const float> observed,
                 std::span<const float> actions) override;  // targets in double
  std::span<const float> observation() const override { return observation_; }
  std::span<const float> state() const override { return state_; }
  std::uint64_t diverged() const override;

  int qpos_dim() const override { return kKitchenStateDim; }
  int qvel_dim() const override { return kKitchenQvelDim; }
  void get_state(int env, std::span<double> qpos, std::span<double> qvel) const override;
  void set_state(int env, std::span<const double> qpos, std::span<const double> qvel) override;

 private:
  template <class T, class Seen>
  void advance(std::span<const Seen> observed, int width, std::span<const float> actions);
  void observe(int env);

  void set_displaced(const EnvOptions& options);

  int size_;
  bool in_double_;
  float start_spread_, displacement_ = 0;
  std::array<double, kKitchenStateDim> start_{};
  std::vector<int> displaced_;                   // coordinates that start within +- displacement_ of start_
  std::array<float, kKitchenStateDim> noise_{};  // largest deviation of each coordinate
  std::unique_ptr<sim::Batch> batch_;
  std::vector<std::uint64_t> seeds_;        // [N]
  std::uint64_t step_ = 0;                  // actions since reset
  std::vector<float> state_, observation_;  // [N][30]
  std::vector<double> seen_;                // [N][9] the robot's part of the observation, not rounded
  std::vector<double> target_;              // [N][9]: of the arm's joints, under the latest actions
};

std::unique_ptr<BatchEnv> make_kitchen(const EnvOptions& options);

}  // namespace baton::envs
