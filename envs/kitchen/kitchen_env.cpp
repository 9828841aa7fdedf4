#include "envs/kitchen/kitchen_env.hpp"

#include <algorithm>
#include <cmath>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/batch.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace baton::envs {

namespace {

constexpr float kRobotNoiseRatio = 0.01f, kObjectNoiseRatio = 0.0005f;  // FrankaKitchen-v1
constexpr std::uint64_t kSensorStream = 1, kStartStream = 2, kDisplacementStream = 3;

}  // namespace

KitchenEnv::KitchenEnv(const EnvOptions& options)
    : size_(options.size), in_double_(options.in_double), start_spread_(options.start_spread) {
  BATON_REQUIRE(size_ > 0, "kitchen: size is {}, expected at least 1", size_);
  BATON_REQUIRE(std::isfinite(options.noise_ratio),
                "kitchen: noise ratio is {}, expected a number (negative: the default)", options.noise_ratio);
  BATON_REQUIRE(start_spread_ >= 0 && start_spread_ <= 0.5f,
                "kitchen: start spread is {}, expected 0..0.5 rad", start_spread_);
  if (options.threads > 0) kernels::set_threads(options.threads);
  for (int i = 0; i < kKitchenStateDim; ++i) {
    const float own = i < kKitchenRobotDim ? kRobotNoiseRatio : kObjectNoiseRatio;
    noise_[i] = (options.noise_ratio < 0 ? own : options.noise_ratio) * kitchen_sensor_amplitude(i);
  }
  const sim::Model<double> other = options.model.empty() ? sim::Model<double>{} : load_kitchen(options.model);
  const sim::Model<double>& model = options.model.empty() ? kitchen_model() : other;
  start_ = kitchen_start_of(model);
  set_displaced(options);
  sim::BatchOptions physics;
  if (options.in_double) physics.precision = sim::Precision::kDouble;
  batch_ = std::make_unique<sim::Batch>(model, size_, physics);
  const std::size_t values = static_cast<std::size_t>(size_) * kKitchenStateDim;
  state_.resize(values);
  observation_.resize(values);
  seen_.resize(static_cast<std::size_t>(size_) * kKitchenRobotDim);
  target_.resize(static_cast<std::size_t>(size_) * kKitchenActionDim);
  reset(std::vector<std::uint64_t>(static_cast<std::size_t>(size_), 0));
}

KitchenEnv::~KitchenEnv() = default;

void KitchenEnv::set_displaced(const EnvOptions& options) {
  BATON_REQUIRE(options.displacement >= 0 && options.displacement <= 1,
                "kitchen: displacement is {}, expected 0..1 (m or rad)", options.displacement);
  displacement_ = options.displacement;
  if (options.displaced.empty()) return;
  std::vector<std::string> known;
  for (const Group& group : spec().groups) {
    if (group.index.front() < kKitchenRobotDim) continue;
    if (group.name == options.displaced) displaced_ = group.index;
    known.push_back(group.name);
  }
  if (displaced_.empty())
    throw UsageError(fmt::format("kitchen: no group '{}' of objects that can be displaced{}",
                                 printable(options.displaced), suggestion(options.displaced, known)));
  displaced_.resize(std::min<std::size_t>(2, displaced_.size()));
}

std::vector<Goal> KitchenEnv::goals(const std::string& list) const {
  std::array<float, kKitchenStateDim> start;
  std::ranges::transform(start_, start.begin(), [](double v) { return static_cast<float>(v); });
  return kitchen_goals(list, start);
}

void KitchenEnv::reset(std::span<const std::uint64_t> seeds) {
  BATON_REQUIRE(static_cast<int>(seeds.size()) == size_, "kitchen: {} seeds for {} environments",
                seeds.size(), size_);
  seeds_.assign(seeds.begin(), seeds.end());
  step_ = 0;
  std::array<double, kKitchenStateDim> qpos;
  const std::array<double, kKitchenQvelDim> qvel{};
  for (int env = 0; env < size_; ++env) {
    const std::uint64_t seed = seeds[static_cast<std::size_t>(env)];
    qpos = start_;
    for (int j = 0; j < 7; ++j)
      qpos[j] += start_spread_ * (2 * kernels::uniform_at(seed, kStartStream, j) - 1);
    for (const int i : displaced_)
      qpos[i] += displacement_ * (2 * kernels::uniform_at(seed, kDisplacementStream, i) - 1);
    batch_->reset(env, qpos, qvel);
    observe(env);
  }
}

