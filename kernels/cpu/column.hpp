#pragma once
// One text for reductions along the middle axis of [outer][n][inner] arrays, however it lies in memory. A Column
// is walked in groups of one vector each: with inner = 1 a group's lanes are neighbours along the axis, and sums
// are folded over them at the end; otherwise group k is element k of as many columns as there are lanes. As in
// vector.hpp everything is internal to its instruction set.
#include "kernels/cpu/vector.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

template <class T>
struct Column {
  int64_t start;  // of the first element, in an array [outer][n][inner]
  int64_t place;  // of the result, in an array [outer][inner]
  int64_t groups, stride;
  int full, last;  // lanes in use: of all groups but the last one, and of that
  bool folded;

  // The lanes that are not in use hold `fill`.
  [[gnu::always_inline]] Vec<T> get(const T* p, int64_t g, T fill = T(0)) const {
    const int lanes = g + 1 < groups ? full : last;
    const T* at = p + start + g * stride;
    return lanes == kWidth<T> ? load(at) : load_part(at, lanes, fill);
  }
  [[gnu::always_inline]] void put(T* p, int64_t g, Vec<T> v) const {
    const int lanes = g + 1 < groups ? full : last;
    T* at = p + start + g * stride;
    if (lanes == kWidth<T>) {
      store(at, v);
    } else {
      store_part(at, v, lanes);
    }
  }
  // The result of the whole column in every lane that belongs to it.
  [[gnu::always_inline]] Vec<T> whole_sum(Vec<T> v) const { return folded ? splat(fold_sum<T>(v)) : v; }
  [[gnu::always_inline]] Vec<T> whole_max(Vec<T> v) const { return folded ? splat(fold_max<T>(v)) : v; }
  // One number per column, in an array [outer][inner].
  [[gnu::always_inline]] Vec<T> get_result(const T* p) const {
    return folded ? splat(p[place]) : load_part(p + place, full);
  }
  [[gnu::always_inline]] void put_result(T* p, Vec<T> v) const {
    if (folded) {
      p[place] = v[0];
    } else {
      store_part(p + place, v, full);
    }
  }

  // sum_k term(k), term giving 0 in lanes that are not in use.
  template <class Term>
  [[gnu::always_inline]] Vec<T> sum(Term term) const {
    Vec<T> total{};
    for (int64_t g = 0; g < groups; ++g) total += term(g);
    return whole_sum(total);
  }
  [[gnu::always_inline]] Vec<T> largest(const T* x) const {  // NaNs left out
    constexpr T kLowest = static_cast<T>(-__builtin_inf());
    Vec<T> most = splat(T(0)) + kLowest;
    for (int64_t g = 0; g < groups; ++g) {
      const Vec<T> v = get(x, g, kLowest);
      most = v > most ? v : most;
    }
    return whole_max(most);
  }
};

template <class T>
[[gnu::always_inline]] inline Column<T> row_column(int64_t row, int64_t n) {
  const int64_t groups = (n + kWidth<T> - 1) / kWidth<T>;
  return {row * n, row, groups, kWidth<T>, kWidth<T>, static_cast<int>(n - (groups - 1) * kWidth<T>), true};
}

// body(column) for every column, or for as many neighbouring ones as a vector has lanes.
template <class T, class Body>
[[gnu::always_inline]] inline void for_columns(int64_t outer, int64_t n, int64_t inner, Body body) {
  if (inner == 1) {
    for (int64_t o = 0; o < outer; ++o) body(row_column<T>(o, n));
    return;
  }
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; i += kWidth<T>) {
      const int lanes = static_cast<int>(inner - i < kWidth<T> ? inner - i : kWidth<T>);
      body(Column<T>{o * n * inner + i, o * inner + i, n, inner, lanes, lanes, false});
    }
  }
}

}  // namespace
}  // namespace baton::kernels::BATON_ISA
