#pragma once
// Kernels of the method's own (batch.cu, update.cu, solve.cu): pointers are of device memory, the work is queued on a
// stream, and what one kernel finds out for the next stays on the device, so that a whole step is one graph.
#include <cstdint>

#include "kernels/adam.hpp"
#include "kernels/cuda/device.hpp"
#include "kernels/sgd.hpp"

namespace baton::rl::cuda {

// ---- a minibatch (batch.cu) ----

// One tuple: rows of the states (goal < 0: row ~goal of the given goals), and of what `Batch::targets` holds: the rows
// target, target + 1, ..., Batch::chunk of them; behind `last` that one is repeated.
struct BatchRow {
  std::int32_t state = 0, goal = 0, target = 0, last = 0;
};

// What makes a policy's input and target of a tuple: rl/policy/policy.hpp, encode() and normalize_output(), with noise
// on the raw input before, the sensors' first: x[j] += sensor_noise[j] U(-1, 1), of the state;
// x[j] += noise_scale std[j] N(0, 1).
struct Batch {
  int rows = 0, state_dim = 0, out = 0, robot_dim = 0;
  int chunk = 1;  // rows of targets in an output
  bool relative_goal = false, residual = false, robot_zero = false, robot_mask = false;
  float state_noise = 0, goal_noise = 0;
  const float *states = nullptr, *goals = nullptr;      // [N][S], [E][S] or null
  const float* targets = nullptr;                       // [N][out / chunk]: labels of actions, or the states
  const float *in_mean = nullptr, *in_std = nullptr;    // [2 S]
  const float *out_mean = nullptr, *out_std = nullptr;  // [out]
  const float* sensor_noise = nullptr;                  // [S], or null: none
  const std::uint8_t* seen = nullptr;                   // [S], or null: all coordinates reach the policy
  const std::int32_t* residual_of = nullptr;  // [out], or null: output j is relative to coordinate j
  int noise_first = 0;                        // the first of the input's columns with normal noise
  int noise_columns = 0;                      // uniforms [S] where there is sensor noise, then normals
};

// ---- one update (update.cu) ----

// Where training stands. Kernels read the update's place in the plan from here.
struct TrainingState {
  std::int64_t place = 0;  // in the plan: tuples, noise, step sizes of some updates to come
  double loss_sum = 0;     // over updates since the host last read it
  std::int64_t losses = 0;
  double gradient_norm = 0;    // of the latest update, before clipping
  std::int64_t bad = -1;       // first parameter whose gradient was not finite: nothing changes from then on
  std::int64_t bad_after = 0;  // updates done before that since the host last read
};

// z [rows][2S] and u [rows][out] of the tuples plan[place][rows]; noise [place][rows][noise_columns] or null.
void encode_batch(kernels::cuda::Stream& stream, const Batch& batch, const TrainingState* state,
                  const BatchRow* plan, const float* noise, float* z, float* u);

// dy = (mean - target) / rows, n = rows * out numbers
void residuals(kernels::cuda::Stream& stream, std::int64_t n, float scale, const float* mean,
               const float* target, float* dy);

struct UpdateSums {
  double loss = 0, squares = 0;  // as kernels write them: a sum over the batch, |gradient|^2
  std::int64_t bad = -1;         // first element of the gradient that is not finite
};

// The numbers of an update's step for either optimiser; the one in use reads its own.
struct StepNumbers {
  kernels::AdamStep<float> adam;
  kernels::SgdStep<float> sgd;
  float average_rate = 0;  // what the moving average takes of the difference
};

// *step = plan[place] with the clipping factor min(1, clip_norm / |g|) (clip_norm 0: 1); state takes the sums in,
// the loss times loss_scale. After a bad gradient *step changes nothing, and
// guard_gradient() makes the gradient zeros.
void prepare_step(kernels::cuda::Stream& stream, TrainingState* state, const UpdateSums* sums,
                  const StepNumbers* plan, double loss_scale, double clip_norm, StepNumbers* step);
void guard_gradient(kernels::cuda::Stream& stream, const TrainingState* state, std::int64_t n,
                    float* gradient);

// log_std[n] clamped to [low, high]; the next update is at the next place.
void finish_update(kernels::cuda::Stream& stream, int n, float low, float high, float* log_std,
                   TrainingState* state);

// average += average_rate (theta - average), n numbers
void update_average(kernels::cuda::Stream& stream, const StepNumbers* step, std::int64_t n,
                    const float* theta, float* average);

// ---- conjugate gradient (solve.cu) ----

// Scalars of a solve (rl/cg.hpp).
struct Solve {
  double bb = 0, rz = 0, rr = 0;                   // |b|^2, r'z, |r|^2
  double curvature = 0, rz_next = 0, rr_next = 0;  // written by sums
  float alpha = 0, beta = 0;
  std::int32_t iterations = 0, negative_curvature = 0;
  std::int32_t live = 0, stepped = 0;  // does the solve go on; did this iteration change x
};

void begin_solve(kernels::cuda::Stream& stream, double tolerance, int iterations, Solve* solve);
// alpha = r'z / curvature, or the end.
void take_curvature(kernels::cuda::Stream& stream, Solve* solve);
// x += alpha p, r -= alpha ap while live
void advance_solution(kernels::cuda::Stream& stream, const Solve* solve, std::int64_t n, const float* p,
                      const float* ap, float* x, float* r);
// beta = r'z / what it was; is it the end?
void take_residual(kernels::cuda::Stream& stream, double tolerance, int iterations, Solve* solve);
// p = z + beta p where x was changed
void next_direction(kernels::cuda::Stream& stream, const Solve* solve, std::int64_t n, const float* z,
                    float* p);

// tangent[i][j] *= exp(-2 log_std[j]) / rows where j < counts[i]; zero elsewhere
void multiply_metric(kernels::cuda::Stream& stream, int rows, int out, const std::int32_t* counts,
                     const float* log_std, float* tangent);

}  // namespace baton::rl::cuda
