// Philox and what is made of it. This file is compiled for the base instruction set only: without fused
// multiply-add every operation below is rounded alone, so that the bits are the same everywhere.
#include "kernels/rng.hpp"

#include <bit>
#include <cmath>

namespace baton::kernels {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53U, kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U, kWeyl1 = 0xBB67AE85U;

std::array<std::uint32_t, 4> block_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t block) {
  return philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                 static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

float to_uniform(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }

// ln x for x > 0 and normal: x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)) as
// a series.
double plain_log(double x) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
  if (m > 1.4142135623730951) m *= 0.5, ++exponent;
  const double s = (m - 1.0) / (m + 1.0), q = s * s;
  double sum = 0;
  for (int k = 19; k >= 1; k -= 2) sum = sum * q + 1.0 / k;
  return exponent * 0.6931471805599453 + 2.0 * s * sum;
}

// sin and cos of 2 pi t for t in [0, 1): the quarter turn is taken off, the rest is within +-pi/4: Taylor
// series.
void plain_sincos_turns(double t, double* sine, double* cosine) {
  const int quarter = static_cast<int>(t * 4.0 + 0.5);
  const double x = (t - quarter * 0.25) * 6.283185307179586, q = x * x;
  double s = 1, c = 1;
  for (int k = 8; k >= 1; --k) {
    s = 1.0 - q * s / ((2 * k) * (2 * k + 1));
    c = 1.0 - q * c / ((2 * k - 1) * (2 * k));
  }
  s *= x;
  switch (quarter & 3) {
    case 0:
      *sine = s, *cosine = c;
      break;
    case 1:
      *sine = c, *cosine = -s;
      break;
    case 2:
      *sine = -s, *cosine = -c;
      break;
    default:
      *sine = -c, *cosine = s;
      break;
  }
}

// Box-Muller: two words give two normals.
void normal_pair(std::uint32_t a, std::uint32_t b, float* first, float* second) {
  const double u = (a + 0.5) * 0x1p-32, t = b * 0x1p-32;
  const double radius = std::sqrt(-2.0 * plain_log(u));
  double sine, cosine;
  plain_sincos_turns(t, &sine, &cosine);
  *first = static_cast<float>(radius * cosine);
  *second = static_cast<float>(radius * sine);
}

void normal_block(const std::array<std::uint32_t, 4>& words, float* out) {
  normal_pair(words[0], words[1], out, out + 1);
  normal_pair(words[2], words[3], out + 2, out + 3);
}

// Calls make(block, float[4]) for the blocks that cover first..first+n-1 and copies what is asked for.
template <class Make>
void fill(std::uint64_t first, std::span<float> out, Make make) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t index = first + done;
    float four[4];
    make(index >> 2, four);
    for (std::uint64_t lane = index & 3; lane < 4 && done < out.size(); ++lane) out[done++] = four[lane];
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(kMultiplier0) * counter[0];
    const std::uint64_t p1 = static_cast<std::uint64_t>(kMultiplier1) * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
  // One keyed block; the tag keeps derived seeds apart from the numbers drawn under the same seed.
  const auto once = [](std::uint64_t key, std::uint64_t counter, std::uint64_t tag) {
    const auto words = block_at(key, tag, counter);
    return static_cast<std::uint64_t>(words[1]) << 32 | words[0];
  };
  return once(once(seed, a, 0x736565645F613031ULL), b, 0x736565645F623032ULL);
}

std::uint32_t u32_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return block_at(seed, stream, counter >> 2)[counter & 3];
}

float uniform_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return to_uniform(u32_at(seed, stream, counter));
}

float normal_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  const auto words = block_at(seed, stream, counter >> 2);
  float four[4];
  normal_block(words, four);
  return four[counter & 3];
}

void fill_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
  fill(first, out, [&](std::uint64_t block, float* four) {
    const auto words = block_at(seed, stream, block);
    for (std::size_t i = 0; i < 4; ++i) four[i] = to_uniform(words[i]);
  });
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
  fill(first, out,
       [&](std::uint64_t block, float* four) { normal_block(block_at(seed, stream, block), four); });
}

std::uint32_t Random::next_u32() {
  if (used_ == 4) {
    words_ = block_at(seed_, stream_, block_++);
    used_ = 0;
  }
  return words_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Random::next_u64() {
  const std::uint64_t low = next_u32();
  return static_cast<std::uint64_t>(next_u32()) << 32 | low;
}

float Random::uniform() { return to_uniform(next_u32()); }

double Random::uniform_double() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

float Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const std::uint32_t a = next_u32(), b = next_u32();
  float first;
  normal_pair(a, b, &first, &spare_normal_);
  has_spare_ = true;
  return first;
}

// Lemire's multiply-shift with rejection of the short part of the range.
std::uint32_t Random::below(std::uint32_t n) {
  if (n == 0) return 0;
  const std::uint32_t threshold = (0U - n) % n;
  for (;;) {
    const std::uint64_t product = static_cast<std::uint64_t>(next_u32()) * n;
    if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
  }
}

std::uint64_t Random::below64(std::uint64_t n) {
  if (n == 0) return 0;
  // Draws above the largest multiple of n are refused.
  const std::uint64_t excess = (0ULL - n) % n;
  for (;;) {
    const std::uint64_t x = next_u64();
    if (x >= excess) return x % n;
  }
}

}  // namespace baton::kernels
