// Actions per second of the kitchen as learning meets it (envs/env.hpp: control, 40 physics steps, noisy observation),
// under uniform random actions, beside EnvPool's FrankaKitchen-v1 and MuJoCo driven by the same rules, in the same run:
//
//   kitchen_steps/kitchen          our own model; MuJoCo on the same file
//   kitchen_steps/franka_kitchen   the original model; EnvPool and MuJoCo. Skipped where absent
//
// each on 1 thread and, "/threads:2", on 2. One-thread rates are of processor time, which other programs disturb less,
// two-thread ones of wall time. Peers run as their own processes (bench/kitchen/peer.py): EnvPool by the Python that
// BATON_ENVPOOL_PYTHON names, MuJoCo by BATON_PEER_PYTHON's; absent ones are left out. A peer whose robot is not where
// ours is after five fixed actions is an error.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "envs/env.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace {

using namespace baton;

constexpr int kEnvs = 256, kActions = 280, kRobot = 9;

struct Rate {
  double wall = 0, cpu = 0;            // actions per second
  std::array<double, kRobot> robot{};  // joints after five fixed actions
};

double cpu_now() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double wall_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::array<double, kRobot> after_fixed_actions(const std::string& model) {
  const auto env = envs::make_env("kitchen", {.size = 1, .noise_ratio = 0, .model = model});
  std::vector<float> action(kRobot);
  for (int j = 0; j < kRobot; ++j) action[static_cast<std::size_t>(j)] = j % 2 == 0 ? 0.5f : -0.5f;
  env->reset(std::vector<std::uint64_t>{0});
  for (int t = 0; t < 5; ++t) env->step(action);
  std::array<double, kRobot> robot;
  for (std::size_t j = 0; j < robot.size(); ++j) robot[j] = env->state()[j];
  return robot;
}

Rate ours(const std::string& model) {
  Rate rate{.robot = after_fixed_actions(model)};
  const auto env = envs::make_env("kitchen", {.size = kEnvs, .model = model});
  std::vector<std::uint64_t> seeds(kEnvs);
  for (std::size_t n = 0; n < seeds.size(); ++n) seeds[n] = n;
  env->reset(seeds);
  std::vector<float> actions(static_cast<std::size_t>(kEnvs) * kRobot);
  double cpu = 0, wall = 0;
  for (int t = 0; t < kActions; ++t) {
    kernels::fill_uniform(1, 1, static_cast<std::uint64_t>(t) * actions.size(), actions);
    for (float& a : actions) a = 2 * a - 1;
    const double cpu_before = cpu_now(), wall_before = wall_now();
    env->step(actions);
    cpu += cpu_now() - cpu_before, wall += wall_now() - wall_before;
  }
  BATON_REQUIRE(env->diverged() == 0, "{} environments diverged", env->diverged());
  rate.cpu = kEnvs * kActions / cpu, rate.wall = kEnvs * kActions / wall;
  return rate;
}

// Zero rates where the peer is not there.
Rate ask(const char* variable, const std::string& peer, const std::string& model, int threads) {
  Rate rate;
  const char* python = std::getenv(variable);
  if (python == nullptr) return rate;
  const std::string command = fmt::format("'{}' '{}/bench/kitchen/peer.py' {} '{}' {} {}", python,
                                          BATON_SOURCE_ROOT, peer, model, threads, kActions);
  std::FILE* pipe = popen(command.c_str(), "r");
  BATON_REQUIRE(pipe != nullptr, "{}: cannot be started", command);
  bool fine = std::fscanf(pipe, "%lf %lf", &rate.wall, &rate.cpu) == 2;
  for (double& joint : rate.robot) fine = fine && std::fscanf(pipe, "%lf", &joint) == 1;
  BATON_REQUIRE(pclose(pipe) == 0 && fine, "{}: gave no figures", command);
  return rate;
}

void verify(const std::string& name, const Rate& peer, const Rate& own) {
  for (std::size_t j = 0; j < own.robot.size(); ++j)
    BATON_REQUIRE(std::fabs(peer.robot[j] - own.robot[j]) <= 1e-3,
                  "{}: joint {} is {} after five actions, in ours {}", name, j, peer.robot[j], own.robot[j]);
}

void steps(benchmark::State& state, const std::string& model, bool original, int threads) {
  if (!std::filesystem::exists(model)) return state.SkipWithError((model + " is absent: skipped").c_str());
  kernels::set_threads(threads);
  try {
    for (auto _ : state) {
      const Rate own = ours(model);
      const auto of = [&](const Rate& rate) { return threads == 1 ? rate.cpu : rate.wall; };
      state.counters["actions_per_second"] = of(own);
      const auto add = [&](const std::string& name, const Rate& peer) {
        if (peer.wall == 0) return;
        verify(name, peer, own);
        state.counters[name + "_per_second"] = of(peer);
        state.counters["times_" + name] = of(own) / of(peer);
      };
      add("mujoco", ask("BATON_PEER_PYTHON", "mujoco", model, threads));
      if (original) add("envpool", ask("BATON_ENVPOOL_PYTHON", "envpool", model, threads));
    }
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* given = std::getenv("BATON_FRANKA_KITCHEN");
  const std::string source = BATON_SOURCE_ROOT;
  const std::string folder = given != nullptr ? given : source + "/../shared/franka_kitchen";
  const std::string own = source + "/envs/kitchen/kitchen.xml";
  const std::string original = folder + "/kitchen_assets/kitchen_env_model.xml";
  for (const int threads : {1, 2}) {
    const std::string suffix = threads == 1 ? "" : "/threads:2";
    const auto add = [&](const std::string& name, const std::string& model, bool is_original) {
      benchmark::RegisterBenchmark(
          (name + suffix).c_str(),
          [=](benchmark::State& state) { steps(state, model, is_original, threads); })
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    };
    add("kitchen_steps/kitchen", own, false);
    add("kitchen_steps/franka_kitchen", original, true);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
