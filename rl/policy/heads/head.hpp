#pragma once
// Heads: what the numbers that a policy's network gives mean. d: the width of the policy's output y, u: y normalised.
//   gaussian   network z -> mean [d] of u;  u ~ N(mean, exp(log_std)^2)
//   two_pass   network f(z, x, t) -> [d], used twice: mean = f(z, t a0, t), a0 = f(z, 0, 0), and as gaussian
//              (rl/policy/heads/two_pass.hpp)
//   mixture    network z -> K means [d] and K logits;  u ~ sum_k softmax(logits)_k N(mean_k, exp(log_std)^2)
//              (rl/policy/heads/mixture.hpp)
// log_std [d] depends on no state.
#include <array>
#include <string_view>

#include "autograd/mlp.hpp"

namespace baton::rl {

enum class HeadKind { kGaussian, kTwoPass, kMixture };
inline constexpr std::array<std::string_view, 3> kHeadNames = {"gaussian", "two_pass", "mixture"};
inline constexpr int kMostComponents = 64;

struct Head {
  HeadKind kind = HeadKind::kGaussian;
  int components = 1;  // K of a mixture, at most kMostComponents; 1 of other heads
  bool operator==(const Head&) const = default;
};

// The network of a policy that maps `policy.in` encoded numbers to an output of `policy.out`.
inline ag::MlpSpec network_of(ag::MlpSpec policy, const Head& head) {
  if (head.kind == HeadKind::kTwoPass) policy.in += policy.out + 1;
  if (head.kind == HeadKind::kMixture) policy.out = head.components * (policy.out + 1);
  return policy;
}

}  // namespace baton::rl
