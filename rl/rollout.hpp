#pragma once
// Whole episodes of an actor in a batch of environments. Episode k of a goal is a function of (seed, goal name, k) and
// the actor alone: the same bytes for any batch size and any number of threads.
#include <cstdint>
#include <span>
#include <string_view>

#include "envs/env.hpp"
#include "rl/actor.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/run/progress.hpp"

namespace baton::rl {

struct RolloutOptions {
  int episodes = 1;       // per goal
  int first_episode = 0;  // index of the first one: other indices, other seeds
  std::uint64_t seed = 0;
  Exploration exploration = {};
  std::string_view stage = "rollout";  // of the progress reports, whose unit is one step of one episode
};

// The seed of the environment, and of the policy's noise, in one episode.
std::uint64_t episode_seed(std::uint64_t seed, std::string_view goal, int episode);

// Rolls out options.episodes episodes of each goal, goal after goal, several goals sharing a batch. Episode e of goal g
// is row g * options.episodes + e of the result. The actor has a row for every environment. Throws Interrupted when
// progress says stop.
Trajectories rollout(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                     const RolloutOptions& options, const ProgressCallback& progress = {});

}  // namespace baton::rl
