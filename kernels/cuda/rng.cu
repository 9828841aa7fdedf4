#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/philox.hpp"
#include "kernels/rng.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// A thread makes the four numbers of a Philox block, and writes those that are asked for.
template <void (*make)(const philox_text::Words&, float*)>
__global__ void __launch_bounds__(kThreads)
    fill_kernel(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n, float* out) {
  const std::int64_t begin =
      -static_cast<std::int64_t>(first & 3);  // place of the first block's first number
  for (std::int64_t i = begin + 4 * thread_in_grid(); i < n; i += 4 * threads_of_grid()) {
    float four[4];
    make(philox_text::block_at(seed, stream, (first + static_cast<std::uint64_t>(i)) >> 2), four);
    for (int lane = 0; lane < 4; ++lane) {
      if (i + lane >= 0 && i + lane < n) out[i + lane] = four[lane];
    }
  }
}

}  // namespace

void fill_uniform(Stream& stream, std::uint64_t seed, std::uint64_t of_stream, std::uint64_t first,
                  std::int64_t n, float* out) {
  launch(stream, Shape(blocks_for(n + 3, 4 * kThreads), kThreads), fill_kernel<philox_text::uniform_block>,
         seed, of_stream, first, n, out);
}

void fill_normal(Stream& stream, std::uint64_t seed, std::uint64_t of_stream, std::uint64_t first,
                 std::int64_t n, float* out) {
  launch(stream, Shape(blocks_for(n + 3, 4 * kThreads), kThreads), fill_kernel<philox_text::normal_block>,
         seed, of_stream, first, n, out);
}

}  // namespace baton::kernels::cuda
