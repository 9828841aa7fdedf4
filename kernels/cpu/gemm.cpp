// Register-tiled matrix product. A is read where it lies; B is copied into panels as wide as a tile when it
// is transposed or when enough rows share the copy, else read where it lies.
#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kBlockK = 256;   // depth of one accumulation chain; kernels/gemm.hpp promises it
constexpr int kPackRows = 48;  // from so many rows of A on, copying B pays
constexpr int kTileRows = BATON_VECTOR_REGISTERS == 32 ? 12 : (BATON_VECTOR_BYTES == 32 ? 6 : 5);
constexpr int kWideRows =
    BATON_VECTOR_REGISTERS == 32 ? 5 : 2;  // up to so many rows take four vectors at once

// How one tile is to be stored.
template <class T>
struct Output {
  T* c;
  int64_t ldc;
  T alpha, beta;
  int columns;  // valid ones
};

template <class T, int kVectors>
[[gnu::always_inline]] inline void store_row(const Vec<T>* row, const Output<T>& out, T* c) {
  constexpr int kW = kWidth<T>;
  if (out.columns == kVectors * kW) {
    for (int j = 0; j < kVectors; ++j) {
      Vec<T> value = row[j] * out.alpha;
      if (out.beta != T(0)) value += load(c + j * kW) * out.beta;
      store(c + j * kW, value);
    }
    return;
  }
  T lanes[kVectors * kW];
  for (int j = 0; j < kVectors; ++j) {
    const Vec<T> value = row[j] * out.alpha;
    memcpy(lanes + j * kW, &value, sizeof(value));
  }
  for (int j = 0; j < kVectors * kW; ++j) {
    if (j < out.columns) c[j] = out.beta != T(0) ? lanes[j] + c[j] * out.beta : lanes[j];
  }
}

// A tile of kRows x kVectors vectors, all in registers. Element (i, p) of A is a[i * lda + p], or a[p * lda +
// i] if kTransposed; row p of the panel of B starts at b + p * ldb.
template <class T, int kRows, int kVectors, bool kTransposed>
void tile(int depth, const T* a, int64_t lda, const T* b, int64_t ldb, const Output<T>& out) {
  constexpr int kW = kWidth<T>;
  Vec<T> sums[kRows][kVectors] = {};
  // Three rows share a base pointer: base, base + lda, base + 2 lda are all addressable.
  constexpr int kBases = (kRows + 2) / 3;
  const T* base[kBases];
  for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * lda;
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
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) store_row<T, kVectors>(sums[i], out, out.c + i * out.ldc);
}

template <class T>
using Tile = void (*)(int depth, const T* a, int64_t lda, const T* b, int64_t ldb, const Output<T>& out);

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

// Copies `width` columns from column j0 of op(B), rows p0..p0+depth-1, into panel[depth][padded], zeros
// behind.
template <class T>
void pack_panel(bool transposed, const T* b, int64_t ldb, int p0, int depth, int j0, int width, int padded,
                T* panel) {
  if (!transposed) {
    for (int p = 0; p < depth; ++p) {
      const T* from = b + (p0 + p) * ldb + j0;
      T* to = panel + static_cast<int64_t>(p) * padded;
      for (int j = 0; j < width; ++j) to[j] = from[j];
      for (int j = width; j < padded; ++j) to[j] = T(0);
    }
    return;
  }
  for (int j = 0; j < padded; ++j) {
    const T* from = b + static_cast<int64_t>(j0 + j) * ldb + p0;
    for (int p = 0; p < depth; ++p) panel[static_cast<int64_t>(p) * padded + j] = j < width ? from[p] : T(0);
  }
}

// One panel of columns against all rows of A.
template <class T>
void panel_product(bool transposed_a, int m, int vectors, int depth, const T* a, int64_t lda, const T* b,
                   int64_t ldb, Output<T> out) {
  const int step = vectors == 4 ? kWideRows : kTileRows;
  for (int i = 0; i < m; i += step) {
    const int rows = m - i < step ? m - i : step;
    if (transposed_a) {
      tile_for<T, true>(rows, vectors)(depth, a + i, lda, b, ldb, out);
    } else {
      tile_for<T, false>(rows, vectors)(depth, a + i * lda, lda, b, ldb, out);
    }
    out.c += rows * out.ldc;
  }
}

template <class T>
void scale_only(int m, int n, T beta, T* c, int ldc) {
  for (int i = 0; i < m; ++i) {
    T* row = c + static_cast<int64_t>(i) * ldc;
    for (int j = 0; j < n; ++j) row[j] = beta != T(0) ? row[j] * beta : T(0);
  }
}

template <class T>
void gemm_isa(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
              const T* b, int ldb, T beta, T* c, int ldc) {
  constexpr int kW = kWidth<T>;
  if (k == 0) return scale_only(m, n, beta, c, ldc);
  const bool at = transpose_a == Transpose::kYes, bt = transpose_b == Transpose::kYes;
  const bool pack_all = bt || m >= kPackRows;
  T* panel = static_cast<T*>(
      thread_buffer(static_cast<int64_t>(kBlockK) * 4 * kW * static_cast<int64_t>(sizeof(T))));
  const int widest = m <= kWideRows ? 4 : 2;
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    const T* a_block = at ? a + static_cast<int64_t>(p0) * lda : a + p0;
    const T beta_block = p0 == 0 ? beta : T(1);
    for (int j0 = 0; j0 < n;) {
      const int left = n - j0;
      const int vectors = left > 2 * kW ? widest : (left > kW ? 2 : 1);
      const int padded = vectors * kW, width = left < padded ? left : padded;
      const Output<T> out{c + j0, ldc, alpha, beta_block, width};
      if (pack_all || width < padded) {
        pack_panel(bt, b, ldb, p0, depth, j0, width, padded, panel);
        panel_product(at, m, vectors, depth, a_block, lda, panel, padded, out);
      } else {
        panel_product(at, m, vectors, depth, a_block, lda, b + static_cast<int64_t>(p0) * ldb + j0, ldb, out);
      }
      j0 += width;
    }
  }
}

template <class T>
void transpose_isa(int rows, int cols, const T* in, T* out) {
  constexpr int kTile = 16;  // squares that fit in the cache's lines both ways
  for (int i0 = 0; i0 < rows; i0 += kTile) {
    const int i1 = rows < i0 + kTile ? rows : i0 + kTile;
    for (int j0 = 0; j0 < cols; j0 += kTile) {
      const int j1 = cols < j0 + kTile ? cols : j0 + kTile;
      for (int j = j0; j < j1; ++j) {
        for (int i = i0; i < i1; ++i)
          out[static_cast<int64_t>(j) * rows + i] = in[static_cast<int64_t>(i) * cols + j];
      }
    }
  }
}

template <class T>
void fill(Table<T>& table) {
  table.gemm = gemm_isa<T>;
  table.transpose = transpose_isa<T>;
}

}  // namespace

void fill_gemm(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
