#pragma once
// The tile of a matrix product: kRows x kVectors vectors of C in registers, and how they are stored. Included by
// gemm.cpp, once per instruction set.
#include "kernels/cpu/vector.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kTileRows = BATON_VECTOR_REGISTERS == 32 ? 12 : (BATON_VECTOR_BYTES == 32 ? 6 : 5);
constexpr int kWideRows =
    BATON_VECTOR_REGISTERS == 32 ? 5 : 2;  // up to so many rows take four vectors at once

// How tiles are to be stored. Where they go is told apart: a copy of this would be read back before it has left the
// core's store buffer.
enum class Store { kOver, kAdd, kScaled };  // alpha 1, beta 0; alpha 1, beta 1; or any
template <class T>
struct Output {
  int64_t ldc;
  T alpha, beta;
  int columns;  // valid ones
  Store store;  // kScaled where not all are valid
};

template <class T>
Output<T> output(int64_t ldc, T alpha, T beta, int columns, int padded) {
  const bool simple = columns == padded && alpha == T(1) && (beta == T(0) || beta == T(1));
  return {ldc, alpha, beta, columns, !simple ? Store::kScaled : (beta == T(0) ? Store::kOver : Store::kAdd)};
}

template <class T, int kVectors>
[[gnu::always_inline]] inline void store_row(const Vec<T>* row, const Output<T>& out, T* c) {
  constexpr int kW = kWidth<T>;
  for (int j = 0; j < kVectors; ++j) {
    Vec<T> value = out.alpha != T(1) ? row[j] * out.alpha : row[j];
    const int left = out.columns - j * kW;
    if (left >= kW) {
      if (out.beta != T(0)) value += load(c + j * kW) * out.beta;
      store(c + j * kW, value);
    } else if (left > 0) {
      if (out.beta != T(0)) value += load_part(c + j * kW, left) * out.beta;
      store_part(c + j * kW, value, left);
    }
  }
}

// A tile of kRows x kVectors vectors, all in registers. Element (i, p) of A is a[i * lda + p], or a[p * lda +
// i] if kTransposed; row p of the panel of B starts at b + p * ldb.
template <class T, int kRows, int kVectors, bool kTransposed>
void tile(int depth, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, const Output<T>& out) {
  constexpr int kW = kWidth<T>;
  const int64_t ldc = out.ldc;
  if (out.store == Store::kAdd) {  // what is added to arrives while the tile is computed
    const T* row = c;
    for (int i = 0; i < kRows; ++i, row += ldc) {
      for (int j = 0; j < kVectors; ++j) __builtin_prefetch(row + j * kW, 1, 3);
    }
  }
  Vec<T> sums[kRows][kVectors] = {};
  // Three rows share a base pointer: base, base + lda, base + 2 lda are all addressable.
  constexpr int kBases = (kRows + 2) / 3;
  const T* base[kBases];
  base[0] = a;
#pragma GCC unroll 4
  for (int i = 1; i < kBases; ++i) base[i] = base[i - 1] + 3 * lda;
  for (int p = 0; p < depth; ++p) {
    Vec<T> right[kVectors];
    for (int j = 0; j < kVectors; ++j) right[j] = load(b + j * kW);
    b += ldb;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const T left = kTransposed ? a[i] : base[i / 3][(i % 3) * lda];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] += left * right[j];
    }
    if constexpr (kTransposed) {
      a += lda;
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < kBases; ++i) ++base[i];
    }
  }
  if (out.store == Store::kOver) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i, c += ldc) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) store(c + j * kW, sums[i][j]);
    }
  } else if (out.store == Store::kAdd) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i, c += ldc) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) store(c + j * kW, sums[i][j] + load(c + j * kW));
    }
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i, c += ldc) store_row<T, kVectors>(sums[i], out, c);
  }
}

template <class T>
using Tile = void (*)(int depth, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                      const Output<T>& out);

// The tile function for `rows` rows.
template <class T, int kVectors, bool kTransposed, int kRows>
Tile<T> pick_tile(int rows) {
  if constexpr (kRows == 1) {
    return tile<T, 1, kVectors, kTransposed>;
  } else {
    if (rows == kRows) return tile<T, kRows, kVectors, kTransposed>;
    return pick_tile<T, kVectors, kTransposed, kRows - 1>(rows);
  }
}

template <class T, bool kTransposed>
Tile<T> tile_for(int rows, int vectors) {
  if (vectors == 4) return pick_tile<T, 4, kTransposed, kWideRows>(rows);
  if (vectors == 2) return pick_tile<T, 2, kTransposed, kTileRows>(rows);
  return pick_tile<T, 1, kTransposed, kTileRows>(rows);
}

}  // namespace
}  // namespace baton::kernels::BATON_ISA
