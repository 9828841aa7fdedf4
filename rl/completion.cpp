#include "rl/completion.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::rl {

std::vector<std::uint8_t> done_now(const envs::Spec& spec, const envs::Goal& goal,
                                   std::span<const float> states) {
  const std::size_t S = static_cast<std::size_t>(spec.state_dim), rows = states.size() / S;
  BATON_REQUIRE(rows > 0 && states.size() == rows * S, "completion: {} state numbers are not rows of {}",
                states.size(), S);
  std::vector<std::uint8_t> flags;
  flags.reserve(rows * goal.elements.size());
  for (std::size_t t = 0; t < rows; ++t) {
    for (const int e : goal.elements) {
      const envs::Element& element = spec.elements[static_cast<std::size_t>(e)];
      flags.push_back(envs::element_done(element, states.subspan(t * S, S), goal.target));
    }
  }
  return flags;
}

std::vector<std::uint8_t> done_by(const envs::Spec& spec, const envs::Goal& goal,
                                  std::span<const float> states) {
  std::vector<std::uint8_t> flags = done_now(spec, goal, states);
  const std::size_t E = goal.elements.size();
  for (std::size_t i = E; i < flags.size(); ++i) flags[i] |= flags[i - E];
  return flags;
}

std::vector<int> elements_done(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> state) {
  std::vector<int> done;
  std::vector<float> target;
  for (std::size_t e = 0; e < spec.elements.size(); ++e) {
    const envs::Element& element = spec.elements[e];
    const bool wanted = std::ranges::find(goal.elements, static_cast<int>(e)) != goal.elements.end();
    if (!wanted && element.goal.empty()) continue;
    target = goal.target;
    for (std::size_t i = 0; !wanted && i < element.index.size(); ++i)
      target[static_cast<std::size_t>(element.index[i])] = element.goal[i];
    if (envs::element_done(element, state, target)) done.push_back(static_cast<int>(e));
  }
  return done;
}

int Completion::count() const { return static_cast<int>(std::ranges::count(any_time, 1)); }
int Completion::count_end() const { return static_cast<int>(std::ranges::count(at_end, 1)); }

Completion completion(const envs::Spec& spec, const envs::Goal& goal, std::span<const float> states) {
  const std::vector<std::uint8_t> now = done_now(spec, goal, states);
  const std::size_t E = goal.elements.size();
  Completion result;
  result.any_time.assign(E, 0);
  for (std::size_t i = 0; i < now.size(); ++i) result.any_time[i % E] |= now[i];
  result.at_end.assign(now.end() - static_cast<std::ptrdiff_t>(E), now.end());
  return result;
}

}  // namespace baton::rl
