// Softmax and its logarithms along one axis.
#include "kernels/softmax.hpp"

#include "autograd/ops.hpp"
#include "autograd/ops/axes.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

// ---- y = e^x / sum e^x; the derivative diag(y) - y y' is symmetric

template <class T>
void softmax_forward(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::softmax<T>(s.outer, s.n, s.inner, c.x(0), c.y());
}
template <class T>
void softmax_vjp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::softmax_derivative<T>(s.outer, s.n, s.inner, c.y(), c.u(), c.gradient(0), true);
}
template <class T>
void softmax_jvp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::softmax_derivative<T>(s.outer, s.n, s.inner, c.y(), c.tangent(0), c.y_dot(), false);
}

// ---- y = x - ln sum e^x

template <class T>
void log_softmax_forward(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_softmax<T>(s.outer, s.n, s.inner, c.x(0), c.y());
}
template <class T>
void log_softmax_vjp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_softmax_vjp<T>(s.outer, s.n, s.inner, c.y(), c.u(), c.gradient(0));
}
template <class T>
void log_softmax_jvp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_softmax_jvp<T>(s.outer, s.n, s.inner, c.y(), c.tangent(0), c.y_dot());
}

// ---- y = ln sum e^x

template <class T>
void log_sum_exp_forward(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_sum_exp<T>(s.outer, s.n, s.inner, c.x(0), c.y());
}
template <class T>
void log_sum_exp_vjp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_sum_exp_vjp<T>(s.outer, s.n, s.inner, c.x(0), c.y(), c.u(), c.gradient(0));
}
template <class T>
void log_sum_exp_jvp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::log_sum_exp_jvp<T>(s.outer, s.n, s.inner, c.x(0), c.y(), c.tangent(0), c.y_dot());
}

template <class T>
Node<T> draft_of(const Rule<T>& rule, const Shape& shape, int axis) {
  BATON_REQUIRE(axis >= 0 && axis < shape.rank && shape[axis] > 0,
                "{}: along axis {} of shape {}: no such axis, or nothing along it", rule.name, axis,
                shape.text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = shape;
  draft.integers = {axis, axis + 1, 0, 0};
  return draft;
}

}  // namespace

template <class T>
Var softmax(Tape<T>& tape, Var x, int axis) {
  static const Rule<T> rule = {"softmax", softmax_forward<T>, softmax_vjp<T>, softmax_jvp<T>};
  return tape.record(draft_of(rule, tape.shape(x), axis), {x});
}
template <class T>
Var softmax(Tape<T>& tape, Var x) {
  return softmax(tape, x, tape.shape(x).rank - 1);
}
template <class T>
Var log_softmax(Tape<T>& tape, Var x, int axis) {
  static const Rule<T> rule = {"log_softmax", log_softmax_forward<T>, log_softmax_vjp<T>, log_softmax_jvp<T>};
  return tape.record(draft_of(rule, tape.shape(x), axis), {x});
}
template <class T>
Var log_softmax(Tape<T>& tape, Var x) {
  return log_softmax(tape, x, tape.shape(x).rank - 1);
}
template <class T>
Var log_sum_exp(Tape<T>& tape, Var x, int axis) {
  static const Rule<T> rule = {"log_sum_exp", log_sum_exp_forward<T>, log_sum_exp_vjp<T>, log_sum_exp_jvp<T>};
  Node<T> draft = draft_of(rule, tape.shape(x), axis);
  draft.shape = without_axes(draft.shape, axis, axis + 1);
  return tape.record(draft, {x});
}
template <class T>
Var log_sum_exp(Tape<T>& tape, Var x) {
  return log_sum_exp(tape, x, tape.shape(x).rank - 1);
}

#define BATON_INSTANTIATE(T)                    \
  template Var softmax(Tape<T>&, Var, int);     \
  template Var softmax(Tape<T>&, Var);          \
  template Var log_softmax(Tape<T>&, Var, int); \
  template Var log_softmax(Tape<T>&, Var);      \
  template Var log_sum_exp(Tape<T>&, Var, int); \
  template Var log_sum_exp(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
