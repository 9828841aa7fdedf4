#pragma once
// The environments of a batch on a GPU, one environment a thread (environments.hpp), behind the interface of a tile:
// a Batch whose options say `whole_batch = cuda::make_tile` lives there.
//
// Float, the text of Precision::kFloat; on a device rounding differs where it contracts multiply and add. Contacts have
// a fixed room of kContactRoom an environment; those beyond are dropped and counted. State travels when it is asked for
// or was set, not with every step. Stages are not timed.
#include <memory>

#include "envs/sim/batch.hpp"

namespace baton::sim::cuda {

inline constexpr int kContactRoom = 128;

// Throws for models that the device does not do: pairs of geoms with a mesh, or with an ellipsoid and no plane, may
// touch. Throws what the device's runtime says when there is none, or not enough memory.
std::unique_ptr<BatchTile> make_tile(const Model<float>& model, int environments,
                                     const BatchOptions& options);

}  // namespace baton::sim::cuda
