// Tiles of one environment, in plain float and double.
#include "envs/sim/batch_cpu.hpp"
#include "envs/sim/batch_tile.hpp"

namespace baton::sim {

std::unique_ptr<BatchTile> make_tile_float(const Model<float>& model, const BatchOptions& options) {
  return std::make_unique<TileOf<float>>(model, options);
}

std::unique_ptr<BatchTile> make_tile_double(const Model<double>& model, const BatchOptions& options) {
  return std::make_unique<TileOf<double>>(model, options);
}

}  // namespace baton::sim
