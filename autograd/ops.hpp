#pragma once
// The public list of operations on a tape. Each checks shapes (throws Error naming them), computes at once,
// and has a vjp and a jvp; its text is autograd/ops/<file>.cpp. T is float or double.
#include <cstdint>
#include <initializer_list>
#include <span>

#include "autograd/tape.hpp"
#include "kernels/elementwise.hpp"

namespace baton::ag {

// ops/binary.cpp: shapes of the operands broadcast as in tensor.hpp.
template <class T>
Var add(Tape<T>& tape, Var a, Var b);
template <class T>
Var sub(Tape<T>& tape, Var a, Var b);
template <class T>
Var mul(Tape<T>& tape, Var a, Var b);
template <class T>
Var div(Tape<T>& tape, Var a, Var b);
// Of equal operands, the first gets the gradient.
template <class T>
Var minimum(Tape<T>& tape, Var a, Var b);
template <class T>
Var maximum(Tape<T>& tape, Var a, Var b);
// condition != 0 ? a : b; the condition depends on no parameter, and no derivative goes through it.
template <class T>
Var where(Tape<T>& tape, Var condition, Var a, Var b);

// ops/elementwise.cpp
template <class T>
Var unary(Tape<T>& tape, kernels::Unary op, Var x);  // formulas: kernels/elementwise.hpp
template <class T>
Var tanh(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kTanh, x);
}
template <class T>
Var relu(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kRelu, x);
}
template <class T>
Var elu(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kElu, x);
}
template <class T>
Var gelu(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kGelu, x);
}
template <class T>
Var silu(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kSilu, x);
}
template <class T>
Var softplus(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kSoftplus, x);
}
template <class T>
Var sigmoid(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kSigmoid, x);
}
template <class T>
Var exp(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kExp, x);
}
template <class T>
Var log(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kLog, x);
}
template <class T>
Var square(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kSquare, x);
}
template <class T>
Var sqrt(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kSqrt, x);
}
template <class T>
Var negate(Tape<T>& tape, Var x) {
  return unary(tape, kernels::Unary::kNegate, x);
}
template <class T>
Var scale(Tape<T>& tape, Var x, T factor);  // factor x
// x within [low, high], else the nearer end; the derivative is 1 within, the ends included, and 0 outside.
template <class T>
Var clamp(Tape<T>& tape, Var x, T low, T high);
template <class T>
Var stop_gradient(Tape<T>& tape, Var x);  // x, with no gradient and no tangent through it

// ops/matmul.cpp: op(a) op(b) of two matrices; bias(x [..., c], b [c]) = x + b on every row.
template <class T>
Var matmul(Tape<T>& tape, Var a, Var b, bool transpose_a = false, bool transpose_b = false);
template <class T>
Var bias(Tape<T>& tape, Var x, Var b);

// ops/reduce.cpp: over the axes first..last-1, which leave the shape; without axes, over all, giving rank 0.
template <class T>
Var sum(Tape<T>& tape, Var x, int first, int last);
template <class T>
Var sum(Tape<T>& tape, Var x);
template <class T>
Var mean(Tape<T>& tape, Var x, int first, int last);
template <class T>
Var mean(Tape<T>& tape, Var x);
// The largest element; the first of equals gets the gradient.
template <class T>
Var max(Tape<T>& tape, Var x, int first, int last);
template <class T>
Var max(Tape<T>& tape, Var x);

// ops/softmax.cpp: along one axis, without one the last; formulas in kernels/softmax.hpp. log_sum_exp's axis
// leaves the shape.
template <class T>
Var softmax(Tape<T>& tape, Var x, int axis);
template <class T>
Var softmax(Tape<T>& tape, Var x);
template <class T>
Var log_softmax(Tape<T>& tape, Var x, int axis);
template <class T>
Var log_softmax(Tape<T>& tape, Var x);
template <class T>
Var log_sum_exp(Tape<T>& tape, Var x, int axis);
template <class T>
Var log_sum_exp(Tape<T>& tape, Var x);

// ops/layer_norm.cpp: every row of x [..., d] to mean 0 and variance 1, times gain [d], plus bias [d].
template <class T>
Var layer_norm(Tape<T>& tape, Var x, Var gain, Var bias, T epsilon = T(1e-5));

// ops/shape.cpp
template <class T>
Var concat(Tape<T>& tape, std::span<const Var> parts, int axis);  // 1 to 16 parts
template <class T>
Var concat(Tape<T>& tape, std::initializer_list<Var> parts, int axis) {
  return concat(tape, std::span<const Var>(parts.begin(), parts.size()), axis);
}
template <class T>
Var slice(Tape<T>& tape, Var x, int axis, int begin, int end);  // begin..end-1 of one axis
template <class T>
Var reshape(Tape<T>& tape, Var x, const Shape& shape);  // same size; no copy
template <class T>
Var transpose(Tape<T>& tape, Var x, int axis_a, int axis_b);  // exchanges two axes
template <class T>
Var transpose(Tape<T>& tape, Var x);  // of a matrix
// Rows index[i] of x [rows, ...], index checked and copied; repeated rows are allowed.
template <class T>
Var gather_rows(Tape<T>& tape, Var x, std::span<const std::int32_t> index);
// [rows, ...] of zeros to which row i of x [n, ...] is added at index[i], i ascending; index as above.
template <class T>
Var scatter_add_rows(Tape<T>& tape, Var x, std::span<const std::int32_t> index, int rows);

// ops/gaussian.cpp: diagonal Gaussians, formulas in kernels/gaussian.hpp. x, means [n, d]; log_stds [d];
// results [n].
template <class T>
Var gaussian_log_prob(Tape<T>& tape, Var x, Var mean, Var log_std);
template <class T>
Var gaussian_kl(Tape<T>& tape, Var mean_p, Var log_std_p, Var mean_q, Var log_std_q);
template <class T>
Var gaussian_entropy(Tape<T>& tape, Var log_std);  // rank 0

// ops/categorical.cpp: categorical distributions over logits [..., classes], formulas in kernels/categorical.hpp;
// results [...]. index holds one class for each result, checked and copied.
template <class T>
Var categorical_log_prob(Tape<T>& tape, Var logits, std::span<const std::int32_t> index);
template <class T>
Var categorical_kl(Tape<T>& tape, Var logits_p, Var logits_q);
template <class T>
Var categorical_entropy(Tape<T>& tape, Var logits);

// ops/mlp.cpp: the network of autograd/mlp.hpp; theta [parameter_count(spec)], x [n, in], result [n, out].
template <class T>
Var mlp(Tape<T>& tape, const MlpSpec& spec, Var theta, Var x);

// Names of all rules that can stand on a tape, for the test that every one of them is checked.
std::span<const char* const> rule_names();

}  // namespace baton::ag
