#include <array>

#include "autograd/ops.hpp"

namespace baton::ag {

std::span<const char* const> rule_names() {
  // clang-format off
  static constexpr std::array kNames = {
      "add", "sub", "mul", "div", "minimum", "maximum", "where",
      "identity", "tanh", "relu", "elu", "gelu", "silu", "softplus", "sigmoid", "exp", "log", "square", "sqrt",
      "negate", "scale", "clamp", "stop_gradient",
      "matmul", "bias",
      "sum", "mean", "max",
      "softmax", "log_softmax", "log_sum_exp", "layer_norm",
      "concat", "slice", "reshape", "transpose", "gather_rows", "scatter_add_rows",
      "gaussian_log_prob", "gaussian_kl", "gaussian_entropy",
      "categorical_log_prob", "categorical_kl", "categorical_entropy",
      "mlp"};
  // clang-format on
  return kNames;
}

}  // namespace baton::ag
