// Categorical distributions given by logits along the last axis.
#include "kernels/categorical.hpp"

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

template <class T>
int classes(const Call<T>& c) {
  return c.shape(0)[c.shape(0).rank - 1];
}
template <class T>
std::size_t numbers(const Call<T>& c) {
  return c.shape(0).size();
}
template <class T>
void add(std::size_t n, const T* term, T* sum) {
  kernels::axpy<T>(static_cast<std::int64_t>(n), T(1), term, sum);
}

// out[r] (+)= sum_k slope[r][k] tangent[r][k]; slope is overwritten.
template <class T>
void row_products(const Call<T>& c, T* slope, const T* tangent, bool accumulate) {
  const auto n = static_cast<std::int64_t>(numbers(c));
  kernels::binary<T>(kernels::Binary::kMul, n, slope, 1, tangent, 1, slope);
  kernels::sum_axis<T>(c.size(), classes(c), 1, T(1), slope, c.y_dot(), accumulate);
}

// ---- l[r] = ln p[r][index[r]],  dl/dx[k] = (k == index) - p[k]

template <class T>
void log_prob_forward(const Call<T>& c) {
  kernels::categorical_log_prob<T>(c.size(), classes(c), c.x(0), c.node.indices, c.y());
}
template <class T>
void log_prob_vjp(const Call<T>& c) {
  T* d = c.tape.scratch(numbers(c));
  kernels::categorical_log_prob_vjp<T>(c.size(), classes(c), c.x(0), c.node.indices, c.u(), d);
  add(numbers(c), d, c.gradient(0));
}
template <class T>
void log_prob_jvp(const Call<T>& c) {
  T* slope = c.tape.scratch(numbers(c));
  kernels::categorical_log_prob_vjp<T>(c.size(), classes(c), c.x(0), c.node.indices, nullptr, slope);
  row_products(c, slope, c.tangent(0), false);
}

// ---- KL[r] = sum_k p[k] (ln p[k] - ln q[k]),  by p's logits p (ln p - ln q - KL), by q's q - p

template <class T>
void kl_forward(const Call<T>& c) {
  kernels::categorical_kl<T>(c.size(), classes(c), c.x(0), c.x(1), c.y());
}
template <class T>
void kl_vjp(const Call<T>& c) {
  T *gp = c.gradient(0), *gq = c.gradient(1);
  T* d_p = c.tape.scratch(2 * numbers(c));
  T* d_q = d_p + numbers(c);
  kernels::categorical_kl_vjp<T>(c.size(), classes(c), c.x(0), c.x(1), c.u(), gp != nullptr ? d_p : nullptr,
                                 gq != nullptr ? d_q : nullptr);
  if (gp != nullptr) add(numbers(c), d_p, gp);
  if (gq != nullptr) add(numbers(c), d_q, gq);
}
template <class T>
void kl_jvp(const Call<T>& c) {
  T* by_p = c.tape.scratch(2 * numbers(c));
  T* by_q = by_p + numbers(c);
  kernels::categorical_kl_vjp<T>(c.size(), classes(c), c.x(0), c.x(1), nullptr, by_p, by_q);
  bool there = false;
  if (const T* t = c.tangent(0)) row_products(c, by_p, t, there), there = true;
  if (const T* t = c.tangent(1)) row_products(c, by_q, t, there);
}

// ---- H[r] = -sum_k p[k] ln p[k],  dH/dx[k] = -p[k] (ln p[k] + H)

template <class T>
void entropy_forward(const Call<T>& c) {
  kernels::categorical_entropy<T>(c.size(), classes(c), c.x(0), c.y());
}
template <class T>
void entropy_vjp(const Call<T>& c) {
  T* d = c.tape.scratch(numbers(c));
  kernels::categorical_entropy_vjp<T>(c.size(), classes(c), c.x(0), c.u(), d);
  add(numbers(c), d, c.gradient(0));
}
template <class T>
void entropy_jvp(const Call<T>& c) {
  T* slope = c.tape.scratch(numbers(c));
  kernels::categorical_entropy_vjp<T>(c.size(), classes(c), c.x(0), nullptr, slope);
  row_products(c, slope, c.tangent(0), false);
}

template <class T>
Node<T> draft_of(const Rule<T>& rule, const Shape& logits) {
  BATON_REQUIRE(logits.rank >= 1 && logits[logits.rank - 1] > 0,
                "{}: logits [..., classes] with at least one class are wanted, the shape is {}", rule.name,
                logits.text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = without_axes(logits, logits.rank - 1, logits.rank);
  return draft;
}

}  // namespace

template <class T>
Var categorical_log_prob(Tape<T>& tape, Var logits, std::span<const std::int32_t> index) {
  static const Rule<T> rule = {"categorical_log_prob", log_prob_forward<T>, log_prob_vjp<T>, log_prob_jvp<T>};
  const Shape& shape = tape.shape(logits);
  Node<T> draft = draft_of(rule, shape);
  BATON_REQUIRE(index.size() == draft.shape.size(), "{}: logits {} want {} class numbers, these are [{}]",
                rule.name, shape.text(), draft.shape.size(), index.size());
  draft.indices = tape.copy_indices(rule.name, index, shape[shape.rank - 1]);
  return tape.record(draft, {logits});
}

template <class T>
Var categorical_kl(Tape<T>& tape, Var logits_p, Var logits_q) {
  static const Rule<T> rule = {"categorical_kl", kl_forward<T>, kl_vjp<T>, kl_jvp<T>};
  BATON_REQUIRE(tape.shape(logits_p) == tape.shape(logits_q), "{}: shapes {} and {} differ", rule.name,
                tape.shape(logits_p).text(), tape.shape(logits_q).text());
  return tape.record(draft_of(rule, tape.shape(logits_p)), {logits_p, logits_q});
}

template <class T>
Var categorical_entropy(Tape<T>& tape, Var logits) {
  static const Rule<T> rule = {"categorical_entropy", entropy_forward<T>, entropy_vjp<T>, entropy_jvp<T>};
  return tape.record(draft_of(rule, tape.shape(logits)), {logits});
}

#define BATON_INSTANTIATE(T)                                                       \
  template Var categorical_log_prob(Tape<T>&, Var, std::span<const std::int32_t>); \
  template Var categorical_kl(Tape<T>&, Var, Var);                                 \
  template Var categorical_entropy(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
