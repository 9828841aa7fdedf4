// Counts every call of operator new in this executable.
#include <doctest/doctest.h>

#include <vector>

#include "autograd/mlp.hpp"
#include "autograd/ops.hpp"
#include "autograd/optim.hpp"
#include "kernels/parallel.hpp"
#include "tests/support/allocations.hpp"

namespace baton::ag {
namespace {

// Allocations of 10 calls after 2 to warm up.
template <class F>
long allocations_of(F f) {
  for (int i = 0; i < 2; ++i) f();
  return test::allocations_of([&] {
    for (int i = 0; i < 10; ++i) f();
  });
}

const MlpSpec kSpec{10, {32, 32}, 4, Activation::kGelu, true};
constexpr int kRows = 300;

}  // namespace

TEST_CASE("the counter counts") {
  CHECK(allocations_of([] { delete new int; }) >= 10);
}

TEST_CASE("a training step on an MlpPass does not allocate") {
  for (const int threads : {1, 2}) {
    kernels::set_threads(threads);
    std::vector<float> theta(static_cast<std::size_t>(parameter_count(kSpec))), gradient(theta.size());
    init_parameters<float>(kSpec, 1, 1.0F, theta);
    const std::vector<float> x(kRows * 10, 0.5F), u(kRows * 4, 0.01F);
    std::vector<float> jv(u.size());
    MlpPass<float> pass(kSpec, kRows);
    Optimizer<float> adam(static_cast<int>(theta.size()), {.clip_norm = 1});
    const long count = allocations_of([&] {
      pass.forward(kSpec, theta, x.data(), kRows);
      std::fill(gradient.begin(), gradient.end(), 0.0F);
      pass.vjp(theta, u.data(), gradient);
      pass.jvp(theta, theta, jv.data());
      adam.step(theta, gradient);
    });
    CHECK(count == 0);
  }
  kernels::set_threads(0);
}

TEST_CASE("recording the same graph again on a cleared tape does not allocate") {
  kernels::set_threads(1);
  std::vector<float> theta(static_cast<std::size_t>(parameter_count(kSpec))), log_std(4, -1.0F);
  init_parameters<float>(kSpec, 1, 1.0F, theta);
  const std::vector<float> x(kRows * 10, 0.5F), action(kRows * 4, 0.1F);
  const std::vector<std::int32_t> rows = {5, 1, 5};
  Tape<float> tape;
  const long count = allocations_of([&] {
    tape.clear();
    const Var t = tape.parameter(theta.data(), {static_cast<int>(theta.size())});
    const Var s = tape.parameter(log_std.data(), {4});
    const Var mean_action = mlp(tape, kSpec, t, tape.constant(x.data(), {kRows, 10}));
    const Var likely = gaussian_log_prob(tape, tape.constant(action.data(), {kRows, 4}), mean_action, s);
    const Var some = sum(tape, square(tape, gather_rows(tape, mean_action, rows)));
    const Var loss = add(tape, negate(tape, mean(tape, likely)), scale(tape, some, 0.1F));
    tape.backward(loss);
    tape.set_tangent(t, theta);
    tape.forward_mode();
  });
  CHECK(count == 0);
  kernels::set_threads(0);
}

}  // namespace baton::ag
