#pragma once
// The text behind kernels/rng.hpp, for the CPU (rng.cpp) and for GPUs (cuda/rng.cu). Every multiplication and
// addition is rounded alone, so that the bits are the same everywhere: on a GPU the intrinsics say so, on the CPU
// nothing that is compiled for fused multiply-add may include this.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/host_device.hpp"
#include "kernels/philox_constants.hpp"

namespace baton::kernels::philox_text {

struct Words {
  std::uint32_t w[4];
};

// Philox4x32-10
BATON_HD inline Words block(Words counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t p0 = kMultiplier0 * counter.w[0], p1 = kMultiplier1 * counter.w[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.w[1] ^ key0, static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.w[3] ^ key1, static_cast<std::uint32_t>(p0)}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

// Numbers 4 index .. 4 index + 3 of a stream.
BATON_HD inline Words block_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return block({{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}},
               static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

BATON_HD inline float to_uniform(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }

BATON_HD inline double times(double a, double b) {
#ifdef __CUDA_ARCH__
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}
BATON_HD inline double plus(double a, double b) {
#ifdef __CUDA_ARCH__
  return __dadd_rn(a, b);
#else
  return a + b;
#endif
}

// ln x for x > 0 and normal: x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s), s = (m - 1) / (m + 1),
// as a series.
BATON_HD inline double plain_log(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof(x));
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL;
  double m;
  std::memcpy(&m, &bits, sizeof(m));
  if (m > 1.4142135623730951) m *= 0.5, ++exponent;
  const double s = (m - 1.0) / (m + 1.0), q = times(s, s);
  double sum = 0;
  for (int k = 19; k >= 1; k -= 2) sum = plus(times(sum, q), 1.0 / k);
  return plus(times(exponent, 0.6931471805599453), times(times(2.0, s), sum));
}

// sin and cos of 2 pi t for t in [0, 1): the quarter turn is taken off, the rest is within +-pi/4: Taylor series.
BATON_HD inline void plain_sincos_turns(double t, double* sine, double* cosine) {
  const int quarter = static_cast<int>(plus(times(t, 4.0), 0.5));
  const double x = times(plus(t, -times(quarter, 0.25)), 6.283185307179586), q = times(x, x);
  double s = 1, c = 1;
  for (int k = 8; k >= 1; --k) {
    s = plus(1.0, -(times(q, s) / ((2 * k) * (2 * k + 1))));
    c = plus(1.0, -(times(q, c) / ((2 * k - 1) * (2 * k))));
  }
  s = times(s, x);
  const bool swapped = (quarter & 1) != 0;
  *sine = swapped ? c : s;
  *cosine = swapped ? s : c;
  if ((quarter & 2) != 0) *sine = -*sine;
  if (((quarter + 1) & 2) != 0) *cosine = -*cosine;
}

// Box-Muller: two words give two normals.
BATON_HD inline void normal_pair(std::uint32_t a, std::uint32_t b, float* first, float* second) {
  const double u = times(plus(a, 0.5), 0x1p-32), t = times(b, 0x1p-32);
  const double radius = std::sqrt(times(-2.0, plain_log(u)));
  double sine, cosine;
  plain_sincos_turns(t, &sine, &cosine);
  *first = static_cast<float>(times(radius, cosine));
  *second = static_cast<float>(times(radius, sine));
}

BATON_HD inline void uniform_block(const Words& words, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = to_uniform(words.w[i]);
}
BATON_HD inline void normal_block(const Words& words, float* out) {
  normal_pair(words.w[0], words.w[1], out, out + 1);
  normal_pair(words.w[2], words.w[3], out + 2, out + 3);
}

}  // namespace baton::kernels::philox_text
