#include "rl/cuda/level.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "rl/cuda/training_step.hpp"
#include "rl/trainer.hpp"

namespace baton::rl::cuda {

namespace {

// What the host draws at once: 64 updates, fewer of large batches.
constexpr int kUpdatesAhead = 64, kTuplesAhead = 64 * 4096;

TrainingShape shape_of(const TupleStream& stream, const ImitationSettings& settings) {
  TrainingShape shape;
  shape.batch = settings.batch;
  shape.updates = std::min(std::clamp(kTuplesAhead / settings.batch, 1, kUpdatesAhead), settings.updates);
  shape.loss =
      settings.loss == PolicyLoss::kSquaredError ? Loss::kSquaredError : Loss::kNegativeLogLikelihood;
  shape.algorithm = settings.optimizer;
  shape.state_targets = stream.kind == TupleKind::kHigh;
  shape.state_noise = settings.state_noise;
  shape.goal_noise = settings.goal_noise;
  shape.sensor_noise = settings.sensor_noise;
  shape.chunk = stream.kind == TupleKind::kHigh ? 1 : stream.chunk;
  shape.average = settings.average > 0;
  shape.clip_norm = settings.clip_norm;
  return shape;
}

TrainingData data_of(const TupleStream& stream) {
  TrainingData from{.data = *stream.data, .goals = stream.goals, .sensor_amplitude = stream.sensor_amplitude};
  if (stream.labels != nullptr) from.labels = *stream.labels;
  return from;
}

class Level final : public LevelDevice {
 public:
  Level(const GaussianPolicy& policy, const TupleStream& stream, const ImitationSettings& settings,
        std::uint64_t seed)
      : stream_(stream),
        settings_(settings),
        seed_(seed),
        options_(optimizer_options(settings)),
        shape_(shape_of(stream, settings)),
        step_(policy, data_of(stream), shape_) {}

  void update(int k) override {
    if (k >= planned_) plan(k);
    step_.update();
  }

  Done fetch(GaussianPolicy& policy, std::span<float> average) override {
    const TrainingState now = step_.fetch(policy.theta(), average);
    const auto bad = static_cast<int>(now.bad);
    BATON_REQUIRE(bad < 0, "{}: the gradient of {} is not finite", ag::algorithm_name(settings_.optimizer),
                  policy.parameter_name(bad));
    return {now.loss_sum, now.gradient_norm, static_cast<int>(now.losses)};
  }

 private:
  // Draws and uploads updates k, k + 1, ...
  void plan(int k) {
    const int end = std::min(k + shape_.updates, settings_.updates);
    rows_.clear(), noise_.clear(), steps_.clear();
    for (planned_ = k; planned_ < end; ++planned_) {
      kernels::Random random(seed_, static_cast<std::uint64_t>(planned_));
      const TupleStream::Drawn drawn = stream_.draw_tuples(random, settings_.batch);
      for (std::size_t i = 0; i < drawn.tuples.size(); ++i)
        rows_.push_back(row_of(drawn.tuples[i], drawn.targeted[i]));
      draw_noise(random);
      const double rate =
          options_.lr * static_cast<double>(static_cast<float>(rate_factor(settings_, planned_)));
      steps_.push_back({ag::adam_numbers<float>(options_, planned_ + 1, rate),
                        ag::sgd_numbers<float>(options_, rate), average_rate(settings_, planned_)});
    }
    step_.plan(rows_, noise_, steps_);
  }

  // In LevelTrainer::add_noise's order: row by row, the sensors' first.
  void draw_noise(kernels::Random& random) {
    const int sensors = step_.sensor_columns(), columns = step_.noise_columns();
    for (int i = 0; i < settings_.batch; ++i)
      for (int j = 0; j < columns; ++j)
        noise_.push_back(j < sensors ? 2 * random.uniform() - 1 : random.normal());
  }

  BatchRow row_of(const RelabelTuple& tuple, bool targeted) const {
    const auto episode = static_cast<std::size_t>(tuple.episode);
    const std::int64_t first = stream_.data->offsets[episode] + tuple.t;
    BatchRow row;
    row.last = static_cast<std::int32_t>(stream_.data->offsets[episode + 1] - 1);
    row.state = row.target = static_cast<std::int32_t>(first);
    row.goal = static_cast<std::int32_t>(first + tuple.w);
    if (targeted || stream_.kind == TupleKind::kGoal) row.goal = ~static_cast<std::int32_t>(tuple.episode);
    if (stream_.kind == TupleKind::kHigh)
      row.target = static_cast<std::int32_t>(first + stream_.subgoal_steps(tuple));
    return row;
  }

  const TupleStream& stream_;
  const ImitationSettings& settings_;
  std::uint64_t seed_;
  ag::OptimizerOptions options_;
  TrainingShape shape_;
  TrainingStep step_;
  int planned_ = 0;  // updates
  std::vector<BatchRow> rows_;
  std::vector<float> noise_;
  std::vector<StepNumbers> steps_;
};

}  // namespace

std::unique_ptr<LevelDevice> make_level(const GaussianPolicy& policy, const TupleStream& stream,
                                        const ImitationSettings& settings, std::uint64_t seed) {
  BATON_REQUIRE(stream.data->steps() < INT32_MAX, "imitate: {} steps are too many for a device",
                stream.data->steps());
  require_gaussian(policy);
  return std::make_unique<Level>(policy, stream, settings, seed);
}

}  // namespace baton::rl::cuda
