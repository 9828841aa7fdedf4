#pragma once
// A policy directory: policy.h5 (every number of a RelayPolicy, bit-exact) beside config.toml, metrics.jsonl and
// summary.json (rl/run/metrics.hpp). policy.h5 holds attributes format = "baton-policy", version, method, env,
// subgoal_every, config, and a group per level (low, high): attributes in, out, hidden, activation, state_dim,
// robot_dim, robot_fill, relative_goal, residual, log_std_range and datasets theta, in_mean, in_std, out_mean, out_std,
// typical_robot.
#include <string>

#include "rl/policy/policy.hpp"

namespace baton::rl {

// Writes DIR/policy.h5 (the directory is made), through a temporary name: all or nothing.
void save_policy(const RelayPolicy& policy, const std::string& directory);

// Reads DIR/policy.h5, or the file itself where its name is given. Everything is checked; a misfit says which array,
// its shape and the right one.
RelayPolicy load_policy(const std::string& directory);

// Throws unless the policy was made for states and actions of these sizes.
void require_shape(const RelayPolicy& policy, int state_dim, int action_dim, const std::string& where);

}  // namespace baton::rl
