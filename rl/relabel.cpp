#include "rl/relabel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "kernels/gather.hpp"
#include "kernels/parallel.hpp"

namespace baton::rl {
namespace {

// Largest k with k (k+1) / 2 <= n < 2^62. Signed on the way: processors convert unsigned numbers by a detour.
std::uint64_t triangular_root(std::uint64_t n) {
  const double exact = (std::sqrt(8.0 * static_cast<double>(static_cast<std::int64_t>(n)) + 1.0) - 1.0) / 2.0;
  auto k = static_cast<std::uint64_t>(static_cast<std::int64_t>(exact));
  while (k * (k + 1) / 2 > n) --k;  // the square root is rounded
  while ((k + 1) * (k + 2) / 2 <= n) ++k;
  return k;
}

constexpr int kBlock = 512;  // rows of y that a task looks up

// What y is made of: `count` rows of `width` numbers for each tuple.
struct Targets {
  const float* table;
  std::int64_t stride, width;
  int count = 1;
};

// x: [n][2S] = [s_t, s_{t+w}]; y: [n][count][width] = rows t + later(tuple, 0 .. count-1) of the targets.
template <class Later>
void gather(const Steps& steps, std::span<const RelabelTuple> tuples, const Targets& from, Later later,
            float* x, float* y) {
  const Dataset& data = *steps.data;
  const std::int64_t s = data.state_dim;
  const int rows = kBlock / from.count;
  kernels::parallel_for(kernels::chunk_count(static_cast<long long>(tuples.size()), rows), [&](int chunk) {
    std::array<std::int32_t, 2 * kBlock> inputs;
    std::array<std::int32_t, kBlock> targets;
    const std::size_t first = static_cast<std::size_t>(chunk) * static_cast<std::size_t>(rows);
    const auto block = tuples.subspan(first, std::min(static_cast<std::size_t>(rows), tuples.size() - first));
    std::int32_t* target = targets.data();
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto row = static_cast<std::int32_t>(data.offsets[block[i].episode]) + block[i].t;
      inputs[2 * i] = row;
      inputs[2 * i + 1] = row + block[i].w;
      for (int k = 0; k < from.count; ++k) *target++ = row + later(block[i], k);
    }
    const auto n = static_cast<std::int64_t>(block.size()), at = static_cast<std::int64_t>(first);
    kernels::gather_strided_rows(2 * n, s, steps.states, steps.stride, inputs.data(), x + 2 * at * s);
    kernels::gather_strided_rows(n * from.count, from.width, from.table, from.stride, targets.data(),
                                 y + at * from.count * from.width);
  });
}

}  // namespace

std::uint64_t count_tuples(std::int64_t length, std::int64_t window) {
  if (length < 2 || window < 1) return 0;
  const std::uint64_t m = static_cast<std::uint64_t>(length) - 1, w = static_cast<std::uint64_t>(window);
  return m <= w ? m * (m + 1) / 2 : w * m - w * (w - 1) / 2;
}

RelabelIndex::RelabelIndex(const Dataset& data, int window, std::span<const int> episodes)
    : window_(window), per_row_(static_cast<std::uint64_t>(std::max(window, 1))) {
  BATON_REQUIRE(window >= 1, "relabel: window is {}, at least 1 is needed", window);
  BATON_REQUIRE(data.steps() <= std::numeric_limits<std::int32_t>::max(),
                "relabel: {} steps, at most {} are possible", data.steps(),
                std::numeric_limits<std::int32_t>::max());
  std::uint64_t next = 0;
  for (const int e : episodes) {
    BATON_REQUIRE(e >= 0 && e < data.episodes(), "relabel: episode {} of {}", e, data.episodes());
    const int last = data.length(e) - 1;
    const std::int64_t full = std::int64_t{std::max(0, last - window + 1)} * window;
    slots_.push_back({next, static_cast<std::uint64_t>(full), e, last});
    next += count_tuples(data.length(e), window);
  }
  slots_.push_back({next, 0, 0, 0});
  BATON_REQUIRE(count() > 0,
                "relabel: {} episodes hold no pair of states (a demonstration needs 2 steps or more)",
                episodes.size());
  while (count() >> shift_ > 2 * episodes.size()) ++shift_;
  std::uint32_t slot = 0;
  for (std::uint64_t i = 0; i <= (count() - 1) >> shift_; ++i) {
    while (slots_[slot + 1].first <= i << shift_) ++slot;
    guide_.push_back(slot);
  }
}

inline std::size_t RelabelIndex::slot_of(std::uint64_t index) const {
  std::size_t slot = guide_[index >> shift_];
  slot += slots_[slot + 1].first <= index ? 1 : 0;  // mostly the last step: no branch to guess
  while (slots_[slot + 1].first <= index) ++slot;
  return slot;
}

