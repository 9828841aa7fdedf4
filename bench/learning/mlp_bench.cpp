// The policy network 60 -> 256 -> 256 -> 9: forward, vjp, jvp and a whole Adam step by batch size, on one
// thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/mlp.hpp"
#include "autograd/optim.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"

namespace baton {
namespace {

const ag::MlpSpec kSpec{60, {256, 256}, 9, ag::Activation::kTanh};
constexpr double kForwardFlops = 2.0 * (60 * 256 + 256 * 256 + 256 * 9);

struct Setup {
  int n;
  std::vector<float> theta, x, u, gradient, jv;
  ag::MlpPass<float> pass;
  explicit Setup(std::int64_t rows)
      : n(static_cast<int>(rows)),
        theta(static_cast<std::size_t>(ag::parameter_count(kSpec))),
        x(static_cast<std::size_t>(rows * 60)),
        u(static_cast<std::size_t>(rows * 9)),
        gradient(theta.size()),
        jv(u.size()),
        pass(kSpec, n) {
    kernels::set_threads(1);
    ag::init_parameters<float>(kSpec, 1, 1.0F, theta);
    kernels::fill_normal(2, 0, 0, x);
    kernels::fill_normal(3, 0, 0, u);
    pass.forward(theta, x.data(), n);
  }
  // u . (J v) = (J' u) . v for v = theta, before anything is timed.
  bool consistent() {
    pass.vjp(theta, u.data(), gradient);
    pass.jvp(theta, theta, jv.data());
    const double a = kernels::dot<float>(static_cast<std::int64_t>(u.size()), u.data(), jv.data());
    const double b =
        kernels::dot<float>(static_cast<std::int64_t>(theta.size()), gradient.data(), theta.data());
    return std::fabs(a - b) <= 1e-3 * (1 + std::fabs(a));
  }
};

template <class Work>
void measure(benchmark::State& state, double flops_per_row, Work work) {
  Setup setup(state.range(0));
  if (!setup.consistent()) return state.SkipWithError("u . (J v) differs from (J' u) . v");
  for (auto _ : state) work(setup);
  state.SetItemsProcessed(state.iterations() * setup.n);
  state.counters["GFlop/s"] =
      benchmark::Counter(flops_per_row * setup.n * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void mlp_forward(benchmark::State& state) {
  measure(state, kForwardFlops, [](Setup& s) { s.pass.forward(s.theta, s.x.data(), s.n); });
}
void mlp_vjp(benchmark::State& state) {
  measure(state, 2 * kForwardFlops - 2.0 * 60 * 256,
          [](Setup& s) { s.pass.vjp(s.theta, s.u.data(), s.gradient); });
}
void mlp_jvp(benchmark::State& state) {
  measure(state, 2 * kForwardFlops - 2.0 * 60 * 256,
          [](Setup& s) { s.pass.jvp(s.theta, s.theta, s.jv.data()); });
}
void mlp_adam_step(benchmark::State& state) {
  ag::Optimizer<float> adam(ag::parameter_count(kSpec), {});
  measure(state, 3 * kForwardFlops - 2.0 * 60 * 256, [&](Setup& s) {
    s.pass.forward(s.theta, s.x.data(), s.n);
    std::fill(s.gradient.begin(), s.gradient.end(), 0.0F);
    s.pass.vjp(s.theta, s.u.data(), s.gradient);
    adam.step(s.theta, s.gradient);
  });
}

BENCHMARK(mlp_forward)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Arg(4096)->Arg(28000);
BENCHMARK(mlp_vjp)->Arg(256)->Arg(4096)->Arg(28000);
BENCHMARK(mlp_jvp)->Arg(256)->Arg(4096)->Arg(28000);
BENCHMARK(mlp_adam_step)->Arg(256)->Arg(1024);

}  // namespace
}  // namespace baton

BENCHMARK_MAIN();
