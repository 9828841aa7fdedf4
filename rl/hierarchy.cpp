#include "rl/hierarchy.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {

RelayActor::RelayActor(const RelayPolicy& policy, int rows)
    : policy_(&policy), rows_(rows), state_dim_(policy.low.encoding().state_dim) {
  BATON_REQUIRE(rows > 0, "actor: {} rows, at least 1 is needed", rows);
  if (policy.high) {
    BATON_REQUIRE(policy.subgoal_every > 0, "actor: a subgoal every {} steps", policy.subgoal_every);
    BATON_REQUIRE(policy.high->encoding().state_dim == state_dim_ && policy.high->out_dim() == state_dim_,
                  "actor: the high level maps {} numbers to {}, the low level's states have {}",
                  policy.high->encoding().state_dim, policy.high->out_dim(), state_dim_);
    high_.reserve(*policy.high, rows);
    subgoals_.resize(static_cast<std::size_t>(rows) * state_dim_);
    high_seeds_.resize(rows);
  }
  low_.reserve(policy.low, rows);
  goals_.resize(static_cast<std::size_t>(rows) * state_dim_);
  x_.resize(goals_.size() * 2);
  low_seeds_.resize(rows);
}

void RelayActor::begin(std::span<const float> goals, std::span<const std::uint64_t> seeds,
                       Exploration exploration) {
  BATON_REQUIRE(goals.size() == goals_.size() && seeds.size() == low_seeds_.size(),
                "actor: {} goal numbers and {} seeds for {} rows of {}", goals.size(), seeds.size(), rows_,
                state_dim_);
  exploration_ = exploration;
  std::copy(goals.begin(), goals.end(), goals_.begin());
  for (int n = 0; n < rows_; ++n) {
    policy_->top().fill_goal(std::span(goals_).subspan(static_cast<std::size_t>(n) * state_dim_, state_dim_));
    low_seeds_[n] = kernels::mix_seed(seeds[n], 1);
    if (policy_->high) high_seeds_[n] = kernels::mix_seed(seeds[n], 2);
  }
}

// x_ [rows][2S] = [observation, goal].
void RelayActor::join(std::span<const float> observation, std::span<const float> goal) {
  for (int n = 0; n < rows_; ++n) {
    const std::size_t row = static_cast<std::size_t>(n) * state_dim_;
    std::copy_n(&observation[row], state_dim_, &x_[2 * row]);
    std::copy_n(&goal[row], state_dim_, &x_[2 * row + state_dim_]);
  }
}

void RelayActor::act(int t, std::span<const float> observation, std::span<float> actions) {
  BATON_REQUIRE(observation.size() == goals_.size() &&
                    actions.size() == static_cast<std::size_t>(rows_) * policy_->low.out_dim(),
                "actor: {} observed and {} action numbers for {} rows of {} and {}", observation.size(),
                actions.size(), rows_, state_dim_, policy_->low.out_dim());
  if (policy_->high && t % policy_->subgoal_every == 0) {
    join(observation, goals_);
    high_.infer(*policy_->high, x_.data(), rows_);
    if (exploration_.high > 0) {
      high_.sample(*policy_->high, high_seeds_, t, exploration_.high, subgoals_.data());
    } else {
      high_.mean(*policy_->high, subgoals_.data());
    }
  }
  join(observation, policy_->high ? subgoals_ : goals_);
  low_.infer(policy_->low, x_.data(), rows_);
  if (exploration_.low > 0) {
    low_.sample(policy_->low, low_seeds_, t, exploration_.low, actions.data());
  } else {
    low_.mean(policy_->low, actions.data());
  }
}

}  // namespace baton::rl
