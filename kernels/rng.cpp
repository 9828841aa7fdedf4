// Philox and what is made of it. This file is compiled for the base instruction set only (kernels/philox.hpp).
#include "kernels/rng.hpp"

#include <algorithm>

#include "kernels/divisor.hpp"
#include "kernels/philox.hpp"

namespace baton::kernels {
namespace {

using philox_text::block_at;
using philox_text::normal_pair;
using philox_text::to_uniform;

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
  const auto words = philox_text::block({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  return {words.w[0], words.w[1], words.w[2], words.w[3]};
}

std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
  // One keyed block; the tag keeps derived seeds apart from the numbers drawn under the same seed.
  const auto once = [](std::uint64_t key, std::uint64_t counter, std::uint64_t tag) {
    const auto words = block_at(key, tag, counter);
    return static_cast<std::uint64_t>(words.w[1]) << 32 | words.w[0];
  };
  return once(once(seed, a, 0x736565645F613031ULL), b, 0x736565645F623032ULL);
}

std::uint32_t u32_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return block_at(seed, stream, counter >> 2).w[counter & 3];
}

float uniform_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  return to_uniform(u32_at(seed, stream, counter));
}

float normal_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) {
  float four[4];
  philox_text::normal_block(block_at(seed, stream, counter >> 2), four);
  return four[counter & 3];
}

void fill_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
  fill(first, out, [&](std::uint64_t block, float* four) {
    philox_text::uniform_block(block_at(seed, stream, block), four);
  });
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out) {
  fill(first, out, [&](std::uint64_t block, float* four) {
    philox_text::normal_block(block_at(seed, stream, block), four);
  });
}

std::uint32_t Random::next_u32() {
  if (used_ == 4) {
    const auto words = block_at(seed_, stream_, block_++);
    for (std::size_t i = 0; i < 4; ++i) words_[i] = words.w[i];
    used_ = 0;
  }
  return words_[static_cast<std::size_t>(used_++)];
}

void Random::skip(std::uint64_t n) {
  const std::uint64_t word = 4 * block_ - static_cast<std::uint64_t>(4 - used_) + n;
  block_ = word / 4;
  used_ = 4;
  if (word % 4 == 0) return;
  next_u32();
  used_ = static_cast<int>(word % 4);
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
  // Of the 2^64 numbers the first 2^64 mod n, fewer than n, are refused: what is left is a multiple of n.
  for (;;) {
    const std::uint64_t x = next_u64();
    if (x >= n || x >= (0ULL - n) % n) return x % n;
  }
}

void Random::fill_below64(std::uint64_t n, std::span<std::uint64_t> out) {
  if (n == 0) {
    std::ranges::fill(out, 0);
    return;
  }
  const Divisor divisor(n);
  const std::uint64_t refused = divisor.divide(0ULL - n).rest;  // as in below64()
  while (!out.empty()) {
    if (used_ % 2 != 0) {  // between the halves of a number, which then straddle blocks
      const std::uint64_t x = next_u64();
      if (x < refused) continue;
      out.front() = divisor.divide(x).rest;
      out = out.subspan(1);
      continue;
    }
    // As many as are wanted, and more only when some of them are refused: below64() takes no other.
    const std::uint64_t first = 2 * block_ - static_cast<std::uint64_t>(4 - used_) / 2;
    fill_u64(seed_, stream_, first, static_cast<std::int64_t>(out.size()), out.data());
    skip(2 * out.size());
    std::size_t kept = 0;
    for (const std::uint64_t x : out) {
      if (x >= refused) out[kept++] = divisor.divide(x).rest;
    }
    out = out.subspan(kept);
  }
}

}  // namespace baton::kernels
