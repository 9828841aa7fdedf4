#pragma once
// A scripted operator of the kitchen, one for each environment of a batch. It sees what a policy sees, the noisy
// observation and the compound goal, and drives the joints; it touches no simulator.
//
// At every step it works on the first element of its sequence that is not yet as it wants it. For that element it has
// a control law (strategies.hpp) from the observation to a wanted pose of the fingertips: stay back while beside the
// line of approach, come in along it, then push, hook or pull. There are no stages to be remembered: after a slip the
// law by itself backs off and comes again. Differential inverse kinematics (arm.hpp) turns the pose into an action.
//
// Episodes differ by style: speed, directions, offsets, how far an element is moved, ways of taking the slide cabinet,
// tremor, hesitations. Disturbed recording adds slow noise to what is executed while the operator's own answer is what
// is recorded, so that the data hold recoveries (DART: Laskey et al., "Noise injection for robust imitation", 2017).
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "envs/demonstrator.hpp"
#include "envs/kitchen/goals.hpp"

namespace baton::envs {

struct TeleoperatorSettings {
  double spread = 1;     // of style; 0: every episode the same
  double tremor = 0.02;  // deviation of quick noise in the recorded action, action units
  double disturbance_low =
      0;  // deviation of slow noise in the executed action only, action units; drawn for each
  double disturbance_high = 0;  // episode between these two, small more often. Training data: 0.05 and 0.30.
  double calm = 0.5;  // share of the time without disturbance: it comes in bursts of some 15 actions
};

class Teleoperator final : public Demonstrator {
 public:
  Teleoperator(int size, const TeleoperatorSettings& settings);
  ~Teleoperator() override;

  // Starts an episode of operator i: elements (KitchenElement) in the order of work. All randomness is seed's.
  void reset(int i, const std::vector<int>& elements, std::uint64_t seed);
  void reset(int i, const Goal& goal, std::uint64_t seed) override { reset(i, goal.elements, seed); }

  // observation: [N][30]. wanted: [N][9], what the operator does and what is to be recorded; executed: [N][9], what
  // is to be given to the environment (the same without disturbance). Both in [-1, 1], both overwritten.
  void act(std::span<const float> observation, std::span<float> wanted, std::span<float> executed) override;

  // True when operator i saw all its elements as it wants them at the last act().
  bool done(int i) const override;

 private:
  struct Operator;
  TeleoperatorSettings settings_;
  std::vector<Operator> operators_;
};

std::unique_ptr<Demonstrator> make_teleoperator(int size, const DemonstratorOptions& options);

}  // namespace baton::envs
