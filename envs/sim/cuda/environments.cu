#define FMT_USE_CONSTEXPR 1  // of nvcc fmt believes otherwise, and then contradicts itself
// Of what the CPU has out of line the kernel has its own; in the emulation it calls the CPU's.
#ifdef __CUDACC__
#include "envs/sim/collide/ccd.cpp"
#include "envs/sim/collide/epa.cpp"
#include "envs/sim/collide/gjk.cpp"
#include "envs/sim/collide/manifold.cpp"
#endif
#include "envs/sim/contain.hpp"
#include "envs/sim/cuda/environments.hpp"
#include "envs/sim/step.hpp"
#include "kernels/cuda/launch.hpp"

namespace baton::sim::cuda {
namespace {

using kernels::cuda::blocks_for;
using kernels::cuda::launch;
using kernels::cuda::Stream;

constexpr int kThreads = 64;  // environments a block: few, so that a small batch reaches every multiprocessor
constexpr int kCopyThreads = 256;

__global__ void __launch_bounds__(kCopyThreads)
    copy_image(Environments all, std::int64_t size, const std::uint64_t* words, const std::uint8_t* inside) {
  const std::int64_t threads = kernels::cuda::threads_of_grid();
  const std::int64_t stride_words = all.stride / static_cast<std::int64_t>(sizeof(std::uint64_t));
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < size * all.count; i += threads) {
    const std::int64_t n = i / size, word = i % size;
    const std::uint64_t moved = inside[word] != 0 ? static_cast<std::uint64_t>(n * all.stride) : 0;
    all.data[n * stride_words + word] = words[word] + moved;
  }
  for (std::int64_t n = kernels::cuda::thread_in_grid(); n < all.count; n += threads) all.counts[n] = {};
}

// array[i] of the environment <- field[i][n], and back.
__device__ inline void load(std::vector<float>& array, const float* field, int n, int count) {
  for (std::size_t i = 0; i < array.size(); ++i) array[i] = field[i * count + n];
}
__device__ inline void store(const std::vector<float>& array, float* field, int n, int count) {
  for (std::size_t i = 0; i < array.size(); ++i) field[i * count + n] = array[i];
}

__device__ inline void count_contacts(const Data<float>& d, EnvironmentCounts& counts) {
  counts.contacts_now = d.ncontact;
  counts.contacts += static_cast<std::uint64_t>(d.ncontact);
  counts.dropped += static_cast<std::uint64_t>(d.contact_count) - static_cast<std::uint64_t>(d.ncontact);
}

__global__ void __launch_bounds__(kThreads) step_kernel(Environments all, int substeps) {
  const int n = static_cast<int>(kernels::cuda::thread_in_grid()), count = all.count;
  if (n >= count) return;
  Data<float>& d = *reinterpret_cast<Data<float>*>(reinterpret_cast<char*>(all.data) + n * all.stride);
  load(d.qpos, all.qpos, n, count);
  load(d.qvel, all.qvel, n, count);
  load(d.ctrl, all.ctrl, n, count);
  load(d.qacc_warmstart, all.warmstart, n, count);
  load(d.mocap_pos, all.mocap_pos, n, count);
  load(d.mocap_quat, all.mocap_quat, n, count);
  EnvironmentCounts counts = all.counts[n];
  for (int k = 0; k < substeps; ++k) {
    const SolverReport report = step(*all.model, d);
    counts.iterations += static_cast<std::uint64_t>(report.iterations);
    counts.line_search += static_cast<std::uint64_t>(report.line_search);
    count_contacts(d, counts);
    const bool sane = is_sane(d, all.max_position, all.max_velocity);
    if (sane) continue;
    put_back(
        d, sane, [&](std::size_t i) { return all.reset_qpos[i * count + n]; },
        [&](std::size_t i) { return all.reset_qvel[i * count + n]; });
    ++counts.diverged;
  }
  all.counts[n] = counts;
  store(d.qpos, all.qpos, n, count);
  store(d.qvel, all.qvel, n, count);
  store(d.qacc_warmstart, all.warmstart, n, count);
  for (std::size_t s = 0; s < d.site_xpos.size(); ++s)
    for (int k = 0; k < 3; ++k) all.site_pos[(3 * s + k) * count + n] = d.site_xpos[s][k];
}

}  // namespace

void make_environments(Stream& stream, const Environments& environments, std::int64_t size,
                       const std::uint64_t* words, const std::uint8_t* inside) {
  launch(stream, {blocks_for(size * environments.count, kCopyThreads), kCopyThreads}, copy_image,
         environments, size, words, inside);
}

void step_environments(Stream& stream, const Environments& environments, int substeps) {
  launch(stream, {blocks_for(environments.count, kThreads, INT32_MAX), kThreads}, step_kernel, environments,
         substeps);
}

}  // namespace baton::sim::cuda
