#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>

#include "bench/learning/contest.hpp"
#include "bench/peak.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::bench {
namespace {

constexpr double kBlockSeconds = 4e-3;
constexpr double kForever = std::numeric_limits<double>::infinity();

// Seconds of one run, over enough of them to be timed; at least one.
double block_seconds(const std::function<void()>& run, int repetitions) {
  const double start = now();
  for (int i = 0; i < repetitions; ++i) run();
  return (now() - start) / repetitions;
}

int repetitions_for(const std::function<void()>& run) {
  const double one = std::min(block_seconds(run, 1), block_seconds(run, 1));
  return std::clamp(static_cast<int>(kBlockSeconds / one), 1, 100000);
}

// All threads at once: a shared core clocks lower and lends its units to its sibling.
double peak_rate(int threads, double (*rate_of_one)() = fma_rate) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  kernels::parallel_for(threads, [&](int t) { rates[static_cast<std::size_t>(t)] = rate_of_one(); });
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

// The peer's seconds for one operation, or infinity: bench.sh names the interpreter, peer.py prints one number.
double ask_peer(const std::string& peer, int threads) {
  const char* python = std::getenv("BATON_PEER_PYTHON");
  if (python == nullptr || *python == '\0' || peer.empty()) return kForever;
  // The variables that some machines set to keep older OpenBLAS builds alive hold a current one back.
  const std::string command = fmt::format(
      "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS={0} OMP_NUM_THREADS={0} "
      "'{1}' '{2}/bench/learning/peer.py' {3} {0}",
      threads, python, BATON_SOURCE_ROOT, peer);
  double seconds = kForever;
  if (std::FILE* pipe = popen(command.c_str(), "r")) {
    if (std::fscanf(pipe, "%lf", &seconds) != 1) seconds = kForever;
    pclose(pipe);
  }
  return seconds;
}

void race(benchmark::State& state, const std::string& peer, const MakeWork& make, int threads) {
  kernels::set_threads(threads);
  Work work;
  try {
    work = make();
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
    return;
  }
  const int repetitions = repetitions_for(work.run);
  double best = kForever, limit = kForever;
  for (auto _ : state) {
    const double seconds = block_seconds(work.run, repetitions);
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
    limit = std::min(limit,
                     work.limit ? block_seconds(work.limit, repetitions) : work.flops / peak_rate(threads));
  }
  state.counters["us"] = 1e6 * best;
  if (work.flops > 0) state.counters["GFLOP/s"] = 1e-9 * work.flops / best;
  state.counters["of_limit"] = limit / best;
  const double theirs = ask_peer(peer, threads);
  if (!std::isfinite(theirs)) return;
  state.counters["peer_us"] = 1e6 * theirs;
  state.counters["times_peer"] = theirs / best;
}

void peak(benchmark::State& state, int threads, double (*rate_of_one)()) {
  kernels::set_threads(threads);
  double best = 0;
  for (auto _ : state) {
    const double start = now();
    best = std::max(best, peak_rate(threads, rate_of_one));
    state.SetIterationTime(now() - start);
  }
  state.counters["GFLOP/s"] = 1e-9 * best;
}

// Calls add(suffix, threads) for one thread and, where there are two cores, for two.
template <class Add>
void for_threads(Add add) {
  add("", 1);
  if (std::thread::hardware_concurrency() >= 2) add("/threads:2", 2);
}

void add_peak(const std::string& name, double (*rate_of_one)()) {
  for_threads([&](const char* suffix, int threads) {
    benchmark::RegisterBenchmark((name + suffix).c_str(),
                                 [=](benchmark::State& state) { peak(state, threads, rate_of_one); })
        ->Iterations(300)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  });
}

}  // namespace

void add_contest(const std::string& name, const std::string& peer, int blocks, MakeWork make) {
  for_threads([&](const char* suffix, int threads) {
    benchmark::RegisterBenchmark((name + suffix).c_str(),
                                 [=](benchmark::State& state) { race(state, peer, make, threads); })
        ->Iterations(blocks)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  });
}

void require_close(const char* what, const std::vector<float>& got, const std::vector<float>& want,
                   double tolerance) {
  BATON_REQUIRE(got.size() == want.size(), "{}: {} numbers, {} are expected", what, got.size(), want.size());
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - want[i]) / (1 + std::fabs(want[i]));
    if (!(error <= worst)) worst = error, at = i;
    if (std::isnan(worst)) break;
  }
  BATON_REQUIRE(worst <= tolerance, "{}: element {} is {}, {} is expected", what, at, got[at], want[at]);
}

}  // namespace baton::bench

int main(int argc, char** argv) {
  using namespace baton::bench;
  add_peak("peak/fma", fma_rate);
  if (tile_rate() > 0) add_peak("peak/tiles", tile_rate);
  add_gemm_contests();
  add_policy_contests();
  add_natural_gradient_contests();
  add_relabel_contests();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
