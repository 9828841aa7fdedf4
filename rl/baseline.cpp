#include "rl/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {

void list_settings(SettingsTable& table, const std::string& section, BaselineSettings& settings) {
  table.add(section + ".hidden", &settings.hidden, "hidden widths of the value function");
  table.add(section + ".lr", &settings.lr, "learning rate of the value function", 0, 1);
  table.add(section + ".weight_decay", &settings.weight_decay, "decoupled weight decay of the value function",
            0, 1);
  table.add(section + ".epochs", &settings.epochs, "passes over the data per fit", 1, 1000);
  table.add(section + ".batch", &settings.batch, "rows per update", 1, 1 << 20);
}

Baseline::Baseline(int features, const BaselineSettings& settings, std::uint64_t seed)
    : spec_{.in = features, .hidden = settings.hidden, .out = 1, .activation = ag::Activation::kTanh},
      settings_(settings),
      seed_(seed) {
  const ag::OptimizerOptions options{.lr = settings.lr, .weight_decay = settings.weight_decay};
  for (int p = 0; p < 2; ++p) {
    theta_[p].resize(ag::parameter_count(spec_));
    ag::init_parameters<float>(spec_, kernels::mix_seed(seed, 11, p), 0.1f, theta_[p]);
    optimizer_[p] = ag::Optimizer<float>(static_cast<int>(theta_[p].size()), options, [spec = spec_](int i) {
      return "the value function's " + ag::parameter_name(spec, i);
    });
  }
}

void Baseline::encode(const float* row, float* out) const {
  in_.normalize(1, row, out);
  for (int j = 0; j < spec_.in; ++j) out[j] = std::clamp(out[j], -10.0f, 10.0f);
}

void Baseline::predict(std::span<const float> features, std::span<const int> episode,
                       std::span<float> values) {
  const std::size_t F = spec_.in, rows = episode.size();
  BATON_REQUIRE(features.size() == rows * F && values.size() == rows,
                "baseline: {} feature numbers and {} values for {} rows of {}", features.size(),
                values.size(), rows, F);
  std::fill(values.begin(), values.end(), 0.0f);
  if (!fitted_) return;
  std::vector<float> x;
  for (std::size_t first = 0, end = 0; first < rows; first = end) {  // an episode at a time
    while (end < rows && episode[end] == episode[first]) ++end;
    const std::size_t count = end - first;
    x.resize(count * F);
    for (std::size_t i = 0; i < count; ++i) encode(&features[(first + i) * F], &x[i * F]);
    pass_.forward(spec_, theta_[1 - episode[first] % 2], x.data(), static_cast<int>(count));
    out_.denormalize(static_cast<int>(count), pass_.output().data(), &values[first]);
  }
}

void Baseline::fit(std::span<const float> features, std::span<const float> targets,
                   std::span<const int> episode) {
  const std::size_t F = spec_.in, rows = episode.size();
  BATON_REQUIRE(features.size() == rows * F && targets.size() == rows,
                "baseline: {} feature numbers and {} targets for {} rows of {}", features.size(),
                targets.size(), rows, F);
  for (const float y : targets) BATON_REQUIRE(std::isfinite(y), "baseline: a target is {}", y);
  if (!fitted_) {
    constexpr float kFloor = 1e-2f;  // what barely moves must not become huge when it does
    in_ = ag::measure_columns(features, spec_.in, kFloor);
    out_ = ag::measure_columns(targets, 1, 1e-3f);
  }
  std::vector<float> x, dy, gradient;
  for (int p = 0; p < 2; ++p) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < rows; ++i) {
      if (episode[i] % 2 == p) order.push_back(i);
    }
    kernels::Random random(kernels::mix_seed(seed_, 12, p), fits_);
    const std::size_t batch = settings_.batch;
    gradient.resize(theta_[p].size());
    for (int epoch = 0; epoch < settings_.epochs; ++epoch) {
      for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
      }
      for (std::size_t begin = 0; begin < order.size(); begin += batch) {
        const std::size_t m = std::min(batch, order.size() - begin);
        x.resize(m * F);
        dy.resize(m);
        for (std::size_t i = 0; i < m; ++i) encode(&features[order[begin + i] * F], &x[i * F]);
        pass_.forward(spec_, theta_[p], x.data(), static_cast<int>(m));
        for (std::size_t i = 0; i < m; ++i) {
          float wanted;
          out_.normalize(1, &targets[order[begin + i]], &wanted);
          dy[i] = (pass_.output()[i] - wanted) / static_cast<float>(m);
        }
        std::fill(gradient.begin(), gradient.end(), 0.0f);
        pass_.vjp(theta_[p], dy.data(), gradient);
        optimizer_[p].step(theta_[p], gradient);
      }
    }
  }
  ++fits_;
  fitted_ = true;
}

