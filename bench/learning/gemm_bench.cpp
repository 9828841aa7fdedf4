// Matrix products of the policy network's shapes on one thread: GFlop/s, checked against ref before they are
// timed.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "kernels/gemm.hpp"
#include "kernels/rng.hpp"

namespace baton {
namespace {

using kernels::Transpose;

std::vector<float> normals(std::int64_t n, std::uint64_t seed) {
  std::vector<float> out(static_cast<std::size_t>(n));
  kernels::fill_normal(seed, 0, 0, out);
  return out;
}

bool agrees(const std::vector<float>& got, const std::vector<float>& want, int k) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - want[i]) <= 1e-6F * static_cast<float>(k + 16))) return false;
  }
  return true;
}

// Arguments: m, n, k, transpose A, transpose B.
void gemm(benchmark::State& state) {
  const int m = static_cast<int>(state.range(0)), n = static_cast<int>(state.range(1)),
            k = static_cast<int>(state.range(2));
  const Transpose ta = static_cast<Transpose>(state.range(3) != 0),
                  tb = static_cast<Transpose>(state.range(4) != 0);
  const int lda = ta == Transpose::kYes ? m : k, ldb = tb == Transpose::kYes ? k : n;
  const auto a = normals(std::int64_t{m} * k, 1), b = normals(std::int64_t{n} * k, 2);
  std::vector<float> c(static_cast<std::size_t>(m) * static_cast<std::size_t>(n)), want = c;
  const auto ours = [&] {
    kernels::gemm<float>(ta, tb, m, n, k, 1.0F, a.data(), lda, b.data(), ldb, 0.0F, c.data(), n);
    benchmark::DoNotOptimize(c.data());
  };
  ours();
  kernels::ref::gemm<float>(ta, tb, m, n, k, 1.0F, a.data(), lda, b.data(), ldb, 0.0F, want.data(), n);
  if (!agrees(c, want, k)) return state.SkipWithError("differs from ref");
  for (auto _ : state) ours();
  const double flops = 2.0 * m * n * k;
  state.counters["GFlop/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate,
                                                 benchmark::Counter::kIs1000);
}

void shapes(benchmark::internal::Benchmark* bench) {
  for (const int rows : {1, 16, 64, 128, 4096}) bench->Args({rows, 256, 256, 0, 0});  // forward, hidden layer
  bench->Args({128, 256, 60, 0, 0});                                                  // forward, first layer
  bench->Args({128, 9, 256, 0, 0});                                                   // forward, actions
  bench->Args({128, 30, 256, 0, 0});                                                  // forward, subgoals
  bench->Args({128, 256, 256, 0, 1});                                                 // gradient of the input
  bench->Args({256, 256, 128, 1, 0});  // gradient of the weights
}
BENCHMARK(gemm)->Apply(shapes);

}  // namespace
}  // namespace baton

BENCHMARK_MAIN();
