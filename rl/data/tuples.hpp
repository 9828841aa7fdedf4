#pragma once
// The tuples that a level is trained on, drawn by index and gathered from the data: for imitation, for the
// demonstration term of fine-tuning and for distillation alike. Which tuples a method trains on: rl/methods/.
#include <memory>
#include <span>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/tuple_settings.hpp"
#include "rl/relabel.hpp"

namespace baton::rl {

// Tuples of some episodes, drawn with a weight against other sources. The weights add up to one.
struct TupleSource {
  RelabelIndex index;
  double weight = 1;
};

struct TupleStream {
  const Dataset* data = nullptr;
  // Of *data, shared by the streams that draw many batches of it: draw() reads states there. Null: data's own array.
  std::shared_ptr<const StateTable> table;
  TupleKind kind = TupleKind::kLow;
  int low_window = 30;             // W_l, for kHigh
  float final_goal_fraction = 0;   // of tuples whose w is moved to the episode's end
  float target_goal_fraction = 0;  // of tuples whose goal is the episode's compound goal; w moved to the end
  std::vector<float> goals;        // [E][S]: kGoal's goals, and those of target_goal_fraction
  // [N], steps from each row to the end of its piece, where demonstrations are cut; empty: they are not.
  std::vector<std::int32_t> piece_left;
  std::vector<TupleSource> sources;

  int chunk = 1;     // T_p, labels in an output
  int shortest = 1;  // kLow: w >= this, but where the episode ends before
  // [N][A], rl/policy/chunk.hpp, shared by the copies of a stream; null: data's actions.
  std::shared_ptr<const std::vector<float>> labels;
  std::vector<float> sensor_amplitude;  // envs::Spec's: for noise on inputs

  int output_dim() const { return kind == TupleKind::kHigh ? data->state_dim : chunk * data->action_dim; }
  // n tuples drawn from `random` into x [n][2S], y [n][output_dim()].
  void draw(kernels::Random& random, int n, float* x, float* y) const;
  // The tuples alone, and which of them have their episode's given goal; valid until the next draw.
  struct Drawn {
    std::span<const RelabelTuple> tuples;
    std::span<const std::uint8_t> targeted;
  };
  Drawn draw_tuples(kernels::Random& random, int n) const;
  // kHigh: steps from t to the state that is the tuple's output.
  int subgoal_steps(const RelabelTuple& tuple) const;

 private:
  bool plain() const;  // every tuple takes one number of 64 bits, and no goal is moved afterwards
  void draw_plain(kernels::Random& random, int n, float* x, float* y) const;
  void cut(std::span<RelabelTuple> tuples) const;
  void move_goals(std::span<RelabelTuple> tuples) const;
  StepLabels step_labels() const;
  void gather(std::span<const RelabelTuple> tuples, float* x, float* y) const;

  mutable std::vector<RelabelTuple> tuples_;
  mutable std::vector<std::uint8_t> targeted_;
};

// The window of a rule in steps, of the index that tuples are drawn by: W, or less the steps that `shortest` adds.
int window_of(const TupleRule& rule, const TupleSettings& settings);

// The tuples of `rule` from some episodes of `data`, which must outlive the stream; no source where every episode is
// shorter than two states. spec: where pieces end. Throws where the settings or the rule need compound goals and the
// data have none.
TupleStream make_stream(const TupleRule& rule, const Dataset& data, std::span<const int> episodes,
                        const TupleSettings& settings, const envs::Spec& spec);

// [N]: steps from each row to the end of its piece. A demonstration is cut at the first state in which an element of
// its compound goal is done that was not done at the start; the last piece ends with the demonstration. Elements of the
// goal: those that the compound goal's state leaves undone at the start. The last row of an episode has 0.
std::vector<std::int32_t> steps_to_completion(const Dataset& data, const envs::Spec& spec);

// 0 .. n-1.
std::vector<int> all_episodes(const Dataset& data);

}  // namespace baton::rl
