#pragma once
// The updates of a level on a GPU (training_step.hpp), for imitate(). The same tuples and the same noise as on the
// processor, drawn there for some updates ahead; theta agrees within float's rounding.
#include "rl/device.hpp"

namespace baton::rl::cuda {

// Throws UsageError for another head than the Gaussian, Error for data of 2^31 steps and more, and what the device's
// runtime says when there is none.
std::unique_ptr<LevelDevice> make_level(const GaussianPolicy& policy, const TupleStream& stream,
                                        const ImitationSettings& settings, std::uint64_t seed);

}  // namespace baton::rl::cuda
