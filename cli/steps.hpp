#pragma once
// The steps of the method as functions, shared by the subcommands and by demo, which chains them. Each shows its
// progress, writes its output whole or not at all, and is defined in the file of its subcommand.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/device.hpp"
#include "rl/actor.hpp"
#include "rl/data/dataset.hpp"
#include "rl/evaluate.hpp"
#include "rl/policy/relay_policy.hpp"
#include "rl/run/config.hpp"

namespace baton::cli {

// Demonstrations of the environment's scripted operator; `completed` says which episodes did all their elements.
rl::Dataset collect_step(const rl::Config& config);

// Demonstrations, the paths they were read from, and the observations' names that were taken.
struct Demos {
  const rl::Dataset* data = nullptr;
  std::vector<std::string> paths, obs_keys = {};
};

// Learns by config.method and writes the run directory `out`.
std::unique_ptr<rl::Agent> imitate_step(const rl::Config& config, const Demos& demos, const std::string& out,
                                        const Device& device = {});

struct FinetuneStep {
  std::string init;  // folder of the policy to start from
  std::string goal;  // one name
  Demos demos;       // no data: npg only
  std::string out;
  Device device = {};  // where natural gradients are solved for, if not here
};
struct FinetuneOutcome {
  rl::GoalResult before, after;  // with mean actions, on the evaluation episodes of the run
};
FinetuneOutcome finetune_step(const rl::Config& config, const FinetuneStep& step);

struct DistillStep {
  std::vector<std::string> from;  // folders of fine-tuned policies, one goal each
  std::string start;              // folder of the policy to start from; empty: the one they were made from
  Demos demos;                    // no data: none
  std::string out;
};
rl::RelayPolicy distill_step(const rl::Config& config, const DistillStep& step);

struct EvalStep {
  std::string policy_name;          // as it stands in the report
  rl::EnvSettings env{.name = ""};  // no name, no model: the policy's own
  bool in_double = false;           // the environment's physics
  std::string goals = "all";
  int episodes = 20, batch = 64;
  std::uint64_t seed = 1000;
  float explore = 0;
};
rl::Evaluation eval_step(const rl::Agent& agent, const EvalStep& step);

}  // namespace baton::cli
