#include "rl/advantage.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "rl/completion.hpp"

namespace baton::rl {
namespace {

std::size_t index(int a, int b, int size) { return static_cast<std::size_t>(a) * size + b; }

void require_states(const envs::Spec& spec, const Trajectories& trajectories) {
  BATON_REQUIRE(trajectories.state_dim == spec.state_dim && trajectories.n > 0,
                "rewards: {} trajectories of {} coordinates, {} has {}", trajectories.n,
                trajectories.state_dim, spec.name, spec.state_dim);
}

// c(s, g) of the header.
double closeness(SubgoalReward kind, const envs::Spec& spec, std::span<const float> state,
                 std::span<const float> goal, float subgoal_epsilon) {
  int near = 0;
  double squares = 0;
  for (const envs::Element& element : spec.elements) {
    const double ratio = envs::element_error(element, state, goal) / element.epsilon;
    near += ratio < subgoal_epsilon;
    squares += ratio * ratio;
  }
  const int count = static_cast<int>(spec.elements.size());
  if (kind == SubgoalReward::kSparse) return near == count ? 1 : 0;
  if (kind == SubgoalReward::kElements) return static_cast<double>(near) / count;
  return -std::sqrt(squares / count);
}

// task(t) of one episode.
class TaskReward {
 public:
  TaskReward(const envs::Spec& spec, const envs::Goal& goal, const TaskRewardSettings& settings,
             std::span<const float> start)
      : spec_(spec),
        goal_(goal),
        settings_(settings),
        start_error_(goal.elements.size()),
        best_(goal.elements.size()),
        was_(goal.elements.size()),
        done_(goal.elements.size()) {
    for (std::size_t e = 0; e < done_.size(); ++e) {
      start_error_[e] = error(e, start);
      done_[e] = was_[e] = envs::element_done(element(e), start, goal.target);
    }
    if (settings.spare_weight <= 0) return;
    for (int e = 0; e < static_cast<int>(spec.elements.size()); ++e) {
      const envs::Element& other = spec.elements[static_cast<std::size_t>(e)];
      if (other.goal.empty() || std::ranges::find(goal.elements, e) != goal.elements.end()) continue;
      Other spared{.element = &other, .target = goal.target};
      for (std::size_t i = 0; i < other.index.size(); ++i)
        spared.target[static_cast<std::size_t>(other.index[i])] = other.goal[i];
      spared.start_error = envs::element_error(other, start, spared.target);
      others_.push_back(std::move(spared));
    }
  }

  double next(std::span<const float> state) {
    double reward = 0;
    for (std::size_t e = 0; e < done_.size(); ++e) {
      const double distance = error(e, state);
      const bool now = envs::element_done(element(e), state, goal_.target);
      if (now && !done_[e]) reward += settings_.task_weight, done_[e] = 1;
      if (!now && was_[e]) reward -= settings_.undo_weight;
      was_[e] = now;
      const double share = progress(distance, start_error_[e]);
      if (share > best_[e]) {
        reward += settings_.progress_weight * (share - best_[e]);
        best_[e] = share;
      }
    }
    for (Other& other : others_) {
      const double now =
          progress(envs::element_error(*other.element, state, other.target), other.start_error);
      reward -= settings_.spare_weight * (now - other.progress);
      other.progress = now;
    }
    return reward;
  }

 private:
  // An element that shall stay alone.
  struct Other {
    const envs::Element* element;
    std::vector<float> target;
    double start_error = 0, progress = 0;
  };

  static double progress(double distance, double start) {
    return start > 0 ? std::clamp(1 - distance / start, 0.0, 1.0) : 0;
  }
  const envs::Element& element(std::size_t e) const { return spec_.elements[goal_.elements[e]]; }
  double error(std::size_t e, std::span<const float> state) const {
    return envs::element_error(element(e), state, goal_.target);
  }

