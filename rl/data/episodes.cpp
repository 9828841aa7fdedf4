#include "rl/data/episodes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

constexpr float kMaxNumber = 1e10f;  // MuJoCo's bound of a coordinate
constexpr float kMaxAction = 10.0f;  // actions of an environment are made for -1..1

// "30 numbers (or observations of 60 or 59)".
std::string widths_of(const envs::Spec& spec) {
  std::string text = fmt::format("{} numbers", spec.state_dim);
  for (std::size_t i = 0; i < spec.layouts.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? " (or observations of " : " or ", spec.layouts[i].width);
  return spec.layouts.empty() ? text : text + ")";
}

constexpr const char* kWithout = "--env none learns from demonstrations without an environment";

void require_actions(const envs::Spec& spec, const std::string& path, int action_dim) {
  BATON_REQUIRE(action_dim == spec.action_dim, "{}: actions are {} wide, those of {} have {} numbers; {}",
                path, action_dim, spec.name, spec.action_dim, kWithout);
}

void require_bounded(const std::vector<float>& values, int width, float bound, const std::string& path,
                     const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::abs(values[i]) <= bound,
                  "{}: {} row {} column {} is {}, a number within {} is expected", path, what,
                  i / static_cast<std::size_t>(width), i % static_cast<std::size_t>(width), values[i], bound);
  }
}

}  // namespace

EpisodeBuilder::EpisodeBuilder(const ReadOptions& options, std::string path, std::string what, int width,
                               int action_dim)
    : options_(options), path_(std::move(path)), what_(std::move(what)), width_(width) {
  const envs::Spec* spec = options.spec;
  if (spec == nullptr || width == spec->state_dim) {
    state_.resize(static_cast<std::size_t>(width));
    std::iota(state_.begin(), state_.end(), 0);
  } else {
    const auto layout = std::ranges::find(spec->layouts, width, &envs::Layout::width);
    BATON_REQUIRE(layout != spec->layouts.end(), "{}: {} is {} wide, a state of {} has {}; {}", path_, what_,
                  width, spec->name, widths_of(*spec), kWithout);
    state_ = layout->state;
    goal_ = layout->goal;
  }
  if (spec != nullptr) require_actions(*spec, path_, action_dim);
  data_.state_dim = static_cast<int>(state_.size());
  data_.action_dim = action_dim;
}

void EpisodeBuilder::add(std::span<const float> observations, std::span<const float> actions) {
  const std::int64_t steps = static_cast<std::int64_t>(actions.size()) / data_.action_dim;
  BATON_REQUIRE(data_.offsets.size() <= kMostEpisodes, "{}: more than {} episodes", path_, kMostEpisodes);
  for (std::int64_t t = 0; t < steps; ++t) {
    for (const int column : state_)
      data_.states.push_back(observations[static_cast<std::size_t>(t * width_ + column)]);
  }
  data_.actions.insert(data_.actions.end(), actions.begin(), actions.end());
  data_.offsets.push_back(data_.steps() + steps);
  targets_.resize(targets_.size() + state_.size());
  names_.emplace_back();
  if (!goal_.empty()) add_goal(observations, steps);
}

// The goal stands beside the state, and stays.
void EpisodeBuilder::add_goal(std::span<const float> observations, std::int64_t steps) {
  float* target = targets_.data() + targets_.size() - goal_.size();
  bool any = false;
  for (std::size_t i = 0; i < goal_.size(); ++i) {
    const float goal = observations[static_cast<std::size_t>(goal_[i])];
    for (std::int64_t t = 0; t < steps; ++t) {
      const float again = observations[static_cast<std::size_t>(t * width_ + goal_[i])];
      BATON_REQUIRE(
          again == goal,
          "{}: {} is {} wide, but column {} holds no goal of {}: in episode {} it is {} at first and "
          "{} in step {}; {}, all columns as the state",
          path_, what_, width_, goal_[i], options_.spec->name, data_.episodes() - 1, goal, again, t,
          kWithout);
    }
    any |= goal != 0;
    target[i] = goal == 0 ? observations[static_cast<std::size_t>(state_[i])] : goal;
  }
  goals_ += any;
}

void EpisodeBuilder::set_goal(std::span<const Wanted> wanted) {
  const int episode = data_.episodes() - 1;
  const std::size_t width = state_.size();
  const std::span<const float> states(data_.state(episode, 0),
                                      static_cast<std::size_t>(data_.length(episode)) * width);
  const std::span<float> target(targets_.data() + targets_.size() - width, width);
  std::ranges::copy(states.first(width), target.begin());
  std::vector<int> elements;
  for (const Wanted& one : wanted) {
    const std::vector<int>& index = options_.spec->elements[static_cast<std::size_t>(one.element)].index;
    for (std::size_t i = 0; i < index.size(); ++i) target[static_cast<std::size_t>(index[i])] = one.at[i];
    elements.push_back(one.element);
  }
  const auto first_done = [&](int e) {
    std::size_t row = 0;
    while (row < states.size() && !envs::element_done(options_.spec->elements[static_cast<std::size_t>(e)],
                                                      states.subspan(row, width), target))
      row += width;
    return row;
  };
  std::vector<std::pair<std::size_t, int>> order;
  for (const int e : elements) order.emplace_back(first_done(e), e);
  std::ranges::sort(order);
  std::string& name = names_.back();
  for (const auto& [row, e] : order)
    name += (name.empty() ? "" : "_") + options_.spec->elements[static_cast<std::size_t>(e)].name;
  ++goals_;
}

Dataset EpisodeBuilder::finish() {
  if (goals_ > 0 && goals_ == data_.episodes()) {
    data_.goal_targets = std::move(targets_);
    if (std::ranges::none_of(names_, &std::string::empty)) data_.goal_names = std::move(names_);
  } else if (goals_ > 0) {
    add_note(options_, path_,
             fmt::format("{} of {} episodes have a goal; goals are left out", goals_, data_.episodes()));
  }
  return std::move(data_);
}

void check_read(const Dataset& data, const std::string& path, const ReadOptions& options) {
  validate(data, path);
  require_bounded(data.states, data.state_dim, kMaxNumber, path, "observations");
  require_bounded(data.goal_targets, data.state_dim, kMaxNumber, path, "goals");
  require_bounded(data.actions, data.action_dim, options.spec != nullptr ? kMaxAction : kMaxNumber, path,
                  "actions");
  if (options.spec == nullptr) return;
  BATON_REQUIRE(data.state_dim == options.spec->state_dim,
                "{}: states have {} numbers, those of {} have {}; {}", path, data.state_dim,
                options.spec->name, options.spec->state_dim, kWithout);
  require_actions(*options.spec, path, data.action_dim);
  const auto beyond = std::ranges::count_if(data.actions, [](float a) { return std::abs(a) > 1; });
  if (beyond == 0) return;
  add_note(options, path,
           fmt::format("{} of {} action values lie beyond -1..1", beyond, data.actions.size()));
}

void add_note(const ReadOptions& options, const std::string& path, const std::string& what) {
  if (options.notes != nullptr) options.notes->push_back(fmt::format("{}: {}", printable(path, 300), what));
}

}  // namespace baton::rl
