#pragma once
// Symmetric matrices of a few rows, factored and applied with every index known to the compiler: a loop over rows whose
// ends are read from tables spends five instructions on finding a number for one on the number.
//
//   mul_dense                   y = A x
//   factor_ltdl, solve_ltdl     A = L' D L, from the last row up: what is zero for want of a common branch of a tree
//                               stays an exact zero, so that its inertia may be taken as dense; x <- A^-1 x
//   factor_ldlt, solve_ldlt     A = L D L', from the first row down, operation by operation as in envelope.hpp; x alike
//
// L (unit) is below the diagonal; inverse[i] = 1 / D_i. Lower triangles only, packed row by row. Golub,
// Van Loan, Matrix Computations, 4.1; Featherstone, Rigid Body Dynamics Algorithms, 6.5.
#include <type_traits>

#include "envs/sim/number.hpp"

namespace baton::sim {

inline constexpr int kMaxDense = 9;  // rows: an arm with two fingers

// Where row i of a packed lower triangle begins; of i rows, its size.
BATON_INLINE constexpr int packed_row(int i) { return i * (i + 1) / 2; }

// f(Index<n>) for n in 1 .. kMaxDense.
template <int N = 1, class F>
BATON_INLINE void with_size(int n, const F& f) {
  if constexpr (N == kMaxDense) {
    f(Index<N>{});
  } else {
    n == N ? f(Index<N>{}) : with_size<N + 1>(n, f);
  }
}

// A <- L with D on the diagonal.
template <int N, class T>
BATON_HD void factor_ltdl(T* A, T* inverse) {
  T D[N];
  repeat<0, N>([&](auto up) BATON_INLINE_LAMBDA {
    constexpr int i = N - 1 - up;
    T row[i + 1];
    repeat<0, i + 1>([&](auto j) BATON_INLINE_LAMBDA { row[j] = A[packed_row(i) + j]; });
    repeat<i + 1, N>([&](auto k) BATON_INLINE_LAMBDA {
      const T w = A[packed_row(k) + i] * D[k];
      repeat<0, i + 1>([&](auto j) BATON_INLINE_LAMBDA { row[j] -= w * A[packed_row(k) + j]; });
    });
    D[i] = row[i];
    const T inv = T(scalar_t<T>(1)) / D[i];
    inverse[i] = inv;
    A[packed_row(i) + i] = D[i];
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { A[packed_row(i) + j] = row[j] * inv; });
  });
}

template <int N, class T>
BATON_HD void solve_ltdl(const T* LD, const T* inverse, T* x) {
  T y[N];
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { y[i] = x[i]; });
  repeat<0, N>([&](auto up) BATON_INLINE_LAMBDA {
    constexpr int i = N - 1 - up;
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[j] -= LD[packed_row(i) + j] * y[i]; });
  });
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    y[i] *= inverse[i];
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[i] -= LD[packed_row(i) + j] * y[j]; });
    x[i] = y[i];
  });
}

// A <- L; the diagonal is left. Pivots below `least` are lifted to it.
template <int N, class T>
BATON_HD void factor_ldlt(T* A, T* inverse, const T& least) {
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    T row[i + 1];
    repeat<0, i + 1>([&](auto j) BATON_INLINE_LAMBDA { row[j] = A[packed_row(i) + j]; });
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA {
      repeat<0, j>([&](auto k) BATON_INLINE_LAMBDA { row[j] -= row[k] * A[packed_row(j) + k]; });
    });
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA {
      const T l = row[j] * inverse[j];
      row[i] -= l * row[j];
      A[packed_row(i) + j] = l;
    });
    inverse[i] = T(scalar_t<T>(1)) / select(row[i] < least, least, row[i]);
  });
}

// x <- D^-1 L^-1 x. Apart from the rest of solve_ldlt(), and never inlined there: a compiler that sees both may
// contract (x / D) - l y the other way round, and the bits of a lane must not depend on who else is in its problem.
template <int N, class T>
[[gnu::noinline]] BATON_HD void solve_lower(const T* L, const T* inverse, T* x) {
  T y[N];
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    y[i] = x[i];
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[i] -= L[packed_row(i) + j] * y[j]; });
  });
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { x[i] = y[i] * inverse[i]; });
}

template <int N, class T>
BATON_HD void solve_ldlt(const T* L, const T* inverse, T* x) {
  solve_lower<N>(L, inverse, x);
  T y[N];
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { y[i] = x[i]; });
  repeat<0, N>([&](auto up) BATON_INLINE_LAMBDA {
    constexpr int i = N - 1 - up;
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[j] -= L[packed_row(i) + j] * y[i]; });
  });
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { x[i] = y[i]; });
}

// x and y must not overlap.
template <int N, class T>
BATON_HD void mul_dense(const T* A, const T* x, T* y) {
  T in[N], out[N];
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { in[i] = x[i]; });
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    out[i] = A[packed_row(i) + i] * in[i];
    repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA {
      const T a = A[packed_row(i) + j];
      out[i] += a * in[j];
      out[j] += a * in[i];
    });
  });
  repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { y[i] = out[i]; });
}

}  // namespace baton::sim