  const envs::Spec& spec_;
  const envs::Goal& goal_;
  const TaskRewardSettings& settings_;
  std::vector<double> start_error_, best_;
  std::vector<std::uint8_t> was_, done_;
  std::vector<Other> others_;
};

}  // namespace

void list_settings(SettingsTable& table, const std::string& section, TaskRewardSettings& settings) {
  table.add(section + ".task_weight", &settings.task_weight,
            "reward for an element of the compound goal completed", 0, 1e6);
  table.add(section + ".progress_weight", &settings.progress_weight,
            "reward for approaching an element's goal", 0, 1e6);
  table.add(section + ".spare_weight", &settings.spare_weight,
            "penalty for bringing an element outside the goal to its own", 0, 1e6);
  table.add(section + ".undo_weight", &settings.undo_weight, "penalty for undoing a completed element", 0,
            1e6);
}

void list_settings(SettingsTable& table, const std::string& section, LowRewardSettings& settings) {
  table.add_choice(section + ".subgoal", &settings.subgoal, kSubgoalRewardNames,
                   "reward of the low level for its subgoal");
  table.add(section + ".subgoal_weight", &settings.subgoal_weight, "weight of that reward, per segment", 0,
            1e6);
  table.add(section + ".subgoal_epsilon", &settings.subgoal_epsilon,
            "reached within, in multiples of an element's epsilon", 1e-6, 1e6);
  list_settings(table, section, settings.task);
}

std::vector<float> task_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const TaskRewardSettings& settings) {
  require_states(spec, trajectories);
  const int T = trajectories.horizon;
  std::vector<float> rewards(static_cast<std::size_t>(trajectories.n) * T);
  for (int i = 0; i < trajectories.n; ++i) {
    TaskReward task(spec, goal, settings, trajectories.state(i, 0));
    for (int t = 0; t < T; ++t)
      rewards[index(i, t, T)] = static_cast<float>(task.next(trajectories.state(i, t + 1)));
  }
  return rewards;
}

std::vector<float> low_rewards(const envs::Spec& spec, const envs::Goal& goal,
                               const Trajectories& trajectories, const LowRewardSettings& settings) {
  std::vector<float> rewards = task_rewards(spec, goal, trajectories, settings.task);
  if (settings.subgoal == SubgoalReward::kNone || settings.subgoal_weight == 0) return rewards;
  const int T = trajectories.horizon, H = trajectories.hierarchical() ? trajectories.subgoal_every : T;
  for (int i = 0; i < trajectories.n; ++i) {
    for (int t = 0; t < T; ++t) {
      const std::span<const float> wanted =
          trajectories.hierarchical() ? trajectories.low_goal(i, t) : std::span<const float>(goal.target);
      const double c =
          closeness(settings.subgoal, spec, trajectories.state(i, t + 1), wanted, settings.subgoal_epsilon);
      rewards[index(i, t, T)] += static_cast<float>(settings.subgoal_weight * c / H);
    }
  }
  return rewards;
}

std::vector<float> high_rewards(const envs::Spec& spec, const envs::Goal& goal,
                                const Trajectories& trajectories, const TaskRewardSettings& settings) {
  BATON_REQUIRE(trajectories.hierarchical(), "high_rewards: these trajectories are a flat policy's");
  const std::vector<float> task = task_rewards(spec, goal, trajectories, settings);
  std::vector<float> rewards(trajectories.high.spans.size());
  for (std::size_t step = 0; step < task.size(); ++step)
    rewards[static_cast<std::size_t>(trajectories.high.at[step])] += task[step];
  return rewards;
}

std::vector<float> completion_flags(const envs::Spec& spec, const envs::Goal& goal,
                                    const Trajectories& trajectories) {
  require_states(spec, trajectories);
  std::vector<float> flags;
  for (int i = 0; i < trajectories.n; ++i) {
    const std::vector<std::uint8_t> done = done_by(spec, goal, trajectories.episode_states(i));
    flags.insert(flags.end(), done.begin(), done.end());
  }
  return flags;
}

