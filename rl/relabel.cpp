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

// Largest k with k (k+1) / 2 <= n.
std::uint64_t triangular_root(std::uint64_t n) {
  std::uint64_t k = static_cast<std::uint64_t>((std::sqrt(8.0 * static_cast<double>(n) + 1.0) - 1.0) / 2.0);
  while (k * (k + 1) / 2 > n) --k;  // the square root is rounded
  while ((k + 1) * (k + 2) / 2 <= n) ++k;
  return k;
}

void copy_state(const Dataset& data, int episode, std::int64_t t, float* to) {
  const float* from = data.state(episode, t);
  std::copy(from, from + data.state_dim, to);
}

void copy_action(const Dataset& data, int episode, std::int64_t t, float* to) {
  const float* from = data.action(episode, t);
  std::copy(from, from + data.action_dim, to);
}

// x: [n][2S] = [s_t, s_{t+w}]; y: [n][width] = row t + later(tuple) of `table`.
template <class Later>
void gather(const Dataset& data, std::span<const RelabelTuple> tuples, const float* table, int width,
            Later later, float* x, float* y) {
  constexpr int kBlock = 512;
  const std::int64_t s = data.state_dim;
  kernels::parallel_for(kernels::chunk_count(static_cast<long long>(tuples.size()), kBlock), [&](int chunk) {
    std::array<std::int32_t, 2 * kBlock> inputs;
    std::array<std::int32_t, kBlock> targets;
    const std::size_t first = static_cast<std::size_t>(chunk) * kBlock;
    const auto block = tuples.subspan(first, std::min<std::size_t>(kBlock, tuples.size() - first));
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto row = static_cast<std::int32_t>(data.offsets[block[i].episode]) + block[i].t;
      inputs[2 * i] = row;
      inputs[2 * i + 1] = row + block[i].w;
      targets[i] = row + later(block[i]);
    }
    const auto n = static_cast<std::int64_t>(block.size()), at = static_cast<std::int64_t>(first);
    kernels::gather_rows(2 * n, s, data.states.data(), inputs.data(), x + 2 * at * s);
    kernels::gather_rows<float>(n, width, table, targets.data(), y + at * width);
  });
}

}  // namespace

std::uint64_t count_tuples(std::int64_t length, std::int64_t window) {
  if (length < 2 || window < 1) return 0;
  const std::uint64_t m = static_cast<std::uint64_t>(length) - 1, w = static_cast<std::uint64_t>(window);
  return m <= w ? m * (m + 1) / 2 : w * m - w * (w - 1) / 2;
}

RelabelIndex::RelabelIndex(const Dataset& data, int window, std::span<const int> episodes)
    : data_(&data),
      window_(window),
      per_row_(static_cast<std::uint64_t>(std::max(window, 1))),
      episodes_(episodes.begin(), episodes.end()),
      cumulative_{0} {
  BATON_REQUIRE(window >= 1, "relabel: window is {}, at least 1 is needed", window);
  BATON_REQUIRE(data.steps() <= std::numeric_limits<std::int32_t>::max(),
                "relabel: {} steps, at most {} are possible", data.steps(),
                std::numeric_limits<std::int32_t>::max());
  for (const int e : episodes_) {
    BATON_REQUIRE(e >= 0 && e < data.episodes(), "relabel: episode {} of {}", e, data.episodes());
    cumulative_.push_back(cumulative_.back() + count_tuples(data.length(e), window));
  }
  BATON_REQUIRE(count() > 0,
                "relabel: {} episodes hold no pair of states (a demonstration needs 2 steps or more)",
                episodes_.size());
  while (count() >> shift_ > 2 * episodes_.size()) ++shift_;
  std::uint32_t slot = 0;
  for (std::uint64_t i = 0; i <= (count() - 1) >> shift_; ++i) {
    while (cumulative_[slot + 1] <= i << shift_) ++slot;
    guide_.push_back(slot);
  }
}

std::size_t RelabelIndex::slot_of(std::uint64_t index) const {
  std::size_t slot = guide_[index >> shift_];
  slot += cumulative_[slot + 1] <= index ? 1 : 0;  // mostly the last step: no branch to guess
  while (cumulative_[slot + 1] <= index) ++slot;
  return slot;
}

