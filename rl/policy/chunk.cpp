#include "rl/policy/chunk.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::rl {

void validate(const ActionChunk& chunk, const envs::Spec& spec) {
  if (chunk.predict < 1 || chunk.predict > kLongestChunk || chunk.execute < 1 ||
      chunk.execute > chunk.predict)
    throw UsageError(
        fmt::format("chunks of {} actions of which {} are executed; 1 <= executed <= predicted <= {}",
                    chunk.predict, chunk.execute, kLongestChunk));
  const std::size_t targets = spec.action_target.coordinate.size();
  if (chunk.labels != ActionLabels::kVelocity && targets != static_cast<std::size_t>(spec.action_dim))
    throw UsageError(
        fmt::format("actions of {} have no position targets: labels 'velocity' are expected", spec.name));
}

std::vector<float> action_labels(const Dataset& data, const envs::Spec& spec, ActionLabels labels) {
  std::vector<float> out = data.actions;
  if (labels == ActionLabels::kVelocity) return out;
  const envs::ActionTarget& target = spec.action_target;
  const std::size_t A = target.coordinate.size(), S = static_cast<std::size_t>(data.state_dim);
  for (std::size_t row = 0; row < static_cast<std::size_t>(data.steps()); ++row) {
    for (std::size_t j = 0; j < A; ++j) {
      float& a = out[row * A + j];
      const float seen = data.states[row * S + static_cast<std::size_t>(target.coordinate[j])];
      a = std::clamp(seen + target.scale * std::clamp(a, -1.0f, 1.0f), target.low[j], target.high[j]);
    }
  }
  return out;
}

void action_of_label(const envs::Spec& spec, ActionLabels labels, std::span<const float> observation,
                     std::span<const float> label, std::span<float> action) {
  if (labels == ActionLabels::kVelocity) {
    std::ranges::copy(label, action.begin());
    return;
  }
  const envs::ActionTarget& target = spec.action_target;
  for (std::size_t j = 0; j < action.size(); ++j)
    action[j] = (label[j] - observation[static_cast<std::size_t>(target.coordinate[j])]) / target.scale;
}

}  // namespace baton::rl
