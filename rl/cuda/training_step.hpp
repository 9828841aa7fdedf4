#pragma once
// One update of imitation as one graph on a device: tuples gathered and encoded, forward, loss, backward, clipping,
// Adam or SGD. What an update needs from the host (which tuples, their noise, the step's numbers) is a plan uploaded
// for many updates at once; nothing comes back until it is asked for. Formulas: rl/policy/policy.hpp, rl/trainer.cpp,
// which give the same numbers within float's rounding.
#include <span>

#include "autograd/cuda/mlp.hpp"
#include "autograd/optim.hpp"
#include "rl/cuda/kernels.hpp"
#include "rl/data/dataset.hpp"
#include "rl/policy/policy.hpp"

namespace baton::rl::cuda {

enum class Loss { kNegativeLogLikelihood, kSquaredError };

struct TrainingShape {
  int batch = 256;   // tuples an update
  int updates = 64;  // in a plan
  Loss loss = Loss::kNegativeLogLikelihood;
  ag::Algorithm algorithm = ag::Algorithm::kAdamW;
  bool state_targets = false;  // the target is a state, not a label
  int chunk = 1;               // T_p, labels in an output
  float state_noise = 0, goal_noise = 0, sensor_noise = 0;
  bool average = false;  // keep a moving average of theta
  double clip_norm = 0;
};

// What tuples are gathered from.
struct TrainingData {
  const Dataset& data;
  std::span<const float> goals = {};             // [E][S], or empty
  std::span<const float> labels = {};            // [N][A], rl/policy/chunk.hpp; empty: data's actions
  std::span<const float> sensor_amplitude = {};  // [S], or empty where there is no sensor noise
};

class TrainingStep {
 public:
  // Uploads the data, the policy's theta and its encoding. Records the graph.
  TrainingStep(const GaussianPolicy& policy, const TrainingData& from, const TrainingShape& shape);

  // Numbers of noise an input row has: with sensor noise S uniform ones in [-1, 1); then normals in the order of the
  // columns.
  int sensor_columns() const { return batch_.sensor_noise != nullptr ? batch_.state_dim : 0; }
  int noise_columns() const { return batch_.noise_columns; }

  // rows [n * batch], noise [n * batch * noise_columns()], steps [n], n <= TrainingShape::updates: the next n updates.
  // Waits for the updates before.
  void plan(std::span<const BatchRow> rows, std::span<const float> noise, std::span<const StepNumbers> steps);
  // Queues the plan's next update.
  void update() { graph_.replay(stream_); }

  // Waits. TrainingState since the last fetch (losses and their number start anew), theta, and its moving average
  // where there is one (`average` is empty where there is none).
  TrainingState fetch(std::span<float> theta, std::span<float> average = {});
  // Waits. The gradient that the latest update took its step from.
  void fetch_gradient(std::span<float> gradient);

 private:
  static std::int64_t footprint(const GaussianPolicy& policy, const TrainingData& from,
                                const TrainingShape& shape);
  void place_batch(const GaussianPolicy& policy, const TrainingData& from);
  template <class T>
  const T* place(std::span<const T> host);
  void queue_loss();
  void queue_update();

  TrainingShape shape_;
  LogStdRange range_;
  std::int64_t parameters_, mlp_parameters_;
  kernels::cuda::Stream stream_;
  kernels::cuda::Blas blas_;
  kernels::cuda::Arena arena_;
  ag::cuda::MlpPass mlp_;
  Batch batch_;
  float *theta_, *gradient_, *m_, *v_;          // [parameters]; sgd leaves v alone
  float* average_ = nullptr;                    // [parameters], or null
  float *target_, *dy_, *log_prob_, *weights_;  // [batch][out], [batch][out], [batch], [batch]
  float* column_scratch_;
  char* scratch_;
  BatchRow* rows_;              // [updates][batch]
  float* noise_;                // [updates][batch][noise_columns]
  StepNumbers *steps_, *step_;  // [updates], this update's
  UpdateSums* sums_;
  TrainingState* state_;
  kernels::cuda::Graph graph_;
};

}  // namespace baton::rl::cuda
