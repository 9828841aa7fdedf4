#pragma once
// Rewards of both levels and generalised advantage estimation (Schulman et al. 2016) over segments. Each level has its
// own settings.
//
// Reward of the low level at step t (judged on the true state s_{t+1}, subgoal g held at t, H = subgoal_every):
//   r_l = subgoal_weight * c(s_{t+1}, g) / H + task(t)
//   c by `subgoal`:  none       0
//                    sparse     1 when EVERY element has |s - g|_e < subgoal_epsilon * epsilon_e, else 0
//                    elements   the fraction of elements with |s - g|_e < subgoal_epsilon * epsilon_e
//                    euclidean  - sqrt(mean over elements of (|s - g|_e / epsilon_e)^2)
//   task(t) = task_weight * (elements of the compound goal completed for the first time at t+1)
//           + progress_weight * sum over the goal's elements of the growth of p_e,
//             p_e = best so far of 1 - |s - target|_e / |s_0 - target|_e, in [0, 1]: 1 in total when it arrives
//           - undo_weight * (elements of the goal completed at t, no longer at t+1)
//           - spare_weight * sum over the elements outside the goal of the growth of q_e,
//             q_e = 1 - |s - goal_e|_e / |s_0 - goal_e|_e in [0, 1], goal_e = Element::goal: what shall stay alone;
//             1 in all when it is done, given back when it is undone
// The robot's own coordinates never count. A flat policy has no subgoals: c is taken against the compound goal, over T
// instead of H. Reward of the high level per segment: the sum of task(t) over its steps.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

enum class SubgoalReward { kNone, kSparse, kElements, kEuclidean };
inline constexpr std::array<std::string_view, 4> kSubgoalRewardNames = {"none", "sparse", "elements",
                                                                        "euclidean"};

struct TaskRewardSettings {  // task(t): all of the high level's reward
  float task_weight = 1.0f;
  float progress_weight = 0.5f;
  float undo_weight = 0.0f;
  float spare_weight = 0.0f;
};
struct LowRewardSettings {
  SubgoalReward subgoal = SubgoalReward::kSparse;
  float subgoal_weight = 0.1f;
  float subgoal_epsilon = 0.5f;  // multiples of each element's own epsilon
  TaskRewardSettings task;
};
void list_settings(SettingsTable& table, const std::string& section, TaskRewardSettings& settings);
void list_settings(SettingsTable& table, const std::string& section, LowRewardSettings& settings);

// task(t) of every step: [n][T].
std::vector<float> task_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const TaskRewardSettings& settings);
// r_l of every step: [n][T].
std::vector<float> low_rewards(const envs::Spec& spec, const envs::Goal& goal,
                               const Trajectories& trajectories, const LowRewardSettings& settings);
// r_h of every segment: [segments].
std::vector<float> high_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const TaskRewardSettings& settings);

// Elements of the goal completed at or before row t: flags [n][T+1][goal.elements.size()], 0 or 1.
std::vector<float> completion_flags(const envs::Spec& spec, const envs::Goal& goal,
                                    const Trajectories& trajectories);

// The decisions of one level, in order: a chunk each of the low level, a segment each of the high level.
struct Decisions {
  std::vector<int> episode, step;  // of each decision: the episode, and the step at which it was made
  std::vector<int> length = {};    // steps that it held
  std::vector<std::uint8_t> end;   // 1: nothing that follows is credited to this decision or those before
  std::size_t size() const { return episode.size(); }
};
// end_segments: an episode of its own ends with every segment (the paper's low level), not only at T.
Decisions low_decisions(const Trajectories& trajectories, bool end_segments);
Decisions high_decisions(const Trajectories& trajectories);

// [decisions]: sum over the steps i = 0, 1, ... of each decision of gamma^i r_{step+i}. rewards: [n][T].
std::vector<float> decision_rewards(std::span<const float> rewards, const Decisions& decisions, int horizon,
                                    float gamma);

struct GaeOptions {
  float gamma = 0.99f;
  float lambda = 0.95f;
};

// delta_t = r_t + g_t V_{t+1} - V_t,  A_t = delta_t + g_t lambda A_{t+1};  V_{t+1} and A_{t+1} are zero at an end.
// g_t = gamma^length_t: what a decision of several steps discounts (options: Sutton, Precup, Singh 1999).
// rewards, values, ends: [rows] (1 in `ends`: an episode's last row, which the last row must be); lengths: [rows], or
// empty: 1 each. advantages [rows] and targets [rows] = A + V (TD(lambda) returns) are overwritten.
void gae(std::span<const float> rewards, std::span<const float> values, std::span<const std::uint8_t> ends,
         const GaeOptions& options, std::span<float> advantages, std::span<float> targets,
         std::span<const int> lengths = {});

// In place: mean 0, standard deviation 1 (a constant input becomes zeros).
void standardize(std::span<float> values);

}  // namespace baton::rl
