#pragma once
// Rewards of both levels and generalised advantage estimation (Schulman et al. 2016) over segments.
//
// Reward of the low level at step t (judged on the true state s_{t+1}, subgoal g of t's segment, H its length):
//   r_l = subgoal_weight * c(s_{t+1}, g) / H + task(t)
//   c by `subgoal`:  none       0
//                    sparse     1 when EVERY element has |s - g|_e < subgoal_epsilon * epsilon_e, else 0
//                    elements   the fraction of elements with |s - g|_e < subgoal_epsilon * epsilon_e
//                    euclidean  - sqrt(mean over elements of (|s - g|_e / epsilon_e)^2)
//   task(t) = task_weight * (elements of the compound goal completed for the first time at t+1)
//           + progress_weight * sum over the goal's elements of the growth of p_e,
//             p_e = best so far of 1 - |s - target|_e / |s_0 - target|_e, in [0, 1]: 1 in total when it arrives
//           - undo_weight * (elements of the goal completed at t, no longer at t+1)
// The robot's own coordinates never count. A flat policy has no subgoals: c is taken against the compound goal.
// Reward of the high level per segment: the sum of task(t) over its steps.
#include <span>
#include <string>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct RewardSettings {
  std::string subgoal = "sparse";  // none | sparse | elements | euclidean
  float subgoal_weight = 0.1f;
  float subgoal_epsilon = 0.5f;  // multiples of each element's own epsilon
  float task_weight = 1.0f;
  float progress_weight = 0.5f;
  float undo_weight = 0.0f;
};
void list_settings(SettingsTable& table, const std::string& section, RewardSettings& settings);

// task(t) of every step: [n][T].
std::vector<float> task_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const RewardSettings& settings);
// r_l of every step: [n][T].
std::vector<float> low_rewards(const envs::Spec& spec, const envs::Goal& goal,
                               const Trajectories& trajectories, const RewardSettings& settings);
// r_h of every segment: [n][segments].
std::vector<float> high_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const RewardSettings& settings);

// Elements of the goal completed at or before row t: flags [n][T+1][goal.elements.size()], 0 or 1.
std::vector<float> completion_flags(const envs::Spec& spec, const envs::Goal& goal,
                                    const Trajectories& trajectories);

struct GaeOptions {
  float gamma = 0.99f;
  float lambda = 0.95f;
  // > 0: an episode of its own ends after every `segment` steps (the paper's low level); 0: only at T.
  int segment = 0;
};

// delta_t = r_t + gamma V_{t+1} - V_t,  A_t = delta_t + gamma lambda A_{t+1};  V_{t+1} and A_{t+1} are zero at an end.
// rewards, values: [n][T]. advantages [n][T] and targets [n][T] = A + V (TD(lambda) returns) are overwritten.
void gae(std::span<const float> rewards, std::span<const float> values, int n, int horizon,
         const GaeOptions& options, std::span<float> advantages, std::span<float> targets);

// In place: mean 0, standard deviation 1 (a constant input becomes zeros).
void standardize(std::span<float> values);

}  // namespace baton::rl
