// The floor under a physics step of the kitchen, as a table in Markdown (docs/performance.md): operations and bytes of
// each stage, counted (counted.hpp) along random actions; how long the core would need for them at the peaks measured
// here; how long the stage takes.
//
// Operations: additions and multiplications, and one for each division, square root, function, comparison and select,
// all priced at the peak of fused multiply-adds (two each): no real mix reaches it. Bytes: distinct numbers of the heap
// that the stage touches, 4 bytes each, priced at the rate of the L2 cache, where a tile lies.
#include <fmt/format.h>
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "bench/sim/counted.hpp"
#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/random_actions.hpp"
#include "envs/sim/step.hpp"
#include "kernels/parallel.hpp"

namespace {

using namespace baton;
using bench::Counted;
using bench::counter;
using bench::OperationCounts;

constexpr int kActions = 70, kSampleEvery = 16;  // steps

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The rate that a quarter of the attempts reach: neither disturbed nor a clock's mistake.
double upper_quartile(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() * 3 / 4];
}

using Floats = float __attribute__((vector_size(64)));

// Fused multiply-adds on registers: 12 independent chains hide the latency. Operations per second.
__attribute__((target("avx512f"))) double peak_operations() {
  constexpr int kRounds = 100000, kChains = 12;
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  std::vector<double> rates;
  for (int attempt = 0; attempt < 200; ++attempt) {
    __m512 a[kChains];
    for (auto& chain : a) chain = y;
    const double start = now();
    for (int r = 0; r < kRounds; ++r)
#pragma GCC unroll 12
      for (int k = 0; k < kChains; ++k) a[k] = _mm512_fmadd_ps(a[k], x, y);
    const double seconds = now() - start;
    for (auto& chain : a) asm volatile("" : : "v"(chain));
    rates.push_back(2.0 * 16 * kChains * kRounds / seconds);
  }
  return upper_quartile(rates);
}

// Reading and writing 1 MiB again and again. Bytes (read or written) per second.
__attribute__((target("avx512f"))) double peak_bytes() {
  std::vector<float> data(1 << 18, 1.0f);
  const Floats two = Floats{} + 2.0f;
  std::vector<double> rates;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const double start = now();
    for (std::size_t i = 0; i < data.size(); i += 16) {
      Floats v;
      __builtin_memcpy(&v, &data[i], sizeof v);
      v = two - v;
      __builtin_memcpy(&data[i], &v, sizeof v);
    }
    rates.push_back(2.0 * static_cast<double>(data.size() * sizeof(float)) / (now() - start));
  }
  return upper_quartile(rates);
}

void add(OperationCounts& sum, const OperationCounts& c) {
  sum.add_mul += c.add_mul, sum.div_sqrt += c.div_sqrt, sum.functions += c.functions;
  sum.comparisons += c.comparisons, sum.places += c.places;
}

using StageCounts = std::array<OperationCounts, sim::kStages>;

template <class Run>
void count(OperationCounts& sum, bool sample, Run&& run) {
  if (sample) counter.start();
  run();
  if (sample) add(sum, counter.stop());
}

// One step, its stages counted apart if it is a sample (the same stages as step.hpp).
void counted_step(const sim::Model<double>& m, sim::Data<Counted>& d, bool sample, StageCounts& sum) {
  const auto stage = [&](sim::Stage s, auto&& run) { count(sum[static_cast<std::size_t>(s)], sample, run); };
  stage(sim::Stage::kKinematics, [&] { kinematics(m, d); });
  stage(sim::Stage::kInertia, [&] { inertia(m, d), factor(m, d); });
  stage(sim::Stage::kBias, [&] { bias(m, d); });
  stage(sim::Stage::kSmooth, [&] { passive(m, d), actuation(m, d), smooth(m, d); });
  stage(sim::Stage::kCollide, [&] { collide(m, d); });
  stage(sim::Stage::kConstraints, [&] { make_constraints(m, d); });
  stage(sim::Stage::kSolve, [&] { solve_constraints(m, d); });
  stage(sim::Stage::kIntegrate, [&] { integrate_state(m, d); });
}

