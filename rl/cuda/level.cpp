#include "rl/cuda/level.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "rl/cuda/training_step.hpp"
#include "rl/trainer.hpp"

namespace baton::rl::cuda {

namespace {

// What the host draws at once: 64 updates, fewer of large batches.
constexpr int kUpdatesAhead = 64, kTuplesAhead = 64 * 4096;

// What the kernels of this folder do not do.
void require_supported(const GaussianPolicy& policy, const TupleStream& stream,
                       const ImitationSettings& settings) {
  require_gaussian(policy);
  const bool plain = stream.chunk == 1 && stream.labels == nullptr && settings.sensor_noise <= 0 &&
                     settings.average <= 0 && policy.encoding().seen.empty();
  if (!plain)
    throw UsageError(
        "--device cuda: chunks, position targets, imitate.sensor_noise, imitate.average and policy.observe "
        "are not there on a GPU; --device cpu is expected");
}

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
  shape.clip_norm = settings.clip_norm;
  return shape;
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
        step_(policy, *stream.data, stream.goals, shape_) {}

  void update(int k) override {
    if (k >= planned_) plan(k);
    step_.update();
  }

  Done fetch(GaussianPolicy& policy) override {
    const TrainingState now = step_.fetch(policy.theta());
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
      const int numbers = settings_.batch * step_.noise_columns();
      for (int i = 0; i < numbers; ++i) noise_.push_back(random.normal());
      const double rate =
          options_.lr * static_cast<double>(static_cast<float>(rate_factor(settings_, planned_)));
      steps_.push_back(
          {ag::adam_numbers<float>(options_, planned_ + 1, rate), ag::sgd_numbers<float>(options_, rate)});
    }
    step_.plan(rows_, noise_, steps_);
  }

  BatchRow row_of(const RelabelTuple& tuple, bool targeted) const {
    const std::int64_t first = stream_.data->offsets[static_cast<std::size_t>(tuple.episode)] + tuple.t;
    BatchRow row;
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
  require_supported(policy, stream, settings);
  return std::make_unique<Level>(policy, stream, settings, seed);
}

}  // namespace baton::rl::cuda
