// Counts every call of operator new in this executable.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
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

const MlpSpec kSpec{10, {64, 64}, 4, Activation::kGelu, true};  // parameters in several stretches
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
    REQUIRE(theta.size() > 4096);  // kernels::parallel_stretches
    const MlpPass<float>::Input input = [&](float* to, int first, int rows) {
      std::copy_n(x.data() + first * 10, rows * 10, to);
    };
    const MlpPass<float>::Loss loss = [](const float* y, float* to, int, int rows) {
      std::copy_n(y, rows * 4, to);
    };
    const MlpPass<float>::Metric metric = [](float* to, int, int rows) {
      for (int i = 0; i < rows * 4; ++i) to[i] *= 2.0F;
    };
    MlpPass<float> pass(kSpec, kRows);
    Optimizer<float> adam(static_cast<int>(theta.size()), {.clip_norm = 1});
    const long count = allocations_of([&] {
      pass.forward(kSpec, theta, x.data(), kRows);
      std::fill(gradient.begin(), gradient.end(), 0.0F);
      pass.vjp(theta, u.data(), gradient);
      pass.jvp(theta, theta, jv.data());
      pass.metric_product(theta, theta, metric, jv.data(), gradient);
      adam.step(theta, gradient);
      pass.forward_vjp(theta, input, kRows, loss, jv.data(), gradient);
      adam.step(theta, gradient);
      pass.infer(theta, input, kRows);
      pass.infer(theta, x.data(), kRows);
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

// Every operation of the public list once, on arrays [kRows, 4] where it can be.
Var record_everything(Tape<float>& tape, Var theta, Var log_std, Var x, Var action) {
  static const std::vector<std::int32_t> index(kRows, 2);
  const Var h = mlp(tape, kSpec, theta, x);
  Var y = h;
  for (int op = 0; op < kernels::kUnaryCount; ++op)
    y = unary(tape, static_cast<kernels::Unary>(op), add(tape, y, h));
  y = clamp(tape, div(tape, sub(tape, y, h), add(tape, square(tape, h), exp(tape, h))), -5.0F, 5.0F);
  y = where(tape, action, minimum(tape, y, h), maximum(tape, mul(tape, y, h), log_std));
  y = layer_norm(tape, bias(tape, y, log_std), exp(tape, log_std), log_std);
  y = add(tape, y, add(tape, softmax(tape, y), log_softmax(tape, h, 0)));
  y = transpose(tape, transpose(tape, matmul(tape, y, matmul(tape, y, h, true))));
  y = concat(tape, {slice(tape, y, 1, 0, 2), slice(tape, y, 1, 2, 4)}, 1);
  y = scatter_add_rows(tape, gather_rows(tape, reshape(tape, y, {kRows, 4}), index), index, kRows);
  Var loss = sum(tape, scale(tape, mul(tape, y, stop_gradient(tape, h)), 0.1F));
  const Var rows[] = {log_sum_exp(tape, h),
                      max(tape, h, 1, 2),
                      sum(tape, h, 1, 2),
                      mean(tape, h, 1, 2),
                      gaussian_log_prob(tape, action, h, log_std),
                      gaussian_kl(tape, h, log_std, action, log_std),
                      categorical_log_prob(tape, h, index),
                      categorical_kl(tape, h, action),
                      categorical_entropy(tape, h)};
  for (const Var each : rows) loss = add(tape, loss, mean(tape, each));
  return add(tape, loss, gaussian_entropy(tape, log_std));
}

TEST_CASE("no operation allocates when its graph is recorded again or replayed") {
  kernels::set_threads(1);
  std::vector<float> theta(static_cast<std::size_t>(parameter_count(kSpec))), log_std(4, -1.0F);
  init_parameters<float>(kSpec, 1, 1.0F, theta);
  const std::vector<float> x(kRows * 10, 0.5F), action(kRows * 4, 0.1F);
  Tape<float> tape;
  std::set<std::string> seen;
  const auto step = [&] {
    tape.clear();
    const Var t = tape.parameter(theta.data(), {static_cast<int>(theta.size())});
    const Var s = tape.parameter(log_std.data(), {4});
    const Var loss = record_everything(tape, t, s, tape.constant(x.data(), {kRows, 10}),
                                       tape.constant(action.data(), {kRows, 4}));
    tape.backward(loss);
    tape.set_tangent(t, theta);
    tape.forward_mode();
    tape.replay();
  };
  CHECK(allocations_of(step) == 0);
  for (int id = 0; id < tape.size(); ++id) seen.insert(tape.rule_name(id));
  for (const char* name : rule_names()) CHECK_MESSAGE(seen.contains(name), name);
  kernels::set_threads(0);
}

}  // namespace baton::ag
