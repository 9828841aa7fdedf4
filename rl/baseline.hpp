#pragma once
// The value function V(features) that advantages are measured against: MLPs fitted by AdamW to TD(lambda) returns,
// input and output standardised. Cross-fitted: two networks, each trained on every other episode and asked about the
// rest, so that an advantage never contains its own noise and the explained variance reported is that of unseen
// episodes. Both keep their weights from one fit to the next.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autograd/mlp.hpp"
#include "autograd/optim.hpp"
#include "envs/env.hpp"
#include "rl/advantage.hpp"
#include "rl/data/trajectory.hpp"
#include "rl/policy/policy.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

struct BaselineSettings {
  std::vector<int> hidden{64, 64};
  float lr = 1e-3f;
  float weight_decay = 1e-4f;
  int epochs = 10;  // passes over the data per fit
  int batch = 512;
};
void list_settings(SettingsTable& table, const std::string& section, BaselineSettings& settings);

class Baseline {
 public:
  Baseline(int features, const BaselineSettings& settings, std::uint64_t seed);

  int features() const { return spec_.in; }
  bool fitted() const { return fitted_; }

  // Values [rows] (overwritten) of rows of features [rows][F]; `episode` [rows] is the episode of each. Episode e is
  // asked of the network that trains on episodes of the other parity. Zeros before the first fit.
  void predict(std::span<const float> features, std::span<const int> episode, std::span<float> values);

  // Trains network p on the rows of the episodes e with e % 2 == p. Throws on non-finite targets.
  void fit(std::span<const float> features, std::span<const float> targets, std::span<const int> episode);

 private:
  void encode(const float* row, float* out) const;

  ag::MlpSpec spec_;
  BaselineSettings settings_;
  std::uint64_t seed_;
  int fits_ = 0;
  bool fitted_ = false;
  ag::Normalizer in_, out_;  // from the first fit, so that weights keep their meaning from fit to fit
  std::vector<float> theta_[2];
  ag::Optimizer<float> optimizer_[2];
  ag::MlpPass<float> pass_;
};

// 1 - Var(targets - values) / Var(targets); 0 when the targets do not vary.
double explained_variance(std::span<const float> values, std::span<const float> targets);

// What V sees of the low level at each of its decisions (rl/advantage.hpp), with flags of completion_flags(), u = t /
// T:
//   [observation, subgoal - observation (of a hierarchy), flags, u, u^2, u^3, (t - start of the segment) / H]
// features [decisions][F], overwritten; returns F.
int low_value_features(const Trajectories& trajectories, const Decisions& decisions,
                       std::span<const float> flags, int goal_elements, std::vector<float>& features);
// The same of the high level: [observation, flags, u, u^2, u^3].
int high_value_features(const Trajectories& trajectories, const Decisions& decisions,
                        std::span<const float> flags, int goal_elements, std::vector<float>& features);

}  // namespace baton::rl
