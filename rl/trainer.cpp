#include "rl/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::rl {
namespace {

constexpr int kMeasured = 16384;  // tuples that normalisers are measured on
constexpr int kHeldOut = 2048;    // tuples of the held-out loss
constexpr std::uint64_t kMeasureStream = 0x6d656173, kHeldOutStream = 0x68656c64,
                        kResidualStream = 0x72657369;

}  // namespace

ag::OptimizerOptions optimizer_options(const ImitationSettings& settings) {
  return {.algorithm = ag::parse_algorithm(settings.optimizer),
          .lr = settings.lr,
          .momentum = settings.momentum,
          .nesterov = settings.nesterov,
          .weight_decay = settings.weight_decay,
          .clip_norm = settings.clip_norm};
}

double rate_factor(const ImitationSettings& settings, int k) {
  return ag::schedule_factor(ag::parse_schedule(settings.schedule), k, settings.updates, settings.warmup,
                             settings.lr_floor);
}

bool TupleStream::plain() const {
  return sources.size() == 1 && target_goal_fraction <= 0 && final_goal_fraction <= 0;
}

TupleStream::Drawn TupleStream::draw_tuples(kernels::Random& random, int n) const {
  tuples_.resize(static_cast<std::size_t>(n));
  targeted_.assign(static_cast<std::size_t>(n), 0);
  if (plain()) {
    sources[0].index.sample(random, tuples_);
    return {tuples_, targeted_};
  }
  for (int i = 0; i < n; ++i) {
    std::size_t source = 0;
    if (sources.size() > 1) {
      double u = random.uniform_double();
      while (source + 1 < sources.size() && u >= sources[source].weight) u -= sources[source++].weight;
    }
    RelabelTuple& tuple = tuples_[i] = sources[source].index.sample(random);
    if (target_goal_fraction <= 0 && final_goal_fraction <= 0) continue;
    const float u = random.uniform();
    if (u >= target_goal_fraction + final_goal_fraction) continue;
    tuple.w = data->length(tuple.episode) - 1 - tuple.t;
    targeted_[i] = u < target_goal_fraction;
  }
  return {tuples_, targeted_};
}

void TupleStream::gather(std::span<const RelabelTuple> tuples, float* x, float* y) const {
  const Steps steps = table != nullptr ? Steps(*table) : Steps(*data);
  switch (kind) {
    case TupleKind::kLow:
      return gather_low(steps, tuples, x, y);
    case TupleKind::kHigh:
      return gather_high(steps, tuples, low_window, x, y);
    case TupleKind::kGoal:
      return gather_with_goal(steps, tuples, goals, x, y);
  }
}

