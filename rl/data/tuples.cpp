#include "rl/data/tuples.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/completion.hpp"

namespace baton::rl {
namespace {

std::size_t row_of(const Dataset& data, const RelabelTuple& tuple) {
  return static_cast<std::size_t>(data.offsets[static_cast<std::size_t>(tuple.episode)] + tuple.t);
}

std::vector<float> compound_goals(const Dataset& data, const char* who) {
  BATON_REQUIRE(!data.goal_targets.empty(), "demonstrations: they hold no compound goals, which {} needs",
                who);
  return data.goal_targets;
}

// The compound goal of an episode as far as it can be told from states: the elements that its state leaves undone at
// the start.
envs::Goal goal_of(const Dataset& data, const envs::Spec& spec, int episode) {
  envs::Goal goal;
  const auto target = data.goal_targets.begin() + std::ptrdiff_t{episode} * data.state_dim;
  goal.target.assign(target, target + data.state_dim);
  const std::span start(data.state(episode, 0), static_cast<std::size_t>(data.state_dim));
  for (int e = 0; e < static_cast<int>(spec.elements.size()); ++e) {
    if (!envs::element_done(spec.elements[static_cast<std::size_t>(e)], start, goal.target))
      goal.elements.push_back(e);
  }
  return goal;
}

}  // namespace

bool TupleStream::plain() const {
  return sources.size() == 1 && target_goal_fraction <= 0 && final_goal_fraction <= 0;
}

// The goal of a low level's tuple lies at the end of its piece.
void TupleStream::cut(std::span<RelabelTuple> tuples) const {
  if (piece_left.empty() || kind != TupleKind::kLow) return;
  for (RelabelTuple& tuple : tuples) tuple.w = piece_left[row_of(*data, tuple)];
}

// w >= shortest, uniform still: the index draws w - (shortest - 1).
void TupleStream::move_goals(std::span<RelabelTuple> tuples) const {
  if (kind != TupleKind::kLow || shortest <= 1) return;
  for (RelabelTuple& tuple : tuples)
    tuple.w = std::min(tuple.w + shortest - 1, data->length(tuple.episode) - 1 - tuple.t);
}

StepLabels TupleStream::step_labels() const {
  return {labels != nullptr ? labels->data() : data->actions.data(), data->action_dim, chunk};
}

int TupleStream::subgoal_steps(const RelabelTuple& tuple) const {
  return std::min(tuple.w, piece_left.empty() ? low_window : piece_left[row_of(*data, tuple)]);
}

TupleStream::Drawn TupleStream::draw_tuples(kernels::Random& random, int n) const {
  tuples_.resize(static_cast<std::size_t>(n));
  targeted_.assign(static_cast<std::size_t>(n), 0);
  if (plain()) {
    sources[0].index.sample(random, tuples_);
    move_goals(tuples_);
    cut(tuples_);
    return {tuples_, targeted_};
  }
  for (int i = 0; i < n; ++i) {
    std::size_t source = 0;
    if (sources.size() > 1) {
      double u = random.uniform_double();
      while (source + 1 < sources.size() && u >= sources[source].weight) u -= sources[source++].weight;
    }
    RelabelTuple& tuple = tuples_[static_cast<std::size_t>(i)] = sources[source].index.sample(random);
    move_goals(std::span(&tuple, 1));
    cut(std::span(&tuple, 1));
    if (target_goal_fraction <= 0 && final_goal_fraction <= 0) continue;
    const float u = random.uniform();
    if (u >= target_goal_fraction + final_goal_fraction) continue;
    tuple.w = data->length(tuple.episode) - 1 - tuple.t;
    targeted_[static_cast<std::size_t>(i)] = u < target_goal_fraction;
  }
  return {tuples_, targeted_};
}

void TupleStream::gather(std::span<const RelabelTuple> tuples, float* x, float* y) const {
  const Steps steps = table != nullptr ? Steps(*table) : Steps(*data);
  switch (kind) {
    case TupleKind::kLow:
      return gather_low(steps, tuples, step_labels(), x, y);
    case TupleKind::kHigh:
      return piece_left.empty() ? gather_high(steps, tuples, low_window, x, y)
                                : gather_high(steps, tuples, piece_left, x, y);
    case TupleKind::kGoal:
      return gather_with_goal(steps, tuples, goals, step_labels(), x, y);
  }
}

// In chunks, each from its own place in the stream of random numbers: on all threads, the same for any number of them.
void TupleStream::draw_plain(kernels::Random& random, int n, float* x, float* y) const {
  constexpr int kChunk = 128;
  tuples_.resize(static_cast<std::size_t>(n));
  const std::ptrdiff_t in = 2 * data->state_dim, out = output_dim();
  kernels::parallel_for(kernels::chunk_count(n, kChunk), [&](int chunk) {
    const int begin = chunk * kChunk, count = std::min(kChunk, n - begin);
    const auto tuples =
        std::span(tuples_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    kernels::Random own = random;
    own.skip(2 * static_cast<std::uint64_t>(begin));
    sources[0].index.sample(own, tuples);
    move_goals(tuples);
    cut(tuples);
    gather(tuples, x + begin * in, y + begin * out);
  });
  random.skip(2 * static_cast<std::uint64_t>(n));
}

void TupleStream::draw(kernels::Random& random, int n, float* x, float* y) const {
  if (plain()) return draw_plain(random, n, x, y);
  draw_tuples(random, n);
  gather(tuples_, x, y);
  if (kind == TupleKind::kGoal) return;
  const int s = data->state_dim;
  for (int i = 0; i < n; ++i) {
    if (targeted_[static_cast<std::size_t>(i)] == 0) continue;
    const auto goal = goals.begin() + std::ptrdiff_t{tuples_[static_cast<std::size_t>(i)].episode} * s;
    std::copy(goal, goal + s, x + static_cast<std::ptrdiff_t>(i) * 2 * s + s);
  }
}

int window_of(const TupleRule& rule, const TupleSettings& settings) {
  const auto long_enough = [&](int window) {
    return rule.kind == TupleKind::kLow ? std::max(1, window - (settings.chunk.execute - 1)) : window;
  };
  switch (rule.window) {
    case TupleWindow::kOne:
      return 1;
    case TupleWindow::kLow:
      return long_enough(settings.low_window);
    case TupleWindow::kHigh:
      return long_enough(settings.high_window);
  }
  fail("tuples: window {} is unknown", static_cast<int>(rule.window));
}

TupleStream make_stream(const TupleRule& rule, const Dataset& data, std::span<const int> episodes,
                        const TupleSettings& settings, const envs::Spec& spec) {
  TupleStream stream;
  stream.data = &data;
  stream.kind = rule.kind;
  stream.low_window = settings.low_window;
  stream.sensor_amplitude = spec.sensor_amplitude;
  if (rule.kind != TupleKind::kHigh) {
    validate(settings.chunk, spec);
    stream.chunk = settings.chunk.predict;
    stream.shortest = settings.chunk.execute;
    if (settings.chunk.labels != ActionLabels::kVelocity)
      stream.labels =
          std::make_shared<const std::vector<float>>(action_labels(data, spec, settings.chunk.labels));
  }
  if (rule.kind == TupleKind::kGoal) {
    const bool target = settings.bc_goal == EpisodeGoal::kTarget;
    stream.goals = target ? compound_goals(data, "bc_goal = target") : final_states(data);
  }
  if (rule.window == TupleWindow::kHigh) {
    stream.final_goal_fraction = settings.final_goal_fraction;
    stream.target_goal_fraction = settings.target_goal_fraction;
    if (settings.target_goal_fraction > 0) stream.goals = compound_goals(data, "target_goal_fraction");
  }
  if (rule.cut_at_completions) stream.piece_left = steps_to_completion(data, spec);
  // Held-out episodes may all be too short to hold a tuple.
  const bool any = std::ranges::any_of(episodes, [&](int e) { return data.length(e) > 1; });
  if (any) stream.sources.push_back({RelabelIndex(data, window_of(rule, settings), episodes), 1.0});
  return stream;
}

std::vector<std::int32_t> steps_to_completion(const Dataset& data, const envs::Spec& spec) {
  compound_goals(data, "cutting where an element is completed");
  BATON_REQUIRE(data.state_dim == spec.state_dim, "demonstrations: states have {} numbers, {} has {}",
                data.state_dim, spec.name, spec.state_dim);
  std::vector<std::int32_t> left(static_cast<std::size_t>(data.steps()));
  for (int e = 0; e < data.episodes(); ++e) {
    const envs::Goal goal = goal_of(data, spec, e);
    const int rows = data.length(e);
    const std::size_t E = goal.elements.size();
    const std::span states(data.state(e, 0), static_cast<std::size_t>(rows) * data.state_dim);
    const std::vector<std::uint8_t> done = done_by(spec, goal, states);
    int end = rows - 1;
    for (int t = rows - 1; t >= 0; --t) {
      left[static_cast<std::size_t>(data.offsets[e] + t)] = end - t;
      if (t == 0) break;
      const auto at = done.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(t) * E);
      const auto flags = static_cast<std::ptrdiff_t>(E);
      if (!std::equal(at, at + flags, at - flags)) end = t;  // rows before t work towards t
    }
  }
  return left;
}

std::vector<int> all_episodes(const Dataset& data) {
  std::vector<int> episodes(static_cast<std::size_t>(data.episodes()));
  std::iota(episodes.begin(), episodes.end(), 0);
  return episodes;
}

}  // namespace baton::rl
