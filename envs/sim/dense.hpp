#pragma once
// Symmetric matrices of a few rows, A = L' D L and what follows from it, with every index known to the compiler: a
// loop over rows whose ends are read from tables spends five instructions on finding a number for one on the number.
//
//   factor_dense   L (unit, below the diagonal) and D (on it) over A or beside it; inverse[i] = 1 / D_i
//   solve_dense    x <- A^-1 x
//   mul_dense      y = A x
//
// Lower triangles only; row i begins at rows(i). Zeros of A above which no other entry stands stay exact zeros, so that
// the inertia of a branched tree may be taken as dense. Golub, Van Loan, Matrix Computations, 4.1; Featherstone, Rigid
// Body Dynamics Algorithms, 6.5, for the order from the last row up.
#include <type_traits>

#include "envs/sim/number.hpp"

namespace baton::sim {

inline constexpr int kMaxDense = 9;  // rows: an arm with two fingers

// Where the rows of a lower triangle begin: `stride` apart, or one after the other.
struct StridedRows {
  std::size_t stride;
  BATON_INLINE std::size_t operator()(int i) const { return static_cast<std::size_t>(i) * stride; }
};
struct PackedRows {
  BATON_INLINE constexpr std::size_t operator()(int i) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(i + 1) / 2;
  }
};

namespace detail {

template <int n>
using Index = std::integral_constant<int, n>;

// f(Index<begin>), ..., f(Index<end - 1>).
template <int begin, int end, class F>
BATON_INLINE void repeat(const F& f) {
  if constexpr (begin < end) {
    f(Index<begin>{});
    repeat<begin + 1, end>(f);
  }
}

}  // namespace detail

// f(Index<n>) for n in 1 .. kMaxDense.
template <int N = 1, class F>
BATON_INLINE void with_size(int n, const F& f) {
  if constexpr (N == kMaxDense) {
    f(detail::Index<N>{});
  } else {
    n == N ? f(detail::Index<N>{}) : with_size<N + 1>(n, f);
  }
}

// A and LD may be the same. Pivots below `least` are lifted to it.
template <int N, class T, class Rows>
BATON_HD void factor_dense(const T* A, T* LD, const Rows& rows, T* inverse, const T& least) {
  T D[N];
  detail::repeat<0, N>([&](auto up) BATON_INLINE_LAMBDA {
    constexpr int i = N - 1 - up;
    T row[i + 1];
    detail::repeat<0, i + 1>([&](auto j) BATON_INLINE_LAMBDA { row[j] = A[rows(i) + j]; });
    detail::repeat<i + 1, N>([&](auto k) BATON_INLINE_LAMBDA {
      const T w = LD[rows(k) + i] * D[k];
      detail::repeat<0, i + 1>([&](auto j) BATON_INLINE_LAMBDA { row[j] -= w * LD[rows(k) + j]; });
    });
    D[i] = select(row[i] < least, least, row[i]);
    const T inv = T(scalar_t<T>(1)) / D[i];
    inverse[i] = inv;
    LD[rows(i) + i] = D[i];
    detail::repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { LD[rows(i) + j] = row[j] * inv; });
  });
}

template <int N, class T, class Rows>
BATON_HD void solve_dense(const T* LD, const Rows& rows, const T* inverse, T* x) {
  T y[N];
  detail::repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { y[i] = x[i]; });
  detail::repeat<0, N>([&](auto up) BATON_INLINE_LAMBDA {
    constexpr int i = N - 1 - up;
    detail::repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[j] -= LD[rows(i) + j] * y[i]; });
  });
  detail::repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    y[i] *= inverse[i];
    detail::repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA { y[i] -= LD[rows(i) + j] * y[j]; });
    x[i] = y[i];
  });
}

// x and y must not overlap.
template <int N, class T, class Rows>
BATON_HD void mul_dense(const T* A, const Rows& rows, const T* x, T* y) {
  T in[N], out[N];
  detail::repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { in[i] = x[i]; });
  detail::repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA {
    out[i] = A[rows(i) + i] * in[i];
    detail::repeat<0, i>([&](auto j) BATON_INLINE_LAMBDA {
      const T a = A[rows(i) + j];
      out[i] += a * in[j];
      out[j] += a * in[i];
    });
  });
  detail::repeat<0, N>([&](auto i) BATON_INLINE_LAMBDA { y[i] = out[i]; });
}

}  // namespace baton::sim
