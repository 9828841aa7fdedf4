// Nearest neighbour (paper, figure 6): the demonstration whose last state is closest to the goal, replayed open loop.
// Closest: least sum over elements of (|last state - goal|_e / epsilon_e)^2, the first of equals. When it has ended,
// actions are zero.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kernels/error.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/checkpoint.hpp"

namespace baton::rl {
namespace {

class NearestActor final : public Actor {
 public:
  NearestActor(const Dataset& data, const envs::Spec& spec, int rows)
      : data_(&data), spec_(spec), chosen_(static_cast<std::size_t>(rows)) {
    BATON_REQUIRE(data.state_dim == spec.state_dim && data.action_dim == spec.action_dim,
                  "the demonstrations have states of {} and actions of {} numbers; {} has {} and {}",
                  data.state_dim, data.action_dim, spec.name, spec.state_dim, spec.action_dim);
    goals_.resize(chosen_.size() * static_cast<std::size_t>(spec.state_dim));
  }

  int rows() const override { return static_cast<int>(chosen_.size()); }
  std::span<const float> goals() const override { return goals_; }

  void begin(std::span<const float> goals, std::span<const std::uint64_t>, Exploration) override {
    BATON_REQUIRE(goals.size() == goals_.size(), "nearest: {} goal numbers for {} rows of {}", goals.size(),
                  chosen_.size(), spec_.state_dim);
    std::ranges::copy(goals, goals_.begin());
    const std::size_t S = static_cast<std::size_t>(spec_.state_dim);
    for (std::size_t n = 0; n < chosen_.size(); ++n)
      chosen_[n] = closest(std::span<const float>(goals_).subspan(n * S, S));
  }

  void act(int t, std::span<const float>, std::span<float> actions) override {
    const std::size_t A = static_cast<std::size_t>(spec_.action_dim);
    for (std::size_t n = 0; n < chosen_.size(); ++n) {
      const auto out = actions.subspan(n * A, A);
      std::ranges::fill(out, 0.0f);
      if (t < data_->length(chosen_[n])) std::copy_n(data_->action(chosen_[n], t), A, out.begin());
    }
  }

 private:
  int closest(std::span<const float> goal) const {
    int best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int e = 0; e < data_->episodes(); ++e) {
      const std::span last(data_->state(e, data_->length(e) - 1), goal.size());
      double sum = 0;
      for (const envs::Element& element : spec_.elements) {
        const double ratio = envs::element_error(element, last, goal) / element.epsilon;
        sum += ratio * ratio;
      }
      if (sum < least) least = sum, best = e;
    }
    return best;
  }

  const Dataset* data_;
  envs::Spec spec_;
  std::vector<int> chosen_;  // [rows], episodes
  std::vector<float> goals_;
};

class NearestAgent final : public Agent {
 public:
  explicit NearestAgent(Dataset data) : data_(std::move(data)) {}
  std::unique_ptr<Actor> make_actor(const envs::Spec& spec, int rows) const override {
    return std::make_unique<NearestActor>(data_, spec, rows);
  }
  void save(const std::string& folder) const override {
    save_recordings({.method = method, .env = env, .config = config, .data = data_}, folder);
  }
  std::string describe() const override {
    return fmt::format("{} demonstrations, {} actions\n", data_.episodes(), data_.steps());
  }

 private:
  Dataset data_;
};

std::unique_ptr<Agent> make_nearest(const Dataset& data, const envs::Spec& spec) {
  Dataset kept;  // what acting needs
  kept.state_dim = data.state_dim, kept.action_dim = data.action_dim;
  kept.states = data.states, kept.actions = data.actions, kept.offsets = data.offsets;
  auto agent = std::make_unique<NearestAgent>(std::move(kept));
  agent->method = method::nearest.name;
  agent->env = spec.name;
  return agent;
}

std::unique_ptr<Agent> load_nearest(const PolicyFile& file) {
  Recordings kept = read_recordings(file);
  auto agent = std::make_unique<NearestAgent>(std::move(kept.data));
  agent->method = kept.method, agent->env = kept.env, agent->config = kept.config;
  return agent;
}

}  // namespace

namespace method {

const Method nearest{
    .name = "nearest",
    .help = "replays the demonstration that ends closest to the goal",
    .tuned_name = "",
    .published = {.success = 0, .step_completion = 1.45},
    .low = {},
    .high = {},
    .make = make_nearest,
    .load = load_nearest,
};

}  // namespace method
}  // namespace baton::rl
