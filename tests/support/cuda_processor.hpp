#pragma once
// What the emulated device (cuda_device.cpp) asks of the emulated processor (cuda_emulation.cpp).
#include "tests/support/cuda_emulation.hpp"

namespace baton::emulation {

// Runs body() as every thread of the grid, now. Throws what goes wrong (cuda_emulation.hpp).
void run_grid(dim3 grid, dim3 block, Place place, const std::function<void()>& body);

}  // namespace baton::emulation
