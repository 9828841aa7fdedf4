#include "rl/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::rl {
namespace {

constexpr double kAny = std::numeric_limits<double>::infinity();
constexpr int kMeasured = 16384;  // tuples that normalisers are measured on
constexpr int kHeldOut = 2048;    // tuples of the held-out loss
constexpr std::uint64_t kMeasureStream = 0x6d656173, kHeldOutStream = 0x68656c64,
                        kResidualStream = 0x72657369;

}  // namespace

ag::OptimizerOptions optimizer_options(const ImitationSettings& settings) {
  return {.algorithm = settings.optimizer,
          .lr = settings.lr,
          .beta2 = static_cast<double>(settings.beta2),
          .momentum = settings.momentum,
          .nesterov = settings.nesterov,
          .weight_decay = settings.weight_decay,
          .clip_norm = settings.clip_norm};
}

double rate_factor(const ImitationSettings& settings, int k) {
  return ag::schedule_factor(settings.schedule, k, settings.updates, settings.warmup, settings.lr_floor);
}

float average_rate(const ImitationSettings& settings, int k) {
  return 1 - std::min(settings.average, static_cast<float>(k + 1) / static_cast<float>(k + 10));
}

Normalizers measure(const TupleStream& stream, const PolicyEncoding& encoding, float in_floor,
                    float out_floor, std::uint64_t seed) {
  const int s = stream.data->state_dim, m = stream.output_dim();
  std::vector<float> x(static_cast<std::size_t>(kMeasured) * 2 * s),
      y(static_cast<std::size_t>(kMeasured) * m);
  kernels::Random random(seed, kMeasureStream);
  stream.draw(random, kMeasured, x.data(), y.data());
  for (int i = 0; i < kMeasured; ++i) {
    float* row = &x[static_cast<std::size_t>(i) * 2 * s];
    for (int j = 0; encoding.residual && j < m; ++j)
      y[static_cast<std::size_t>(i) * m + j] -=
          row[encoding.residual_of.empty() ? j : encoding.residual_of[static_cast<std::size_t>(j)]];
    for (int j = 0; encoding.relative_goal && j < s; ++j) row[s + j] -= row[j];
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
  BATON_REQUIRE(settings.sensor_noise <= 0 || !train.sensor_amplitude.empty(),
                "imitation: the environment says no amplitude of its sensors' noise, sensor_noise is {}",
                settings.sensor_noise);
  if (settings.average > 0) average_.assign(policy.theta().begin(), policy.theta().end());
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
  if (settings_.state_noise <= 0 && settings_.goal_noise <= 0 && settings_.sensor_noise <= 0) return;
  const int width = policy_.in_dim(), s = width / 2;
  for (int i = 0; i < settings_.batch; ++i) {
    float* row = &x_[static_cast<std::size_t>(i) * width];
    for (int j = 0; settings_.sensor_noise > 0 && j < s; ++j)
      row[j] += settings_.sensor_noise * train_.sensor_amplitude[static_cast<std::size_t>(j)] *
                (2 * random.uniform() - 1);
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
  loss_sum_ += pass_.fit(policy_, settings_.loss, x_.data(), y_.data(), settings_.batch, weights_, grad_,
                         random.next_u64());
  ++loss_count_;
  optimizer_.step(policy_.theta(), std::span<const float>(grad_),
                  static_cast<float>(rate_factor(settings_, k)));
  policy_.clamp_log_std();
  gradient_norm_ = optimizer_.gradient_norm();
  average(k);
}

void LevelTrainer::average(int k) {
  if (average_.empty()) return;
  const float rate = average_rate(settings_, k);
  const std::span<const float> theta = policy_.theta();
  for (std::size_t i = 0; i < average_.size(); ++i) average_[i] += rate * (theta[i] - average_[i]);
}

void LevelTrainer::swap_average() {
  if (!average_.empty()) std::swap_ranges(average_.begin(), average_.end(), policy_.theta().begin());
}

void LevelTrainer::fetch() {
  if (!device_) return;
  const LevelDevice::Done done = device_->fetch(policy_, average_);
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
    swap_average();
    heldout_pass_.infer(policy_, heldout_x_.data(), kHeldOut);
    std::vector<float> log_prob(kHeldOut);
    heldout_pass_.log_prob(policy_, heldout_y_.data(), log_prob);
    const double mse = 2 * heldout_pass_.mean_squared_error(policy_, heldout_y_.data()) / policy_.out_dim();
    const double nll = -std::accumulate(log_prob.begin(), log_prob.end(), 0.0) / kHeldOut;
    const bool squares = policy_.loss(settings_.loss) == PolicyLoss::kSquaredError;
    object["heldout"] = squares ? 0.5 * mse * policy_.out_dim() : nll;
    object["heldout_mse"] = mse;
    swap_average();
  }
  object["grad_norm"] = gradient_norm_;
  const std::span<const float> log_std = policy_.log_std();
  object["log_std"] = std::accumulate(log_std.begin(), log_std.end(), 0.0) / policy_.out_dim();
  return object;
}

void LevelTrainer::finish() {
  fetch();
  swap_average();
  if (policy_.loss(settings_.loss) != PolicyLoss::kSquaredError) return;
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

void train_levels(RelayPolicy& policy, std::span<const TupleStream> train,
                  std::span<const TupleStream> heldout, const ImitationSettings& settings, std::uint64_t seed,
                  std::string_view stage, const ProgressCallback& progress, MakeLevelDevice make_device) {
  const int levels = policy.levels();
  std::vector<LevelTrainer> trainers;
  for (int level = 0; level < levels; ++level) {
    trainers.emplace_back(policy.level(level), train[level], heldout[level], settings,
                          kernels::mix_seed(seed, level), make_device);
  }
  for (int k = 0; k < settings.updates; ++k) {
    if (make_device != nullptr) {  // queues and returns
      for (LevelTrainer& trainer : trainers) trainer.update(k);
    } else {
      kernels::parallel_for(levels, [&](int level) { trainers[level].update(k); });
    }
    const int done = k + 1;
    Progress now{stage, done, settings.updates, nullptr};
    nlohmann::ordered_json object;
    if (done % settings.report_every == 0 || done == settings.updates) {
      object = {{"stage", stage},
                {"method", policy.method},
                {"update", done},
                {"samples", std::int64_t{done} * settings.batch},
                {"lr", trainers[0].learning_rate(k)}};
      for (int level = 0; level < levels; ++level)
        object[level == 1 ? "high" : "low"] = trainers[level].metrics();
      now.metrics = &object;
    }
    report(progress, now);
  }
  for (LevelTrainer& trainer : trainers) trainer.finish();
}

void list_settings(SettingsTable& table, const std::string& section, ImitationSettings& s,
                   double least_noise) {
  const std::string p = section + ".";
  table.add(p + "updates", &s.updates, "minibatches", 1, 1e9);
  table.add(p + "batch", &s.batch, "tuples per minibatch", 1, 1e6);
  table.add_choice(p + "optimizer", &s.optimizer, names_of(ag::algorithm_name, ag::Algorithm::kSgd),
                   "what updates the parameters");
  table.add(p + "momentum", &s.momentum, "sgd's", 0, 0.9999);
  table.add(p + "nesterov", &s.nesterov, "sgd looks ahead along its momentum");
  table.add(p + "lr", &s.lr, "learning rate", 0, 10);
  table.add_choice(p + "schedule", &s.schedule, names_of(ag::schedule_name, ag::Schedule::kCosine),
                   "of the learning rate");
  table.add(p + "warmup", &s.warmup, "updates of linear warm-up", 0, 1e9);
  table.add(p + "lr_floor", &s.lr_floor, "the schedule ends at this fraction of lr", 0, 1);
  table.add(p + "beta2", &s.beta2, "adam's and adamw's", 0, 0.999999);
  table.add(p + "average", &s.average, "most weight of the past in the parameters' moving average; 0: none",
            0, 0.999999);
  table.add(p + "weight_decay", &s.weight_decay, "decoupled; adamw and sgd", 0, kAny);
  table.add(p + "clip_norm", &s.clip_norm, "of the gradient; 0: off", 0, kAny);
  table.add(p + "state_noise", &s.state_noise, "std of noise on inputs, in normalised units", least_noise,
            kAny);
  table.add(p + "goal_noise", &s.goal_noise, "same, on goals", least_noise, kAny);
  table.add(p + "sensor_noise", &s.sensor_noise, "noise on states, in multiples of the sensors' amplitude", 0,
            kAny);
  table.add(p + "final_goal_fraction", &s.final_goal_fraction,
            "long-term goals moved to the demonstration's end", 0, 1);
  table.add(p + "target_goal_fraction", &s.target_goal_fraction, "long-term goals moved to the compound goal",
            0, 1);
  table.add_choice(p + "bc_goal", &s.bc_goal, kEpisodeGoalNames, "goal of BC without relabeling");
  table.add_choice(p + "loss", &s.loss, kPolicyLossNames,
                   "of Gaussian heads: negative log-likelihood, or squared error");
  table.add(p + "holdout", &s.holdout, "fraction of episodes kept out", 0, 0.9);
  table.add(p + "report_every", &s.report_every, "updates between metrics", 1, 1e9);
}

}  // namespace baton::rl
