#pragma once
// Which elements of a goal are done, and when (paper.md, "Evaluation"): envs::element_done of rows of true states. One
// home for evaluation, rewards, demonstrations and segmentation.
#include <cstdint>
#include <span>
#include <vector>

#include "envs/env.hpp"

namespace baton::rl {

// [rows][E], E the goal's elements: 1 where the element is done in that row. states: [rows][S]. Throws unless they are
// whole rows, at least one.
std::vector<std::uint8_t> done_now(const envs::Spec& spec, const envs::Goal& goal,
                                   std::span<const float> states);

// [rows][E]: 1 where the element is done in that row or was in one before.
std::vector<std::uint8_t> done_by(const envs::Spec& spec, const envs::Goal& goal,
                                  std::span<const float> states);

// Indices of the elements of the environment that are done in a state [S]: a goal's by its target, the others by
// Element::goal (never, where that is empty). In the environment's order.
std::vector<int> elements_done(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> state);

// One episode's outcome, [E] each.
struct Completion {
  std::vector<std::uint8_t> any_time, at_end;
  int count() const;      // of elements done at any time
  int count_end() const;  // of elements done in the last row
  bool all() const { return count() == static_cast<int>(any_time.size()); }
};
Completion completion(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> states);

}  // namespace baton::rl
