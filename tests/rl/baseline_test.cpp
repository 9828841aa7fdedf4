#include "rl/baseline.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

constexpr int kEpisodes = 20, kRows = 50, kFeatures = 3;

// Returns that are a smooth function of the features, plus noise of the given size.
void make_data(float noise, std::vector<float>& features, std::vector<float>& targets) {
  kernels::Random random(4);
  features.resize(kEpisodes * kRows * kFeatures);
  targets.resize(kEpisodes * kRows);
  for (float& value : features) value = random.normal();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float* x = &features[i * kFeatures];
    targets[i] = 10 + 5 * std::tanh(x[0]) - 2 * x[1] + noise * random.normal();
  }
}

// The episode of each row.
std::vector<int> episodes() {
  std::vector<int> all;
  for (int i = 0; i < kEpisodes * kRows; ++i) all.push_back(i / kRows);
  return all;
}

}  // namespace

TEST_CASE("Baseline: zeros before the first fit, then the function, on episodes each network has not seen") {
  std::vector<float> features, targets, values(kEpisodes * kRows);
  make_data(0, features, targets);
  rl::Baseline baseline(kFeatures, {.epochs = 150, .batch = 64}, 1);
  baseline.predict(features, episodes(), values);
  test::check_close(values, std::vector<float>(values.size(), 0.0f), 0, 1e-30);
  baseline.fit(features, targets, episodes());
  baseline.predict(features, episodes(), values);
  CHECK(rl::explained_variance(values, targets) > 0.97);
}

TEST_CASE("Baseline: an episode's values do not depend on its own returns") {
  std::vector<float> features, targets, values(kEpisodes * kRows), other(values.size());
  make_data(1, features, targets);
  rl::Baseline a(kFeatures, {.epochs = 2}, 1), b(kFeatures, {.epochs = 2}, 1);
  // Same first fit (it also measures scales); then episode 6 has other returns.
  a.fit(features, targets, episodes());
  b.fit(features, targets, episodes());
  std::vector<float> changed = targets;
  for (int i = 0; i < kRows; ++i) changed[6 * kRows + i] += 100;
  a.fit(features, targets, episodes());
  b.fit(features, changed, episodes());
  a.predict(features, episodes(), values);
  b.predict(features, episodes(), other);
  CHECK(std::memcmp(&values[6 * kRows], &other[6 * kRows], kRows * sizeof(float)) == 0);
  CHECK(std::memcmp(&values[7 * kRows], &other[7 * kRows], kRows * sizeof(float)) != 0);
}

TEST_CASE("Baseline: the same bytes with 1 and 2 threads; non-finite targets are refused") {
  std::vector<float> features, targets, one(kEpisodes * kRows), two(one.size());
  make_data(1, features, targets);
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    rl::Baseline baseline(kFeatures, {.epochs = 2}, 1);
    baseline.fit(features, targets, episodes());
    baseline.predict(features, episodes(), threads == 1 ? one : two);
  }
  kernels::set_threads(0);
  CHECK(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
  targets[17] = NAN;
  rl::Baseline baseline(kFeatures, {}, 1);
  CHECK_THROWS_AS(baseline.fit(features, targets, episodes()), Error);
}

TEST_CASE("explained_variance: 1 for the truth, 0 for the mean, negative for worse") {
  const std::vector<float> targets{1, 2, 3, 4};
  CHECK(rl::explained_variance(targets, targets) == doctest::Approx(1).epsilon(1e-9));
  CHECK(rl::explained_variance(std::vector<float>(4, 2.5f), targets) == doctest::Approx(0).epsilon(1e-9));
  CHECK(rl::explained_variance(std::vector<float>{4, 3, 2, 1}, targets) == doctest::Approx(-3).epsilon(1e-9));
}
