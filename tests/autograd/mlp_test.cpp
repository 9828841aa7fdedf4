#include "autograd/mlp.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::ag {
namespace {

const MlpSpec kSpec{7, {16, 11}, 5, Activation::kTanh};
const MlpSpec kNormed{7, {16, 11}, 5, Activation::kGelu, true};

template <class T>
std::vector<T> normals(std::size_t n, std::uint64_t seed) {
  kernels::Random random(seed);
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(random.normal());
  return out;
}

std::size_t times(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

// Everything that one pass gives for n rows.
struct Results {
  std::vector<float> y, dtheta, dx, jv;
};

Results run(const MlpSpec& spec, int n) {
  const int p = parameter_count(spec);
  std::vector<float> theta(static_cast<std::size_t>(p));
  init_parameters<float>(spec, 3, 1.0F, theta);
  const auto x = normals<float>(times(n, spec.in), 1), u = normals<float>(times(n, spec.out), 2);
  const auto v = normals<float>(theta.size(), 4), x_dot = normals<float>(x.size(), 5);
  MlpPass<float> pass;
  pass.forward(spec, theta, x.data(), n);
  Results out;
  out.y.assign(pass.output().begin(), pass.output().end());
  out.dtheta.assign(theta.size(), 0.25F);  // vjp adds to what is there
  out.dx.resize(x.size());
  out.jv.resize(out.y.size());
  pass.vjp(theta, u.data(), out.dtheta, out.dx.data());
  pass.jvp(theta, v, out.jv.data(), x_dot.data());
  return out;
}

}  // namespace

TEST_CASE("forward equals the formula evaluated by hand on the documented layout") {
  const MlpSpec spec{2, {3}, 1, Activation::kTanh};
  REQUIRE(parameter_count(spec) == 13);
  CHECK(bias_offset(spec, 0) == 6);
  CHECK(weight_offset(spec, 1) == 9);
  const auto theta = normals<double>(13, 8);
  const std::vector<double> x = {0.3, -0.7, 1.1, 0.2};
  MlpPass<double> pass(spec, 2);
  pass.forward(theta, x.data(), 2);
  std::vector<double> want(2);
  for (std::size_t r = 0; r < 2; ++r) {
    want[r] = theta[12];
    for (std::size_t h = 0; h < 3; ++h) {
      want[r] += theta[9 + h] * std::tanh(x[2 * r] * theta[h] + x[2 * r + 1] * theta[3 + h] + theta[6 + h]);
    }
  }
  test::check_close(pass.output(), std::span<double>(want), 1e-14, 1e-14, "y");
}

TEST_CASE("layer norm stands between the linear part and the activation, as documented") {
  for (const Activation activation : {Activation::kTanh, Activation::kSilu}) {
    const MlpSpec spec{2, {3}, 1, activation, true};
    REQUIRE(parameter_count(spec) == 2 * 3 + 3 + 3 + 3 + 3 + 1);
    const MlpLayer first = layer_layout(spec, 0), last = layer_layout(spec, 1);
    CHECK(first.gain == 9);
    CHECK(first.shift == 12);
    CHECK(last.weight == 15);
    const auto theta = normals<double>(19, 8);
    const std::vector<double> x = {0.3, -0.7, 1.1, 0.2};
    MlpPass<double> pass(spec, 2);
    pass.forward(theta, x.data(), 2);
    std::vector<double> want(2);
    for (std::size_t r = 0; r < 2; ++r) {
      double z[3], mean = 0, variance = 0;
      for (std::size_t h = 0; h < 3; ++h) {
        z[h] = x[2 * r] * theta[h] + x[2 * r + 1] * theta[3 + h] + theta[6 + h];
        mean += z[h] / 3;
      }
      for (const double each : z) variance += (each - mean) * (each - mean) / 3;
      want[r] = theta[18];
      for (std::size_t h = 0; h < 3; ++h) {
        const double n = theta[9 + h] * (z[h] - mean) / std::sqrt(variance + 1e-5) + theta[12 + h];
        want[r] += theta[15 + h] * (activation == Activation::kTanh ? std::tanh(n) : n / (1 + std::exp(-n)));
      }
    }
    test::check_close(pass.output(), std::span<double>(want), 1e-13, 1e-13, "y");
  }
}

TEST_CASE("one pass equals the same network built of single operations, over odd numbers of rows") {
  for (const int n : {1, 5, 127, 129, 300}) {
    CAPTURE(n);
    const Results pass = run(kSpec, n);
    std::vector<float> theta(static_cast<std::size_t>(parameter_count(kSpec)));
    init_parameters<float>(kSpec, 3, 1.0F, theta);
    const std::vector<double> theta_d(theta.begin(), theta.end());
    const auto x = normals<float>(times(n, kSpec.in), 1);
    const std::vector<double> x_d(x.begin(), x.end());
    const auto u = normals<float>(times(n, kSpec.out), 2);
    Tape<double> tape;
    const Var t = tape.parameter(theta_d.data(), {static_cast<int>(theta.size())}),
              in = tape.parameter(x_d.data(), {n, kSpec.in});
    Var h = in;
    for (int l = 0; l < layer_count(kSpec); ++l) {
      const int fan_in = layer_in(kSpec, l), fan_out = layer_out(kSpec, l), w = weight_offset(kSpec, l),
                b = bias_offset(kSpec, l);
      h = bias(tape, matmul(tape, h, reshape(tape, slice(tape, t, 0, w, b), {fan_in, fan_out})),
               slice(tape, t, 0, b, b + fan_out));
      if (l + 1 < layer_count(kSpec)) h = tanh(tape, h);
    }
    test::check_close(std::span<const float>(pass.y), tape.value(h), 1e-5, 1e-5, "y");
    tape.backward(h, std::vector<double>(u.begin(), u.end()));
    std::vector<float> dtheta = pass.dtheta;
    for (float& g : dtheta) g -= 0.25F;
    test::check_close(std::span<const float>(dtheta), tape.gradient(t), 1e-4, 2e-5 * std::sqrt(n), "dtheta");
    test::check_close(std::span<const float>(pass.dx), tape.gradient(in), 1e-5, 1e-5, "dx");
    const auto v = normals<float>(theta.size(), 4), x_dot = normals<float>(x.size(), 5);
    tape.set_tangent(t, std::vector<double>(v.begin(), v.end()));
    tape.set_tangent(in, std::vector<double>(x_dot.begin(), x_dot.end()));
    tape.forward_mode();
    test::check_close(std::span<const float>(pass.jv), std::span<const double>(tape.tangent(h)), 1e-4, 1e-4,
                      "jv");
  }
}

TEST_CASE("vjp_squares adds up the squares of every row's own gradient") {
  constexpr int kRows = 150;  // two chunks
  for (const MlpSpec& spec : {MlpSpec{7, {16, 11}, 5, Activation::kTanh}, kNormed}) {
    const auto theta = normals<double>(static_cast<std::size_t>(parameter_count(spec)), 3);
    const auto x = normals<double>(times(kRows, spec.in), 1), u = normals<double>(times(kRows, spec.out), 2);
    std::vector<double> want(theta.size(), 0.25), squares = want, row(theta.size());
    MlpPass<double> all(spec), one(spec);
    for (int r = 0; r < kRows; ++r) {
      one.forward(theta, x.data() + r * spec.in, 1);
      std::fill(row.begin(), row.end(), 0.0);
      one.vjp(theta, u.data() + r * spec.out, row);
      for (std::size_t k = 0; k < row.size(); ++k) want[k] += row[k] * row[k];
    }
    all.forward(theta, x.data(), kRows);
    all.vjp_squares(theta, u.data(), squares);
    test::check_close(squares, want, 1e-12, 1e-12, "squares");
  }
}

TEST_CASE("metric_product has the bits of jvp, metric and vjp, with one and two threads") {
  for (const MlpSpec& spec : {kSpec, kNormed, MlpSpec{40, {64, 48}, 9, Activation::kTanh}}) {
    for (const int n : {0, 5, 3000}) {  // several chunks a slot
      const auto theta = normals<float>(static_cast<std::size_t>(parameter_count(spec)), 3);
      const auto v = normals<float>(theta.size(), 4), x = normals<float>(times(n, spec.in), 1);
      const auto metric = [&](float* u, int first, int rows) {  // of every row another one
        for (int i = 0; i < rows * spec.out; ++i) u[i] *= static_cast<float>(first + i / spec.out);
      };
      MlpPass<float> pass(spec);
      pass.forward(theta, x.data(), n);
      std::vector<float> want_u(times(n, spec.out)), want(theta.size(), 0.25F);
      pass.jvp(theta, v, want_u.data());
      metric(want_u.data(), 0, n);
      pass.vjp(theta, want_u.data(), want);
      for (const int threads : {1, 2}) {
        kernels::set_threads(threads);
        std::vector<float> u(want_u.size()), got(theta.size(), 0.25F);
        pass.metric_product(theta, v, metric, u.data(), got);
        CHECK(u == want_u);
        CHECK(got == want);
      }
      kernels::set_threads(0);
    }
  }
}

namespace {

// Of every row another loss.
void row_loss(const float* y, float* u, int first, int rows, int out) {
  for (int i = 0; i < rows * out; ++i) u[i] = y[i] * static_cast<float>(first + i / out);
}

struct Trained {
  std::vector<float> y, u, gradient;
  bool operator==(const Trained&) const = default;
};

// Rows of x [..][in], as an MlpPass asks for them.
auto rows_of(const std::vector<float>& x, int in) {
  return [&x, in](float* to, int first, int rows) {
    std::copy_n(x.data() + times(first, in), times(rows, in), to);
  };
}

Trained forward_vjp(const MlpSpec& spec, std::span<const float> theta, const std::vector<float>& x, int n) {
  MlpPass<float> pass(spec);
  Trained made{{}, std::vector<float>(times(n, spec.out)), std::vector<float>(theta.size(), 0.25F)};
  pass.forward_vjp(
      theta, rows_of(x, spec.in), n,
      [&](const float* y, float* to, int first, int rows) { row_loss(y, to, first, rows, spec.out); },
      made.u.data(), made.gradient);
  made.y.assign(pass.output().begin(), pass.output().end());
  return made;
}

Trained forward_loss_vjp(const MlpSpec& spec, std::span<const float> theta, const std::vector<float>& x,
                         int n) {
  MlpPass<float> pass(spec);
  pass.forward(theta, x.data(), n);
  Trained made{{}, std::vector<float>(times(n, spec.out)), std::vector<float>(theta.size())};
  made.y.assign(pass.output().begin(), pass.output().end());
  row_loss(made.y.data(), made.u.data(), 0, n, spec.out);
  pass.vjp(theta, made.u.data(), made.gradient);
  return made;
}

}  // namespace

TEST_CASE(
    "forward_vjp has the bits of forward, loss and vjp, with one and two threads; tiles round outputs anew") {
  test::for_each_isa([] {
    const int isa = kernels::current_isa();
    const bool has_tiles = std::string(kernels::isa_name(isa)) != kernels::isa_vectors(isa);
    for (const MlpSpec& spec : {kSpec, kNormed, MlpSpec{40, {64, 48}, 9, Activation::kTanh}}) {
      for (const int n : {0, 5, 400, 3000}) {  // 400: two threads do without copies of the weights
        std::vector<float> theta(static_cast<std::size_t>(parameter_count(spec)));
        init_parameters<float>(spec, 3, 1.0F, theta);
        const auto x = normals<float>(times(n, spec.in), 1);
        kernels::set_threads(1);
        const Trained one = forward_vjp(spec, theta, x, n), plain = forward_loss_vjp(spec, theta, x, n);
        kernels::set_threads(2);
        CHECK(forward_vjp(spec, theta, x, n) == one);
        CHECK(forward_loss_vjp(spec, theta, x, n) == plain);
        CHECK((has_tiles || one == plain));
        test::check_close(one.y, plain.y, 1e-5, 1e-5, "y");
        test::check_close(one.u, plain.u, 1e-5, n * 1e-5, "u");
        test::check_close(one.gradient, plain.gradient, 1e-5, n * 1e-5, "gradient");
      }
    }
    kernels::set_threads(0);
  });
}

TEST_CASE("infer has the bits of forward and keeps nothing that a vjp could use") {
  for (const MlpSpec& spec : {kSpec, kNormed}) {
    std::vector<float> theta(static_cast<std::size_t>(parameter_count(spec))), v(theta.size());
    init_parameters<float>(spec, 3, 1.0F, theta);
    for (const int n : {0, 1, 47, 400, 3000}) {
      const auto x = normals<float>(times(n, spec.in), 1);
      std::vector<float> u(times(n, spec.out));
      MlpPass<float> plain(spec), pass(spec);
      plain.forward(theta, x.data(), n);
      for (const int threads : {1, 2}) {
        kernels::set_threads(threads);
        pass.infer(theta, x.data(), n);
        CHECK(std::ranges::equal(pass.output(), plain.output()));
      }
      kernels::set_threads(0);
      if (n == 0) continue;
      const auto metric = [](float*, int, int) {};
      CHECK_THROWS_WITH_AS(pass.vjp(theta, u.data(), v),
                           doctest::Contains("mlp: vjp needs the activations of a forward"), Error);
      CHECK_THROWS_AS(pass.jvp(theta, v, u.data()), Error);
      CHECK_THROWS_AS(pass.metric_product(theta, v, metric, u.data(), v), Error);
      CHECK_THROWS_AS(pass.vjp_squares(theta, u.data(), v), Error);
      pass.forward(theta, x.data(), n);
      CHECK_NOTHROW(pass.vjp(theta, u.data(), v));
      pass.reserve(2 * n);
      CHECK_THROWS_AS(pass.vjp(theta, u.data(), v), Error);
      const auto broken = [](float*, int, int) { fail("no input"); };
      pass.forward(theta, x.data(), n);
      CHECK_THROWS_WITH_AS(pass.forward(theta, broken, n), "no input", Error);
      CHECK_THROWS_AS(pass.vjp(theta, u.data(), v), Error);
    }
  }
}

TEST_CASE("more threads than at forward find room") {
  const int n = 1000;
  std::vector<float> theta(static_cast<std::size_t>(parameter_count(kSpec)));
  init_parameters<float>(kSpec, 3, 1.0F, theta);
  const auto x = normals<float>(times(n, kSpec.in), 1), u = normals<float>(times(n, kSpec.out), 2);
  std::vector<float> want(theta.size()), got(theta.size());
  kernels::set_threads(1);
  MlpPass<float> pass(kSpec);
  pass.forward(theta, x.data(), n);
  pass.vjp(theta, u.data(), want);
  kernels::set_threads(2);
  pass.vjp(theta, u.data(), got);
  CHECK(got == want);
  kernels::set_threads(0);
}

TEST_CASE("forward, vjp and jvp have the same bits with one and two threads") {
  for (const bool layer_norm : {false, true}) {
    const MlpSpec spec{20, {64, 48}, 9, Activation::kGelu, layer_norm};
    for (const int n : {100, 256, 3000}) {
      kernels::set_threads(1);
      const Results one = run(spec, n);
      kernels::set_threads(2);
      const Results two = run(spec, n);
      kernels::set_threads(0);
      CHECK(one.y == two.y);
      CHECK(one.dtheta == two.dtheta);
      CHECK(one.dx == two.dx);
      CHECK(one.jv == two.jv);
    }
  }
}

TEST_CASE("a row's output has the same bits in any batch") {
  for (const MlpSpec& spec : {kSpec, kNormed}) {
    std::vector<float> theta(static_cast<std::size_t>(parameter_count(spec)));
    init_parameters<float>(spec, 3, 1.0F, theta);
    const auto x = normals<float>(times(300, spec.in), 1);
    MlpPass<float> all(spec), one(spec);
    all.forward(theta, x.data(), 300);
    for (const int r : {0, 1, 127, 128, 299}) {
      one.forward(theta, x.data() + r * spec.in, 1);
      CHECK(std::equal(one.output().begin(), one.output().end(), all.output().begin() + r * spec.out));
    }
  }
}

TEST_CASE("no rows, no hidden layers and changing sizes are fine") {
  MlpPass<double> pass;
  for (const MlpSpec& spec :
       {MlpSpec{3, {}, 2, Activation::kTanh}, MlpSpec{3, {}, 2, Activation::kTanh, true}, kSpec, kNormed}) {
    const auto theta = normals<double>(static_cast<std::size_t>(parameter_count(spec)), 1);
    for (const int n : {0, 4, 200, 3}) {
      const auto x = normals<double>(times(n, spec.in), 2), u = normals<double>(times(n, spec.out), 3);
      pass.forward(spec, theta, x.data(), n);
      CHECK(pass.output().size() == u.size());
      std::vector<double> dtheta(theta.size());
      pass.vjp(theta, u.data(), dtheta);
      if (n == 0) CHECK(dtheta == std::vector<double>(theta.size()));
    }
  }
}

TEST_CASE("initial weights have the documented spread, biases are zero, the last layer is scaled") {
  const MlpSpec spec{100, {200}, 50, Activation::kRelu};
  std::vector<double> theta(static_cast<std::size_t>(parameter_count(spec)));
  init_parameters<double>(spec, 1, 0.01, theta);
  const auto spread = [&](int begin, int end) {
    double squares = 0;
    for (int i = begin; i < end; ++i)
      squares += theta[static_cast<std::size_t>(i)] * theta[static_cast<std::size_t>(i)];
    return std::sqrt(squares / (end - begin));
  };
  CHECK(spread(0, 20000) == doctest::Approx(std::sqrt(2.0 / 100)).epsilon(0.03));
  CHECK(spread(bias_offset(spec, 0), weight_offset(spec, 1)) == 0.0);
  CHECK(spread(weight_offset(spec, 1), bias_offset(spec, 1)) ==
        doctest::Approx(0.01 / std::sqrt(200.0)).epsilon(0.05));
  std::vector<double> other(theta.size());
  init_parameters<double>(spec, 2, 0.01, other);
  CHECK(other != theta);
  std::vector<float> normed(static_cast<std::size_t>(parameter_count(kNormed)), -1.0F);
  init_parameters<float>(kNormed, 1, 1.0F, normed);
  const MlpLayer layer = layer_layout(kNormed, 1);
  const auto all_are = [&](int begin, int end, float value) {
    return std::all_of(normed.begin() + begin, normed.begin() + end, [=](float x) { return x == value; });
  };
  CHECK(all_are(layer.bias, layer.gain, 0.0F));
  CHECK(all_are(layer.gain, layer.shift, 1.0F));
  CHECK(all_are(layer.shift, layer.end, 0.0F));
}

TEST_CASE("names and errors") {
  CHECK(parse_activation("gelu") == Activation::kGelu);
  CHECK(activation_name(Activation::kSilu) == "silu");
  CHECK_THROWS_WITH_AS(
      parse_activation("tanhh"),
      "activation 'tanhh' is unknown, known are identity, tanh, relu, elu, gelu, silu, softplus, sigmoid",
      Error);
  CHECK(parameter_name(kSpec, weight_offset(kSpec, 1) + 11 * 2 + 3) == "layer 1 weight [2][3]");
  CHECK(parameter_name(kSpec, bias_offset(kSpec, 2) + 4) == "layer 2 bias [4]");
  const MlpLayer normed = layer_layout(kNormed, 0);
  CHECK(parameter_name(kNormed, normed.gain + 2) == "layer 0 norm gain [2]");
  CHECK(parameter_name(kNormed, normed.shift) == "layer 0 norm bias [0]");
  CHECK(parameter_name(kNormed, normed.end) == "layer 1 weight [0][0]");
  CHECK(parameter_name(kNormed, parameter_count(kNormed)) == "parameter 429");
  CHECK_THROWS_AS(parameter_count({0, {}, 1, Activation::kTanh}), Error);
  CHECK_THROWS_AS(parameter_count({1, {65536, 65536}, 1, Activation::kTanh}), Error);
  MlpPass<float> pass(kSpec);
  const std::vector<float> wrong(3), x(7);
  CHECK_THROWS_AS(pass.forward(wrong, x.data(), 1), Error);
  CHECK_THROWS_AS(MlpPass<float>().forward(wrong, x.data(), 1), Error);
}

}  // namespace baton::ag
