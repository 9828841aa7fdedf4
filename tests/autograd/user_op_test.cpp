// An operation of a user's own, outside the library. CONTRIBUTING.md shows the text between the two lines of
// dashes; tests/lint/lint.py compares the two.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "autograd/gradcheck.hpp"
#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "tests/support/compare.hpp"

namespace ag = baton::ag;

// ---- shown in CONTRIBUTING.md
// y = x / (1 + |x|), dy/dx = (1 - |y|)^2, on every element of x
template <class T>
struct Softsign {
  static void forward(const ag::Call<T>& c) {  // overwrites y
    for (int i = 0; i < c.size(); ++i) c.y()[i] = c.x(0)[i] / (1 + std::abs(c.x(0)[i]));
  }
  static T slope(T y) { return (1 - std::abs(y)) * (1 - std::abs(y)); }
  static void vjp(const ag::Call<T>& c) {  // adds to the gradient of input 0
    for (int i = 0; i < c.size(); ++i) c.gradient(0)[i] += c.u()[i] * slope(c.y()[i]);
  }
  static void jvp(const ag::Call<T>& c) {  // overwrites the tangent of y
    for (int i = 0; i < c.size(); ++i) c.y_dot()[i] = c.tangent(0)[i] * slope(c.y()[i]);
  }
};

template <class T>
ag::Var softsign(ag::Tape<T>& tape, ag::Var x) {
  static const ag::Rule<T> rule = {"softsign", Softsign<T>::forward, Softsign<T>::vjp, Softsign<T>::jvp};
  BATON_REQUIRE(tape.shape(x).rank > 0, "softsign: a scalar, an array is wanted");
  ag::Node<T> node;
  node.rule = &rule;
  node.shape = tape.shape(x);
  return tape.record(node, {x});
}
// ----

TEST_CASE(
    "an operation of a user's own has checked derivatives, composes with the library's and refuses "
    "mistakes") {
  const ag::TapeFunction f = [](ag::Tape<double>& tape, std::span<const ag::Var> x) {
    return ag::mul(tape, softsign(tape, ag::matmul(tape, x[0], x[1])), x[2]);
  };
  const ag::GradcheckResult result = ag::gradcheck(
      f, {{{2, 2}, {0.3, -1.2, 2.5, 0.7}}, {{2, 3}, {1.1, -0.4, 0.9, 0.2, 0.8, -1.5}}, {{3}, {1, -2, 0.5}}});
  CHECK_MESSAGE(result.passed, result.message);

  ag::Tape<float> tape;
  const std::vector<float> x = {3, -1, 0};
  const ag::Var y = softsign(tape, tape.parameter(x.data(), {3}));
  baton::test::check_close(std::vector<float>(tape.value(y).begin(), tape.value(y).end()),
                           std::vector<float>{0.75F, -0.5F, 0.0F}, 1e-7, 0, "softsign");
  CHECK_THROWS_AS(softsign(tape, tape.constant(x.data(), {})), baton::Error);
}

TEST_CASE("gradients and tangents stop at a user's rule without a jvp, and its vjp is not called") {
  static const ag::Rule<double> rule = {"floor",
                                        [](const ag::Call<double>& c) {
                                          for (int i = 0; i < c.size(); ++i) c.y()[i] = std::floor(c.x(0)[i]);
                                        },
                                        nullptr, nullptr};
  ag::Tape<double> tape;
  const std::vector<double> x = {2.5, -1.5}, ones = {1, 1};
  const ag::Var p = tape.parameter(x.data(), {2});
  ag::Node<double> node;
  node.rule = &rule;
  node.shape = tape.shape(p);
  const ag::Var whole = tape.record(node, {p});
  const ag::Var y = ag::mul(tape, p, whole);  // of which p's own factor has a derivative
  tape.backward(y, ones);
  CHECK(tape.gradient(p)[0] == 2);
  CHECK(tape.gradient(p)[1] == -2);
  CHECK_THROWS_AS(tape.gradient(whole), baton::Error);
  CHECK_THROWS_WITH_AS(tape.backward(whole, ones), "backward: the output depends on no parameter",
                       baton::Error);
  tape.set_tangent(p, ones);
  tape.forward_mode();
  CHECK(tape.tangent(whole)[0] == 0);
  CHECK(tape.tangent(y)[0] == 2);
}
