// Mistakes in calls: every operation refuses them, saying its name and the shapes in question.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

using Tp = Tape<double>;

struct WrongCall {
  const char* op;                  // the message starts with it
  std::vector<const char*> words;  // and contains these
  std::function<void(Tp&)> call;
};

Var leaf(Tp& tape, const Shape& shape) {
  static const std::vector<double> zeros(64);
  return tape.parameter(zeros.data(), shape);
}

Var fixed(Tp& tape, const Shape& shape) { return stop_gradient(tape, leaf(tape, shape)); }

constexpr std::int32_t kIndex[] = {0, 3};

// clang-format off
std::vector<WrongCall> arithmetic_and_reductions() {
  return {
      {"add", {"[3, 4]", "[2, 6]"}, [](Tp& t) { add(t, leaf(t, {3, 4}), leaf(t, {2, 6})); }},
      {"sub", {"[3, 4]", "[3]"}, [](Tp& t) { sub(t, leaf(t, {3, 4}), leaf(t, {3})); }},
      {"mul", {"[2]", "[3]"}, [](Tp& t) { mul(t, leaf(t, {2}), leaf(t, {3})); }},
      {"div", {"[2, 1, 3]", "[2, 2]"}, [](Tp& t) { div(t, leaf(t, {2, 1, 3}), leaf(t, {2, 2})); }},
      {"minimum", {"[3, 4]", "[2, 6]"}, [](Tp& t) { minimum(t, leaf(t, {3, 4}), leaf(t, {2, 6})); }},
      {"maximum", {"[4]", "[6]"}, [](Tp& t) { maximum(t, leaf(t, {4}), leaf(t, {6})); }},
      {"where", {"[2]", "[3, 4]"}, [](Tp& t) { where(t, fixed(t, {2}), leaf(t, {3, 4}), leaf(t, {4})); }},
      {"where", {"[3]", "[2]"}, [](Tp& t) { where(t, fixed(t, {3}), leaf(t, {3}), leaf(t, {2})); }},
      {"where", {"[3]", "parameter"}, [](Tp& t) { where(t, leaf(t, {3}), leaf(t, {3}), leaf(t, {3})); }},
      {"clamp", {"2", "1", "[3]"}, [](Tp& t) { clamp(t, leaf(t, {3}), 2.0, 1.0); }},
      {"clamp", {"nan", "[3]"}, [](Tp& t) { clamp(t, leaf(t, {3}), std::nan(""), 1.0); }},
      {"matmul", {"[3, 4]", "[2, 6]"}, [](Tp& t) { matmul(t, leaf(t, {3, 4}), leaf(t, {2, 6})); }},
      {"matmul", {"[3, 4]'", "[4, 6]"}, [](Tp& t) { matmul(t, leaf(t, {3, 4}), leaf(t, {4, 6}), true); }},
      {"matmul", {"[4]", "[4, 6]"}, [](Tp& t) { matmul(t, leaf(t, {4}), leaf(t, {4, 6})); }},
      {"bias", {"[2, 6]", "[4]"}, [](Tp& t) { bias(t, leaf(t, {2, 6}), leaf(t, {4})); }},
      {"sum", {"1..2", "[3, 4]"}, [](Tp& t) { sum(t, leaf(t, {3, 4}), 1, 3); }},
      {"mean", {"[0, 4]"}, [](Tp& t) { mean(t, leaf(t, {0, 4})); }},
      {"max", {"0..0", "[0, 4]"}, [](Tp& t) { max(t, leaf(t, {0, 4}), 0, 1); }},

      {"softmax", {"axis 2", "[3, 4]"}, [](Tp& t) { softmax(t, leaf(t, {3, 4}), 2); }},
      {"softmax", {"[]"}, [](Tp& t) { softmax(t, leaf(t, {})); }},
      {"log_softmax", {"axis -1", "[3, 4]"}, [](Tp& t) { log_softmax(t, leaf(t, {3, 4}), -1); }},
      {"log_sum_exp", {"axis 1", "[3, 0]"}, [](Tp& t) { log_sum_exp(t, leaf(t, {3, 0}), 1); }},
      {"layer_norm", {"[3, 4]", "[3]", "[4]"},
       [](Tp& t) { layer_norm(t, leaf(t, {3, 4}), leaf(t, {3}), leaf(t, {4})); }},
      {"layer_norm", {"[3, 4]", "0"}, [](Tp& t) { layer_norm(t, leaf(t, {3, 4}), leaf(t, {4}), leaf(t, {4}), 0.0); }},
  };
}

