#include "bench/peak.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/dispatch.hpp"

namespace baton::bench {
namespace {

constexpr int kRounds = 400000, kChains = 12;  // a latency of 4 cycles and two units need 8

// Operations of one call. The asm keeps the chains from being computed beforehand or thrown away.
#define BATON_FMA_CHAINS(name, target_isa, bytes)                                     \
  __attribute__((target(target_isa))) double name() {                                 \
    using Floats = float __attribute__((vector_size(bytes)));                         \
    Floats x = Floats{} + 0.999f, y = Floats{} + 0.001f, a[kChains];                  \
    asm volatile("" : "+v"(x), "+v"(y));                                              \
    for (auto& chain : a) chain = y;                                                  \
    for (int r = 0; r < kRounds; ++r) {                                               \
      _Pragma("GCC unroll 12") for (int k = 0; k < kChains; ++k) a[k] = a[k] * x + y; \
    }                                                                                 \
    for (auto& chain : a) asm volatile("" : : "v"(chain));                            \
    return 2.0 * (bytes / sizeof(float)) * kChains * kRounds;                         \
  }
#if defined(__x86_64__)
BATON_FMA_CHAINS(chains_avx512, "avx512f", 64)
BATON_FMA_CHAINS(chains_avx2, "avx2,fma", 32)
BATON_FMA_CHAINS(chains_base, "sse2", 16)
#endif
#undef BATON_FMA_CHAINS

#if defined(__x86_64__)
constexpr int kTileRounds = 8000, kTileRowBytes = 64, kTileWords = 256;

// Numbers that differ: equal ones take less current and a higher clock.
struct TileOperands {
  alignas(64) std::uint32_t words[4][kTileWords];
  TileOperands() {
    std::uint32_t state = 1;
    for (auto& tile : words) {
      for (std::uint32_t& word : tile) {
        state = state * 1664525U + 1013904223U;
        word = 0x3F003F00U | (state >> 8 & 0x80FF80FFU);  // two numbers of 0.5 to 2
      }
    }
  }
};

__attribute__((target("amx-tile,amx-bf16"))) double tile_products() {
  static const TileOperands operands;
  struct alignas(64) {
    std::uint8_t palette = 1, rest[15] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } configuration;
  asm volatile("" : : "r"(&configuration) : "memory");  // the compiler does not know that it is read
  _tile_loadconfig(&configuration);
  _tile_loadd(4, operands.words[0], kTileRowBytes);
  _tile_loadd(5, operands.words[1], kTileRowBytes);
  _tile_loadd(6, operands.words[2], kTileRowBytes);
  _tile_loadd(7, operands.words[3], kTileRowBytes);
  for (int r = 0; r < kTileRounds; ++r) {
    if (r % 64 == 0) {  // sums stay small
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return 4.0 * kTileRounds * 2 * 16 * 16 * 32;
}
#endif

}  // namespace

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double fma_rate() {
  const std::string_view isa = kernels::isa_vectors(kernels::current_isa());
  const double start = now();
  const double operations = isa == "avx512" ? chains_avx512() : isa == "avx2" ? chains_avx2() : chains_base();
  return operations / (now() - start);
}

double tile_rate() {
#if defined(__x86_64__)
  if (std::string_view(kernels::isa_name(kernels::current_isa())) == "amx") {
    constexpr int kThirdsProducts = 6;
    const double start = now();
    const double operations = tile_products();
    return operations / kThirdsProducts / (now() - start);
  }
#endif
  return 0;
}

}  // namespace baton::bench
