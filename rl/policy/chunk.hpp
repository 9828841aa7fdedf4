#pragma once
// Action chunks: a policy predicts T_p steps at once, executes the first T_a of them and then plans anew (Zhao et al.
// 2023, "Learning fine-grained bimanual manipulation", section IV).
//
// Labels of step t, for action j (envs::ActionTarget: coordinate c_j, scale, limits):
//   velocity            a_t
//   absolute, relative  clip(s_t[c_j] + scale * clip(a_t, -1, 1), low_j, high_j), the position target of that step
// A chunk's labels are those of steps t .. t+T_p-1, the last label of the episode repeated behind its end. `relative`
// has the labels of `absolute`; the policy gives them as differences from the state that it plans in.
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/dataset.hpp"

namespace baton::rl {

enum class ActionLabels { kVelocity, kAbsolute, kRelative };
inline constexpr std::array<std::string_view, 3> kActionLabelsNames = {"velocity", "absolute", "relative"};

struct ActionChunk {
  int predict = 1;  // T_p
  int execute = 1;  // T_a, at most T_p
  ActionLabels labels = ActionLabels::kVelocity;
  bool operator==(const ActionChunk&) const = default;
};

inline constexpr int kLongestChunk = 256;

// Throws UsageError unless 1 <= execute <= predict <= kLongestChunk and the environment's actions have position targets
// where the labels need them.
void validate(const ActionChunk& chunk, const envs::Spec& spec);

// [N][A]: the label of every step.
std::vector<float> action_labels(const Dataset& data, const envs::Spec& spec, ActionLabels labels);

// The action [A] that has `label` [A] as its position target, for who sees `observation` [S]:
//   (label_j - s[c_j]) / scale, not clipped; velocity: the label.
void action_of_label(const envs::Spec& spec, ActionLabels labels, std::span<const float> observation,
                     std::span<const float> label, std::span<float> action);

}  // namespace baton::rl
