// Every operation against central differences, in double, from one table.
#include "autograd/gradcheck.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <set>
#include <string>

#include "autograd/ops.hpp"
#include "kernels/rng.hpp"

namespace baton::ag {
namespace {

using Tp = Tape<double>;
using In = std::span<const Var>;
using kernels::Unary;

struct Case {
  std::string name;
  std::vector<Shape> shapes;
  TapeFunction f;
  bool positive = false;  // inputs in [0.3, ..), else normal numbers kept 0.05 away from 0 (kinks)
};

Case unary_case(const char* name, Unary op, bool positive = false) {
  return {name, {{3, 5}}, [op](Tp& t, In x) { return unary(t, op, x[0]); }, positive};
}

// Ones and zeros in turn, three of five ones.
Var mask(Tp& tape, const Shape& shape) {
  std::vector<double> values(shape.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 5 % 2 == 0 ? 1 : 0;
  return tape.constant_copy(values, shape);
}

std::vector<Case> network_cases() {
  std::vector<Case> cases;
  for (int activation = 0; activation <= static_cast<int>(Activation::kSigmoid); ++activation) {
    for (const bool norm : {false, true}) {
      const MlpSpec spec = {3, {5, 4}, 2, static_cast<Activation>(activation), norm};
      cases.push_back({fmt::format("mlp {}{}", activation_name(spec.activation), norm ? ", layer norm" : ""),
                       {{parameter_count(spec)}, {6, 3}},
                       [spec](Tp& t, In x) { return mlp(t, spec, x[0], x[1]); }});
    }
  }
  return cases;
}

// clang-format off
std::vector<Case> arithmetic_cases() {
  return {
      {"add same", {{2, 3}, {2, 3}}, [](Tp& t, In x) { return add(t, x[0], x[1]); }},
      {"add row", {{4, 3}, {3}}, [](Tp& t, In x) { return add(t, x[0], x[1]); }},
      {"add scalar", {{}, {2, 3}}, [](Tp& t, In x) { return add(t, x[0], x[1]); }},
      {"sub column", {{4, 1}, {4, 3}}, [](Tp& t, In x) { return sub(t, x[0], x[1]); }},
      {"sub outer", {{4, 1}, {1, 3}}, [](Tp& t, In x) { return sub(t, x[0], x[1]); }},
      {"mul same", {{7}, {7}}, [](Tp& t, In x) { return mul(t, x[0], x[1]); }},
      {"mul itself", {{7}}, [](Tp& t, In x) { return mul(t, x[0], x[0]); }},
      {"mul middle", {{2, 3, 4}, {2, 1, 4}}, [](Tp& t, In x) { return mul(t, x[0], x[1]); }},
      {"mul rank 4", {{2, 1, 3, 1}, {2, 1, 4}}, [](Tp& t, In x) { return mul(t, x[0], x[1]); }},
      {"div same", {{5}, {5}}, [](Tp& t, In x) { return div(t, x[0], x[1]); }, true},
      {"div row", {{3}, {4, 3}}, [](Tp& t, In x) { return div(t, x[0], x[1]); }, true},
      {"div scalar", {{4, 3}, {1}}, [](Tp& t, In x) { return div(t, x[0], x[1]); }, true},
      unary_case("identity", Unary::kIdentity), unary_case("tanh", Unary::kTanh), unary_case("relu", Unary::kRelu),
      unary_case("elu", Unary::kElu), unary_case("gelu", Unary::kGelu), unary_case("silu", Unary::kSilu),
      unary_case("softplus", Unary::kSoftplus), unary_case("sigmoid", Unary::kSigmoid),
      unary_case("exp", Unary::kExp),
      unary_case("log", Unary::kLog, true), unary_case("square", Unary::kSquare),
      unary_case("sqrt", Unary::kSqrt, true),
      unary_case("negate", Unary::kNegate),
      {"scale", {{4}}, [](Tp& t, In x) { return scale(t, x[0], -2.5); }},
      {"clamp", {{3, 5}}, [](Tp& t, In x) { return clamp(t, x[0], -0.8, 0.6); }},
      {"minimum same", {{3, 5}, {3, 5}}, [](Tp& t, In x) { return minimum(t, x[0], x[1]); }},
      {"minimum row", {{5}, {3, 5}}, [](Tp& t, In x) { return minimum(t, x[0], x[1]); }},
      {"maximum column", {{3, 5}, {3, 1}}, [](Tp& t, In x) { return maximum(t, x[0], x[1]); }},
      {"maximum scalar", {{}, {3, 5}}, [](Tp& t, In x) { return maximum(t, x[0], x[1]); }},
      {"maximum outer", {{4, 1}, {1, 3}}, [](Tp& t, In x) { return maximum(t, x[0], x[1]); }},
      {"where same", {{2, 3}, {2, 3}}, [](Tp& t, In x) { return where(t, mask(t, {2, 3}), x[0], x[1]); }},
      {"where row of conditions", {{2, 3}, {2, 1}}, [](Tp& t, In x) { return where(t, mask(t, {3}), x[0], x[1]); }},
      {"where outer", {{2, 1, 4}, {}}, [](Tp& t, In x) { return where(t, mask(t, {3, 1}), x[0], x[1]); }},
  };
}

std::vector<Case> matrix_and_reduction_cases() {
  return {
      {"matmul nn", {{3, 4}, {4, 5}}, [](Tp& t, In x) { return matmul(t, x[0], x[1]); }},
      {"matmul nt", {{3, 4}, {5, 4}}, [](Tp& t, In x) { return matmul(t, x[0], x[1], false, true); }},
      {"matmul tn", {{4, 3}, {4, 5}}, [](Tp& t, In x) { return matmul(t, x[0], x[1], true, false); }},
      {"matmul tt", {{4, 3}, {5, 4}}, [](Tp& t, In x) { return matmul(t, x[0], x[1], true, true); }},
      {"matmul itself", {{4, 4}}, [](Tp& t, In x) { return matmul(t, x[0], x[0], true, false); }},
      {"bias", {{2, 3, 4}, {4}}, [](Tp& t, In x) { return bias(t, x[0], x[1]); }},
      {"sum all", {{2, 3}}, [](Tp& t, In x) { return sum(t, x[0]); }},
      {"sum first axis", {{4, 3}}, [](Tp& t, In x) { return sum(t, x[0], 0, 1); }},
      {"sum last axis", {{4, 3}}, [](Tp& t, In x) { return sum(t, x[0], 1, 2); }},
      {"sum middle axes", {{2, 3, 2, 4}}, [](Tp& t, In x) { return sum(t, x[0], 1, 3); }},
      {"mean all", {{2, 3}}, [](Tp& t, In x) { return mean(t, x[0]); }},
      {"mean middle axis", {{2, 3, 4}}, [](Tp& t, In x) { return mean(t, x[0], 1, 2); }},
      {"max all", {{2, 3}}, [](Tp& t, In x) { return max(t, x[0]); }},
      {"max first axis", {{4, 3}}, [](Tp& t, In x) { return max(t, x[0], 0, 1); }},
      {"max last axes", {{3, 2, 4}}, [](Tp& t, In x) { return max(t, x[0], 1, 3); }},
      {"max middle axis", {{2, 3, 4}}, [](Tp& t, In x) { return max(t, x[0], 1, 2); }},
      {"softmax", {{3, 5}}, [](Tp& t, In x) { return softmax(t, x[0]); }},
      {"softmax first axis", {{4, 3}}, [](Tp& t, In x) { return softmax(t, x[0], 0); }},
      {"softmax of a vector", {{9}}, [](Tp& t, In x) { return softmax(t, x[0]); }},
      {"log_softmax", {{3, 5}}, [](Tp& t, In x) { return log_softmax(t, x[0]); }},
      {"log_softmax middle axis", {{2, 3, 2}}, [](Tp& t, In x) { return log_softmax(t, x[0], 1); }},
      {"log_sum_exp", {{3, 5}}, [](Tp& t, In x) { return log_sum_exp(t, x[0]); }},
      {"log_sum_exp middle axis", {{2, 3, 2}}, [](Tp& t, In x) { return log_sum_exp(t, x[0], 1); }},
      {"layer_norm", {{4, 6}, {6}, {6}}, [](Tp& t, In x) { return layer_norm(t, x[0], x[1], x[2]); }},
      {"layer_norm rank 3", {{2, 2, 3}, {3}, {3}}, [](Tp& t, In x) { return layer_norm(t, x[0], x[1], x[2], 0.1); }},
      {"layer_norm, fixed gain", {{4, 6}, {6}}, [](Tp& t, In x) { return layer_norm(t, x[0], mask(t, {6}), x[1]); }},
      {"layer_norm, fixed bias", {{4, 6}, {6}}, [](Tp& t, In x) { return layer_norm(t, x[0], x[1], mask(t, {6})); }},
  };
}

std::vector<Case> shape_cases() {
  return {
      {"concat columns", {{2, 3}, {2, 1}, {2, 4}}, [](Tp& t, In x) { return concat(t, x, 1); }},
      {"concat rows", {{2, 3}, {4, 3}}, [](Tp& t, In x) { return concat(t, x, 0); }},
      {"concat middle", {{2, 1, 3}, {2, 2, 3}}, [](Tp& t, In x) { return concat(t, x, 1); }},
      {"concat with itself", {{2, 3}}, [](Tp& t, In x) { return concat(t, {x[0], x[0]}, 1); }},
      {"slice columns", {{3, 6}}, [](Tp& t, In x) { return slice(t, x[0], 1, 2, 5); }},
      {"slice rows", {{5, 2, 2}}, [](Tp& t, In x) { return slice(t, x[0], 0, 1, 3); }},
      {"slice middle", {{2, 5, 3}}, [](Tp& t, In x) { return slice(t, x[0], 1, 1, 4); }},
      {"transpose", {{3, 5}}, [](Tp& t, In x) { return square(t, transpose(t, x[0])); }},
      {"transpose last", {{2, 3, 4}}, [](Tp& t, In x) { return square(t, transpose(t, x[0], 2, 1)); }},
      {"transpose around an axis", {{2, 3, 4}}, [](Tp& t, In x) { return square(t, transpose(t, x[0], 0, 2)); }},
      {"transpose of blocks", {{2, 3, 4, 2}}, [](Tp& t, In x) { return square(t, transpose(t, x[0], 0, 2)); }},
      {"reshape", {{2, 6}}, [](Tp& t, In x) { return square(t, reshape(t, x[0], {3, 4})); }},
      {"gather_rows", {{4, 3}}, [](Tp& t, In x) {
         const std::int32_t rows[] = {2, 0, 2, 3, 2};
         return gather_rows(t, x[0], rows);
       }},
      {"scatter_add_rows", {{5, 3}}, [](Tp& t, In x) {
         const std::int32_t rows[] = {2, 0, 2, 3, 2};
         return square(t, scatter_add_rows(t, x[0], rows, 6));
       }},
  };
}

std::vector<Case> distribution_cases() {
  return {
      {"categorical_log_prob", {{4, 5}}, [](Tp& t, In x) {
         const std::int32_t classes[] = {2, 0, 4, 2};
         return categorical_log_prob(t, x[0], classes);
       }},
      {"categorical_log_prob rank 3", {{2, 2, 3}}, [](Tp& t, In x) {
         const std::int32_t classes[] = {2, 0, 1, 2};
         return categorical_log_prob(t, x[0], classes);
       }},
      {"categorical_kl", {{4, 5}, {4, 5}}, [](Tp& t, In x) { return categorical_kl(t, x[0], x[1]); }},
      {"categorical_kl from itself", {{4, 5}},
       [](Tp& t, In x) { return categorical_kl(t, x[0], scale(t, x[0], 0.5)); }},
      {"categorical_entropy", {{4, 5}}, [](Tp& t, In x) { return categorical_entropy(t, x[0]); }},
      {"categorical_entropy of a vector", {{5}}, [](Tp& t, In x) { return categorical_entropy(t, x[0]); }},
      {"gaussian_log_prob", {{5, 3}, {5, 3}, {3}}, [](Tp& t, In x) { return gaussian_log_prob(t, x[0], x[1], x[2]); }},
      {"gaussian_kl", {{5, 3}, {3}, {5, 3}, {3}},
       [](Tp& t, In x) { return gaussian_kl(t, x[0], x[1], x[2], x[3]); }},
      {"gaussian_entropy", {{4}}, [](Tp& t, In x) { return gaussian_entropy(t, x[0]); }},
      {"composition", {{4, 3}, {3, 2}, {2}}, [](Tp& t, In x) {
         const Var h = tanh(t, bias(t, matmul(t, x[0], x[1]), x[2]));
         return mean(t, mul(t, h, exp(t, add(t, h, slice(t, x[0], 1, 0, 2)))));
       }},
  };
}

std::vector<Case> table() {
  std::vector<Case> all;
  for (const auto& group :
       {arithmetic_cases(), matrix_and_reduction_cases(), shape_cases(), distribution_cases(), network_cases()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}
// clang-format on

std::vector<GradcheckInput> make_inputs(const Case& each) {
  kernels::Random random(17);
  std::vector<GradcheckInput> inputs;
  for (const Shape& shape : each.shapes) {
    GradcheckInput in{shape, std::vector<double>(shape.size())};
    for (double& x : in.data) {
      const double z = static_cast<double>(random.normal());
      x = each.positive ? 0.3 + std::fabs(z) : z + std::copysign(0.05, z);
    }
    inputs.push_back(in);
  }
  return inputs;
}

}  // namespace

TEST_CASE("every operation's vjp and jvp equal central differences and each other's transposes") {
  for (const Case& each : table()) {
    const GradcheckResult result = gradcheck(each.f, make_inputs(each));
    CHECK_MESSAGE(result.passed, each.name << ": " << result.message);
  }
}

TEST_CASE("the table covers every rule, and every rule is in the public list") {
  std::set<std::string> seen = {
      "stop_gradient"};  // its derivative is not the function's: tape_test checks it
  for (const Case& each : table()) {
    Tape<double> tape;
    const auto inputs = make_inputs(each);
    std::vector<Var> leaves;
    for (const GradcheckInput& in : inputs) leaves.push_back(tape.parameter(in.data.data(), in.shape));
    each.f(tape, leaves);
    for (int id = 0; id < tape.size(); ++id) seen.insert(tape.rule_name(id));
  }
  seen.erase("leaf");
  const auto names = rule_names();
  CHECK(seen == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("gradcheck catches a wrong derivative and a NaN") {
  const TapeFunction wrong = [](Tp& t, In x) { return mul(t, x[0], stop_gradient(t, x[0])); };
  CHECK_FALSE(gradcheck(wrong, {{{3}, {1.0, 2.0, -1.0}}}).passed);
  const TapeFunction nan = [](Tp& t, In x) { return log(t, x[0]); };
  const GradcheckResult result = gradcheck(nan, {{{2}, {1.0, -1.0}}});
  CHECK_FALSE(result.passed);
  CHECK(result.message.find("vjp of input 0") != std::string::npos);
}

}  // namespace baton::ag
