#pragma once
// Minibatch maximum likelihood on relabelled tuples: the inner loop of imitation and distillation.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/optim.hpp"
#include "rl/data/tuples.hpp"
#include "rl/device.hpp"
#include "rl/policy/policy_pass.hpp"
#include "rl/policy/relay_policy.hpp"
#include "rl/run/progress.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct ImitationSettings {
  int updates = 40000;
  int batch = 256;
  ag::Algorithm optimizer = ag::Algorithm::kAdamW;
  float momentum = 0.9f;  // sgd
  bool nesterov = false;  // sgd
  float lr = 1e-3f;
  ag::Schedule schedule = ag::Schedule::kCosine;
  int warmup = 200;        // updates of linear warm-up
  float lr_floor = 0.02f;  // the schedule ends at this fraction of lr
  float beta2 = 0.999f;    // adam, adamw
  float weight_decay = 0;  // decoupled
  // Most weight of the past in the moving average of the parameters, min(average, (k + 1) / (k + 10)) after update k,
  // which the policy gets in the end; 0: the last parameters.
  float average = 0;
  float clip_norm = 0;             // 0: off
  float state_noise = 0;           // std of noise on the encoded state, in normalised units
  float goal_noise = 0;            // same, on the encoded goal
  float sensor_noise = 0;          // uniform noise on the raw state, in multiples of the sensors' amplitude
  float final_goal_fraction = 0;   // TupleSettings
  float target_goal_fraction = 0;  // TupleSettings
  EpisodeGoal bc_goal = EpisodeGoal::kFinal;
  PolicyLoss loss = PolicyLoss::kLogLikelihood;  // of Gaussian heads (PolicyLoss)
  float holdout = 0.05f;   // fraction of episodes kept out of training (at least one when > 0)
  int report_every = 500;  // updates between metrics
};
// least_noise: the lower bound of state_noise and goal_noise (distillation gives numbers below 0 a meaning).
void list_settings(SettingsTable& table, const std::string& section, ImitationSettings& settings,
                   double least_noise = 0);

// Means and floored standard deviations of encoded inputs and outputs, from 16384 drawn tuples.
struct Normalizers {
  Normalizer in, out;
};
Normalizers measure(const TupleStream& stream, const PolicyEncoding& encoding, float in_floor,
                    float out_floor, std::uint64_t seed);

ag::OptimizerOptions optimizer_options(const ImitationSettings& settings);
// Factor of the learning rate at update k.
double rate_factor(const ImitationSettings& settings, int k);
// What the moving average takes of theta's difference from it after update k.
float average_rate(const ImitationSettings& settings, int k);

class LevelTrainer {
 public:
  // policy, streams and settings must outlive the trainer; heldout may have no sources. make_device: where updates are
  // made, if not here.
  LevelTrainer(GaussianPolicy& policy, const TupleStream& train, const TupleStream& heldout,
               const ImitationSettings& settings, std::uint64_t seed, MakeLevelDevice make_device = nullptr);

  void update(int k);  // update number k = 0, 1, ...: one minibatch, one step of the optimiser
  // {"train", "heldout", "heldout_mse", "grad_norm", "log_std"}: means since the last call; held-out on fixed tuples.
  nlohmann::ordered_json metrics();
  // The average into the policy; after squared errors, log_std from the residuals. Call once at the end.
  void finish();
  double learning_rate(int k) const;

 private:
  void add_noise(kernels::Random& random);
  void fetch();  // what the device has done since
  void average(int k);
  void swap_average();

  GaussianPolicy& policy_;
  const TupleStream& train_;
  const TupleStream& heldout_;
  const ImitationSettings& settings_;
  std::uint64_t seed_;
  ag::Optimizer<float> optimizer_;
  PolicyPass pass_, heldout_pass_;
  std::vector<float> x_, y_, weights_, heldout_x_, heldout_y_;
  kernels::AlignedVector<float> grad_, average_;
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
