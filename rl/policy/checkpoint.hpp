#pragma once
// A policy directory: policy.h5 (every number of a RelayPolicy, bit-exact) beside config.toml, metrics.jsonl and
// summary.json (rl/run/metrics.hpp). policy.h5 holds attributes format = "baton-policy", version, method, base, env,
// config, subgoal_every, subgoal_end, the fields of TupleSettings, state_noise, goal_noise, and a group per level (low,
// high): attributes in, out, hidden, activation, state_dim, robot_dim, robot_fill, relative_goal, residual,
// log_std_range and datasets theta, in_mean, in_std, out_mean, out_std, typical_robot. Version 1, which is read, too,
// lacks base, subgoal_end, TupleSettings and noise: they are taken from method and config.
#include <string>

#include "rl/data/dataset.hpp"
#include "rl/policy/relay_policy.hpp"

namespace baton::rl {

// Writes DIR/policy.h5 (the directory is made), through a temporary name: all or nothing.
void save_policy(const RelayPolicy& policy, const std::string& directory);

// Reads DIR/policy.h5, or the file itself where its name is given. Everything is checked; a misfit says which array,
// its shape and the right one.
RelayPolicy load_policy(const std::string& directory);

// The method that made what a folder (or file) keeps: Method::name.
std::string base_method(const std::string& folder);

// Demonstrations as a policy, for methods that act by them: attributes format, version, method, base, env, config,
// state_dim and action_dim, datasets states, actions and lengths.
struct Recordings {
  std::string method, env, config;
  Dataset data;
};
void save_recordings(const Recordings& recordings, const std::string& folder);
Recordings load_recordings(const std::string& folder);

}  // namespace baton::rl
