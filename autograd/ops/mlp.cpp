// A whole network as one operation.
#include "autograd/ops.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

template <class T>
std::span<const T> theta(const Call<T>& c) {
  return {c.x(0), c.shape(0).size()};
}

template <class T>
void mlp_forward(const Call<T>& c) {
  c.node.pass->forward(theta(c), c.x(1), c.shape(1)[0]);
  c.node.value = c.node.pass->output().data();
}

template <class T>
void mlp_vjp(const Call<T>& c) {
  T* g_theta = c.gradient(0);
  T* g_x = c.gradient(1);
  const std::size_t n_theta = c.shape(0).size(), n_x = c.shape(1).size();
  T* dx = g_x != nullptr ? c.tape.scratch(n_x) : nullptr;
  c.node.pass->vjp(theta(c), c.u(), g_theta != nullptr ? std::span<T>(g_theta, n_theta) : std::span<T>(), dx);
  if (g_x != nullptr) kernels::axpy<T>(static_cast<std::int64_t>(n_x), T(1), dx, g_x);
}

template <class T>
void mlp_jvp(const Call<T>& c) {
  const T* v = c.tangent(0);
  c.node.pass->jvp(theta(c), v != nullptr ? std::span<const T>(v, c.shape(0).size()) : std::span<const T>(),
                   c.y_dot(), c.tangent(1));
}

}  // namespace

template <class T>
Var mlp(Tape<T>& tape, const MlpSpec& spec, Var theta, Var x) {
  static const Rule<T> rule = {"mlp", mlp_forward<T>, mlp_vjp<T>, mlp_jvp<T>};
  const Shape &st = tape.shape(theta), &sx = tape.shape(x);
  const int n = parameter_count(spec);
  BATON_REQUIRE(st.rank == 1 && st[0] == n, "mlp: theta has shape {}, the network {} parameters", st.text(),
                n);
  BATON_REQUIRE(sx.rank == 2 && sx[1] == spec.in, "mlp: x has shape {}, the network {} inputs", sx.text(),
                spec.in);
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = {sx[0], spec.out};
  draft.pass = &tape.mlp_pass();
  draft.pass->prepare(spec);
  return tape.record(draft, {theta, x}, false);
}

template Var mlp(Tape<float>&, const MlpSpec&, Var, Var);
template Var mlp(Tape<double>&, const MlpSpec&, Var, Var);

}  // namespace baton::ag
