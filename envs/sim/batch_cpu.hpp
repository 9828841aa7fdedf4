#pragma once
// The tiles of batch.hpp by instruction set (batch_cpu.cpp) and by plain precision (batch_scalar.cpp). The model must
// outlive the tile.
#include "envs/sim/batch.hpp"

namespace baton::sim {

std::unique_ptr<BatchTile> make_tile_base(const Model<float>& model, const BatchOptions& options);  // W = 4
std::unique_ptr<BatchTile> make_tile_avx2(const Model<float>& model, const BatchOptions& options);  // W = 8
std::unique_ptr<BatchTile> make_tile_avx512(const Model<float>& model,
                                            const BatchOptions& options);  // W = 16
std::unique_ptr<BatchTile> make_tile_float(const Model<float>& model, const BatchOptions& options);
std::unique_ptr<BatchTile> make_tile_double(const Model<double>& model, const BatchOptions& options);

}  // namespace baton::sim
