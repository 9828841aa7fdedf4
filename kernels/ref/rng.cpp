#include "kernels/rng.hpp"

namespace baton::kernels::ref {

void fill_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n,
              std::uint64_t* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t word = 2 * (first + static_cast<std::uint64_t>(i));
    out[i] = static_cast<std::uint64_t>(u32_at(seed, stream, word + 1)) << 32 | u32_at(seed, stream, word);
  }
}

}  // namespace baton::kernels::ref
