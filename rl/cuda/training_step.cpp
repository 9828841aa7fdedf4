#include "rl/cuda/training_step.hpp"

#include <algorithm>
#include <vector>

#include "kernels/cuda/kernels.hpp"
#include "kernels/error.hpp"

namespace baton::rl::cuda {

namespace gpu = kernels::cuda;

namespace {

int noise_first(const TrainingShape& shape, int state_dim) { return shape.state_noise > 0 ? 0 : state_dim; }
int noise_columns_of(const TrainingShape& shape, int state_dim) {
  return (shape.sensor_noise > 0 ? state_dim : 0) + (shape.state_noise > 0 ? state_dim : 0) +
         (shape.goal_noise > 0 ? state_dim : 0);
}

// [S]: 1 for coordinates that reach the policy; empty: all do.
std::vector<std::uint8_t> seen_mask(const PolicyEncoding& encoding) {
  std::vector<std::uint8_t> mask(encoding.seen.empty() ? 0 : static_cast<std::size_t>(encoding.state_dim));
  for (const int j : encoding.seen) mask[static_cast<std::size_t>(j)] = 1;
  return mask;
}

}  // namespace

std::int64_t TrainingStep::footprint(const GaussianPolicy& policy, const TrainingData& from,
                                     const TrainingShape& shape) {
  const auto floats = [](std::size_t n) {
    return gpu::Arena::footprint<float>(static_cast<std::int64_t>(n));
  };
  const auto batch = static_cast<std::size_t>(shape.batch), updates = static_cast<std::size_t>(shape.updates),
             out = static_cast<std::size_t>(policy.out_dim()), in = static_cast<std::size_t>(policy.in_dim());
  const auto columns = static_cast<std::size_t>(noise_columns_of(shape, policy.in_dim() / 2));
  return ag::cuda::MlpPass::footprint(policy.spec(), shape.batch) + floats(from.data.states.size()) +
         floats(from.data.actions.size()) + floats(from.goals.size()) + 3 * floats(in) + 2 * floats(out) +
         5 * floats(static_cast<std::size_t>(policy.parameters())) +
         gpu::Arena::footprint<std::uint8_t>(policy.in_dim()) +
         gpu::Arena::footprint<std::int32_t>(policy.out_dim()) + 2 * floats(batch * out) + 2 * floats(batch) +
         floats(static_cast<std::size_t>(gpu::sum_axis_scratch(1, shape.batch, policy.out_dim()))) +
         gpu::Arena::footprint<char>(gpu::kReduceScratchBytes) + floats(updates * batch * columns) +
         gpu::Arena::footprint<BatchRow>(static_cast<std::int64_t>(updates * batch)) +
         gpu::Arena::footprint<StepNumbers>(shape.updates) + gpu::Arena::footprint<StepNumbers>(1) +
         gpu::Arena::footprint<UpdateSums>(1) + gpu::Arena::footprint<TrainingState>(1);
}

TrainingStep::TrainingStep(const GaussianPolicy& policy, const TrainingData& from, const TrainingShape& shape)
    : shape_(shape),
      range_(policy.range()),
      parameters_(policy.parameters()),
      mlp_parameters_(policy.mlp_parameters()),
      blas_(stream_),
      arena_(footprint(policy, from, shape)),
      mlp_(policy.spec(), shape.batch, arena_) {
  BATON_REQUIRE(shape.batch >= 1 && shape.updates >= 1, "training step: {} tuples, {} updates", shape.batch,
                shape.updates);
  const std::int64_t outputs = std::int64_t{shape.batch} * policy.out_dim(),
                     planned = std::int64_t{shape.updates} * shape.batch;
  place_batch(policy, from);
  for (float** array : {&theta_, &gradient_, &m_, &v_}) *array = arena_.take<float>(parameters_);
  if (shape.average) average_ = arena_.take<float>(parameters_);
  target_ = arena_.take<float>(outputs);
  dy_ = arena_.take<float>(outputs);
  log_prob_ = arena_.take<float>(shape.batch);
  weights_ = arena_.take<float>(shape.batch);
  column_scratch_ = arena_.take<float>(gpu::sum_axis_scratch(1, shape.batch, policy.out_dim()));
  scratch_ = arena_.take<char>(gpu::kReduceScratchBytes);
  rows_ = arena_.take<BatchRow>(planned);
  noise_ = arena_.take<float>(planned * batch_.noise_columns);
  steps_ = arena_.take<StepNumbers>(shape.updates);
  step_ = arena_.take<StepNumbers>(1);
  sums_ = arena_.take<UpdateSums>(1);
  state_ = arena_.take<TrainingState>(1);
  // One update of whatever lies there: what is loaded at a kernel's first launch is loaded outside of a recording.
  // Rows and the place are indices, for which zeros do. What it leaves behind is overwritten below or by the next.
  gpu::clear(stream_, planned, rows_);
  gpu::clear(stream_, 1, state_);
  queue_update();
  stream_.synchronize();
  for (float* array : {theta_, gradient_, m_, v_}) gpu::clear(stream_, parameters_, array);
  const std::vector<float> weights(static_cast<std::size_t>(shape.batch),
                                   -1.0f / static_cast<float>(shape.batch));
  const UpdateSums no_sums;
  const TrainingState start;
  gpu::upload(stream_, policy.theta(), theta_);
  if (shape.average) gpu::upload(stream_, policy.theta(), average_);
  gpu::upload(stream_, std::span<const float>(weights), weights_);
  gpu::upload(stream_, std::span(&no_sums, 1), sums_);
  gpu::upload(stream_, std::span(&start, 1), state_);
  stream_.synchronize();
  graph_ = gpu::Graph::record(stream_, [&] { queue_update(); });
}

template <class T>
const T* TrainingStep::place(std::span<const T> host) {
  if (host.empty()) return nullptr;
  T* device = arena_.take<T>(static_cast<std::int64_t>(host.size()));
  gpu::upload(stream_, host, device);
  stream_.synchronize();  // `host` may be gone afterwards
  return device;
}

void TrainingStep::place_batch(const GaussianPolicy& policy, const TrainingData& from) {
  const Dataset& data = from.data;
  const PolicyEncoding& encoding = policy.encoding();
  batch_.rows = shape_.batch;
  batch_.state_dim = encoding.state_dim;
  batch_.out = policy.out_dim();
  batch_.robot_dim = encoding.robot_dim;
  batch_.chunk = shape_.chunk;
  batch_.relative_goal = encoding.relative_goal;
  batch_.residual = encoding.residual;
  batch_.robot_zero = encoding.robot_fill == RobotFill::kZero;
  batch_.robot_mask = encoding.robot_fill == RobotFill::kMask;
  batch_.state_noise = shape_.state_noise;
  batch_.goal_noise = shape_.goal_noise;
  batch_.noise_first = noise_first(shape_, encoding.state_dim);
  batch_.noise_columns = noise_columns_of(shape_, encoding.state_dim);
  BATON_REQUIRE(data.state_dim == encoding.state_dim &&
                    batch_.out == (shape_.state_targets ? data.state_dim : shape_.chunk * data.action_dim),
                "training step: a policy of {} -> {} for data of states {}, actions {} and chunks of {}",
                policy.in_dim(), policy.out_dim(), data.state_dim, data.action_dim, shape_.chunk);
  BATON_REQUIRE(from.labels.empty() || from.labels.size() == data.actions.size(),
                "training step: {} numbers of labels, data hold {} of actions", from.labels.size(),
                data.actions.size());
  const auto floats = [this](std::span<const float> host) { return place(host); };
  batch_.states = floats(data.states);
  batch_.targets = shape_.state_targets  ? batch_.states
                   : from.labels.empty() ? floats(data.actions)
                                         : floats(from.labels);
  batch_.goals = floats(from.goals);
  batch_.in_mean = floats(policy.in().mean), batch_.in_std = floats(policy.in().std);
  batch_.out_mean = floats(policy.out().mean), batch_.out_std = floats(policy.out().std);
  batch_.seen = place(std::span<const std::uint8_t>(seen_mask(encoding)));
  batch_.residual_of = place(std::span<const std::int32_t>(encoding.residual_of));
  if (shape_.sensor_noise <= 0) return;
  BATON_REQUIRE(from.sensor_amplitude.size() == static_cast<std::size_t>(encoding.state_dim),
                "training step: {} amplitudes of sensors for {} coordinates", from.sensor_amplitude.size(),
                encoding.state_dim);
  std::vector<float> scale(from.sensor_amplitude.begin(), from.sensor_amplitude.end());
  for (float& amplitude : scale) amplitude *= shape_.sensor_noise;
  batch_.sensor_noise = floats(scale);
}

// dy and the loss's sum, and the gradient of log_std.
void TrainingStep::queue_loss() {
  const std::int64_t outputs = std::int64_t{shape_.batch} * batch_.out;
  float* d_log_std = gradient_ + mlp_parameters_;
  const float* log_std = theta_ + mlp_parameters_;
  gpu::clear(stream_, batch_.out, d_log_std);
  if (shape_.loss == Loss::kSquaredError) {
    residuals(stream_, outputs, 1.0f / static_cast<float>(shape_.batch), mlp_.output(), target_, dy_);
    gpu::dot<float>(stream_, outputs, dy_, dy_, &sums_->loss, scratch_);
    return;
  }
  gpu::gaussian_log_prob<float>(stream_, shape_.batch, batch_.out, target_, mlp_.output(), log_std,
                                log_prob_);
  gpu::sum<float>(stream_, shape_.batch, log_prob_, &sums_->loss, scratch_);
  gpu::gaussian_log_prob_vjp<float>(stream_, shape_.batch, batch_.out, target_, mlp_.output(), log_std,
                                    weights_, dy_, d_log_std, column_scratch_);
}

void TrainingStep::queue_update() {
  encode_batch(stream_, batch_, state_, rows_, batch_.noise_columns > 0 ? noise_ : nullptr, mlp_.input(),
               target_);
  mlp_.forward(blas_, theta_);
  queue_loss();
  mlp_.vjp(blas_, theta_, dy_, gradient_);
  gpu::dot<float>(stream_, parameters_, gradient_, gradient_, &sums_->squares, scratch_);
  gpu::first_not_finite<float>(stream_, parameters_, gradient_, &sums_->bad, scratch_);
  const double loss_scale = shape_.loss == Loss::kSquaredError ? 0.5 * shape_.batch : -1.0 / shape_.batch;
  prepare_step(stream_, state_, sums_, steps_, loss_scale, shape_.clip_norm, step_);
  guard_gradient(stream_, state_, parameters_, gradient_);
  if (shape_.algorithm == ag::Algorithm::kSgd) {
    gpu::sgd<float>(stream_, parameters_, &step_->sgd, gradient_, theta_, m_);
  } else {
    gpu::adam<float>(stream_, parameters_, &step_->adam, gradient_, theta_, m_, v_);
  }
  finish_update(stream_, batch_.out, range_.min, range_.max, theta_ + mlp_parameters_, state_);
  if (shape_.average) update_average(stream_, step_, parameters_, theta_, average_);
}

void TrainingStep::plan(std::span<const BatchRow> rows, std::span<const float> noise,
                        std::span<const StepNumbers> steps) {
  const std::size_t n = steps.size(), batch = static_cast<std::size_t>(shape_.batch);
  BATON_REQUIRE(n <= static_cast<std::size_t>(shape_.updates) && rows.size() == n * batch &&
                    noise.size() == rows.size() * static_cast<std::size_t>(batch_.noise_columns),
                "training step: a plan of {} updates, {} tuples and {} noises for batches of {} with {} each",
                n, rows.size(), noise.size(), batch, batch_.noise_columns);
  gpu::upload(stream_, rows, rows_);
  if (!noise.empty()) gpu::upload(stream_, noise, noise_);
  gpu::upload(stream_, steps, steps_);
  gpu::clear(stream_, 1, &state_->place);
  stream_.synchronize();
}

TrainingState TrainingStep::fetch(std::span<float> theta, std::span<float> average) {
  BATON_REQUIRE(theta.size() == static_cast<std::size_t>(parameters_),
                "training step: theta of {}, it has {}", theta.size(), parameters_);
  BATON_REQUIRE(average.size() == (shape_.average ? theta.size() : 0),
                "training step: an average of {}, {} are kept", average.size(),
                shape_.average ? parameters_ : 0);
  TrainingState now;
  gpu::download(stream_, static_cast<const TrainingState*>(state_), std::span(&now, 1));
  gpu::download(stream_, static_cast<const float*>(theta_), theta);
  if (shape_.average) gpu::download(stream_, static_cast<const float*>(average_), average);
  gpu::clear(stream_, 1, &state_->loss_sum);
  gpu::clear(stream_, 1, &state_->losses);
  stream_.synchronize();
  return now;
}

void TrainingStep::fetch_gradient(std::span<float> gradient) {
  BATON_REQUIRE(gradient.size() == static_cast<std::size_t>(parameters_),
                "training step: a gradient of {}, it has {}", gradient.size(), parameters_);
  gpu::download(stream_, static_cast<const float*>(gradient_), gradient);
  stream_.synchronize();
}

}  // namespace baton::rl::cuda
