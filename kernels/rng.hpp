#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", 2011). Number i of stream s under seed k is a pure function of (k, s, i): the same bits on
// every machine, for any number of threads, in any order of asking. Normals are Box-Muller with logarithm,
// sine and cosine from plain arithmetic in double (no libm, no fused multiply-add), so that these have the
// same bits everywhere, too.
#include <array>
#include <cstdint>
#include <span>

namespace baton::kernels {

// One Philox4x32-10 block: 128 random bits for a 128-bit counter and a 64-bit key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// An independent seed derived from a seed and one or two indices (worker, episode, layer, ...).
std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0);

// Stateless access: number `counter` of stream `stream` under `seed`.
std::uint32_t u32_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);
float uniform_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);  // [0, 1)
float normal_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter);   // N(0, 1)

// out[i] = uniform_at / normal_at(seed, stream, first + i); overwrites, four numbers per Philox block.
void fill_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out);
void fill_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::span<float> out);

// Numbers of 64 bits, as Random::next_u64() gives them: out[i] is u32_at(seed, stream, 2 (first + i)) and, in its upper
// half, the word behind it. Overwrites n numbers, n >= 0. Many blocks side by side in vectors, the same bits.
void fill_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n,
              std::uint64_t* out);

// A generator that walks through one stream. Cheap to make and to copy; a copy continues from the same place.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  void skip(std::uint64_t n);              // as after n times next_u32()
  float uniform();                         // [0, 1), 24 bits
  double uniform_double();                 // [0, 1), 53 bits
  float normal();                          // N(0, 1)
  std::uint32_t below(std::uint32_t n);    // uniform over 0..n-1 without bias; 0 when n is 0
  std::uint64_t below64(std::uint64_t n);  // the same over 64 bits
  void fill_below64(std::uint64_t n, std::span<std::uint64_t> out);  // below64(n), one after the other

 private:
  std::uint64_t seed_, stream_;
  std::uint64_t block_ = 0;  // the next block to make
  std::array<std::uint32_t, 4> words_{};
  int used_ = 4;  // words of words_ that are spent
  float spare_normal_ = 0;
  bool has_spare_ = false;
};

namespace ref {
void fill_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n,
              std::uint64_t* out);
}  // namespace ref

}  // namespace baton::kernels
