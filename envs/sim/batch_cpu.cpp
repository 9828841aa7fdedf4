// The tiles of one instruction set: compiled once per set, with BATON_ISA naming it.
#include "envs/sim/batch_cpu.hpp"

#include "envs/sim/batch_tile.hpp"

#define BATON_JOIN2(a, b) a##b
#define BATON_JOIN(a, b) BATON_JOIN2(a, b)

namespace baton::sim {

std::unique_ptr<BatchTile> BATON_JOIN(make_tile_, BATON_ISA)(const Model<float>& model,
                                                             const BatchOptions& options) {
#if defined(__AVX512F__)
  constexpr int kWidth = 16;
#elif defined(__AVX2__)
  constexpr int kWidth = 8;
#else
  constexpr int kWidth = 4;
#endif
  return std::make_unique<TileOf<Lanes<float, kWidth>>>(model, options);
}

}  // namespace baton::sim
