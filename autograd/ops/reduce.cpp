// Sums, means and largest elements over neighbouring axes.
#include "kernels/reduce.hpp"

#include "autograd/ops.hpp"
#include "autograd/ops/axes.hpp"
#include "kernels/error.hpp"
#include "kernels/gather.hpp"

namespace baton::ag {
namespace {

// y as [outer][inner] = scalar * sum over n of x as [outer][n][inner].
template <class T>
void sum_forward(const Call<T>& c) {
  const AxisSizes s(c);
  if (c.node.shape.rank == 0) {  // the whole array: summed in double
    c.y()[0] = static_cast<T>(kernels::sum<T>(s.n, c.x(0))) * c.node.scalars[0];
  } else {
    kernels::sum_axis<T>(s.outer, s.n, s.inner, c.node.scalars[0], c.x(0), c.y(), false);
  }
}

// Every summed element gets scalar * u.
template <class T>
void sum_vjp(const Call<T>& c) {
  const AxisSizes s(c);
  T* gx = c.gradient(0);
  for (std::int64_t o = 0; o < s.outer; ++o) {
    const T* u = c.u() + o * s.inner;
    T* slab = gx + o * s.n * s.inner;
    if (s.inner == 1) {
      for (std::int64_t k = 0; k < s.n; ++k) slab[k] += c.node.scalars[0] * u[0];
      continue;
    }
    for (std::int64_t k = 0; k < s.n; ++k)
      kernels::axpy<T>(s.inner, c.node.scalars[0], u, slab + k * s.inner);
  }
}

template <class T>
void sum_jvp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::sum_axis<T>(s.outer, s.n, s.inner, c.node.scalars[0], c.tangent(0), c.y_dot(), false);
}

// ---- y = max over n; the derivative belongs to the element that was taken, the first of equals

template <class T>
void max_forward(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::max_axis<T>(s.outer, s.n, s.inner, c.x(0), c.y(), c.node.indices);
}
template <class T>
void max_vjp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::scatter_add_along<T>(s.outer, s.n, s.inner, c.u(), c.node.indices, c.gradient(0));
}
template <class T>
void max_jvp(const Call<T>& c) {
  const AxisSizes s(c);
  kernels::gather_along<T>(s.outer, s.n, s.inner, c.tangent(0), c.node.indices, c.y_dot());
}

// The node of a reduction over the axes first..last-1.
template <class T>
Node<T> draft_of(const Rule<T>& rule, const Shape& s, int first, int last) {
  BATON_REQUIRE(0 <= first && first <= last && last <= s.rank, "{}: axes {}..{} of shape {}", rule.name,
                first, last - 1, s.text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = without_axes(s, first, last);
  draft.integers = {first, last, 0, 0};
  return draft;
}

}  // namespace

template <class T>
Var sum(Tape<T>& tape, Var x, int first, int last) {
  static const Rule<T> rule = {"sum", sum_forward<T>, sum_vjp<T>, sum_jvp<T>};
  Node<T> draft = draft_of(rule, tape.shape(x), first, last);
  draft.scalars[0] = T(1);
  return tape.record(draft, {x});
}
template <class T>
Var sum(Tape<T>& tape, Var x) {
  return sum(tape, x, 0, tape.shape(x).rank);
}
template <class T>
Var mean(Tape<T>& tape, Var x, int first, int last) {
  static const Rule<T> rule = {"mean", sum_forward<T>, sum_vjp<T>, sum_jvp<T>};
  Node<T> draft = draft_of(rule, tape.shape(x), first, last);
  const std::size_t n = tape.shape(x).span(first, last);
  BATON_REQUIRE(n > 0, "mean: over no element (axes {}..{} of shape {})", first, last - 1,
                tape.shape(x).text());
  draft.scalars[0] = T(1) / static_cast<T>(n);
  return tape.record(draft, {x});
}
template <class T>
Var mean(Tape<T>& tape, Var x) {
  return mean(tape, x, 0, tape.shape(x).rank);
}

template <class T>
Var max(Tape<T>& tape, Var x, int first, int last) {
  static const Rule<T> rule = {"max", max_forward<T>, max_vjp<T>, max_jvp<T>};
  Node<T> draft = draft_of(rule, tape.shape(x), first, last);
  BATON_REQUIRE(tape.shape(x).span(first, last) > 0, "max: over no element (axes {}..{} of shape {})", first,
                last - 1, tape.shape(x).text());
  draft.indices = tape.indices(draft.shape.size());
  return tape.record(draft, {x});
}
template <class T>
Var max(Tape<T>& tape, Var x) {
  return max(tape, x, 0, tape.shape(x).rank);
}

#define BATON_INSTANTIATE(T)                  \
  template Var sum(Tape<T>&, Var, int, int);  \
  template Var sum(Tape<T>&, Var);            \
  template Var mean(Tape<T>&, Var, int, int); \
  template Var mean(Tape<T>&, Var);           \
  template Var max(Tape<T>&, Var, int, int);  \
  template Var max(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