std::vector<WrongCall> shapes_and_distributions() {
  return {
      {"concat", {"[3, 4]", "[2, 6]"}, [](Tp& t) { concat(t, {leaf(t, {3, 4}), leaf(t, {2, 6})}, 0); }},
      {"concat", {"axis 2", "[3, 4]"}, [](Tp& t) { concat(t, {leaf(t, {3, 4})}, 2); }},
      {"concat", {"0 parts"}, [](Tp& t) { concat(t, std::span<const Var>(), 0); }},
      {"slice", {"2..5", "[3, 4]"}, [](Tp& t) { slice(t, leaf(t, {3, 4}), 1, 2, 5); }},
      {"slice", {"axis -1", "[3, 4]"}, [](Tp& t) { slice(t, leaf(t, {3, 4}), -1, 0, 1); }},
      {"reshape", {"[5]", "[3, 4]"}, [](Tp& t) { reshape(t, leaf(t, {3, 4}), {5}); }},
      {"transpose", {"axes 1 and 1", "[3, 4]"}, [](Tp& t) { transpose(t, leaf(t, {3, 4}), 1, 1); }},
      {"transpose", {"[3, 4, 5]"}, [](Tp& t) { transpose(t, leaf(t, {3, 4, 5})); }},
      {"gather_rows", {"index 1 is 3", "0..2"}, [](Tp& t) { gather_rows(t, leaf(t, {3, 4}), kIndex); }},
      {"gather_rows", {"[]"}, [](Tp& t) { gather_rows(t, leaf(t, {}), kIndex); }},
      {"scatter_add_rows", {"[3, 4]", "[2]"}, [](Tp& t) { scatter_add_rows(t, leaf(t, {3, 4}), kIndex, 5); }},
      {"scatter_add_rows", {"index 1 is 3", "0..2"}, [](Tp& t) { scatter_add_rows(t, leaf(t, {2, 4}), kIndex, 3); }},
      {"gaussian_log_prob", {"[3, 4]", "[4, 3]"},
       [](Tp& t) { gaussian_log_prob(t, leaf(t, {3, 4}), leaf(t, {4, 3}), leaf(t, {4})); }},
      {"gaussian_log_prob", {"[3]", "4"},
       [](Tp& t) { gaussian_log_prob(t, leaf(t, {3, 4}), leaf(t, {3, 4}), leaf(t, {3})); }},
      {"gaussian_kl", {"[3, 4]", "[2, 4]"},
       [](Tp& t) { gaussian_kl(t, leaf(t, {3, 4}), leaf(t, {4}), leaf(t, {2, 4}), leaf(t, {4})); }},
      {"gaussian_entropy", {"[3, 4]"}, [](Tp& t) { gaussian_entropy(t, leaf(t, {3, 4})); }},
      {"categorical_log_prob", {"[3, 4]", "[2]"}, [](Tp& t) { categorical_log_prob(t, leaf(t, {3, 4}), kIndex); }},
      {"categorical_log_prob", {"index 1 is 3", "0..2"},
       [](Tp& t) { categorical_log_prob(t, leaf(t, {2, 3}), kIndex); }},
      {"categorical_kl", {"[3, 4]", "[4, 3]"}, [](Tp& t) { categorical_kl(t, leaf(t, {3, 4}), leaf(t, {4, 3})); }},
      {"categorical_entropy", {"[3, 0]"}, [](Tp& t) { categorical_entropy(t, leaf(t, {3, 0})); }},
      {"mlp", {"[5]", "4 parameters"},
       [](Tp& t) { mlp(t, {3, {}, 1, Activation::kTanh}, leaf(t, {5}), leaf(t, {2, 3})); }},
      {"mlp", {"[3, 4]", "3 inputs"},
       [](Tp& t) { mlp(t, {3, {}, 1, Activation::kTanh}, leaf(t, {4}), leaf(t, {3, 4})); }},
  };
}
// clang-format on

