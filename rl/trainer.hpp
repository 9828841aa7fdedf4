#pragma once
// Minibatch maximum likelihood for one policy on relabelled tuples: the inner loop of imitation and distillation.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/optim.hpp"
#include "rl/device.hpp"
#include "rl/imitation.hpp"
#include "rl/relabel.hpp"

namespace baton::rl {

// What a policy is trained on.
enum class TupleKind {
  kLow,   // algorithm 2: target a_t, goal s_{t+w}; also GCBC, with the long window
  kHigh,  // algorithm 3: target s_{t+min(w, W_l)}
  kGoal,  // BC: target a_t, the goal given per episode
};

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
  std::vector<TupleSource> sources;

  int output_dim() const { return kind == TupleKind::kHigh ? data->state_dim : data->action_dim; }
  // n tuples drawn from `random` into x [n][2S], y [n][output_dim()].
  void draw(kernels::Random& random, int n, float* x, float* y) const;
  // The tuples alone, and which of them have their episode's given goal; valid until the next draw.
  struct Drawn {
    std::span<const RelabelTuple> tuples;
    std::span<const std::uint8_t> targeted;
  };
  Drawn draw_tuples(kernels::Random& random, int n) const;

 private:
  bool plain() const;  // every tuple takes one number of 64 bits, and nothing of it is changed afterwards
  void draw_plain(kernels::Random& random, int n, float* x, float* y) const;
  void gather(std::span<const RelabelTuple> tuples, float* x, float* y) const;

  mutable std::vector<RelabelTuple> tuples_;
  mutable std::vector<std::uint8_t> targeted_;
};

// Means and floored standard deviations of encoded inputs and outputs, from 16384 drawn tuples.
struct Normalizers {
  Normalizer in, out;
};
Normalizers measure(const TupleStream& stream, bool relative_goal, bool residual, float in_floor,
                    float out_floor, std::uint64_t seed);

ag::OptimizerOptions optimizer_options(const ImitationSettings& settings);
// Factor of the learning rate at update k.
double rate_factor(const ImitationSettings& settings, int k);

class LevelTrainer {
 public:
  // policy, streams and settings must outlive the trainer; heldout may have no sources. make_device: where updates are
  // made, if not here.
  LevelTrainer(GaussianPolicy& policy, const TupleStream& train, const TupleStream& heldout,
               const ImitationSettings& settings, std::uint64_t seed, MakeLevelDevice make_device = nullptr);

  void update(int k);  // update number k = 0, 1, ...: one minibatch, one step of the optimiser
  // {"train", "heldout", "heldout_mse", "grad_norm", "log_std"}: means since the last call; held-out on fixed tuples.
  nlohmann::ordered_json metrics();
  // With the mse loss: log_std from the residuals. Call once at the end.
  void finish();
  double learning_rate(int k) const;

 private:
  void add_noise(kernels::Random& random);
  void fetch();  // what the device has done since

  GaussianPolicy& policy_;
  const TupleStream& train_;
  const TupleStream& heldout_;
  const ImitationSettings& settings_;
  std::uint64_t seed_;
  ag::Optimizer<float> optimizer_;
  PolicyPass pass_, heldout_pass_;
  std::vector<float> x_, y_, weights_, heldout_x_, heldout_y_;
  kernels::AlignedVector<float> grad_;
  double loss_sum_ = 0, gradient_norm_ = 0;
  int loss_count_ = 0;
  std::unique_ptr<LevelDevice> device_;
};

// Trains every level of a policy, the levels side by side. Streams: [levels], low (or flat) first.
void train_levels(RelayPolicy& policy, std::span<const TupleStream> train,
                  std::span<const TupleStream> heldout, const ImitationSettings& settings, std::uint64_t seed,
                  std::string_view stage, const ProgressCallback& progress,
                  MakeLevelDevice make_device = nullptr);

}  // namespace baton::rl
