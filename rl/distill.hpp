#pragma once
// Distillation (paper, algorithm 1, line 8): policies fine-tuned each for one goal become one multi-goal policy, by
// imitating them on their own on-policy rollouts, relabelled by algorithms 2 and 3.
#include <span>

#include "rl/data/trajectory.hpp"
#include "rl/trainer.hpp"

namespace baton::rl {

struct DistillSettings {
  // Learn from the successful rollouts alone (all of them, where a teacher has none).
  bool only_successful = true;
  bool teacher_actions = true;  // targets are the teachers' mean actions, not the explored ones
  float demos_fraction = 0.2f;  // share of the tuples drawn from the demonstrations, when given
  int episodes = 60;            // rollouts of each teacher, for callers that make them
  float explore = 0.5f;         // multiple of sigma in those rollouts
  // state_noise and goal_noise below 0: those that the starting policy was trained with.
  ImitationSettings imitation{
      .updates = 20000, .state_noise = -1, .goal_noise = -1, .target_goal_fraction = 0.5f};
};
void list_settings(SettingsTable& table, const std::string& section, DistillSettings& settings);

struct Teacher {
  const RelayPolicy* policy = nullptr;
  const Trajectories* rollouts = nullptr;  // on-policy, of its own goal
};

// `start` gives the shape, the weights to start from (those of the RIL policy the teachers came from) and the kind of
// tuples with their windows. demos may be null.
RelayPolicy distill(const RelayPolicy& start, std::span<const Teacher> teachers, const Dataset* demos,
                    const envs::Spec& spec, const DistillSettings& settings, std::uint64_t seed,
                    const ProgressCallback& progress = {});

}  // namespace baton::rl
