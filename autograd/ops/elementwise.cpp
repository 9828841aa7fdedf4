// Functions of one array, element by element.
#include "kernels/elementwise.hpp"

#include <array>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

using kernels::Binary;
using kernels::Unary;

// ---- y = f(x)

template <class T>
Unary unary_of(const Call<T>& c) {
  return static_cast<Unary>(c.node.integers[0]);
}
template <class T>
void unary_forward(const Call<T>& c) {
  kernels::unary<T>(unary_of(c), c.size(), c.x(0), c.y());
}
template <class T>
void unary_vjp(const Call<T>& c) {
  kernels::unary_derivative<T>(unary_of(c), c.size(), c.x(0), c.y(), c.u(), c.gradient(0), true);
}
template <class T>
void unary_jvp(const Call<T>& c) {
  kernels::unary_derivative<T>(unary_of(c), c.size(), c.x(0), c.y(), c.tangent(0), c.y_dot(), false);
}

// ---- y = s x

template <class T>
void scale_forward(const Call<T>& c) {
  kernels::binary<T>(Binary::kMul, c.size(), c.x(0), 1, &c.node.scalars[0], 0, c.y());
}
template <class T>
void scale_vjp(const Call<T>& c) {
  kernels::axpy<T>(c.size(), c.node.scalars[0], c.u(), c.gradient(0));
}
template <class T>
void scale_jvp(const Call<T>& c) {
  kernels::binary<T>(Binary::kMul, c.size(), c.tangent(0), 1, &c.node.scalars[0], 0, c.y_dot());
}

// ---- y = x within [low, high]; the derivative is 1 there, the ends included

template <class T>
void clamp_forward(const Call<T>& c) {
  kernels::clamp<T>(c.size(), c.node.scalars[0], c.node.scalars[1], c.x(0), c.y());
}
template <class T>
void clamp_vjp(const Call<T>& c) {
  kernels::clamp_derivative<T>(c.size(), c.node.scalars[0], c.node.scalars[1], c.x(0), c.u(), c.gradient(0),
                               true);
}
template <class T>
void clamp_jvp(const Call<T>& c) {
  kernels::clamp_derivative<T>(c.size(), c.node.scalars[0], c.node.scalars[1], c.x(0), c.tangent(0),
                               c.y_dot(), false);
}

}  // namespace

template <class T>
Var unary(Tape<T>& tape, Unary op, Var x) {
  static const std::array<Rule<T>, kernels::kUnaryCount> rules = [] {
    std::array<Rule<T>, kernels::kUnaryCount> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = {kernels::unary_name(static_cast<Unary>(i)), unary_forward<T>, unary_vjp<T>, unary_jvp<T>};
    }
    return made;
  }();
  Node<T> draft;
  draft.rule = &rules[static_cast<std::size_t>(op)];
  draft.shape = tape.shape(x);
  draft.integers[0] = static_cast<int>(op);
  return tape.record(draft, {x});
}

template <class T>
Var scale(Tape<T>& tape, Var x, T factor) {
  static const Rule<T> rule = {"scale", scale_forward<T>, scale_vjp<T>, scale_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  draft.scalars[0] = factor;
  return tape.record(draft, {x});
}

template <class T>
Var clamp(Tape<T>& tape, Var x, T low, T high) {
  static const Rule<T> rule = {"clamp", clamp_forward<T>, clamp_vjp<T>, clamp_jvp<T>};
  BATON_REQUIRE(low <= high, "clamp: low {} is above high {} (x {})", low, high, tape.shape(x).text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  draft.scalars = {low, high};
  return tape.record(draft, {x});
}

template <class T>
Var stop_gradient(Tape<T>& tape, Var x) {
  static const Rule<T> rule = {"stop_gradient",
                               [](const Call<T>& c) { c.node.value = c.tape.input(c.node, 0).value; },
                               nullptr, nullptr};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  return tape.record(draft, {x}, false);
}

#define BATON_INSTANTIATE(T)                \
  template Var unary(Tape<T>&, Unary, Var); \
  template Var scale(Tape<T>&, Var, T);     \
  template Var clamp(Tape<T>&, Var, T, T);  \
  template Var stop_gradient(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
