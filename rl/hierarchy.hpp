#pragma once
// Acting with a relay policy (paper, section "Relay policy architecture"), batched: when a subgoal has ended, after H =
// subgoal_every steps (or when it is reached: SubgoalEnd), the high level proposes the next one from [state, long-term
// goal]. The low level plans a chunk of actions from [state, subgoal] (rl/policy/chunk.hpp), and anew when T_a of them
// are executed or there is another subgoal. A flat policy plans from [state, long-term goal].
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rl/actor.hpp"
#include "rl/policy/policy_pass.hpp"
#include "rl/policy/relay_policy.hpp"

namespace baton::rl {

// One forward pass of the low level for the rows that plan, and one of the high level where any row needs a subgoal.
// The policy must outlive the actor and may change between episodes, not its shape. No allocation after construction.
class RelayActor final : public Actor {
 public:
  // rows: the number of environments. Throws when the policy does not fit the environment, or its levels each other.
  RelayActor(const RelayPolicy& policy, const envs::Spec& spec, int rows);

  int rows() const override { return rows_; }
  // The robot's coordinates of the goals are filled here, the way the policy was trained.
  void begin(std::span<const float> goals, std::span<const std::uint64_t> seeds,
             Exploration exploration) override;
  void act(int t, std::span<const float> observation, std::span<float> actions) override;
  std::span<const float> goals() const override { return goals_; }
  int subgoal_every() const override { return policy_->high ? policy_->subgoal_every : 0; }
  std::span<const float> subgoals() const override { return subgoals_; }
  std::span<const std::uint8_t> proposed() const override { return proposed_; }
  int chunk_width() const override { return policy_->low.out_dim(); }
  std::span<const float> chunks() const override { return chunks_; }
  std::span<const std::uint8_t> planned() const override { return planned_; }

 private:
  void join(std::span<const float> observation, std::span<const float> goal);
  bool ended(int row, int t, std::span<const float> state) const;
  void propose(int t, std::span<const float> observation);
  void plan(int t, std::span<const float> observation);

  const RelayPolicy* policy_;
  envs::Spec spec_;
  int rows_, state_dim_;
  Exploration exploration_;
  PolicyPass low_, high_;
  std::vector<float> goals_, subgoals_, next_, x_;  // [rows][S], [rows][S], [rows][S], [rows][2S]
  std::vector<int> since_;                          // [rows], the step at which the held subgoal was proposed
  std::vector<int> planned_at_;                     // [rows], the step at which the chunk at hand was planned
  std::vector<float> chunks_, fresh_;               // [rows][out]: at hand, and those of the rows that plan
  std::vector<int> planning_;                       // rows that plan
  std::vector<std::uint64_t> planning_seeds_;       // theirs
  std::vector<std::uint8_t> proposed_, planned_;    // [rows]
  std::vector<std::uint64_t> low_seeds_, high_seeds_;
};

// A relay policy as what a run keeps.
class RelayAgent final : public Agent {
 public:
  explicit RelayAgent(RelayPolicy policy);
  std::unique_ptr<Actor> make_actor(const envs::Spec& spec, int rows) const override;
  void save(const std::string& folder) const override;
  std::string describe() const override;
  const RelayPolicy* relay() const override { return &policy_; }

 private:
  RelayPolicy policy_;
};

}  // namespace baton::rl
