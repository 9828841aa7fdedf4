#pragma once
// Imitation by maximum likelihood (paper, equation 1), by minibatches:
//   RIL   max E_{D_l}[log pi_l(a | s, s_g)] + E_{D_h}[log pi_h(s_g^l | s, s_g^h)]   both levels, algorithms 2 and 3
//   GCBC  max E_{D}[log pi(a | s, s_{t+w})]   flat, relabelled over the long window
//   BC    max E[log pi(a | s, final state)]   flat, no relabeling
// Deterministic: the same settings, data and seed give the same bytes for any number of threads.
#include <cstdint>
#include <string>
#include <vector>

#include "rl/data/dataset.hpp"
#include "rl/device.hpp"
#include "rl/policy/policy.hpp"
#include "rl/run/progress.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

// The shape and encoding of new policies.
struct PolicySettings {
  std::vector<int> hidden{256, 256};
  std::string activation = "tanh";
  bool layer_norm = false;         // of hidden layers, before the activation
  float std_floor = 0.03f;         // raw units: floor of the input and state normalisers' std
  float action_std_floor = 0.05f;  // of the action normaliser's
  float log_std_initial = -0.5f, log_std_min = -2.0f, log_std_max = 0.5f;
  std::string robot_fill = "mask";      // of the long-term goal: keep | typical | zero | mask
  std::string low_robot_fill = "keep";  // of the low level's subgoal
  bool low_relative_goal = false;       // feed goal - state
  bool high_relative_goal = true;
  bool flat_relative_goal = false;
  bool high_residual = true;  // the high level's output is state + ...
  int low_window = 30;        // W_l
  int high_window = 260;      // W_h, also GCBC's
  int subgoal_every = 30;     // H
};

struct ImitationSettings {
  int updates = 40000;
  int batch = 256;
  std::string optimizer = "adamw";  // adam | adamw | sgd
  float momentum = 0.9f;            // sgd
  bool nesterov = false;            // sgd
  float lr = 1e-3f;
  std::string schedule = "cosine";  // constant | linear | cosine
  int warmup = 200;                 // updates of linear warm-up
  float lr_floor = 0.02f;           // the schedule ends at this fraction of lr
  float weight_decay = 0;           // decoupled
  float clip_norm = 0;              // 0: off
  float state_noise = 0;            // std of noise on the encoded state, in normalised units
  float goal_noise = 0;             // same, on the encoded goal
  float final_goal_fraction = 0;    // of high-level and GCBC tuples whose goal is moved to the final state
  // Tuples whose long-term goal is the demonstration's compound goal (uses labels; the paper: 0).
  float target_goal_fraction = 0;
  std::string bc_goal = "final";  // final: the demonstration's last state; target: the compound goal's
  std::string loss = "nll";       // nll | mse
  float holdout = 0.05f;          // fraction of episodes kept out of training (at least one when > 0)
  int report_every = 500;         // updates between metrics
};

void list_settings(SettingsTable& table, const std::string& section, PolicySettings& settings);
void list_settings(SettingsTable& table, const std::string& section, ImitationSettings& settings);

// What the environment tells about states; from envs::Spec.
struct TaskShape {
  std::string env;
  int state_dim = 0, action_dim = 0, robot_dim = 0;
};

// method: ril | gcbc | bc. Throws when the data does not fit `shape` or holds no tuples. Metrics objects:
// {"stage", "method", "update", "lr", "low": {"train", "heldout", "heldout_mse", "grad_norm", "log_std"}, "high": ...},
// every report_every updates; losses are mean -log pi of the normalised output (nll) or half squared errors (mse).
// make_device: where the updates are made, if not here.
RelayPolicy imitate(const Dataset& data, const TaskShape& shape, const std::string& method,
                    const PolicySettings& policy_settings, const ImitationSettings& settings,
                    std::uint64_t seed, const ProgressCallback& progress = {},
                    MakeLevelDevice make_device = nullptr);

// New policies of both levels (or flat), untrained, normalised by the data: what imitate() starts from.
RelayPolicy make_policy(const Dataset& data, const TaskShape& shape, const std::string& method,
                        const PolicySettings& settings, std::uint64_t seed);

}  // namespace baton::rl