std::vector<WrongCall> table() {
  auto all = arithmetic_and_reductions();
  const auto more = shapes_and_distributions();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string message_of(const std::function<void(Tp&)>& call) {
  Tp tape;
  try {
    call(tape);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("wrong calls are refused with the operation and the shapes in the message") {
  for (const WrongCall& each : table()) {
    const std::string message = message_of(each.call);
    CAPTURE(message);
    CHECK_MESSAGE(message.starts_with(std::string(each.op) + ":"), std::string(each.op));
    for (const char* word : each.words)
      CHECK_MESSAGE(message.find(word) != std::string::npos, std::string(each.op)
                                                                 << ": " << std::string(word));
  }
}

TEST_CASE("every operation that can be called wrongly is in the table") {
  // Functions of one array of any shape; stop_gradient and scale are too.
  std::set<std::string> missing = {rule_names().begin(), rule_names().end()};
  for (const char* any : {"identity", "tanh", "relu", "elu", "gelu", "silu", "softplus", "sigmoid", "exp",
                          "log", "square", "sqrt", "negate", "scale", "stop_gradient"}) {
    CHECK(missing.erase(any) == 1);
  }
  for (const WrongCall& each : table()) missing.erase(each.op);
  CHECK(missing.empty());
  for (const std::string& name : missing) CHECK_MESSAGE(false, name << " is missing");
}

TEST_CASE("a variable of another tape, of another number type or of before clear() is refused") {
  const std::vector<double> x(12);
  const std::vector<float> y(12);
  Tape<double> first, second;
  Tape<float> floats;
  const Var a = first.parameter(x.data(), {3, 4}), b = second.parameter(x.data(), {3, 4});
  const Var f = floats.parameter(y.data(), {3, 4});
  CHECK_THROWS_AS(add(first, a, b), Error);
  CHECK_THROWS_AS(add(first, a, f), Error);
  CHECK_THROWS_AS(tanh(floats, a), Error);
  first.clear();
  const Var again = first.parameter(x.data(), {3, 4});
  CHECK_THROWS_WITH_AS(first.value(a),
                       "tape: variable 0 is not on this tape of 1 double numbers' nodes: it is of another "
                       "tape, or of before clear()",
                       Error);
  CHECK(first.value(again).size() == 12);
  CHECK_THROWS_AS(first.value(Var{}), Error);
}

TEST_CASE("wrong use of a tape is refused") {
  Tape<double> tape;
  const std::vector<double> x(12);
  const Var a = tape.parameter(x.data(), {3, 4}), c = tape.constant(x.data(), {4});
  CHECK_THROWS_WITH_AS(tape.backward(a), "backward: 0 numbers for an output of shape [3, 4]", Error);
  CHECK_THROWS_AS(tape.backward(sum(tape, c)), Error);
  CHECK_THROWS_AS(tape.scalar(a), Error);
  CHECK_THROWS_AS(tape.gradient(c), Error);
  CHECK_THROWS_AS(tape.set_tangent(c, x), Error);
  CHECK_THROWS_AS(tape.set_tangent(tanh(tape, c), std::span(x).first(4)), Error);
  CHECK_THROWS_AS(tape.constant_copy(x, {5}), Error);
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5}), Error);
  CHECK_THROWS_AS((Shape{1, -2}), Error);
}

TEST_CASE("a gradient of the tape cannot start its own backward") {
  Tape<double> tape;
  const std::vector<double> x = {1, 2, 3};
  const Var a = tape.parameter(x.data(), {3}), y = square(tape, a);
  tape.backward(y, x);
  const auto gradient = tape.gradient(a);
  CHECK_THROWS_AS(tape.backward(y, gradient), Error);
  const std::vector<double> copy(gradient.begin(), gradient.end());
  tape.backward(y, copy);
  CHECK(tape.gradient(a)[2] == 2 * 3 * copy[2]);
}

}  // namespace baton::ag
