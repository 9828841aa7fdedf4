// The stages of a physics step in the kitchen, on the lanes that the base instruction set has, on one thread. Items
// are steps of one environment: 1 / items_per_second adds up to a step's time.
#include <benchmark/benchmark.h>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/step.hpp"

namespace {

using namespace baton::sim;
using T = Lanes<float, 4>;

const Model<float>& model() {
  static const Model<float> m = to_float(baton::envs::kitchen_model());
  return m;
}

// A tile after a quarter of a second with the arm held where it starts.
Data<T> settled() {
  const auto& m = model();
  Data<T> d(m);
  for (int i = 0; i < m.nq; ++i) d.qpos[i] = T(m.keyframes[0].qpos[i]);
  for (int u = 0; u < m.nu; ++u) d.ctrl[u] = d.qpos[m.joints[m.actuators[u].joint].qpos];
  for (int k = 0; k < 125; ++k) step(m, d);
  forward(m, d);
  return d;
}

template <class F>
void stage(benchmark::State& state, F f) {
  Data<T> d = settled();
  const auto start = d.qacc_warmstart;
  for (auto _ : state) {
    f(model(), d);
    d.qacc_warmstart = start;
    benchmark::DoNotOptimize(d.qacc.data());
  }
  state.SetItemsProcessed(state.iterations() * width_v<T>);
}

#define BATON_STAGE(name, call) \
  BENCHMARK_CAPTURE(stage, name, [](const Model<float>& m, Data<T>& d) { call; })->Name("sim/stage/" #name)

BATON_STAGE(kinematics, kinematics(m, d));
BATON_STAGE(inertia, (inertia(m, d), factor(m, d)));
BATON_STAGE(bias, bias(m, d));
BATON_STAGE(smooth, (passive(m, d), actuation(m, d), smooth(m, d)));
BATON_STAGE(collide, collide(m, d));
BATON_STAGE(constraints, make_constraints(m, d));
BATON_STAGE(solve, solve_constraints(m, d));
BATON_STAGE(forward, forward(m, d));

}  // namespace

BENCHMARK_MAIN();