inline void RelabelIndex::find(std::uint64_t index, std::size_t place_of_slot, RelabelTuple& tuple) const {
  const Slot* slot = &slots_[place_of_slot];
  const std::uint64_t local = index - slot->first;
  // Rows t = 0 .. M-W hold W tuples each; behind them rows hold W-1, W-2, ..., 1 (or M, M-1, ..., 1 when M < W).
  if (local < slot->full) {
    const auto [t, before] = per_row_.divide(local);
    tuple = {slot->episode, static_cast<int>(t), static_cast<int>(before) + 1};
    return;
  }
  const std::uint64_t from_end = slot[1].first - 1 - index;    // 0 is the very last tuple
  const std::uint64_t rows_after = triangular_root(from_end);  // rows wholly behind this one
  const std::uint64_t row_size = rows_after + 1;
  const std::uint64_t place = row_size - 1 - (from_end - rows_after * (rows_after + 1) / 2);
  tuple = {slot->episode, slot->last - static_cast<int>(row_size), static_cast<int>(place) + 1};
}

RelabelTuple RelabelIndex::at(std::uint64_t index) const {
  BATON_REQUIRE(index < count(), "relabel: tuple {} of {}", index, count());
  RelabelTuple tuple;
  find(index, slot_of(index), tuple);
  return tuple;
}

RelabelTuple RelabelIndex::sample(kernels::Random& random) const { return at(random.below64(count())); }

void RelabelIndex::sample(kernels::Random& random, std::span<RelabelTuple> tuples) const {
  std::array<std::uint64_t, 256> indices;
  std::array<std::size_t, 256> slots;
  while (!tuples.empty()) {
    const auto block = std::span(indices).first(std::min(indices.size(), tuples.size()));
    random.fill_below64(count(), block);
    // All slots first: finding one is not held up by what a tuple before it turned out to be.
    for (std::size_t i = 0; i < block.size(); ++i) slots[i] = slot_of(block[i]);
    for (std::size_t i = 0; i < block.size(); ++i) find(block[i], slots[i], tuples[i]);
    tuples = tuples.subspan(block.size());
  }
}

void RelabelIndex::enumerate(const std::function<void(const RelabelTuple&)>& visit) const {
  for (const Slot& slot : std::span(slots_).first(slots_.size() - 1)) {
    for (int t = 0; t < slot.last; ++t) {
      for (int w = 1; w <= window_ && t + w <= slot.last; ++w) visit({slot.episode, t, w});
    }
  }
}

void gather_low(const Steps& steps, std::span<const RelabelTuple> tuples, const StepLabels& labels, float* x,
                float* y) {
  const Targets from = {labels.values, labels.width, labels.width, labels.count};
  const Dataset& data = *steps.data;
  const auto later = [&](const RelabelTuple& tuple, int k) {
    return k == 0 ? 0 : std::min(k, data.length(tuple.episode) - 1 - tuple.t);
  };
  gather(steps, tuples, from, later, x, y);
}

void gather_high(const Steps& steps, std::span<const RelabelTuple> tuples, int low_window, float* x,
                 float* y) {
  const Targets states = {steps.states, steps.stride, steps.data->state_dim};
  gather(
      steps, tuples, states, [=](const RelabelTuple& tuple, int) { return std::min(tuple.w, low_window); }, x,
      y);
}

void gather_high(const Steps& steps, std::span<const RelabelTuple> tuples,
                 std::span<const std::int32_t> reach, float* x, float* y) {
  BATON_REQUIRE(static_cast<std::int64_t>(reach.size()) == steps.data->steps(),
                "relabel: {} reaches for {} rows", reach.size(), steps.data->steps());
  const Targets states = {steps.states, steps.stride, steps.data->state_dim};
  const auto furthest = [&](const RelabelTuple& tuple, int) {
    return std::min(tuple.w, reach[static_cast<std::size_t>(steps.data->offsets[tuple.episode] + tuple.t)]);
  };
  gather(steps, tuples, states, furthest, x, y);
}

void gather_with_goal(const Steps& steps, std::span<const RelabelTuple> tuples, std::span<const float> goals,
                      const StepLabels& labels, float* x, float* y) {
  const Dataset& data = *steps.data;
  const std::int64_t s = data.state_dim, a = labels.width;
  BATON_REQUIRE(static_cast<std::int64_t>(goals.size()) == s * data.episodes(),
                "relabel: goals have {} values, {} episodes of {} are expected", goals.size(),
                data.episodes(), s);
  for (const RelabelTuple& tuple : tuples) {
    const std::int64_t row = data.offsets[tuple.episode] + tuple.t;
    x = std::copy_n(steps.states + row * steps.stride, s, x);
    x = std::copy_n(goals.data() + tuple.episode * s, s, x);
    const std::int64_t last = data.offsets[tuple.episode + 1] - 1;
    for (std::int64_t k = 0; k < labels.count; ++k)
      y = std::copy_n(labels.values + std::min(row + k, last) * a, a, y);
  }
}

std::vector<float> final_states(const Dataset& data) {
  std::vector<float> states;
  for (int e = 0; e < data.episodes(); ++e) {
    const float* last = data.state(e, data.length(e) - 1);
    states.insert(states.end(), last, last + data.state_dim);
  }
  return states;
}

}  // namespace baton::rl
