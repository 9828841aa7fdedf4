#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/philox_constants.hpp"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace baton::kernels::BATON_ISA {
namespace {

// A lane of 64 bits holds a word of a block in its lower half; what is left above it by a product is never read.
typedef uint64_t Lanes __attribute__((vector_size(BATON_VECTOR_BYTES)));
constexpr int kBlocks = BATON_VECTOR_BYTES / 8, kNumbers = 2 * kBlocks;  // made at once

using philox_text::kMultiplier0, philox_text::kMultiplier1, philox_text::kWeyl0, philox_text::kWeyl1;

// Products of the lower halves. GCC makes three multiplications of the vector expression.
[[gnu::always_inline]] inline Lanes multiply(Lanes a, Lanes b) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_maskz_mul_epu32(0xFF, (__m512i)a,
                                       (__m512i)b);  // GCC 12 warns of its header's unmasked one
#elif defined(__AVX2__)
  return (Lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xFFFFFFFFU) * (b & 0xFFFFFFFFU);
#endif
}

// Lane l holds block `block[l]`. Of the vectors of first and of second numbers, `low` and `high` take the lanes that
// come out in the order of the stream, two of a block one behind the other, by instructions that keep to 16 bytes.
struct Order {
  alignas(64) uint64_t block[kBlocks] = {}, low[kBlocks] = {}, high[kBlocks] = {};
  constexpr Order() {
    for (int l = 0; l < kBlocks; ++l) {
      block[l] = static_cast<uint64_t>(l / 2 + l % 2 * (kBlocks / 2));
      low[l] = static_cast<uint64_t>(l % 2 * kBlocks + l / 2 * 2);
      high[l] = low[l] + 1;
    }
  }
};
constexpr Order kOrder;

[[gnu::always_inline]] inline Lanes lanes(const uint64_t* aligned) {
  return *reinterpret_cast<const Lanes*>(aligned);
}

// The numbers of blocks `block` .. `block` + kBlocks - 1: the rounds of kernels/philox.hpp in every lane.
[[gnu::always_inline]] inline void make_numbers(uint64_t seed, uint64_t stream, uint64_t block,
                                                uint64_t* out) {
  const Lanes zero = {}, index = lanes(kOrder.block) + block;
  Lanes w0 = index, w1 = index >> 32, w2 = zero + stream, w3 = zero + (stream >> 32);
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < philox_text::kRounds; ++round) {
    const Lanes p0 = multiply(w0, zero + kMultiplier0), p1 = multiply(w2, zero + kMultiplier1);
    w0 = (p1 >> 32) ^ w1 ^ key0;
    w1 = p1;
    w2 = (p0 >> 32) ^ w3 ^ key1;
    w3 = p0;
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  const Lanes first = w1 << 32 | (w0 & 0xFFFFFFFFU), second = w3 << 32 | (w2 & 0xFFFFFFFFU);
  const Lanes low = __builtin_shuffle(first, second, lanes(kOrder.low));
  const Lanes high = __builtin_shuffle(first, second, lanes(kOrder.high));
  memcpy(out, &low, sizeof(low));
  memcpy(out + kBlocks, &high, sizeof(high));
}

void fill_u64_isa(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, uint64_t* out) {
  uint64_t block = first / 2;
  int64_t skipped = static_cast<int64_t>(first % 2);
  for (; n > 0; block += kBlocks) {
    if (skipped == 0 && n >= kNumbers) {
      make_numbers(seed, stream, block, out);
      out += kNumbers, n -= kNumbers;
      continue;
    }
    uint64_t part[kNumbers];
    make_numbers(seed, stream, block, part);
    const int64_t taken = n < kNumbers - skipped ? n : kNumbers - skipped;
    memcpy(out, part + skipped, static_cast<size_t>(taken) * sizeof(uint64_t));
    out += taken, n -= taken;
    skipped = 0;
  }
}

}  // namespace

void fill_rng(Table<float>& f, Table<double>& d) { f.fill_u64 = d.fill_u64 = fill_u64_isa; }

}  // namespace baton::kernels::BATON_ISA
