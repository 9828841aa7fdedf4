#pragma once
// Floats as sums of three bfloat16, in the order in which tiles multiply them. Included by gemm_amx.cpp alone.
//
//   x = x0 + x1 + x2 exactly,  |x1| <= 2^-7 |x|,  |x2| <= 2^-16 |x|        (8 + 8 + 8 bits of a float's 24)
//   x y = x0 y0 + x0 y1 + x1 y0 + x1 y1 + x0 y2 + x2 y0  but for x1 y2 + x2 y1 + x2 y2: 2^-22 |x y| at most, of either
//   sign because x1 is rounded to nearest
//
// (Henry, Tang, Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations",
// ARITH 2019.) A tile of A or B is 16 x 16 words of 32 bits: a row of op(A), or a column of op(B), with 32 steps of k.
// Word r holds steps r (low half) and r + 16 (high half), so that neither side has to move numbers between lanes.
#include "kernels/cpu/turn.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kEdge = 16;          // rows, and words of a row, of a tile
constexpr int kSteps = 2 * kEdge;  // of k in a tile of A or B
constexpr int kThirds = 3;
constexpr int64_t kTileWords = kEdge * kEdge;  // 1 KiB

constexpr int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// The nearest bfloat16, ties away from zero, as a float.
[[gnu::always_inline]] inline Vec<float> nearest_bfloat(Vec<float> x) {
  return (Vec<float>)(((VecI32)x + 0x8000) & static_cast<int32_t>(0xFFFF0000));
}

// The next bfloat16 towards zero.
[[gnu::always_inline]] inline Vec<float> first_bits(Vec<float> x) {
  return (Vec<float>)((VecI32)x & static_cast<int32_t>(0xFFFF0000));
}

// Word i of third t is written at to[t * stride + i]: low[i] in its low half, high[i] in its high half.
[[gnu::always_inline]] inline void store_thirds(Vec<float> low, Vec<float> high, uint32_t* to,
                                                int64_t stride) {
  typedef uint32_t Words __attribute__((vector_size(BATON_VECTOR_BYTES)));
  const auto put = [ to, stride ](int third, Vec<float> l, Vec<float> h) __attribute__((always_inline)) {
    store(reinterpret_cast<int32_t*>(to + third * stride), (VecI32)(((Words)l >> 16) | (Words)h));
  };
  const Vec<float> low_first = first_bits(low), high_first = first_bits(high);
  put(0, low_first, high_first);
  low -= low_first;
  high -= high_first;
  const Vec<float> low_second = nearest_bfloat(low), high_second = nearest_bfloat(high);
  put(1, low_second, high_second);
  put(2, low - low_second, high - high_second);
}

// Rows i < rows <= 16 of a matrix [rows][lda], numbers 0..steps-1 <= 32 of each, into the row tiles of A: row i's words
// at to[t * stride + 16 i]. What is missing becomes zero.
void row_tile(int rows, int steps, const float* a, int64_t lda, uint32_t* to, int64_t stride) {
  for (int i = 0; i < kEdge; ++i, to += kEdge) {
    const float* row = a + i * lda;
    if (i < rows && steps == kSteps) {
      store_thirds(load(row), load(row + kEdge), to, stride);
    } else {
      const int low = i < rows ? (steps < kEdge ? steps : kEdge) : 0, high = i < rows ? steps - low : 0;
      store_thirds(load_part(row, low), load_part(row + kEdge, high), to, stride);
    }
  }
}

// Columns j < columns <= 16 of a matrix [steps][ldb] into the column tiles of B: step r's words at
// to[t * stride + 16 r].
void column_tile(int columns, int steps, const float* b, int64_t ldb, uint32_t* to, int64_t stride) {
  for (int r = 0; r < kEdge; ++r, to += kEdge) {
    const float* low = b + r * ldb;
    const float* high = low + kEdge * ldb;
    const int in_low = r < steps ? columns : 0, in_high = r + kEdge < steps ? columns : 0;
    if (in_high == kEdge) {
      store_thirds(load(low), load(high), to, stride);
    } else {
      store_thirds(load_part(low, in_low), load_part(high, in_high), to, stride);
    }
  }
}

// The same two of the transposed matrix: [steps][lda] for rows, [columns][ldb] for columns. turned: room for 512
// numbers.
void turned_row_tile(int rows, int steps, const float* a, int64_t lda, uint32_t* to, int64_t stride,
                     float* turned) {
  for (int p = 0; p < kSteps; p += kEdge) {
    const int left = steps - p < kEdge ? (steps > p ? steps - p : 0) : kEdge;
    turn_square(left, rows, a + p * lda, lda, turned + p, int64_t{kSteps});
  }
  row_tile(rows, kSteps, turned, kSteps, to, stride);
}
void turned_column_tile(int columns, int steps, const float* b, int64_t ldb, uint32_t* to, int64_t stride,
                        float* turned) {
  for (int p = 0; p < steps; p += kEdge)
    turn_square(columns, steps - p < kEdge ? steps - p : kEdge, b + p, ldb, turned + p * kEdge,
                int64_t{kEdge});
  column_tile(kEdge, steps, turned, kEdge, to, stride);
}

}  // namespace
}  // namespace baton::kernels::BATON_ISA