void KitchenEnv::step(std::span<const float> actions) {
  if (in_double_) {
    advance<double, double>(seen_, kKitchenRobotDim, actions);
  } else {
    advance<float, float>(observation_, kKitchenStateDim, actions);
  }
}

void KitchenEnv::step_from(std::span<const float> observed, std::span<const float> actions) {
  BATON_REQUIRE(observed.size() == observation_.size(),
                "kitchen: {} observed values for {} environments, expected {}", observed.size(), size_,
                observation_.size());
  advance<double, float>(observed, kKitchenStateDim, actions);
}

// T: what targets are computed in. observed: rows of `width` numbers, the robot's first.
template <class T, class Seen>
void KitchenEnv::advance(std::span<const Seen> observed, int width, std::span<const float> actions) {
  const std::size_t expected = static_cast<std::size_t>(size_) * kKitchenActionDim;
  BATON_REQUIRE(actions.size() == expected, "kitchen: {} action values for {} environments, expected {}",
                actions.size(), size_, expected);
  for (int env = 0; env < size_; ++env) {
    double* target = &target_[static_cast<std::size_t>(env) * kKitchenActionDim];
    const float* action = &actions[static_cast<std::size_t>(env) * kKitchenActionDim];
    const Seen* seen = &observed[static_cast<std::size_t>(env) * static_cast<std::size_t>(width)];
    for (int j = 0; j < kKitchenActionDim; ++j) {
      BATON_REQUIRE(!std::isnan(action[j]), "kitchen: action {} of environment {} is not a number", j, env);
      target[j] = kitchen_target<T>(seen[j], action[j], j);
    }
  }
  batch_->step(kKitchenSubsteps, target_);
  ++step_;
  for (int env = 0; env < size_; ++env) observe(env);
}

void KitchenEnv::observe(int env) {
  std::array<double, kKitchenStateDim> qpos;
  std::array<float, kKitchenStateDim> uniform;
  batch_->get_qpos(env, qpos);
  kernels::fill_uniform(seeds_[static_cast<std::size_t>(env)], kSensorStream, step_ * kKitchenStateDim,
                        uniform);
  for (int i = 0; i < kKitchenStateDim; ++i) {
    const std::size_t at = static_cast<std::size_t>(env) * kKitchenStateDim + i;
    state_[at] = static_cast<float>(qpos[i]);
    observation_[at] = state_[at] + noise_[i] * (2 * uniform[i] - 1);
  }
  for (int j = 0; j < kKitchenRobotDim; ++j)
    seen_[static_cast<std::size_t>(env) * kKitchenRobotDim + j] = qpos[j] + noise_[j] * (2 * uniform[j] - 1);
}

std::uint64_t KitchenEnv::diverged() const { return batch_->counts().diverged; }

void KitchenEnv::get_state(int env, std::span<double> qpos, std::span<double> qvel) const {
  batch_->get_qpos(env, qpos);
  batch_->get_qvel(env, qvel);
}

void KitchenEnv::set_state(int env, std::span<const double> qpos, std::span<const double> qvel) {
  for (const double v : qpos)
    BATON_REQUIRE(std::isfinite(v), "kitchen: qpos holds {}, expected finite numbers", v);
  for (const double v : qvel)
    BATON_REQUIRE(std::isfinite(v), "kitchen: qvel holds {}, expected finite numbers", v);
  batch_->reset(env, qpos, qvel);
  observe(env);
}

std::unique_ptr<BatchEnv> make_kitchen(const EnvOptions& options) {
  return std::make_unique<KitchenEnv>(options);
}

}  // namespace baton::envs
