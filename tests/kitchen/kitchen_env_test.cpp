#include "envs/kitchen/kitchen_env.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/batch.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

namespace baton::envs {
namespace {

EnvOptions options(int size, float noise = -1) {
  EnvOptions o;
  o.size = size;
  o.noise_ratio = noise;
  return o;
}

std::vector<float> row(std::span<const float> all, int env) {
  return {all.begin() + env * kKitchenStateDim, all.begin() + (env + 1) * kKitchenStateDim};
}

// Pseudo-random actions that depend on the environment's own index alone.
std::vector<float> actions_for(std::span<const std::uint64_t> ids, int step) {
  std::vector<float> a(ids.size() * kKitchenActionDim);
  for (std::size_t i = 0; i < ids.size(); ++i)
    for (int j = 0; j < kKitchenActionDim; ++j)
      a[i * kKitchenActionDim + j] = 2 * kernels::uniform_at(ids[i], 77, step * kKitchenActionDim + j) - 1;
  return a;
}

TEST_CASE(
    "kitchen: noise stays within ratio times amplitude, is new at each step and the same for the same seed") {
  KitchenEnv a(options(2)), b(options(2));
  const std::vector<std::uint64_t> seeds{5, 6}, swapped{6, 5};
  a.reset(seeds);
  b.reset(swapped);
  const std::vector<float> still(2 * kKitchenActionDim, 0);
  std::vector<float> last;
  for (int t = 0; t < 3; ++t) {
    CHECK(row(a.observation(), 0) == row(b.observation(), 1));
    CHECK(row(a.observation(), 0) != row(a.observation(), 1));
    const auto seen = row(a.observation(), 0), truth = row(a.state(), 0);
    std::vector<float> noise(kKitchenStateDim);
    for (int i = 0; i < kKitchenStateDim; ++i) {
      noise[i] = seen[i] - truth[i];
      const bool small = i >= 12 && i < 18;
      const bool large = i == 9 || (i >= 21 && i < 24) || i >= 27;  // by the index of the coordinate before
      const float amplitude = i < kKitchenRobotDim || large ? 0.1f : small ? 0.0005f : 0.005f;
      const float bound = amplitude * (i < kKitchenRobotDim ? 0.01f : 0.0005f);
      CHECK_MESSAGE(std::fabs(noise[i]) <= bound + 2e-7f, "coordinate " << i << ": " << noise[i]);
      CHECK(kitchen_spec().sensor_amplitude[static_cast<std::size_t>(i)] == amplitude);
    }
    CHECK(std::fabs(noise[0]) > 0);
    CHECK(noise != last);
    last = noise;
    a.step(still);
    b.step(still);
  }
}

TEST_CASE("kitchen: noise ratio 0 shows the true state, the paper's 0.1 holds for robot and objects") {
  KitchenEnv exact(options(1, 0)), noisy(options(1, 0.1f));
  CHECK(row(exact.observation(), 0) == row(exact.state(), 0));
  float robot = 0, objects = 0;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    noisy.reset(std::vector<std::uint64_t>{seed});
    for (int i = 0; i < kKitchenRobotDim; ++i)
      robot = std::max(robot, std::fabs(noisy.observation()[i] - noisy.state()[i]));
    objects = std::max(objects, std::fabs(noisy.observation()[19] - noisy.state()[19]));
  }
  CHECK(robot > 0.008f);
  CHECK(robot <= 0.01001f);
  CHECK(objects > 0.0003f);
  CHECK(objects <= 0.0005001f);
}

TEST_CASE("kitchen: an action moves the targets from the observed joints, clipped, for 40 steps") {
  KitchenEnv env(options(1));
  env.reset(std::vector<std::uint64_t>{9});
  sim::Batch batch(kitchen_model(), 1);
  std::vector<double> qpos(30), qvel(29), want(30);
  env.get_state(0, qpos, qvel);
  batch.reset(0, qpos, qvel);
  const std::vector<float> action{0.5f, -0.25f, 3.0f, 0, -7.0f, 0.1f, 0.2f, 1.0f, -1.0f};
  const auto seen = env.observation();
  std::vector<double> ctrl{seen[0] + 0.08f,
                           std::max(seen[1] - 0.04f, -1.8f),
                           seen[2] + 0.16f,
                           seen[3],
                           seen[4] - 0.16f,
                           seen[5] + 0.016f,
                           seen[6] + 0.032f,
                           0.04f,
                           0.0f};
  batch.set_ctrl(0, ctrl);
  batch.step(40);
  batch.get_qpos(0, want);
  env.step(action);
  env.get_state(0, qpos, qvel);
  test::check_close(qpos, want, 0, 1e-5, "qpos after one action");
  CHECK(std::fabs(qpos[2] - kitchen_start()[2]) > 0.02);  // it did move
}

TEST_CASE("kitchen: what is not touched stays for an episode") {
  KitchenEnv env(options(1));
  const std::vector<float> still(kKitchenActionDim, 0);
  for (int t = 0; t < kKitchenHorizon; ++t) env.step(still);
  const auto end = row(env.state(), 0);
  for (int i = kKitchenRobotDim; i < kKitchenStateDim; ++i)
    CHECK_MESSAGE(std::fabs(end[i] - kitchen_start()[i]) < 2e-3f, "coordinate " << i << ": " << end[i]);
  CHECK(env.diverged() == 0);
}

TEST_CASE("kitchen: opened doors, turned knobs and a moved kettle stay where they are left") {
  KitchenEnv env(options(1));
  std::vector<double> qpos(kitchen_start().begin(), kitchen_start().end());
  const std::vector<double> qvel(29, 0);
  qpos[11] = -0.88, qpos[12] = -0.88 / 174, qpos[17] = -0.6, qpos[18] = -0.6 / 14, qpos[19] = 0.3,
  qpos[21] = 1.4;
  qpos[22] = -0.7, qpos[23] = -0.2, qpos[24] = 0.7;
  env.set_state(0, qpos, qvel);
  const std::vector<float> still(kKitchenActionDim, 0);
  for (int t = 0; t < 150; ++t) env.step(still);
  const auto end = row(env.state(), 0);
  for (int i = kKitchenRobotDim; i < kKitchenStateDim; ++i)
    CHECK_MESSAGE(std::fabs(end[i] - qpos[i]) < 5e-3,
                  "coordinate " << i << ": " << end[i] << " was " << qpos[i]);
}

TEST_CASE("kitchen: same seed, same bytes, for any number of threads, size of batch and place in it") {
  const std::vector<std::uint64_t> three{11, 12, 13},
      many{20, 21, 13, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 11, 12};
  const int before = kernels::threads();
  std::vector<std::vector<float>> runs;
  for (const int threads : {1, 2}) {
    EnvOptions o = options(3);
    o.threads = threads;
    KitchenEnv env(o);
    env.reset(three);
    for (int t = 0; t < 20; ++t) env.step(actions_for(three, t));
    runs.push_back({env.observation().begin(), env.observation().end()});
  }
  CHECK(runs[0] == runs[1]);
  KitchenEnv env(options(static_cast<int>(many.size())));
  env.reset(many);
  for (int t = 0; t < 20; ++t) env.step(actions_for(many, t));
  CHECK(row(env.observation(), 16) == row(runs[0], 0));
  CHECK(row(env.observation(), 17) == row(runs[0], 1));
  CHECK(row(env.observation(), 2) == row(runs[0], 2));
  kernels::set_threads(before);
}

TEST_CASE("kitchen: start spread moves the arm only, by no more than asked") {
  EnvOptions spread = options(2, 0);
  spread.start_spread = 0.05f;
  KitchenEnv env(spread);
  env.reset(std::vector<std::uint64_t>{1, 2});
  const auto a = row(env.state(), 0), b = row(env.state(), 1);
  for (int i = 0; i < kKitchenStateDim; ++i) {
    CHECK(std::fabs(a[i] - kitchen_start()[i]) <= (i < 7 ? 0.0501f : 0.0f));
    if (i < 7) CHECK(a[i] != b[i]);
  }
}

TEST_CASE("kitchen: a displaced object starts elsewhere by its x and y alone, by no more than asked") {
  EnvOptions displaced = options(40, 0);
  displaced.displaced = "kettle", displaced.displacement = 0.03f;
  KitchenEnv env(displaced);
  std::vector<std::uint64_t> seeds(40);
  for (std::size_t n = 0; n < seeds.size(); ++n) seeds[n] = n;
  env.reset(seeds);
  float largest[2] = {0, 0};
  for (int n = 0; n < 40; ++n) {
    const auto a = row(env.state(), n);
    for (int i = 0; i < kKitchenStateDim; ++i) {
      const float way = std::fabs(a[i] - kitchen_start()[i]);
      CHECK(way <= (i == 23 || i == 24 ? 0.03001f : 0.0f));
      if (i == 23 || i == 24) largest[i - 23] = std::max(largest[i - 23], way);
    }
  }
  CHECK(largest[0] > 0.02f);
  CHECK(largest[1] > 0.02f);
  const auto first = row(env.state(), 3);
  env.reset(std::vector<std::uint64_t>(40, 3));
  CHECK(row(env.state(), 17) == first);
  displaced.displaced = "kettel";
  CHECK_THROWS_WITH_AS(KitchenEnv{displaced}, doctest::Contains("did you mean 'kettle'?"), UsageError);
  displaced.displaced = "robot";
  CHECK_THROWS_AS(KitchenEnv{displaced}, UsageError);
  displaced.displaced = "kettle", displaced.displacement = -1;
  CHECK_THROWS_AS(KitchenEnv{displaced}, Error);
}

TEST_CASE("kitchen: wrong shapes and values are refused") {
  CHECK_THROWS_AS(KitchenEnv(options(0)), Error);
  CHECK_THROWS_AS(KitchenEnv(options(1, std::numeric_limits<float>::quiet_NaN())), Error);
  KitchenEnv env(options(2));
  CHECK_THROWS_AS(env.reset(std::vector<std::uint64_t>{1}), Error);
  CHECK_THROWS_AS(env.step(std::vector<float>(9)), Error);
  std::vector<float> action(18, 0);
  action[12] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(env.step(action), Error);
  CHECK_THROWS_AS(env.set_state(2, std::vector<double>(30), std::vector<double>(29)), Error);
  CHECK_THROWS_AS(env.set_state(0, std::vector<double>(29), std::vector<double>(29)), Error);
}

}  // namespace
}  // namespace baton::envs
