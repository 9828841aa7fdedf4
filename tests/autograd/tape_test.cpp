#include "autograd/tape.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
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

TEST_CASE("a batch of no rows passes through: empty results, zero gradients") {
  Tape<float> tape;
  const std::vector<float> weights = {1, 2, 3, 4}, none(1);
  const std::vector<std::int32_t> index;
  const Var w = tape.parameter(weights.data(), {4}), x = tape.parameter(none.data(), {0, 4});
  const Var matrix = reshape(tape, w, {2, 2});
  const Var rows[] = {add(tape, x, w),
                      maximum(tape, w, x),
                      where(tape, stop_gradient(tape, w), x, w),
                      clamp(tape, tanh(tape, x), -1.0F, 1.0F),
                      bias(tape, x, w),
                      softmax(tape, x),
                      log_softmax(tape, x),
                      layer_norm(tape, x, w, w),
                      concat(tape, {slice(tape, x, 1, 0, 2), slice(tape, x, 1, 2, 4)}, 1),
                      matmul(tape, slice(tape, x, 1, 0, 2), matrix),
                      transpose(tape, x),
                      gather_rows(tape, x, index),
                      scatter_add_rows(tape, x, index, 3),
                      reshape(tape, log_sum_exp(tape, x), {0, 1}),
                      reshape(tape, max(tape, x, 1, 2), {0, 1}),
                      reshape(tape, sum(tape, x, 1, 2), {0, 1}),
                      reshape(tape, gaussian_log_prob(tape, x, x, w), {0, 1}),
                      reshape(tape, gaussian_kl(tape, x, w, x, w), {0, 1}),
                      reshape(tape, categorical_log_prob(tape, x, index), {0, 1}),
                      reshape(tape, categorical_kl(tape, x, x), {0, 1}),
                      reshape(tape, categorical_entropy(tape, x), {0, 1})};
  Var loss = sum(tape, w);
  for (const Var each : rows) loss = add(tape, loss, sum(tape, each));
  CHECK(tape.scalar(loss) == 10);
  tape.backward(loss);
  for (const float g : tape.gradient(w)) CHECK(g == 1);
  CHECK(tape.gradient(x).empty());
  tape.set_tangent(w, weights);
  tape.forward_mode();
  CHECK(tape.tangent(loss)[0] == 10);
}

TEST_CASE("two axes exchanged twice are the array, and one exchange moves every element") {
  Tape<float> tape;
  std::vector<float> x(2 * 3 * 4 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const Var a = tape.constant(x.data(), {2, 3, 4, 5});
  for (int first = 0; first < 4; ++first) {
    for (int second = first + 1; second < 4; ++second) {
      const Var once = transpose(tape, a, first, second), twice = transpose(tape, once, second, first);
      CHECK(std::equal(x.begin(), x.end(), tape.value(twice).begin()));
      // element (i, j, k, l) = (1, 2, 3, 4), the last one of a, and (1, 0, 2, 3) with its axes exchanged
      CHECK(tape.value(once).back() == x.back());
      std::array<int, 4> at = {1, 0, 2, 3};
      const auto place = [](const std::array<int, 4>& p, const Shape& s) {
        return static_cast<std::size_t>(((p[0] * s[1] + p[1]) * s[2] + p[2]) * s[3] + p[3]);
      };
      const float value = x[place(at, tape.shape(a))];
      std::swap(at[static_cast<std::size_t>(first)], at[static_cast<std::size_t>(second)]);
      CHECK(tape.value(once)[place(at, tape.shape(once))] == value);
    }
  }
}

TEST_CASE("softmax sums to one along its axis, and repeated rows add up in scatter_add_rows") {
  Tape<double> tape;
  const std::vector<double> x = {1, -2, 0.5, 3, 0, 700, 1, 2, -1, 4, 1, 1};
  const Var a = tape.constant(x.data(), {2, 3, 2});
  for (int axis = 0; axis < 3; ++axis) {
    const auto total = tape.value(sum(tape, softmax(tape, a, axis), axis, axis + 1));
    for (const double t : total) CHECK(t == doctest::Approx(1).epsilon(1e-15));
  }
  const std::int32_t index[] = {2, 2};
  const auto y = tape.value(scatter_add_rows(tape, a, index, 3));
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(y[i] == 0);
    CHECK(y[12 + i] == x[i] + x[6 + i]);
  }
}

}  // namespace baton::ag
