#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/map.hpp"
#include "rl/cuda/kernels.hpp"

namespace baton::rl::cuda {
namespace {

using kernels::cuda::blocks_for;
using kernels::cuda::launch;
using kernels::cuda::Stream;

constexpr int kThreads = 256;

// Column j of the raw input of row i, with its noise.
__device__ float raw_input(const Batch& b, const BatchRow& row, const float* noise, std::int64_t i, int j) {
  const int s = b.state_dim;
  const bool is_state = j < s;
  float x = 0;
  if (is_state) {
    x = b.states[static_cast<std::int64_t>(row.state) * s + j];
  } else if (row.goal >= 0) {
    x = b.states[static_cast<std::int64_t>(row.goal) * s + j - s];
  } else {
    x = b.goals[static_cast<std::int64_t>(~row.goal) * s + j - s];
  }
  const float* own = noise + i * b.noise_columns;
  if (b.sensor_noise != nullptr) {
    if (is_state) x += b.sensor_noise[j] * own[j];
    own += s;
  }
  const float scale = is_state ? b.state_noise : b.goal_noise;
  if (scale > 0) x += scale * b.in_std[j] * own[j - b.noise_first];
  return x;
}

__device__ float encoded(const Batch& b, const BatchRow& row, const float* noise, std::int64_t i, int j) {
  const int s = b.state_dim;
  if (b.seen != nullptr && b.seen[j < s ? j : j - s] == 0) return 0;
  if (j >= s && j < s + b.robot_dim) {
    if (b.robot_mask) return 0;
    if (b.robot_zero) return -b.in_mean[j] / b.in_std[j];
  }
  float x = raw_input(b, row, noise, i, j);
  if (j >= s && b.relative_goal) x -= raw_input(b, row, noise, i, j - s);
  return (x - b.in_mean[j]) / b.in_std[j];
}

__global__ void __launch_bounds__(kThreads)
    encode_kernel(Batch b, const TrainingState* state, const BatchRow* plan, const float* noise, float* z,
                  float* u) {
  const std::int64_t place = state->place, in = 2 * b.state_dim, width = in + b.out;
  const BatchRow* rows = plan + place * b.rows;
  if (noise != nullptr) noise += place * b.rows * b.noise_columns;
  for (std::int64_t at = kernels::cuda::thread_in_grid(); at < b.rows * width;
       at += kernels::cuda::threads_of_grid()) {
    const std::int64_t i = at / width;
    const int j = static_cast<int>(at % width);
    if (j < in) {
      z[i * in + j] = encoded(b, rows[i], noise, i, j);
      continue;
    }
    const int k = j - static_cast<int>(in);
    const int label = b.out / b.chunk, behind = k / label;
    const std::int64_t row = rows[i].last - rows[i].target < behind ? rows[i].last : rows[i].target + behind;
    float y = b.targets[row * label + k % label];
    if (b.residual) y -= raw_input(b, rows[i], noise, i, b.residual_of != nullptr ? b.residual_of[k] : k);
    u[i * b.out + k] = (y - b.out_mean[k]) / b.out_std[k];
  }
}

struct Residual {
  float scale;
  __device__ float operator()(float mean, float target) const { return scale * (mean - target); }
};

}  // namespace

void encode_batch(Stream& stream, const Batch& batch, const TrainingState* state, const BatchRow* plan,
                  const float* noise, float* z, float* u) {
  const std::int64_t n = static_cast<std::int64_t>(batch.rows) * (2 * batch.state_dim + batch.out);
  launch(stream, {blocks_for(n, kThreads), kThreads}, encode_kernel, batch, state, plan, noise, z, u);
}

void residuals(Stream& stream, std::int64_t n, float scale, const float* mean, const float* target,
               float* dy) {
  kernels::cuda::map(stream, n, Residual{scale}, dy, mean, target);
}

}  // namespace baton::rl::cuda
