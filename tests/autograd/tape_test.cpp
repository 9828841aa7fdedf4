#include "autograd/tape.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("wrong shapes are refused with both shapes in the message") {
  Tape<double> tape;
  const std::vector<double> x(12);
  const Var a = tape.parameter(x.data(), {3, 4}), b = tape.parameter(x.data(), {2, 6}),
            v = tape.parameter(x.data(), {4});
  CHECK_THROWS_WITH_AS(matmul(tape, a, b), "matmul: k mismatch (a [3, 4], b [2, 6])", Error);
  CHECK_THROWS_WITH_AS(add(tape, a, b), "add: shapes [3, 4] and [2, 6] do not broadcast", Error);
  CHECK_THROWS_AS(bias(tape, b, v), Error);
  CHECK_THROWS_AS(sum(tape, a, 1, 3), Error);
  CHECK_THROWS_AS(concat(tape, {a, b}, 0), Error);
  CHECK_THROWS_AS(slice(tape, a, 1, 2, 5), Error);
  CHECK_THROWS_AS(reshape(tape, a, {5}), Error);
  const std::int32_t rows[] = {0, 3};
  CHECK_THROWS_WITH_AS(gather_rows(tape, a, rows), "gather_rows: index 1 is 3, the array has 3 rows", Error);
  CHECK_THROWS_AS(gaussian_log_prob(tape, a, b, v), Error);
  CHECK_THROWS_AS(mlp(tape, {3, {}, 1, Activation::kTanh}, v, a), Error);
  CHECK_THROWS_AS(tape.backward(a), Error);
  CHECK_THROWS_AS(tape.scalar(a), Error);
  CHECK_THROWS_AS(tape.value(Var{99}), Error);
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5}), Error);
}

}  // namespace baton::ag
