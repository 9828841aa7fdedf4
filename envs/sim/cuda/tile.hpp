#pragma once
// The environments of a batch on a GPU, one environment a thread (environments.hpp), behind the interface of a tile:
// a Batch whose options say `whole_batch = cuda::make_tile` lives there.
//
// Float, the text of Precision::kFloat; on a device rounding differs where it contracts multiply and add. Contacts have
// a fixed room of kContactRoom an environment; those beyond are dropped and counted. State travels when it is asked for
// or was set, not with every step. Stages are not timed.
#include <memory>

#include "envs/sim/batch.hpp"

namespace baton::sim {
template <class T>
struct Data;
}

namespace baton::sim::cuda {

inline constexpr int kContactRoom = 128;

// Gives an environment what it needs where nothing can be allocated: room for kContactRoom contacts that does not grow,
// and ccd::Workspace where the model has pairs for it.
void prepare(const Model<float>& model, Data<float>& d);

// Throws what the device's runtime says when there is none, or not enough memory.
std::unique_ptr<BatchTile> make_tile(const Model<float>& model, int environments,
                                     const BatchOptions& options);

}  // namespace baton::sim::cuda
