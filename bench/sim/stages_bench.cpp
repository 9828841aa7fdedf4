// The stages of a physics step in the kitchen under random actions, as the batch runs them: float lanes of the best
// instruction set (BATON_ISA forces one), one thread. One trajectory serves all stages: `sim/stage/NAME` is what NAME
// took of it, per environment and step; the times of all stages add up to `sim/stage/all`.
#include <benchmark/benchmark.h>

#include <chrono>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/random_actions.hpp"
#include "kernels/parallel.hpp"

namespace {

using namespace baton::sim;

constexpr int kEnvs = 64, kActions = kEpisodeActions;

struct Measured {
  StageTimes times;
  double seconds_per_tick = 0;
};

const Measured& measured() {
  static const Measured result = [] {
    baton::kernels::set_threads(1);
    Batch batch(baton::envs::kitchen_model(), kEnvs);
    batch.time_stages(true);
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const std::uint64_t first = tick();
    for (int action = 0; action < kActions; ++action) {
      act_randomly(batch, 1, action);
      batch.step(kActionSteps);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return Measured{batch.stage_times(), seconds / static_cast<double>(tick() - first)};
  }();
  return result;
}

void stage(benchmark::State& state, std::size_t first, std::size_t last) {
  const Measured& m = measured();
  if (m.times.steps == 0)
    return state.SkipWithError("every block of steps was interrupted: the machine is too busy");
  double ticks = 0, all = 0;
  for (std::size_t i = 0; i < kStages; ++i) {
    const auto t = static_cast<double>(m.times.ticks[i]);
    all += t;
    if (i >= first && i < last) ticks += t;
  }
  for (auto _ : state)
    state.SetIterationTime(ticks * m.seconds_per_tick / static_cast<double>(m.times.steps));
  state.counters["share_percent"] = 100 * ticks / all;
}

void add(const char* name, std::size_t first, std::size_t last) {
  benchmark::RegisterBenchmark((std::string("sim/stage/") + name).c_str(),
                               [=](benchmark::State& state) { stage(state, first, last); })
      ->Iterations(1)
      ->UseManualTime();
}

}  // namespace

int main(int argc, char** argv) {
  for (std::size_t i = 0; i < kStages; ++i) add(kStageNames[i], i, i + 1);
  add("all", 0, kStages);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
