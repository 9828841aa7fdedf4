// Matrix product and bias.
#include <algorithm>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

using kernels::Transpose;

template <class T>
struct Sizes {
  Transpose ta, tb;
  int m, n, k;
  int lda, ldb;
  explicit Sizes(const Call<T>& c)
      : ta(static_cast<Transpose>(c.node.integers[0] != 0)),
        tb(static_cast<Transpose>(c.node.integers[1] != 0)),
        m(c.node.shape[0]),
        n(c.node.shape[1]),
        k(c.shape(0)[ta == Transpose::kYes ? 0 : 1]),
        lda(c.shape(0)[1]),
        ldb(c.shape(1)[1]) {}
};

Transpose flip(Transpose t) { return t == Transpose::kYes ? Transpose::kNo : Transpose::kYes; }

template <class T>
void product(const Sizes<T>& s, const T* a, const T* b, T beta, T* out) {
  kernels::gemm<T>(s.ta, s.tb, s.m, s.n, s.k, T(1), a, s.lda, b, s.ldb, beta, out, s.n);
}

// y = op(a) op(b)
template <class T>
void matmul_forward(const Call<T>& c) {
  product<T>(Sizes<T>(c), c.x(0), c.x(1), T(0), c.y());
}

// op(A)' gradient: U op(B)'; A's own is that, or its transpose op(B) U'. The same for B: op(A)' U, or U'
// op(A).
template <class T>
void matmul_vjp(const Call<T>& c) {
  const Sizes<T> s(c);
  if (T* ga = c.gradient(0)) {
    if (s.ta == Transpose::kNo) {
      kernels::gemm<T>(Transpose::kNo, flip(s.tb), s.m, s.k, s.n, T(1), c.u(), s.n, c.x(1), s.ldb, T(1), ga,
                       s.lda);
    } else {
      kernels::gemm<T>(s.tb, Transpose::kYes, s.k, s.m, s.n, T(1), c.x(1), s.ldb, c.u(), s.n, T(1), ga,
                       s.lda);
    }
  }
  if (T* gb = c.gradient(1)) {
    if (s.tb == Transpose::kNo) {
      kernels::gemm<T>(flip(s.ta), Transpose::kNo, s.k, s.n, s.m, T(1), c.x(0), s.lda, c.u(), s.n, T(1), gb,
                       s.ldb);
    } else {
      kernels::gemm<T>(Transpose::kYes, s.ta, s.n, s.k, s.m, T(1), c.u(), s.n, c.x(0), s.lda, T(1), gb,
                       s.ldb);
    }
  }
}

// dy = op(da) op(b) + op(a) op(db)
template <class T>
void matmul_jvp(const Call<T>& c) {
  const Sizes<T> s(c);
  T beta = T(0);
  if (const T* da = c.tangent(0)) product<T>(s, da, c.x(1), beta, c.y_dot()), beta = T(1);
  if (const T* db = c.tangent(1)) product<T>(s, c.x(0), db, beta, c.y_dot());
}

// y = x + b on every row
template <class T>
void bias_forward(const Call<T>& c) {
  const int width = c.shape(1)[0];
  std::copy(c.x(0), c.x(0) + c.size(), c.y());
  kernels::bias_unary<T>(kernels::Unary::kIdentity, c.size() / width, width, c.x(1), c.y(), nullptr);
}

template <class T>
void bias_vjp(const Call<T>& c) {
  const int width = c.shape(1)[0];
  if (T* gx = c.gradient(0)) kernels::axpy<T>(c.size(), T(1), c.u(), gx);
  if (T* gb = c.gradient(1)) kernels::sum_axis<T>(1, c.size() / width, width, T(1), c.u(), gb, true);
}

template <class T>
void bias_jvp(const Call<T>& c) {
  const int width = c.shape(1)[0];
  const T* dx = c.tangent(0);
  std::fill_n(c.y_dot(), c.size(), T(0));
  if (dx != nullptr) std::copy(dx, dx + c.size(), c.y_dot());
  if (const T* db = c.tangent(1)) {
    kernels::bias_unary<T>(kernels::Unary::kIdentity, c.size() / width, width, db, c.y_dot(), nullptr);
  }
}

}  // namespace

template <class T>
Var matmul(Tape<T>& tape, Var a, Var b, bool transpose_a, bool transpose_b) {
  static const Rule<T> rule = {"matmul", matmul_forward<T>, matmul_vjp<T>, matmul_jvp<T>};
  const Shape &sa = tape.shape(a), &sb = tape.shape(b);
  BATON_REQUIRE(sa.rank == 2 && sb.rank == 2, "matmul: two matrices are wanted, the shapes are {} and {}",
                sa.text(), sb.text());
  const int m = sa[transpose_a ? 1 : 0], k = sa[transpose_a ? 0 : 1];
  const int k_b = sb[transpose_b ? 1 : 0], n = sb[transpose_b ? 0 : 1];
  BATON_REQUIRE(k == k_b, "matmul: k mismatch (a {}{}, b {}{})", sa.text(), transpose_a ? "'" : "", sb.text(),
                transpose_b ? "'" : "");
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = {m, n};
  draft.integers = {transpose_a, transpose_b, 0, 0};
  return tape.record(draft, {a, b});
}

template <class T>
Var bias(Tape<T>& tape, Var x, Var b) {
  static const Rule<T> rule = {"bias", bias_forward<T>, bias_vjp<T>, bias_jvp<T>};
  const Shape &sx = tape.shape(x), &sb = tape.shape(b);
  BATON_REQUIRE(sx.rank >= 1 && sb.rank == 1 && sb[0] > 0 && sx[sx.rank - 1] == sb[0],
                "bias: x {} wants a bias of its last extent, this one is {}", sx.text(), sb.text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = sx;
  return tape.record(draft, {x, b});
}

#define BATON_INSTANTIATE(T)                           \
  template Var matmul(Tape<T>&, Var, Var, bool, bool); \
  template Var bias(Tape<T>&, Var, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
