#pragma once
// Relay data relabeling (paper, algorithms 2 and 3) by index: the tuple sets are counted and inverted, never stored.
//
// A tuple (episode, t, w) is valid when 0 <= t, 1 <= w <= W and t + w <= L - 1 (windows are clipped at the end of
// the demonstration: its last recorded state). Tuples are numbered by episode, then t, then w. With M = L - 1:
//   count(episode) = M (M+1) / 2                  if M <= W
//                  = W M - W (W-1) / 2            otherwise
// Algorithm 2 (low):  input [s_t, s_{t+w}], target a_t, or the chunk of labels from t on (rl/policy/chunk.hpp); W = W_l
// Algorithm 3 (high): input [s_t, s_{t+w}], target s_{t + min(w, W_l)},      W = W_h = 260
// GCBC: input [s_t, s_{t+w}], target a_t, W = W_h.     BC: every t once, goal = the episode's final state.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/divisor.hpp"
#include "kernels/rng.hpp"
#include "rl/data/state_table.hpp"

namespace baton::rl {

struct RelabelTuple {
  int episode = 0, t = 0, w = 0;
  bool operator==(const RelabelTuple&) const = default;
};

// Number of valid (t, w) of an episode with `length` states.
std::uint64_t count_tuples(std::int64_t length, std::int64_t window);

// Uniform sampling over all valid tuples of some episodes of a dataset, as long as they were when it was made.
class RelabelIndex {
 public:
  // window >= 1. episodes: those to draw from. Throws when they hold no tuple (all shorter than two states).
  RelabelIndex(const Dataset& data, int window, std::span<const int> episodes);

  std::uint64_t count() const { return slots_.back().first; }
  int window() const { return window_; }
  RelabelTuple at(std::uint64_t index) const;          // index < count(); exact inverse of the numbering
  RelabelTuple sample(kernels::Random& random) const;  // exactly uniform over count()
  void sample(kernels::Random& random, std::span<RelabelTuple> tuples) const;   // one after the other
  void enumerate(const std::function<void(const RelabelTuple&)>& visit) const;  // all, in order; for tests

 private:
  // An episode, as much of it as finding a tuple takes.
  struct Slot {
    std::uint64_t first;  // index of its first tuple
    std::uint64_t full;   // of its tuples, those of rows t that hold `window` of them
    int episode, last;    // last: of its steps, M
  };
  std::size_t slot_of(std::uint64_t index) const;  // the last k with slots_[k].first <= index < count()
  // Tuple `index` of that slot. Written in place: returned, it would go through the stack, where a load of 8 bytes
  // waits for two stores of 4 to reach the cache.
  void find(std::uint64_t index, std::size_t slot, RelabelTuple& tuple) const;

  int window_;
  kernels::Divisor per_row_;  // by window_
  std::vector<Slot> slots_;   // [episodes+1]; the last has `first` alone: count()
  // Where to begin looking: the slot of index i << shift_. As many entries as episodes, or up to twice.
  std::vector<std::uint32_t> guide_;
  int shift_ = 0;
};

// What each row of y is made of, for policies that act: labels [N][A] of the steps t .. t+count-1, the episode's last
// one repeated behind its end.
struct StepLabels {
  const float* values;  // [N][A]
  int width;            // A
  int count = 1;        // at most 256
};

// The gathers below take a dataset or a table of its states alike: the same bits.
// x: [n][2S] = [s_t, s_{t+w}]; y: [n][count][A]. Overwritten.
void gather_low(const Steps& steps, std::span<const RelabelTuple> tuples, const StepLabels& labels, float* x,
                float* y);

// x: [n][2S]; y: [n][S] = s_{t + min(w, low_window)}. Overwritten.
void gather_high(const Steps& steps, std::span<const RelabelTuple> tuples, int low_window, float* x,
                 float* y);
// The same with the furthest subgoal given per row: y = s_{t + min(w, reach[row])}. reach: [N].
void gather_high(const Steps& steps, std::span<const RelabelTuple> tuples,
                 std::span<const std::int32_t> reach, float* x, float* y);

// Inputs whose goal is not a later state but given per episode, for BC without relabeling: x: [n][2S] =
// [s_t, goals[episode]], y: [n][count][A]. goals: [E][S].
void gather_with_goal(const Steps& steps, std::span<const RelabelTuple> tuples, std::span<const float> goals,
                      const StepLabels& labels, float* x, float* y);

// [E][S]: the last state of every episode.
std::vector<float> final_states(const Dataset& data);

}  // namespace baton::rl
