#pragma once
// Imitation by maximum likelihood (paper, equation 1), by minibatches, of whatever tuples a method has (rl/methods/):
//   max E_{D_l}[log pi_l(a | s, s_g)] + E_{D_h}[log pi_h(s_g^l | s, s_g^h)]     both levels, or the flat policy alone
// Deterministic: the same settings, data and seed give the same bytes for any number of threads.
#include <cstdint>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/dataset.hpp"
#include "rl/device.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/relay_policy.hpp"
#include "rl/run/progress.hpp"
#include "rl/run/settings.hpp"
#include "rl/trainer.hpp"

namespace baton::rl {

// The shape and encoding of new policies.
struct PolicySettings {
  std::vector<int> hidden{256, 256};
  ag::Activation activation = ag::Activation::kTanh;
  bool layer_norm = false;         // of hidden layers, before the activation
  float std_floor = 0.03f;         // raw units: floor of the input and state normalisers' std
  float action_std_floor = 0.05f;  // of the action normaliser's
  float log_std_initial = -0.5f, log_std_min = -2.0f, log_std_max = 0.5f;
  RobotFill robot_fill = RobotFill::kMask;      // of the long-term goal
  RobotFill low_robot_fill = RobotFill::kKeep;  // of the low level's subgoal
  bool low_relative_goal = false;               // feed goal - state
  bool high_relative_goal = true;
  bool flat_relative_goal = false;
  bool high_residual = true;            // the high level's output is state + ...
  int low_window = 30;                  // W_l
  int high_window = 260;                // W_h, also GCBC's
  int subgoal_every = 30;               // H
  ActionChunk chunk;                    // of the low level, or of a flat policy
  HeadKind head = HeadKind::kGaussian;  // of the low level, or of a flat policy
  int components = 5;                   // of a mixture
  std::string observe =
      "all";  // groups of coordinates that policies see, with commas (envs::Spec::groups); all
};

void list_settings(SettingsTable& table, const std::string& section, PolicySettings& settings);
// Trains a policy by the tuples of `method`, which must be trained(). Throws when the data does not fit the environment
// or holds no tuples. Metrics objects: {"stage", "method", "update", "samples", "lr", "low": {"train", "heldout",
// "heldout_mse", "grad_norm", "log_std"}, "high": ...}, every report_every updates; losses are mean -log pi of the
// normalised output (nll), half squared errors (mse), or those of the two-pass head. make_device: where the updates
// are made, if not here.
RelayPolicy imitate(const Dataset& data, const envs::Spec& spec, const Method& method,
                    const PolicySettings& policy_settings, const ImitationSettings& settings,
                    std::uint64_t seed, const ProgressCallback& progress = {},
                    MakeLevelDevice make_device = nullptr);

// What any method makes of demonstrations: a policy trained by imitate(), or an agent of its own.
std::unique_ptr<Agent> learn(const Dataset& data, const envs::Spec& spec, const Method& method,
                             const PolicySettings& policy_settings, const ImitationSettings& settings,
                             std::uint64_t seed, const ProgressCallback& progress = {},
                             MakeLevelDevice make_device = nullptr);

// The coordinates of a list of groups, ascending; empty: all. Throws UsageError on an unknown one and says the nearest.
std::vector<int> seen_coordinates(const envs::Spec& spec, const std::string& groups);

// New policies of both levels (or flat), untrained, normalised by the data: what imitate() starts from.
RelayPolicy make_policy(const Dataset& data, const envs::Spec& spec, const Method& method,
                        const PolicySettings& settings, std::uint64_t seed);

}  // namespace baton::rl