double explained_variance(std::span<const float> values, std::span<const float> targets) {
  BATON_REQUIRE(values.size() == targets.size() && !values.empty(),
                "explained_variance: {} values, {} targets", values.size(), targets.size());
  const auto variance = [&](auto at) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += at(i);
    const double mean = sum / static_cast<double>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) squares += (at(i) - mean) * (at(i) - mean);
    return squares;
  };
  const double whole = variance([&](std::size_t i) { return static_cast<double>(targets[i]); });
  if (!(whole > 0)) return 0;
  return 1 - variance([&](std::size_t i) { return static_cast<double>(targets[i]) - values[i]; }) / whole;
}

namespace {

void append_time(std::vector<float>& features, double u) {
  for (const double power : {u, u * u, u * u * u}) features.push_back(static_cast<float>(power));
}

}  // namespace

int low_value_features(const Trajectories& trajectories, const Decisions& decisions,
                       std::span<const float> flags, int goal_elements, std::vector<float>& features) {
  const int T = trajectories.horizon, S = trajectories.state_dim;
  features.clear();
  for (std::size_t k = 0; k < decisions.size(); ++k) {
    const int i = decisions.episode[k], t = decisions.step[k];
    const std::span<const float> s = trajectories.observation(i, t);
    features.insert(features.end(), s.begin(), s.end());
    float phase = 0;
    if (trajectories.hierarchical()) {
      const int segment = trajectories.segment(i, t);
      const std::span<const float> g = trajectories.subgoal(segment);
      for (int j = 0; j < S; ++j) features.push_back(g[j] - s[j]);
      phase = static_cast<float>(t - trajectories.high.spans[static_cast<std::size_t>(segment)].start) /
              static_cast<float>(trajectories.subgoal_every);
    }
    const auto done = flags.begin() + (static_cast<std::ptrdiff_t>(i) * (T + 1) + t) * goal_elements;
    features.insert(features.end(), done, done + goal_elements);
    append_time(features, static_cast<double>(t) / T);
    features.push_back(phase);
  }
  return static_cast<int>(features.size() / decisions.size());
}

int high_value_features(const Trajectories& trajectories, const Decisions& decisions,
                        std::span<const float> flags, int goal_elements, std::vector<float>& features) {
  BATON_REQUIRE(trajectories.hierarchical(), "high_value_features: these trajectories are a flat policy's");
  const int T = trajectories.horizon;
  features.clear();
  for (std::size_t k = 0; k < decisions.size(); ++k) {
    const int i = decisions.episode[k], t = decisions.step[k];
    const std::span<const float> s = trajectories.observation(i, t);
    features.insert(features.end(), s.begin(), s.end());
    const auto done = flags.begin() + (static_cast<std::ptrdiff_t>(i) * (T + 1) + t) * goal_elements;
    features.insert(features.end(), done, done + goal_elements);
    append_time(features, static_cast<double>(t) / T);
  }
  return static_cast<int>(features.size() / decisions.size());
}

}  // namespace baton::rl
