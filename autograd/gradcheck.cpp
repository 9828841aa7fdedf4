#include "autograd/gradcheck.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::ag {
namespace {

using Arrays = std::vector<GradcheckInput>;

std::vector<Var> record_leaves(Tape<double>& tape, const Arrays& inputs) {
  std::vector<Var> leaves;
  for (const GradcheckInput& each : inputs) {
    BATON_REQUIRE(each.data.size() == each.shape.size(), "gradcheck: {} numbers for shape {}",
                  each.data.size(), each.shape.text());
    leaves.push_back(tape.parameter(each.data.data(), each.shape));
  }
  return leaves;
}

std::vector<double> evaluate(const TapeFunction& f, const Arrays& inputs) {
  Tape<double> tape;
  const auto leaves = record_leaves(tape, inputs);
  const auto value = tape.value(f(tape, leaves));
  return {value.begin(), value.end()};
}

double dot(std::span<const double> a, std::span<const double> b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

// Keeps the worst disagreement. A NaN disagrees.
void compare(GradcheckResult& result, const std::string& what, double got, double want, double tolerance) {
  const double allowed = tolerance * std::max({1.0, std::fabs(got), std::fabs(want)});
  const double diff = std::fabs(got - want);
  if (diff <= allowed) {
    if (result.passed) result.worst = std::max(result.worst, diff / allowed);
    return;
  }
  const double ratio = std::isnan(diff) ? INFINITY : diff / allowed;
  if (result.passed || ratio > result.worst) {
    result.worst = ratio;
    result.message = fmt::format("{}: {:.15g}, expected {:.15g} (tolerance {:g})", what, got, want, allowed);
  }
  result.passed = false;
}

}  // namespace

GradcheckResult gradcheck(const TapeFunction& f, const Arrays& inputs, const GradcheckOptions& options) {
  GradcheckResult result;
  kernels::Random random(options.seed);
  Tape<double> tape;
  const auto leaves = record_leaves(tape, inputs);
  const Var y = f(tape, leaves);
  std::vector<double> u(tape.value(y).size());
  for (double& each : u) each = static_cast<double>(random.normal());
  std::vector<std::vector<double>> direction;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto& v = direction.emplace_back(inputs[i].data.size());
    for (double& each : v) each = static_cast<double>(random.normal());
    tape.set_tangent(leaves[i], v);
  }
  tape.backward(y, u);
  tape.forward_mode();

  double reverse = 0;  // (J' u) . v
  Arrays moved = inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto gradient = tape.gradient(leaves[i]);
    reverse += dot(gradient, direction[i]);
    for (std::size_t j = 0; j < inputs[i].data.size(); ++j) {
      const double x = inputs[i].data[j], h = options.step * std::max(1.0, std::fabs(x));
      moved[i].data[j] = x + h;
      const auto above = evaluate(f, moved);
      moved[i].data[j] = x - h;
      const auto below = evaluate(f, moved);
      moved[i].data[j] = x;
      double slope = 0;
      for (std::size_t k = 0; k < u.size(); ++k) slope += u[k] * (above[k] - below[k]) / (2 * h);
      compare(result, fmt::format("vjp of input {} element {}", i, j), gradient[j], slope, options.tolerance);
    }
  }

  const auto tangent = tape.tangent(y);
  Arrays ahead = inputs, behind = inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t j = 0; j < inputs[i].data.size(); ++j) {
      ahead[i].data[j] += options.step * direction[i][j];
      behind[i].data[j] -= options.step * direction[i][j];
    }
  }
  const auto above = evaluate(f, ahead), below = evaluate(f, behind);
  double magnitude = 1;
  for (std::size_t k = 0; k < u.size(); ++k) {
    const double slope = (above[k] - below[k]) / (2 * options.step);
    compare(result, fmt::format("jvp at output element {}", k), tangent[k], slope, options.tolerance * 10);
    magnitude += std::fabs(u[k] * tangent[k]);
  }
  compare(result, "u . (J v) against (J' u) . v", dot(u, tangent), reverse,
          options.identity_tolerance * magnitude);
  return result;
}

}  // namespace baton::ag
