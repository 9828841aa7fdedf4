#pragma once
namespace baton::emulation {

// Order in which the emulated device gives the threads of a block, and the blocks of a grid, their turn.
// Results must not depend on it.
enum class Order { kForward, kReverse, kShuffled };
void set_order(Order order);

}  // namespace baton::emulation