namespace {

// end_at(episode, span): nothing that follows the span, which is not the episode's last, is credited to it.
template <class EndAt>
Decisions decisions_of(const Decided& decided, int episodes, EndAt end_at) {
  Decisions all;
  for (int i = 0; i < episodes; ++i) {
    const int end = decided.offsets[static_cast<std::size_t>(i) + 1];
    for (int k = decided.offsets[static_cast<std::size_t>(i)]; k < end; ++k) {
      const Segment& span = decided.spans[static_cast<std::size_t>(k)];
      all.episode.push_back(i);
      all.step.push_back(span.start);
      all.length.push_back(span.length);
      all.end.push_back(k + 1 == end || end_at(i, span));
    }
  }
  return all;
}

}  // namespace

Decisions low_decisions(const Trajectories& trajectories, bool end_segments) {
  BATON_REQUIRE(!trajectories.low.empty(), "low_decisions: the trajectories hold no chunks of a policy");
  return decisions_of(trajectories.low, trajectories.n, [&](int i, const Segment& span) {
    const int last = span.start + span.length - 1;
    return end_segments && trajectories.hierarchical() &&
           trajectories.segment(i, last) != trajectories.segment(i, last + 1);
  });
}

Decisions high_decisions(const Trajectories& trajectories) {
  BATON_REQUIRE(trajectories.hierarchical(), "high_decisions: these trajectories are a flat policy's");
  return decisions_of(trajectories.high, trajectories.n, [](int, const Segment&) { return false; });
}

std::vector<float> decision_rewards(std::span<const float> rewards, const Decisions& decisions, int horizon,
                                    float gamma) {
  std::vector<float> sums;
  for (std::size_t k = 0; k < decisions.size(); ++k) {
    double sum = 0, factor = 1;
    for (int i = 0; i < decisions.length[k]; ++i, factor *= gamma)
      sum += factor * rewards[index(decisions.episode[k], decisions.step[k] + i, horizon)];
    sums.push_back(static_cast<float>(sum));
  }
  return sums;
}

void gae(std::span<const float> rewards, std::span<const float> values, std::span<const std::uint8_t> ends,
         const GaeOptions& options, std::span<float> advantages, std::span<float> targets,
         std::span<const int> lengths) {
  const std::size_t size = ends.size();
  BATON_REQUIRE(
      rewards.size() == size && values.size() == size && advantages.size() == size && targets.size() == size,
      "gae: {} rewards, {} values, {} advantages, {} targets for {} rows", rewards.size(), values.size(),
      advantages.size(), targets.size(), size);
  BATON_REQUIRE(lengths.empty() || lengths.size() == size, "gae: {} lengths for {} rows", lengths.size(),
                size);
  BATON_REQUIRE(size == 0 || ends.back() != 0, "gae: the last of {} rows ends no episode", size);
  double next_value = 0, next_advantage = 0;
  for (std::size_t k = size; k-- > 0;) {
    if (ends[k] != 0) next_value = next_advantage = 0;
    const double gamma =
        lengths.empty() ? options.gamma : std::pow(static_cast<double>(options.gamma), lengths[k]);
    const double delta = rewards[k] + gamma * next_value - values[k];
    next_advantage = delta + gamma * options.lambda * next_advantage;
    next_value = values[k];
    advantages[k] = static_cast<float>(next_advantage);
    targets[k] = static_cast<float>(next_advantage + next_value);
  }
}

void standardize(std::span<float> values) {
  if (values.empty()) return;
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const float v : values) sum += v;
  const double mean = sum / n;
  for (const float v : values) squares += (v - mean) * (v - mean);
  const double deviation = std::sqrt(squares / n);
  const double scale = deviation > 1e-12 ? 1 / deviation : 0;
  for (float& v : values) v = static_cast<float>((v - mean) * scale);
}

}  // namespace baton::rl
