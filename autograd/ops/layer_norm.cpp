// Layer normalisation along the last axis.
#include "kernels/layer_norm.hpp"

#include <cmath>

#include "autograd/ops.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

// x as [rows][dim]; the node keeps the rows' means, then the inverses of their standard deviations.
template <class T>
struct Sizes {
  std::int64_t rows;
  int dim;
  T *mean, *inverse;
  explicit Sizes(const Call<T>& c) : dim(c.shape(1)[0]), mean(c.node.kept) {
    rows = c.size() / dim;
    inverse = mean + rows;
  }
};

// y = gain n + bias,  n = (x - mean) inverse
template <class T>
void layer_norm_forward(const Call<T>& c) {
  const Sizes<T> s(c);
  kernels::layer_norm<T>(s.rows, s.dim, c.node.scalars[0], c.x(0), c.x(1), c.x(2), c.y(), s.mean, s.inverse);
}

template <class T>
void layer_norm_vjp(const Call<T>& c) {
  const Sizes<T> s(c);
  T *gx = c.gradient(0), *gain = c.gradient(1), *bias = c.gradient(2);
  T* d_x = c.tape.scratch(static_cast<std::size_t>(c.size() + s.dim));
  T* unwanted = d_x + c.size();  // gain and bias get theirs together
  if (gain != nullptr && bias == nullptr) bias = unwanted;
  if (bias != nullptr && gain == nullptr) gain = unwanted;
  kernels::layer_norm_vjp<T>(s.rows, s.dim, c.x(0), c.x(1), s.mean, s.inverse, c.u(),
                             gx != nullptr ? d_x : nullptr, gain, bias);
  if (gx != nullptr) kernels::axpy<T>(c.size(), T(1), d_x, gx);
}

template <class T>
void layer_norm_jvp(const Call<T>& c) {
  const Sizes<T> s(c);
  kernels::layer_norm_jvp<T>(s.rows, s.dim, c.x(0), c.x(1), s.mean, s.inverse, c.tangent(0), c.tangent(1),
                             c.tangent(2), c.y_dot());
}

}  // namespace

template <class T>
Var layer_norm(Tape<T>& tape, Var x, Var gain, Var bias, T epsilon) {
  static const Rule<T> rule = {"layer_norm", layer_norm_forward<T>, layer_norm_vjp<T>, layer_norm_jvp<T>};
  const Shape &sx = tape.shape(x), &sg = tape.shape(gain), &sb = tape.shape(bias);
  BATON_REQUIRE(sx.rank >= 1 && sx[sx.rank - 1] > 0 && sg.rank == 1 && sg[0] == sx[sx.rank - 1] && sb == sg,
                "layer_norm: x {} wants a gain and a bias of its last extent, these are {} and {}", sx.text(),
                sg.text(), sb.text());
  BATON_REQUIRE(epsilon > T(0) && std::isfinite(epsilon),
                "layer_norm: epsilon {} must be finite and > 0 (x {})", epsilon, sx.text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = sx;
  draft.scalars[0] = epsilon;
  draft.kept = tape.memory(2 * sx.span(0, sx.rank - 1));
  return tape.record(draft, {x, gain, bias});
}

template Var layer_norm(Tape<float>&, Var, Var, Var, float);
template Var layer_norm(Tape<double>&, Var, Var, Var, double);

}  // namespace baton::ag
