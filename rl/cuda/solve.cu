#include "kernels/cuda/launch.hpp"
#include "rl/cuda/kernels.hpp"

namespace baton::rl::cuda {
namespace {

using kernels::cuda::blocks_for;
using kernels::cuda::launch;
using kernels::cuda::Stream;

constexpr int kThreads = 256;

__device__ bool goes_on(const Solve& s, double tolerance, int iterations) {
  return s.iterations < iterations && s.rr > tolerance * s.bb;
}

__global__ void begin_kernel(double tolerance, int iterations, Solve* solve) {
  Solve s = *solve;  // rz_next and rr_next hold r'z and r'r of r = b
  s.bb = s.rr = s.rr_next;
  s.rz = s.rz_next;
  s.iterations = s.negative_curvature = s.stepped = 0;
  s.alpha = s.beta = 0;
  s.live = goes_on(s, tolerance, iterations) ? 1 : 0;
  *solve = s;
}

__global__ void curvature_kernel(Solve* solve) {
  Solve s = *solve;
  s.stepped = 0;
  if (s.live != 0) {
    if (!(s.curvature > 0) || !std::isfinite(s.curvature)) {
      s.negative_curvature = 1;
      s.live = 0;
    } else {
      s.alpha = static_cast<float>(s.rz / s.curvature);
      s.stepped = 1;
    }
  }
  *solve = s;
}

__global__ void residual_kernel(double tolerance, int iterations, Solve* solve) {
  Solve s = *solve;
  if (s.stepped == 0) return;
  s.beta = static_cast<float>(s.rz_next / s.rz);
  s.rz = s.rz_next;
  s.rr = s.rr_next;
  s.iterations += 1;
  s.live = goes_on(s, tolerance, iterations) ? 1 : 0;
  *solve = s;
}

__global__ void __launch_bounds__(kThreads)
    advance_kernel(const Solve* solve, std::int64_t n, const float* p, const float* ap, float* x, float* r) {
  if (solve->stepped == 0) return;
  const float alpha = solve->alpha;
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < n; i += kernels::cuda::threads_of_grid()) {
    x[i] += alpha * p[i];
    r[i] -= alpha * ap[i];
  }
}

__global__ void __launch_bounds__(kThreads)
    direction_kernel(const Solve* solve, std::int64_t n, const float* z, float* p) {
  if (solve->stepped == 0) return;
  const float beta = solve->beta;
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < n; i += kernels::cuda::threads_of_grid())
    p[i] = z[i] + beta * p[i];
}

__global__ void __launch_bounds__(kThreads)
    metric_kernel(int rows, int out, const std::int32_t* counts, const float* log_std, float* tangent) {
  const std::int64_t n = static_cast<std::int64_t>(rows) * out;
  for (std::int64_t i = kernels::cuda::thread_in_grid(); i < n; i += kernels::cuda::threads_of_grid())
    tangent[i] = i % out < counts[i / out]
                     ? tangent[i] * (std::exp(-2 * log_std[i % out]) / static_cast<float>(rows))
                     : 0;
}

}  // namespace

void begin_solve(Stream& stream, double tolerance, int iterations, Solve* solve) {
  launch(stream, {1, 1}, begin_kernel, tolerance, iterations, solve);
}
void take_curvature(Stream& stream, Solve* solve) { launch(stream, {1, 1}, curvature_kernel, solve); }
void take_residual(Stream& stream, double tolerance, int iterations, Solve* solve) {
  launch(stream, {1, 1}, residual_kernel, tolerance, iterations, solve);
}
void advance_solution(Stream& stream, const Solve* solve, std::int64_t n, const float* p, const float* ap,
                      float* x, float* r) {
  launch(stream, {blocks_for(n, kThreads), kThreads}, advance_kernel, solve, n, p, ap, x, r);
}
void next_direction(Stream& stream, const Solve* solve, std::int64_t n, const float* z, float* p) {
  launch(stream, {blocks_for(n, kThreads), kThreads}, direction_kernel, solve, n, z, p);
}
void multiply_metric(Stream& stream, int rows, int out, const std::int32_t* counts, const float* log_std,
                     float* tangent) {
  launch(stream, {blocks_for(static_cast<std::int64_t>(rows) * out, kThreads), kThreads}, metric_kernel, rows,
         out, counts, log_std, tangent);
}

}  // namespace baton::rl::cuda
