#pragma once
// The policy of a run's folder: policy.safetensors (rl/policy/safetensors.hpp) beside config.toml, metrics.jsonl,
// run.json and summary.json. Its metadata: format "baton-policy", version, method, base, env, config (TOML), policy
// (JSON: the fields of RelayPolicy, TupleSettings, PolicyEncoding, MlpSpec, Head and LogStdRange by their names, levels
// under "low" and "high"). Its tensors, for each level (low, high):
//   <level>.layers.<l>.weight [out][in], .bias [out], with layer norm .norm.weight [out] and .norm.bias [out]
//   <level>.log_std [out], <level>.input.mean, .input.std [2S], <level>.output.mean, .output.std [out],
//   <level>.typical_robot [robot_dim], for RobotFill::kTypical
// Methods that act by demonstrations have recordings.states [N][S] and recordings.actions [N][A] instead, and "policy"
// holds state_dim, action_dim and lengths. Every number is kept to the last bit; any damage is refused.
#include <nlohmann/json.hpp>
#include <string>

#include "rl/data/dataset.hpp"
#include "rl/policy/relay_policy.hpp"
#include "rl/policy/safetensors.hpp"

namespace baton::rl {

// Writes DIR/policy.safetensors (the directory is made), all or nothing.
void save_policy(const RelayPolicy& policy, const std::string& directory);

// Reads DIR/policy.safetensors, or a file itself where its name is given; DIR/policy.h5, of earlier versions, where
// that is there alone. Everything is checked, field against field; a misfit says which, its size and the right one.
RelayPolicy load_policy(const std::string& directory);

// The file of a folder that load_policy() reads; the folder's own policy.safetensors where there is none. A file's name
// is returned as it is.
std::string policy_file(const std::string& directory);

// A file that was opened and checked as far as every method's is: the digest, format and version.
struct PolicyFile {
  std::string path, method, base, env, config;  // base: Method::name of the method that made it
  TensorFile tensors;
  nlohmann::ordered_json fields;  // metadata "policy"
};
PolicyFile open_policy(const std::string& path);

// The policy in a file that is open.
RelayPolicy read_policy(const PolicyFile& file);

// Demonstrations as a policy, for methods that act by them.
struct Recordings {
  std::string method, env, config;
  Dataset data;
};
void save_recordings(const Recordings& recordings, const std::string& folder);
Recordings read_recordings(const PolicyFile& file);

// The reader of policy.h5 (checkpoint_hdf5.cpp), version 1.
RelayPolicy load_hdf5_policy(const std::string& path);

}  // namespace baton::rl
