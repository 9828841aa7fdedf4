// Physics steps per second of the kitchen, one thread. Items are steps of one environment.
#include <benchmark/benchmark.h>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/batch.hpp"
#include "kernels/parallel.hpp"

namespace {

using baton::sim::Batch;
using baton::sim::Precision;

void kitchen_step(benchmark::State& state, Precision precision, int envs) {
  baton::kernels::set_threads(1);
  const auto& model = baton::envs::kitchen_model();
  baton::sim::BatchOptions options;
  options.precision = precision;
  Batch batch(model, envs, options);
  for (int i = 0; i < envs; ++i) batch.reset(i, model.keyframes[0].qpos, model.keyframes[0].qvel);
  // The arm is held where it starts, as the environment does it.
  std::vector<double> ctrl(static_cast<std::size_t>(model.nu));
  for (std::size_t j = 0; j < ctrl.size(); ++j) ctrl[j] = model.keyframes[0].qpos[j];
  for (int i = 0; i < envs; ++i) batch.set_ctrl(i, ctrl);
  batch.step(40);
  if (batch.counts().diverged != 0) return state.SkipWithError("the kitchen diverged at rest");
  for (auto _ : state) batch.step(40);
  state.SetItemsProcessed(state.iterations() * 40 * envs);
}

BENCHMARK_CAPTURE(kitchen_step, lanes, Precision::kLanes, 64)
    ->Name("sim/kitchen/step/lanes")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(kitchen_step, float, Precision::kFloat, 1)
    ->Name("sim/kitchen/step/float")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(kitchen_step, double, Precision::kDouble, 1)
    ->Name("sim/kitchen/step/double")
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