// Means over the sampled steps of two environments.
StageCounts count_stages(const sim::Model<double>& m) {
  StageCounts sum;
  double samples = 0;
  const auto record = sim::record_random_actions(m, 2, kActions, 1);
  for (int env = 0; env < record.envs; ++env) {
    sim::Data<Counted> d(m);
    for (std::size_t i = 0; i < d.qpos.size(); ++i) d.qpos[i] = Counted(m.keyframes[0].qpos[i]);
    for (int k = 0; k < kActions * sim::kActionSteps; ++k) {
      const auto ctrl = record.at(env, k / sim::kActionSteps);
      for (std::size_t i = 0; i < ctrl.size(); ++i) d.ctrl[i] = Counted(ctrl[i]);
      const bool sample = k % kSampleEvery == kSampleEvery - 1;
      counted_step(m, d, sample, sum);
      samples += sample;
    }
  }
  for (auto& c : sum) {
    c.add_mul /= samples, c.div_sqrt /= samples, c.functions /= samples;
    c.comparisons /= samples, c.places /= samples;
  }
  return sum;
}

// Nanoseconds of each stage, per environment and step, in float lanes on one thread; 0 if always interrupted.
std::array<double, sim::kStages> time_stages(const sim::Model<double>& m) {
  kernels::set_threads(1);
  sim::Batch batch(m, 64);
  batch.time_stages(true);
  const double start = now();
  const std::uint64_t first = sim::tick();
  for (int action = 0; action < kActions; ++action) {
    sim::act_randomly(batch, 1, action);
    batch.step(sim::kActionSteps);
  }
  const double ns_per_tick = 1e9 * (now() - start) / static_cast<double>(sim::tick() - first);
  const sim::StageTimes times = batch.stage_times();
  std::array<double, sim::kStages> ns{};
  for (std::size_t i = 0; i < sim::kStages && times.steps > 0; ++i)
    ns[i] = static_cast<double>(times.ticks[i]) * ns_per_tick / static_cast<double>(times.steps);
  return ns;
}

void print_row(const char* name, const OperationCounts& c, double ns, double operations_peak,
               double bytes_peak) {
  const double operations = c.add_mul + c.div_sqrt + c.functions + c.comparisons, bytes = 4 * c.places;
  const double floor = 1e9 * std::max(operations / operations_peak, bytes / bytes_peak);
  fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.1f} | {:.0f} % |\n",
             name, c.add_mul, c.div_sqrt, c.functions, c.comparisons, bytes, floor, ns, operations / ns,
             100 * floor / ns);
}

}  // namespace

int main() {
  const char here = 0;
  counter.set_stack(&here);
  if (!__builtin_cpu_supports("avx512f")) {
    fmt::print("skipped: the peaks are measured with AVX-512, which this machine does not have\n");
    return 0;
  }
  const auto& model = envs::kitchen_model();
  const StageCounts counts = count_stages(model);
  const auto ns = time_stages(model);
  const double operations_peak = peak_operations(), bytes_peak = peak_bytes();
  fmt::print(
      "Peaks of one core: {:.0f} GFLOP/s (fused multiply-add, AVX-512), {:.0f} GB/s (1 MiB, read and "
      "written)\n\n",
      1e-9 * operations_peak, 1e-9 * bytes_peak);
  fmt::print(
      "| stage | add, mul | div, sqrt | functions | compare, select | bytes | floor ns | takes ns | Gop/s | "
      "of floor |\n");
  fmt::print("|---|---|---|---|---|---|---|---|---|---|\n");
  OperationCounts sum;
  double total = 0;
  for (std::size_t i = 0; i < sim::kStages - 1;
       ++i) {  // bookkeeping is the batch's, not a stage of the physics
    print_row(sim::kStageNames[i], counts[i], ns[i], operations_peak, bytes_peak);
    add(sum, counts[i]);
    total += ns[i];
  }
  print_row("all", sum, total, operations_peak, bytes_peak);
}
