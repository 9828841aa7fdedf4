#pragma once
// Where the heavy part of learning is done, if not on this processor (rl/cuda/: on a GPU). Factories are passed down
// from the command; null: here.
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/error.hpp"
#include "rl/cg.hpp"
#include "rl/policy/policy.hpp"

namespace baton::rl {

struct TupleStream;
struct ImitationSettings;

// Devices know Gaussian heads alone; throws UsageError on another one.
inline void require_gaussian(const GaussianPolicy& policy) {
  if (policy.head().kind != HeadKind::kGaussian)
    throw UsageError(fmt::format(
        "--device cuda: policies with a '{}' head are not there on a GPU; --device cpu is expected",
        kHeadNames.at(static_cast<std::size_t>(policy.head().kind))));
}

// The updates of a level, in LevelTrainer's place.
class LevelDevice {
 public:
  virtual ~LevelDevice() = default;
  // Update number k = 0, 1, ..., in order. Need not be done on return.
  virtual void update(int k) = 0;
  struct Done {
    double loss_sum = 0, gradient_norm = 0;  // of the updates since the last fetch; of the latest
    int updates = 0;
  };
  // Waits until the updates are done; theta into `policy`, its moving average into `average` [parameters] (empty where
  // the settings ask for none). Throws what went wrong in one.
  virtual Done fetch(GaussianPolicy& policy, std::span<float> average) = 0;
};

// policy, stream and settings outlive the device.
using MakeLevelDevice = std::unique_ptr<LevelDevice> (*)(const GaussianPolicy& policy,
                                                         const TupleStream& stream,
                                                         const ImitationSettings& settings,
                                                         std::uint64_t seed);

// The natural gradient's direction, in place of rl/cg.hpp over rl/fisher.hpp.
class SolveDevice {
 public:
  virtual ~SolveDevice() = default;
  // Throws UsageError where this does not solve for such a policy.
  virtual void require_supported(const GaussianPolicy& policy) const = 0;
  // direction = (F + damping I)^-1 b of the policy over the raw inputs x [n][in_dim]; vectors [parameters()];
  // inverse_diagonal: a preconditioner, or empty; counts: PolicyPass::set_counted().
  virtual CgReport solve(const GaussianPolicy& policy, const float* x, int n, std::span<const int> counts,
                         std::span<const float> b, std::span<const float> inverse_diagonal,
                         const CgOptions& options, std::span<float> direction) = 0;
};
using MakeSolveDevice = std::unique_ptr<SolveDevice> (*)();

}  // namespace baton::rl