RelabelTuple RelabelIndex::at(std::uint64_t index) const {
  BATON_REQUIRE(index < count(), "relabel: tuple {} of {}", index, count());
  return find(index);
}

RelabelTuple RelabelIndex::find(std::uint64_t index) const {
  const std::size_t slot = slot_of(index);
  const int episode = episodes_[slot];
  const std::uint64_t local = index - cumulative_[slot];
  const std::uint64_t m = static_cast<std::uint64_t>(data_->length(episode)) - 1,
                      w = static_cast<std::uint64_t>(window_);
  // Rows t = 0 .. m-w hold w tuples each; behind them rows hold w-1, w-2, ..., 1 (or m, m-1, ..., 1 when m < w).
  const std::uint64_t full_rows = m >= w ? m - w + 1 : 0;
  if (local < full_rows * w) {
    const auto [t, before] = per_row_.divide(local);
    return {episode, static_cast<int>(t), static_cast<int>(before) + 1};
  }
  const std::uint64_t from_end = cumulative_[slot + 1] - 1 - index;  // 0 is the very last tuple
  const std::uint64_t rows_after = triangular_root(from_end);        // rows wholly behind this one
  const std::uint64_t row_size = rows_after + 1;
  const std::uint64_t place = row_size - 1 - (from_end - rows_after * (rows_after + 1) / 2);
  return {episode, static_cast<int>(m - row_size), static_cast<int>(place) + 1};
}

RelabelTuple RelabelIndex::sample(kernels::Random& random) const { return find(random.below64(count())); }

void RelabelIndex::sample(kernels::Random& random, std::span<RelabelTuple> tuples) const {
  std::array<std::uint64_t, 256> indices;
  while (!tuples.empty()) {
    const auto block = std::span(indices).first(std::min(indices.size(), tuples.size()));
    random.fill_below64(count(), block);
    for (std::size_t i = 0; i < block.size(); ++i) tuples[i] = find(block[i]);
    tuples = tuples.subspan(block.size());
  }
}

void RelabelIndex::enumerate(const std::function<void(const RelabelTuple&)>& visit) const {
  for (const int episode : episodes_) {
    const int length = data_->length(episode);
    for (int t = 0; t < length; ++t) {
      for (int w = 1; w <= window_ && t + w < length; ++w) visit({episode, t, w});
    }
  }
}

void gather_low(const Dataset& data, std::span<const RelabelTuple> tuples, float* x, float* y) {
  gather(
      data, tuples, data.actions.data(), data.action_dim, [](const RelabelTuple&) { return 0; }, x, y);
}

void gather_high(const Dataset& data, std::span<const RelabelTuple> tuples, int low_window, float* x,
                 float* y) {
  gather(
      data, tuples, data.states.data(), data.state_dim,
      [=](const RelabelTuple& tuple) { return std::min(tuple.w, low_window); }, x, y);
}

void gather_with_goal(const Dataset& data, std::span<const RelabelTuple> tuples, std::span<const float> goals,
                      float* x, float* y) {
  const std::size_t width = static_cast<std::size_t>(data.state_dim);
  BATON_REQUIRE(goals.size() == width * static_cast<std::size_t>(data.episodes()),
                "relabel: goals have {} values, {} episodes of {} are expected", goals.size(),
                data.episodes(), width);
  for (const RelabelTuple& tuple : tuples) {
    copy_state(data, tuple.episode, tuple.t, x);
    const std::span<const float> goal = goals.subspan(static_cast<std::size_t>(tuple.episode) * width, width);
    std::copy(goal.begin(), goal.end(), x + data.state_dim);
    copy_action(data, tuple.episode, tuple.t, y);
    x += 2 * data.state_dim;
    y += data.action_dim;
  }
}

std::vector<float> final_states(const Dataset& data) {
  std::vector<float> states(static_cast<std::size_t>(data.episodes()) *
                            static_cast<std::size_t>(data.state_dim));
  for (int e = 0; e < data.episodes(); ++e) {
    copy_state(data, e, data.length(e) - 1,
               &states[static_cast<std::size_t>(e) * static_cast<std::size_t>(data.state_dim)]);
  }
  return states;
}

}  // namespace baton::rl
