#include "rl/hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/policy/checkpoint.hpp"

namespace baton::rl {
namespace {

std::string describe_level(const char* name, const GaussianPolicy& policy) {
  const PolicyEncoding& encoding = policy.encoding();
  std::string head;
  if (policy.head().kind == HeadKind::kTwoPass) head = ", two passes";
  if (policy.head().kind == HeadKind::kMixture)
    head = fmt::format(", mixture of {}", policy.head().components);
  return fmt::format("{}: {} -> {} -> {}, {}, {} parameters{}; goal's robot: {}{}{}\n", name, policy.in_dim(),
                     fmt::join(policy.spec().hidden, " -> "), policy.out_dim(),
                     ag::activation_name(policy.spec().activation), policy.parameters(), head,
                     robot_fill_name(encoding.robot_fill), encoding.relative_goal ? ", relative goal" : "",
                     encoding.residual ? ", residual" : "");
}

}  // namespace

RelayActor::RelayActor(const RelayPolicy& policy, const envs::Spec& spec, int rows)
    : policy_(&policy), spec_(spec), rows_(rows), state_dim_(policy.low.encoding().state_dim) {
  const ActionChunk& chunk = policy.tuples.chunk;
  BATON_REQUIRE(rows > 0, "actor: {} rows, at least 1 is needed", rows);
  validate(chunk, spec);
  BATON_REQUIRE(
      state_dim_ == spec.state_dim && policy.low.out_dim() == chunk.predict * spec.action_dim,
      "the policy maps {} state coordinates to {} action coordinates in chunks of {}; {} has {} and {}",
      state_dim_, policy.low.out_dim() / chunk.predict, chunk.predict, spec.name, spec.state_dim,
      spec.action_dim);
  const std::size_t numbers = static_cast<std::size_t>(rows) * state_dim_;
  if (policy.high) {
    BATON_REQUIRE(policy.subgoal_every > 0, "actor: a subgoal every {} steps", policy.subgoal_every);
    BATON_REQUIRE(policy.high->encoding().state_dim == state_dim_ && policy.high->out_dim() == state_dim_,
                  "actor: the high level maps {} numbers to {}, the low level's states have {}",
                  policy.high->encoding().state_dim, policy.high->out_dim(), state_dim_);
    high_.reserve(*policy.high, rows);
    subgoals_.resize(numbers);
    next_.resize(numbers);
    high_seeds_.resize(rows);
    since_.resize(rows);
    proposed_.resize(rows);
  }
  low_.reserve(policy.low, rows);
  chunks_.resize(static_cast<std::size_t>(rows) * policy.low.out_dim());
  fresh_.resize(chunks_.size());
  planned_.resize(rows);
  planned_at_.resize(rows);
  planning_.reserve(rows);
  planning_seeds_.reserve(rows);
  goals_.resize(numbers);
  x_.resize(2 * numbers);
  low_seeds_.resize(rows);
}

void RelayActor::begin(std::span<const float> goals, std::span<const std::uint64_t> seeds,
                       Exploration exploration) {
  BATON_REQUIRE(goals.size() == goals_.size() && seeds.size() == low_seeds_.size(),
                "actor: {} goal numbers and {} seeds for {} rows of {}", goals.size(), seeds.size(), rows_,
                state_dim_);
  exploration_ = exploration;
  std::copy(goals.begin(), goals.end(), goals_.begin());
  std::ranges::fill(since_, -1);
  std::ranges::fill(planned_at_, -1);
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

// Whether row n needs a new subgoal at step t.
bool RelayActor::ended(int n, int t, std::span<const float> observation) const {
  if (since_[n] < 0 || t - since_[n] >= policy_->subgoal_every) return true;
  if (policy_->subgoal_end == SubgoalEnd::kClock) return false;
  const std::size_t row = static_cast<std::size_t>(n) * state_dim_;
  const auto state = observation.subspan(row, state_dim_),
             subgoal = std::span(subgoals_).subspan(row, state_dim_);
  return std::ranges::all_of(spec_.elements,
                             [&](const envs::Element& e) { return envs::element_done(e, state, subgoal); });
}

void RelayActor::propose(int t, std::span<const float> observation) {
  bool any = false;
  for (int n = 0; n < rows_; ++n) {
    proposed_[n] = ended(n, t, observation);
    any = any || proposed_[n] != 0;
  }
  if (!any) return;
  join(observation, goals_);
  high_.infer(*policy_->high, x_.data(), rows_);
  if (exploration_.high > 0) {
    high_.sample(*policy_->high, high_seeds_, t, exploration_.high, next_.data());
  } else {
    high_.mean(*policy_->high, next_.data());
  }
  for (int n = 0; n < rows_; ++n) {
    if (proposed_[n] == 0) continue;
    const std::size_t row = static_cast<std::size_t>(n) * state_dim_;
    std::copy_n(&next_[row], state_dim_, &subgoals_[row]);
    since_[n] = t;
  }
}

// Chunks of the rows that have none at hand: at the start, after T_a steps, under another subgoal.
void RelayActor::plan(int t, std::span<const float> observation) {
  const int execute = policy_->tuples.chunk.execute, width = policy_->low.out_dim();
  const std::span<const float> goals = policy_->high ? subgoals_ : goals_;
  planning_.clear(), planning_seeds_.clear();
  for (int n = 0; n < rows_; ++n) {
    planned_[n] = planned_at_[n] < 0 || t - planned_at_[n] >= execute || (policy_->high && proposed_[n] != 0);
    if (planned_[n] == 0) continue;
    const std::size_t row = static_cast<std::size_t>(n) * state_dim_;
    float* x = &x_[planning_.size() * 2 * static_cast<std::size_t>(state_dim_)];
    std::copy_n(&goals[row], state_dim_, std::copy_n(&observation[row], state_dim_, x));
    planning_.push_back(n);
    planning_seeds_.push_back(low_seeds_[n]);
    planned_at_[n] = t;
  }
  if (planning_.empty()) return;
  low_.infer(policy_->low, x_.data(), static_cast<int>(planning_.size()));
  if (exploration_.low > 0) {
    low_.sample(policy_->low, planning_seeds_, t, exploration_.low, fresh_.data());
  } else {
    low_.mean(policy_->low, fresh_.data());
  }
  for (std::size_t i = 0; i < planning_.size(); ++i)
    std::copy_n(&fresh_[i * width], width, &chunks_[static_cast<std::size_t>(planning_[i]) * width]);
}

void RelayActor::act(int t, std::span<const float> observation, std::span<float> actions) {
  const std::size_t A = static_cast<std::size_t>(spec_.action_dim), S = static_cast<std::size_t>(state_dim_);
  BATON_REQUIRE(observation.size() == goals_.size() && actions.size() == static_cast<std::size_t>(rows_) * A,
                "actor: {} observed and {} action numbers for {} rows of {} and {}", observation.size(),
                actions.size(), rows_, state_dim_, A);
  if (policy_->high) propose(t, observation);
  plan(t, observation);
  const std::size_t width = static_cast<std::size_t>(policy_->low.out_dim());
  for (std::size_t n = 0; n < static_cast<std::size_t>(rows_); ++n) {
    const std::size_t step = static_cast<std::size_t>(t - planned_at_[n]);
    action_of_label(spec_, policy_->tuples.chunk.labels, observation.subspan(n * S, S),
                    std::span(chunks_).subspan(n * width + step * A, A), actions.subspan(n * A, A));
  }
}

RelayAgent::RelayAgent(RelayPolicy policy) : policy_(std::move(policy)) {
  method = policy_.method;
  env = policy_.env;
  config = policy_.config;
}

std::unique_ptr<Actor> RelayAgent::make_actor(const envs::Spec& spec, int rows) const {
  return std::make_unique<RelayActor>(policy_, spec, rows);
}

void RelayAgent::save(const std::string& folder) const {
  RelayPolicy policy = policy_;
  policy.config = config;
  save_policy(policy, folder);
}

std::string RelayAgent::describe() const {
  const ActionChunk& chunk = policy_.tuples.chunk;
  std::string text = describe_level("low", policy_.low);
  text += fmt::format("chunks of {} actions, {} of them executed, as {} labels\n", chunk.predict,
                      chunk.execute, kActionLabelsNames.at(static_cast<std::size_t>(chunk.labels)));
  if (!policy_.high) return text;
  text += describe_level("high", *policy_.high);
  return text + fmt::format("a new subgoal every {} steps{}\n", policy_.subgoal_every,
                            policy_.subgoal_end == SubgoalEnd::kReached ? ", or when it is reached" : "");
}

}  // namespace baton::rl
