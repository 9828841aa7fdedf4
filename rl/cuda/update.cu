#include "kernels/cuda/launch.hpp"
#include "rl/cuda/kernels.hpp"

namespace baton::rl::cuda {
namespace {

using kernels::cuda::blocks_for;
using kernels::cuda::launch;
using kernels::cuda::Stream;

constexpr int kThreads = 256;

// With a gradient of zeros: no step, no decay; the moments stay.
__device__ StepNumbers standstill() {
  StepNumbers step = {};
  step.adam.beta1 = step.adam.beta2 = step.adam.eps = 1;
  step.sgd.momentum = 1;
  return step;
}

__global__ void prepare_kernel(TrainingState* state, const UpdateSums* sums, const StepNumbers* plan,
                               double loss_scale, double clip_norm, StepNumbers* step) {
  TrainingState now = *state;
  if (now.bad < 0 && (sums->bad >= 0 || !std::isfinite(sums->squares))) {
    now.bad = sums->bad >= 0 ? sums->bad : 0;
    now.bad_after = now.losses;
  }
  StepNumbers next = now.bad >= 0 ? standstill() : plan[now.place];
  if (now.bad < 0) {
    now.gradient_norm = std::sqrt(sums->squares);
    now.loss_sum += loss_scale * sums->loss;
    now.losses += 1;
    const bool clip = clip_norm > 0 && now.gradient_norm > clip_norm;
    const float scale = clip ? static_cast<float>(clip_norm / now.gradient_norm) : 1.0F;
    next.adam.gradient_scale = next.sgd.gradient_scale = scale;
  }
  *step = next;
  *state = now;
}

__global__ void __launch_bounds__(kThreads)
    guard_kernel(const TrainingState* state, std::int64_t n, float* gradient) {
  if (state->bad < 0) return;
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < n; i += kernels::cuda::threads_of_grid())
    gradient[i] = 0;
}

__global__ void finish_kernel(int n, float low, float high, float* log_std, TrainingState* state) {
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
    const float x = log_std[i];
    log_std[i] = x < low ? low : high < x ? high : x;
  }
  if (threadIdx.x == 0) state->place += 1;
}

__global__ void __launch_bounds__(kThreads)
    average_kernel(const StepNumbers* step, std::int64_t n, const float* theta, float* average) {
  const float rate = step->average_rate;
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < n; i += kernels::cuda::threads_of_grid())
    average[i] += rate * (theta[i] - average[i]);
}

}  // namespace

void prepare_step(Stream& stream, TrainingState* state, const UpdateSums* sums, const StepNumbers* plan,
                  double loss_scale, double clip_norm, StepNumbers* step) {
  launch(stream, {1, 1}, prepare_kernel, state, sums, plan, loss_scale, clip_norm, step);
}

void guard_gradient(Stream& stream, const TrainingState* state, std::int64_t n, float* gradient) {
  launch(stream, {blocks_for(n, kThreads, 1024), kThreads}, guard_kernel, state, n, gradient);
}

void finish_update(Stream& stream, int n, float low, float high, float* log_std, TrainingState* state) {
  launch(stream, {1, kThreads}, finish_kernel, n, low, high, log_std, state);
}

void update_average(Stream& stream, const StepNumbers* step, std::int64_t n, const float* theta,
                    float* average) {
  launch(stream, {blocks_for(n, kThreads), kThreads}, average_kernel, step, n, theta, average);
}

}  // namespace baton::rl::cuda