// In chunks, each from its own place in the stream of random numbers: on all threads, the same for any number of them.
void TupleStream::draw_plain(kernels::Random& random, int n, float* x, float* y) const {
  constexpr int kChunk = 128;
  tuples_.resize(static_cast<std::size_t>(n));
  const std::ptrdiff_t in = 2 * data->state_dim, out = output_dim();
  kernels::parallel_for(kernels::chunk_count(n, kChunk), [&](int chunk) {
    const int begin = chunk * kChunk, count = std::min(kChunk, n - begin);
    const auto tuples =
        std::span(tuples_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    kernels::Random own = random;
    own.skip(2 * static_cast<std::uint64_t>(begin));
    sources[0].index.sample(own, tuples);
    gather(tuples, x + begin * in, y + begin * out);
  });
  random.skip(2 * static_cast<std::uint64_t>(n));
}

void TupleStream::draw(kernels::Random& random, int n, float* x, float* y) const {
  if (plain()) return draw_plain(random, n, x, y);
  draw_tuples(random, n);
  gather(tuples_, x, y);
  if (kind == TupleKind::kGoal) return;
  const int s = data->state_dim;
  for (int i = 0; i < n; ++i) {
    if (targeted_[i] == 0) continue;
    const auto goal = goals.begin() + static_cast<std::ptrdiff_t>(tuples_[i].episode) * s;
    std::copy(goal, goal + s, x + static_cast<std::ptrdiff_t>(i) * 2 * s + s);
  }
}

Normalizers measure(const TupleStream& stream, bool relative_goal, bool residual, float in_floor,
                    float out_floor, std::uint64_t seed) {
  const int s = stream.data->state_dim, m = stream.output_dim();
  std::vector<float> x(static_cast<std::size_t>(kMeasured) * 2 * s),
      y(static_cast<std::size_t>(kMeasured) * m);
  kernels::Random random(seed, kMeasureStream);
  stream.draw(random, kMeasured, x.data(), y.data());
  for (int i = 0; i < kMeasured; ++i) {
    float* row = &x[static_cast<std::size_t>(i) * 2 * s];
    for (int j = 0; residual && j < m; ++j) y[static_cast<std::size_t>(i) * m + j] -= row[j];
    for (int j = 0; relative_goal && j < s; ++j) row[s + j] -= row[j];
  }
  return {ag::measure_columns(x, 2 * s, in_floor), ag::measure_columns(y, m, out_floor)};
}

LevelTrainer::LevelTrainer(GaussianPolicy& policy, const TupleStream& train, const TupleStream& heldout,
                           const ImitationSettings& settings, std::uint64_t seed, MakeLevelDevice make_device)
    : policy_(policy),
      train_(train),
      heldout_(heldout),
      settings_(settings),
      seed_(seed),
      optimizer_(policy.parameters(), optimizer_options(settings),
                 [&policy](int i) { return policy.parameter_name(i); }),
      x_(static_cast<std::size_t>(settings.batch) * policy.in_dim()),
      y_(static_cast<std::size_t>(settings.batch) * policy.out_dim()),
      weights_(static_cast<std::size_t>(settings.batch), -1.0f / static_cast<float>(settings.batch)),
      grad_(static_cast<std::size_t>(policy.parameters())) {
  BATON_REQUIRE(train.output_dim() == policy.out_dim(),
                "imitation: targets have {} numbers, the policy gives {}", train.output_dim(),
                policy.out_dim());
  BATON_REQUIRE(train.table == nullptr || &train.table->data() == train.data,
                "imitation: the table is of another dataset ({} steps) than the stream ({} steps)",
                train.table->data().steps(), train.data->steps());
  pass_.reserve(policy, settings.batch);
  if (make_device != nullptr) device_ = make_device(policy, train, settings, seed);
  if (heldout.sources.empty()) return;
  heldout_x_.resize(static_cast<std::size_t>(kHeldOut) * policy.in_dim());
  heldout_y_.resize(static_cast<std::size_t>(kHeldOut) * policy.out_dim());
  heldout_pass_.reserve(policy, kHeldOut);
  kernels::Random random(seed, kHeldOutStream);
  heldout.draw(random, kHeldOut, heldout_x_.data(), heldout_y_.data());
}

double LevelTrainer::learning_rate(int k) const { return settings_.lr * rate_factor(settings_, k); }

void LevelTrainer::add_noise(kernels::Random& random) {
  if (settings_.state_noise <= 0 && settings_.goal_noise <= 0) return;
  const int width = policy_.in_dim(), s = width / 2;
  for (int i = 0; i < settings_.batch; ++i) {
    float* row = &x_[static_cast<std::size_t>(i) * width];
    for (int j = 0; j < width; ++j) {
      const float scale = j < s ? settings_.state_noise : settings_.goal_noise;
      if (scale > 0) row[j] += scale * policy_.in().std[j] * random.normal();
    }
  }
}

void LevelTrainer::update(int k) {
  if (device_) return device_->update(k);
  kernels::Random random(seed_, static_cast<std::uint64_t>(k));
  train_.draw(random, settings_.batch, x_.data(), y_.data());
  add_noise(random);
  const PolicyLoss loss = settings_.loss == "mse" ? PolicyLoss::kSquaredError : PolicyLoss::kLogLikelihood;
  loss_sum_ += pass_.fit(policy_, loss, x_.data(), y_.data(), settings_.batch, weights_, grad_);
  ++loss_count_;
  optimizer_.step(policy_.theta(), std::span<const float>(grad_),
                  static_cast<float>(rate_factor(settings_, k)));
  policy_.clamp_log_std();
  gradient_norm_ = optimizer_.gradient_norm();
}

void LevelTrainer::fetch() {
  if (!device_) return;
  const LevelDevice::Done done = device_->fetch(policy_);
  loss_sum_ += done.loss_sum;
  loss_count_ += done.updates;
  gradient_norm_ = done.gradient_norm;
}

nlohmann::ordered_json LevelTrainer::metrics() {
  fetch();
  nlohmann::ordered_json object;
  object["train"] = loss_count_ > 0 ? loss_sum_ / loss_count_ : 0.0;
  loss_sum_ = 0;
  loss_count_ = 0;
  if (!heldout_x_.empty()) {
    heldout_pass_.infer(policy_, heldout_x_.data(), kHeldOut);
    std::vector<float> log_prob(kHeldOut);
    heldout_pass_.log_prob(policy_, heldout_y_.data(), log_prob);
    const double mse = 2 * heldout_pass_.mean_squared_error(policy_, heldout_y_.data()) / policy_.out_dim();
    const double nll = -std::accumulate(log_prob.begin(), log_prob.end(), 0.0) / kHeldOut;
    object["heldout"] = settings_.loss == "mse" ? 0.5 * mse * policy_.out_dim() : nll;
    object["heldout_mse"] = mse;
  }
  object["grad_norm"] = gradient_norm_;
  const std::span<const float> log_std = policy_.log_std();
  object["log_std"] = std::accumulate(log_std.begin(), log_std.end(), 0.0) / policy_.out_dim();
  return object;
}

void LevelTrainer::finish() {
  fetch();
  if (settings_.loss != "mse") return;
  const int m = policy_.out_dim(), n = settings_.batch;
  std::vector<double> squares(static_cast<std::size_t>(m));
  std::vector<float> target(y_.size());
  constexpr int kBatches = 32;
  for (int b = 0; b < kBatches; ++b) {
    kernels::Random random(seed_ ^ kResidualStream, static_cast<std::uint64_t>(b));
    train_.draw(random, n, x_.data(), y_.data());
    pass_.infer(policy_, x_.data(), n);
    policy_.normalize_output(x_.data(), y_.data(), n, target.data());
    const std::span<const float> u = pass_.normalized_mean();
    for (int i = 0; i < n * m; ++i) {
      const double d = static_cast<double>(target[i]) - u[i];
      squares[i % m] += d * d;
    }
  }
  for (int j = 0; j < m; ++j) {
    policy_.log_std()[j] = static_cast<float>(0.5 * std::log(std::max(1e-12, squares[j] / (kBatches * n))));
  }
  policy_.clamp_log_std();
}

}  // namespace baton::rl
