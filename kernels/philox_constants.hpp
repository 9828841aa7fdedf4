#pragma once
// Multipliers and key increments of Philox4x32 (Salmon, Moraes, Dror, Shaw 2011), for its texts: philox.hpp and
// cpu/rng.cpp, which may not include one another (philox.hpp is not for what is compiled with fused multiply-add).
#include <stdint.h>

namespace baton::kernels::philox_text {

constexpr uint64_t kMultiplier0 = 0xD2511F53U, kMultiplier1 = 0xCD9E8D57U;
constexpr uint32_t kWeyl0 = 0x9E3779B9U, kWeyl1 = 0xBB67AE85U;
constexpr int kRounds = 10;

}  // namespace baton::kernels::philox_text
