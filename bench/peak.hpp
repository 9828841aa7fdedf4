#pragma once
// The machine's limits, measured where they are needed: the clock of a shared machine moves, so a share of the peak
// counts only against a peak of the same moment.
namespace baton::bench {

// Operations per second (a fused multiply-add is two) of one short attempt on the calling thread: independent chains
// in registers, in the widest instruction set that the kernels use now (base: multiply and add). About 0.3 ms; take
// the best of several.
double fma_rate();

// Operations per second of products of floats on tiles of bfloat16, were there nothing but the multiplying: a sixth of
// what the tiles make of thirds (kernels/cpu/thirds.hpp). 0 where the kernels use no tiles. About 0.3 ms.
double tile_rate();

// Seconds of a steady clock.
double now();

}  // namespace baton::bench
