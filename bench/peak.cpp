#include "bench/peak.hpp"

#include <chrono>
#include <string_view>

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

}  // namespace baton::bench
