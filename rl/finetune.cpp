#include "rl/finetune.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/completion.hpp"
#include "rl/data/tuples.hpp"
#include "rl/hierarchy.hpp"
#include "rl/methods/method.hpp"
#include "rl/rollout.hpp"

namespace baton::rl {
namespace {

using Json = nlohmann::ordered_json;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double mean(std::span<const float> values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void scale_sigma(GaussianPolicy& policy, float factor) {
  for (float& value : policy.log_std()) value += std::log(factor);
  policy.clamp_log_std();
}

// Tuples of demonstrations and, for iril, of own trajectories, drawn as the policy's imitation drew them: the rows of
// the lambda term of one level.
class DemoRows {
 public:
  DemoRows(const RelayPolicy& policy, int level, const envs::Spec& spec, std::uint64_t seed)
      : rule_(find_method(policy.base).rule(level)), tuples_(policy.tuples), spec_(spec), seed_(seed) {}

  // n tuples of `data`, appended.
  void draw(const Dataset& data, int n, std::uint64_t round) {
    const std::size_t in = 2 * static_cast<std::size_t>(data.state_dim), more = static_cast<std::size_t>(n);
    const TupleStream stream = make_stream(rule_, data, all_episodes(data), tuples_, spec_);
    BATON_REQUIRE(!stream.sources.empty(), "finetune: every demonstration is shorter than 2 steps");
    const std::size_t rows = x_.size() / in, out = static_cast<std::size_t>(stream.output_dim());
    x_.resize((rows + more) * in);
    y_.resize((rows + more) * out);
    kernels::Random random(seed_, round);
    stream.draw(random, n, &x_[rows * in], &y_[rows * out]);
    count_ += n;
  }

  void clear() {
    x_.clear(), y_.clear();
    count_ = 0;
  }
  // counted: of every tuple's output; 0: all.
  PolicyRows rows(int counted) {
    counted_.assign(counted > 0 ? static_cast<std::size_t>(count_) : 0, counted);
    return {.x = x_.data(), .y = y_.data(), .n = count_, .counted = counted_};
  }

 private:
  TupleRule rule_;
  TupleSettings tuples_;
  const envs::Spec& spec_;
  std::uint64_t seed_;
  std::vector<float> x_, y_;
  std::vector<int> counted_;
  int count_ = 0;
};

// Samples of one level of an iteration, its value function and its natural gradient.
class LevelTuner {
 public:
  LevelTuner(int level, const RelayPolicy& policy, const envs::Spec& spec, const FinetuneSettings& settings,
             std::uint64_t seed)
      : high_(level == 1),
        chunk_(high_ ? ActionChunk{} : policy.tuples.chunk),
        settings_(settings),
        seed_(seed),
        demos_(policy, level, spec, kernels::mix_seed(seed, 1)) {}

  DemoRows& demos() { return demos_; }
  void set_device(std::unique_ptr<SolveDevice> device, const GaussianPolicy& policy) {
    device->require_supported(policy);
    solver_.set_device(std::move(device));
  }

  Json update(GaussianPolicy& policy, const envs::Spec& spec, const envs::Goal& goal, const Trajectories& own,
              float demo_weight) {
    const Decisions decisions = high_ ? high_decisions(own) : low_decisions(own, settings_.segment_terminal);
    gather(own, decisions);
    Json report = estimate(spec, goal, own, decisions);
    const PolicyRows rows{
        .x = x_.data(), .y = y_.data(), .n = static_cast<int>(advantages_.size()), .counted = counted_};
    const PolicyRows demos = demos_.rows(chunk_.predict > 1 ? chunk_.execute * own.action_dim : 0);
    const NpgReport npg = solver_.step(policy, rows, advantages_, demos, demo_weight, settings_.npg);
    report.update({{"accepted", npg.accepted},
                   {"step", npg.step},
                   {"kl", npg.kl},
                   {"predicted_kl", npg.predicted_kl},
                   {"improvement", npg.improvement},
                   {"predicted_improvement", npg.predicted_improvement},
                   {"gradient_norm", npg.gradient_norm},
                   {"cg_iterations", npg.cg.iterations},
                   {"cg_residual", npg.cg.residual},
                   {"demo_weight", demos.n > 0 ? demo_weight : 0.0f},
                   {"demo_log_likelihood", npg.demo_log_likelihood},
                   {"log_std", mean(policy.log_std())}});
    return report;
  }

 private:
  // x_ = [observation, subgoal or goal], y_ = what was sampled from it, counted_ = how much of it was executed.
  void gather(const Trajectories& own, const Decisions& decisions) {
    const Decided& decided = high_ ? own.high : own.low;
    x_.clear(), y_.clear(), counted_.clear();
    for (std::size_t k = 0; k < decisions.size(); ++k) {
      const int i = decisions.episode[k], t = decisions.step[k];
      const std::span<const float> s = own.observation(i, t);
      const std::span<const float> g = high_ ? own.goal(i) : own.low_goal(i, t);
      const std::span<const float> y = decided.value(static_cast<int>(k));
      if (chunk_.predict > 1) counted_.push_back(decisions.length[k] * own.action_dim);
      x_.insert(x_.end(), s.begin(), s.end());
      x_.insert(x_.end(), g.begin(), g.end());
      y_.insert(y_.end(), y.begin(), y.end());
    }
  }

  // Rewards, values, advantages_.
  Json estimate(const envs::Spec& spec, const envs::Goal& goal, const Trajectories& own,
                const Decisions& decisions) {
    const int elements = static_cast<int>(goal.elements.size());
    const std::vector<float> flags = completion_flags(spec, goal, own);
    const std::vector<float> rewards =
        high_ ? high_rewards(spec, goal, own, settings_.high_reward)
              : decision_rewards(low_rewards(spec, goal, own, settings_.low_reward), decisions, own.horizon,
                                 settings_.gamma);
    const int features = high_ ? high_value_features(own, decisions, flags, elements, features_)
                               : low_value_features(own, decisions, flags, elements, features_);
    // The high level discounts by the segment, the low level by the step.
    const std::span<const int> lengths = high_ ? std::span<const int>() : std::span(decisions.length);
    if (!baseline_)
      baseline_ = std::make_unique<Baseline>(features, settings_.baseline, kernels::mix_seed(seed_, 2));
    const GaeOptions options{.gamma = high_ ? settings_.high_gamma : settings_.gamma,
                             .lambda = high_ ? settings_.high_lambda : settings_.lambda};
    std::vector<float> values(rewards.size()), targets(rewards.size());
    advantages_.resize(rewards.size());
    // Targets from the values so far (Monte Carlo returns at first), then values fitted on the other episodes.
    GaeOptions first = options;
    if (!baseline_->fitted()) first.lambda = 1;
    baseline_->predict(features_, decisions.episode, values);
    gae(rewards, values, decisions.end, first, advantages_, targets, lengths);
    baseline_->fit(features_, targets, decisions.episode);
    baseline_->predict(features_, decisions.episode, values);
    const double explained = explained_variance(values, targets);
    gae(rewards, values, decisions.end, options, advantages_, targets, lengths);
    standardize(advantages_);
    const double per_episode = static_cast<double>(rewards.size()) / own.n;
    return {{"return", mean(rewards) * per_episode}, {"explained_variance", explained}};
  }

  bool high_;
  ActionChunk chunk_;
  const FinetuneSettings& settings_;
  std::uint64_t seed_;
  DemoRows demos_;
  NpgSolver solver_;
  std::unique_ptr<Baseline> baseline_;
  std::vector<float> x_, y_, features_, advantages_;
  std::vector<int> counted_;
};

class Finetuner {
 public:
  Finetuner(envs::BatchEnv& env, const RelayPolicy& init, const envs::Goal& goal, const Dataset* demos,
            const FinetuneSettings& settings, std::uint64_t seed, const ProgressCallback& progress,
            MakeSolveDevice make_solve)
      : env_(env),
        goal_(goal),
        demos_(demos),
        settings_(settings),
        seed_(seed),
        progress_(progress),
        policy_(init),
        actor_(policy_, env.spec(), env.size()),
        low_(0, policy_, env.spec(), settings_, kernels::mix_seed(seed, 3)) {
    require_settings();
    if (policy_.high) high_.emplace(1, policy_, env.spec(), settings_, kernels::mix_seed(seed, 4));
    if (make_solve != nullptr) low_.set_device(make_solve(), policy_.low);
    if (make_solve != nullptr && high_) high_->set_device(make_solve(), *policy_.high);
    train_low_ = settings.levels != Levels::kHigh;
    train_high_ = settings.levels != Levels::kLow;
    scale_sigma(policy_.low, settings.explore_low);
    if (policy_.high) scale_sigma(*policy_.high, settings.explore_high);
    policy_.method = fmt::format("{}-{}", variant_name(settings.variant), find_method(init.base).tuned_name);
  }

  FinetuneResult run() {
    FinetuneResult result;
    if (settings_.eval_every > 0) {
      result.start_result = result.best_result = evaluate_now();
    }
    result.best = policy_;
    while (done_ < settings_.iterations) {
      Json metrics = iterate();
      ++done_;
      if (settings_.eval_every > 0 && (done_ % settings_.eval_every == 0 || done_ == settings_.iterations)) {
        const GoalResult now = evaluate_now();
        metrics["eval"] = {{"success", now.success},
                           {"step_completion", now.step_completion},
                           {"success_final", now.success_final},
                           {"success_exact", now.success_exact}};
        if (better(now, result.best_result)) {
          result.best = policy_, result.best_result = now, result.best_iteration = done_;
        }
        result.last_result = now;
      }
      report(progress_, {.stage = "finetune",
                         .done = done_ * unit(),
                         .total = settings_.iterations * unit(),
                         .metrics = &metrics});
    }
    result.last = policy_;
    if (settings_.eval_every == 0) result.best = policy_, result.best_iteration = settings_.iterations;
    return result;
  }

 private:
  void require_settings() const {
    const FinetuneSettings& s = settings_;
    if (s.levels != Levels::kLow && !policy_.hierarchical()) {
      throw UsageError(fmt::format("finetune: levels '{}', but the policy ({}) is flat: only low",
                                   kLevelsNames.at(static_cast<std::size_t>(s.levels)), policy_.method));
    }
    if (s.variant != Variant::kNpg && (!demos_ || demos_->episodes() == 0)) {
      throw UsageError(fmt::format("finetune: variant {} needs demonstrations", variant_name(s.variant)));
    }
    if (demos_) {
      BATON_REQUIRE(
          demos_->state_dim == env_.spec().state_dim && demos_->action_dim == env_.spec().action_dim,
          "finetune: demonstrations of {} state and {} action coordinates, {} has {} and {}",
          demos_->state_dim, demos_->action_dim, env_.spec().name, env_.spec().state_dim,
          env_.spec().action_dim);
    }
    BATON_REQUIRE(s.iterations >= 0 && s.episodes >= 2,
                  "finetune: {} iterations of {} episodes (at least 0 of 2)", s.iterations, s.episodes);
  }

  std::int64_t unit() const { return static_cast<std::int64_t>(settings_.episodes) * env_.spec().horizon; }

  Json iterate() {
    const auto start = std::chrono::steady_clock::now();
    const Exploration exploration{.low = 1.0f, .high = train_high_ || settings_.sample_high ? 1.0f : 0.0f};
    RolloutOptions options;
    options.episodes = settings_.episodes;
    options.first_episode = done_ * settings_.episodes;
    options.seed = kernels::mix_seed(seed_, 1);
    options.exploration = exploration;
    const Trajectories own = rollout(env_, actor_, std::span(&goal_, 1), options, [&](const Progress& inner) {
      return !progress_ || progress_({.stage = "finetune",
                                      .done = done_ * unit() + inner.done,
                                      .total = settings_.iterations * unit()});
    });
    const GoalResult result = score(env_.spec(), std::span(&goal_, 1), own).front();
    const double rollout_seconds = seconds_since(start);
    const auto update_start = std::chrono::steady_clock::now();
    Json metrics = {{"stage", "finetune"},
                    {"iteration", done_ + 1},
                    {"env_steps", (done_ + 1) * unit()},
                    {"goal", goal_.name},
                    {"variant", variant_name(settings_.variant)},
                    {"success", result.success},
                    {"step_completion", result.step_completion}};
    if (settings_.variant == Variant::kIril) remember(own);
    if (train_low_) metrics["low"] = update(low_, policy_.low, own);
    if (train_high_) metrics["high"] = update(*high_, *policy_.high, own);
    metrics["seconds_rollout"] = rollout_seconds;
    metrics["seconds_update"] = seconds_since(update_start);
    return metrics;
  }

  Json update(LevelTuner& level, GaussianPolicy& policy, const Trajectories& own) {
    level.demos().clear();
    const double weight = settings_.demo_weight * std::pow(settings_.demo_decay, done_);
    if (settings_.variant != Variant::kNpg && weight > 0) {
      const int from_own =
          own_data_.empty() ? 0 : static_cast<int>(settings_.own_fraction * settings_.demo_rows);
      if (settings_.demo_rows > from_own)
        level.demos().draw(*demos_, settings_.demo_rows - from_own, 2 * done_);
      if (from_own > 0) level.demos().draw(merged_, from_own, 2 * done_ + 1);
    }
    return level.update(policy, env_.spec(), goal_, own, static_cast<float>(weight));
  }

  // IRIL: the latest iterations' trajectories as demonstrations.
  void remember(const Trajectories& own) {
    std::vector<int> keep(own.n);
    std::iota(keep.begin(), keep.end(), 0);
    if (settings_.own_successful) {
      std::vector<float> completed;
      for (int i = 0; i < own.n; ++i) {
        const Completion done = completion(env_.spec(), goal_, own.episode_states(i));
        completed.push_back(static_cast<float>(done.count()));
      }
      const double average = mean(completed);
      std::erase_if(keep, [&](int i) { return completed[i] < average - 1e-6; });
    }
    own_data_.push_back(select(to_dataset(own), keep));
    while (static_cast<int>(own_data_.size()) > settings_.own_iterations) own_data_.pop_front();
    merged_ = own_data_.front();
    for (std::size_t i = 1; i < own_data_.size(); ++i) append(merged_, own_data_[i]);
  }

  GoalResult evaluate_now() {
    RolloutOptions options;
    options.episodes = settings_.eval_episodes;
    options.seed = kernels::mix_seed(seed_, 2);
    const Evaluation evaluation = evaluate(env_, actor_, std::span(&goal_, 1), options, [&](const Progress&) {
      return !progress_ ||
             progress_({.stage = "finetune", .done = done_ * unit(), .total = settings_.iterations * unit()});
    });
    return evaluation.goals.front();
  }

  // Success and the share of completed elements count alike: a lone lucky episode does not decide. Where other elements
  // shall stay alone, success that leaves them counts.
  bool better(const GoalResult& a, const GoalResult& b) const {
    const bool spares = settings_.low_reward.task.spare_weight > 0 || settings_.high_reward.spare_weight > 0;
    const auto value = [spares](const GoalResult& r) {
      return (spares ? r.success_exact : r.success) +
             r.step_completion / static_cast<double>(r.elements.size());
    };
    return value(a) > value(b);
  }

  envs::BatchEnv& env_;
  const envs::Goal& goal_;
  const Dataset* demos_;
  const FinetuneSettings& settings_;
  std::uint64_t seed_;
  const ProgressCallback& progress_;
  RelayPolicy policy_;
  RelayActor actor_;
  LevelTuner low_;
  std::optional<LevelTuner> high_;
  bool train_low_ = true, train_high_ = false;
  int done_ = 0;  // iterations
  std::deque<Dataset> own_data_;
  Dataset merged_;
};

}  // namespace

FinetuneResult finetune(envs::BatchEnv& env, const RelayPolicy& init, const envs::Goal& goal,
                        const Dataset* demos, const FinetuneSettings& settings, std::uint64_t seed,
                        const ProgressCallback& progress, MakeSolveDevice make_solve) {
  return Finetuner(env, init, goal, demos, settings, seed, progress, make_solve).run();
}

}  // namespace baton::rl
