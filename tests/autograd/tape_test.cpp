#include "autograd/tape.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "tests/support/compare.hpp"

namespace baton::ag {

TEST_CASE("gradients of a hand-worked function, on two paths from the same leaf") {
  Tape<double> tape;
  const std::vector<double> x = {2, 3}, y = {5, 7};
  const Var a = tape.parameter(x.data(), {2}), b = tape.constant(y.data(), {2});
  const Var loss = sum(tape, add(tape, mul(tape, a, b), square(tape, a)));  // d/da = b + 2 a
  CHECK(tape.scalar(loss) == 2 * 5 + 3 * 7 + 4 + 9);
  tape.backward(loss);
  CHECK(tape.gradient(a)[0] == 9);
  CHECK(tape.gradient(a)[1] == 13);
  tape.backward(loss);  // gradients start from zero again
  CHECK(tape.gradient(a)[0] == 9);
  CHECK_THROWS_AS(tape.gradient(b), Error);
}

TEST_CASE("stop_gradient passes the value and nothing else") {
  Tape<double> tape;
  const std::vector<double> x = {2, 3}, v = {1, 1};
  const Var a = tape.parameter(x.data(), {2});
  const Var y = mul(tape, a, stop_gradient(tape, square(tape, a)));
  CHECK(tape.value(y)[1] == 27);
  tape.backward(y, v);
  CHECK(tape.gradient(a)[1] == 9);
  tape.set_tangent(a, v);
  tape.forward_mode();
  CHECK(tape.tangent(y)[1] == 9);
}

TEST_CASE("replay sees new data in the leaves") {
  Tape<double> tape;
  std::vector<double> x = {2, 3};
  const Var a = tape.parameter(x.data(), {2});
  const Var y = sum(tape, reshape(tape, square(tape, a), {2, 1}));
  x = {10, 1};
  tape.replay();
  CHECK(tape.scalar(y) == 101);
  tape.backward(y);
  CHECK(tape.gradient(a)[0] == 20);
}

TEST_CASE("tangents that are not set are zero, and cleared tangents are forgotten") {
  Tape<double> tape;
  const std::vector<double> x = {2}, v = {3};
  const Var a = tape.parameter(x.data(), {1}), b = tape.constant(x.data(), {1});
  const Var y = mul(tape, a, b), z = mul(tape, b, b);
  tape.set_tangent(a, v);
  tape.forward_mode();
  CHECK(tape.tangent(y)[0] == 6);
  CHECK(tape.tangent(z)[0] == 0);
  tape.clear_tangents();
  tape.set_tangent(b, v);
  tape.forward_mode();
  CHECK(tape.tangent(y)[0] == 6);
  CHECK(tape.tangent(z)[0] == 12);
}

TEST_CASE("the same graph on a cleared tape gives the same numbers") {
  Tape<float> tape;
  std::vector<float> x(1000, 0.5F);
  std::vector<float> first;
  for (int round = 0; round < 3; ++round) {
    tape.clear();
    const Var a = tape.parameter(x.data(), {10, 100});
    tape.backward(mean(tape, tanh(tape, a)));
    const auto gradient = tape.gradient(a);
    if (round == 0) first.assign(gradient.begin(), gradient.end());
    CHECK(std::equal(first.begin(), first.end(), gradient.begin()));
  }
}

TEST_CASE("ties and ends: who gets the gradient") {
  Tape<double> tape;
  const std::vector<double> x = {1, 2, 2, 0}, y = {1, 3, 1, 0};
  const Var a = tape.parameter(x.data(), {4}), b = tape.parameter(y.data(), {4});
  const auto gradients = [&](Var of, Var v) {
    tape.backward(sum(tape, of));
    const auto g = tape.gradient(v);
    return std::vector<double>(g.begin(), g.end());
  };
  using List = std::vector<double>;
  CHECK(gradients(maximum(tape, a, b), a) == List{1, 0, 1, 1});  // of equals the first
  CHECK(gradients(maximum(tape, a, b), b) == List{0, 1, 0, 0});
  CHECK(gradients(minimum(tape, a, b), a) == List{1, 1, 0, 1});
  CHECK(gradients(minimum(tape, a, b), b) == List{0, 0, 1, 0});
  CHECK(gradients(max(tape, a), a) == List{0, 1, 0, 0});
  CHECK(gradients(clamp(tape, a, 1.0, 2.0), a) == List{1, 1, 1, 0});  // the ends included
}

TEST_CASE("a NaN reaches the gradient's end of every comparison instead of being chosen away") {
  Tape<double> tape;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {nan, 1}, y = {0, 0};
  const Var a = tape.parameter(x.data(), {2}), b = tape.constant(y.data(), {2});
  for (const Var v : {maximum(tape, a, b), maximum(tape, b, a), minimum(tape, a, b), minimum(tape, b, a),
                      clamp(tape, a, -1.0, 1.0), relu(tape, a)}) {
    CHECK(std::isnan(tape.value(v)[0]));
    CHECK_FALSE(std::isnan(tape.value(v)[1]));
  }
  CHECK(std::isnan(tape.scalar(max(tape, a))));
  CHECK(std::isnan(tape.scalar(log_sum_exp(tape, a))));
}

TEST_CASE("replay finds the largest and the statistics of new data") {
  Tape<double> tape;
  std::vector<double> x = {1, 5, 2, 4};
  const std::vector<double> one(4, 1), zero(4);
  const Var a = tape.parameter(x.data(), {4});
  const Var top = max(tape, a);
  const Var norm = layer_norm(tape, a, tape.constant(one.data(), {4}), tape.constant(zero.data(), {4}));
  x = {9, 5, 2, 4};
  tape.replay();
  CHECK(tape.scalar(top) == 9);
  CHECK(tape.value(norm)[1] == doctest::Approx(0).epsilon(1e-12));
  tape.backward(top);
  CHECK(tape.gradient(a)[0] == 1);
  CHECK(tape.gradient(a)[1] == 0);
}

}  // namespace baton::ag
