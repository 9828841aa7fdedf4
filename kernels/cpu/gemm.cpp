// Register-tiled matrix product. B is copied into panels as wide as a tile, once for all rows of A (or by the caller,
// once for many products); few rows read it where it lies. A stays where it is, a transposed one is copied into strips
// as high as a tile. Blocks of rows keep their part of A in the second-level cache while the panels pass.
#include "kernels/cpu/gemm_tile.hpp"
#include "kernels/cpu/turn.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kBlockK = 256;                // depth of one accumulation chain; kernels/gemm.hpp promises it
constexpr int kPackRows = 48;               // from so many rows of A on, copying B pays
constexpr int kBlockRows = 8 * kTileRows;   // of A that stay in the second-level cache
constexpr int kStripRows = 22 * kTileRows;  // the same of a transposed A, copied
constexpr int kBlockColumns = 512;          // of B that gemm copies at once
constexpr int64_t kNearBytes = 1 << 18;     // of A that is not asked for ahead
constexpr int kStripColumns = 64;           // from so many columns on, copying a transposed A pays

// Copies `width` columns from column j0 of op(B), rows p0..p0+depth-1, into panel[depth][padded], zeros
// behind.
template <class T>
void pack_panel(bool transposed, const T* b, int64_t ldb, int p0, int depth, int j0, int width, int padded,
                T* panel) {
  constexpr int kW = kWidth<T>;
  if (!transposed) {
    const T* from = b + p0 * ldb + j0;
    for (int p = 0; p < depth; ++p, from += ldb, panel += padded) {
      for (int j = 0; j < padded; j += kW) {
        store(panel + j, width - j >= kW ? load(from + j) : load_part(from + j, width > j ? width - j : 0));
      }
    }
    return;
  }
  // Squares as wide as a vector are turned in registers.
  for (int j = 0; j < padded; j += kW) {
    const T* from = b + static_cast<int64_t>(j0 + j) * ldb + p0;
    const int columns = width - j < kW ? width - j : kW;
    for (int p = 0; p < depth; p += kW) {
      turn_square(columns, depth - p < kW ? depth - p : kW, from + p, ldb,
                  panel + static_cast<int64_t>(p) * padded + j, padded);
    }
  }
}

// The panel that starts at column j0 of n: two vectors wide, or one at the end.
template <class T>
int panel_vectors(int n, int j0) {
  return n - j0 > kWidth<T> ? 2 : 1;
}

// [block of kBlockK rows][panel][row][column]; a panel of block p0 starts at p0 * padded_columns + j0 * depth.
template <class T>
int64_t padded_columns(int n) {
  return (n + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
}

template <class T>
void pack_isa(Transpose transpose_b, int n, int k, const T* b, int ldb, T* packed) {
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    for (int j0 = 0; j0 < n; j0 += 2 * kWidth<T>) {
      const int padded = panel_vectors<T>(n, j0) * kWidth<T>;
      pack_panel(transpose_b == Transpose::kYes, b, ldb, p0, depth, j0, n - j0 < padded ? n - j0 : padded,
                 padded, packed + p0 * padded_columns<T>(n) + static_cast<int64_t>(j0) * depth);
    }
  }
}

// Copies `rows` columns of a transposed A into strips [depth][kTileRows]. A few rows of A at a time, so that whole
// lines of every strip are written at once.
template <class T>
void pack_strips(int rows, int depth, const T* a, int64_t lda, T* strips) {
  constexpr int kAtOnce = 8;
  for (int p0 = 0; p0 < depth; p0 += kAtOnce) {
    const int p1 = p0 + kAtOnce < depth ? p0 + kAtOnce : depth;
    for (int i = 0; i < rows; i += kTileRows) {
      T* to = strips + static_cast<int64_t>(i) * depth + p0 * kTileRows;
      const T* from = a + i + p0 * lda;
      if (rows - i >= kTileRows) {
        for (int p = p0; p < p1; ++p, to += kTileRows, from += lda) memcpy(to, from, kTileRows * sizeof(T));
      } else {
        for (int p = p0; p < p1; ++p, to += kTileRows, from += lda)
          memcpy(to, from, static_cast<size_t>(rows - i) * sizeof(T));
      }
    }
  }
}

// Asks for the next block of A while tiles work on this one, an equal share at every tile.
struct Ahead {
  const char* at;
  int64_t stride;  // between rows as stored, in bytes
  int rows, row_bytes, tiles;
  int tile;  // so many have had their share
  void fetch() {
    const int begin = rows * tile / tiles, end = rows * ++tile / tiles;
    for (int i = begin; i < end; ++i) {
      for (int byte = 0; byte < row_bytes; byte += 64) __builtin_prefetch(at + i * stride + byte, 0, 2);
    }
  }
};

// What comes after rows i0..i0+rows-1 of op(A), if anything. Of an A so small that whoever wrote it has left it in the
// second-level cache, nothing.
template <class T>
Ahead ahead(bool at, const T* a, int64_t lda, int m, int depth, int n, int p0, int i0, int rows) {
  const bool near = int64_t{m} * depth <= kNearBytes / static_cast<int64_t>(sizeof(T));
  const int i1 = i0 + rows, next = near ? 0 : (m - i1 < kBlockRows ? m - i1 : kBlockRows);
  const int panels = (n + 2 * kWidth<T> - 1) / (2 * kWidth<T>);
  const int stored = next == 0 ? 0 : (at ? depth : next),
            bytes = (at ? next : depth) * static_cast<int>(sizeof(T));
  return {reinterpret_cast<const char*>(at ? a + p0 * lda + i1 : a + i1 * lda + p0),
          lda * static_cast<int64_t>(sizeof(T)),
          stored,
          bytes,
          panels * ((rows + kTileRows - 1) / kTileRows),
          0};
}

// One panel of columns against `rows` rows of A. strips: a transposed A lies in strips.
template <class T>
void panel_product(bool transposed_a, bool strips, int rows, int vectors, int depth, const T* a, int64_t lda,
                   const T* b, int64_t ldb, T* c, const Output<T>& out, Ahead* ahead) {
  const int step = vectors == 4 ? kWideRows : kTileRows;
  for (int i = 0; i < rows; i += step) {
    const int height = rows - i < step ? rows - i : step;
    if (ahead != nullptr) ahead->fetch();
    if (strips) {
      tile_for<T, true>(height, vectors)(depth, a + static_cast<int64_t>(i) * depth, kTileRows, b, ldb, c,
                                         out);
    } else if (transposed_a) {
      tile_for<T, true>(height, vectors)(depth, a + i, lda, b, ldb, c, out);
    } else {
      tile_for<T, false>(height, vectors)(depth, a + i * lda, lda, b, ldb, c, out);
    }
    c += height * out.ldc;
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
T* numbers_buffer(int64_t numbers) {
  return static_cast<T*>(thread_buffer(numbers * static_cast<int64_t>(sizeof(T))));
}

constexpr int64_t kStripNumbers = int64_t{kStripRows} * kBlockK;

// B in panels. strips: room for kStripNumbers.
template <class T>
void packed_product(bool at, int m, int n, int k, T alpha, const T* a, int64_t lda, const T* packed, T beta,
                    T* c, int64_t ldc, T* strips) {
  constexpr int kW = kWidth<T>;
  const bool use_strips = at && n >= kStripColumns;
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    const T* panels = packed + p0 * padded_columns<T>(n);
    for (int i0 = 0; i0 < m; i0 += kBlockRows) {
      const int rows = m - i0 < kBlockRows ? m - i0 : kBlockRows;
      const T* block = at ? a + p0 * lda + i0 : a + i0 * lda + p0;
      Ahead next = ahead(at, a, lda, m, depth, n, p0, i0, rows);
      if (use_strips) {
        pack_strips(rows, depth, block, lda, strips);
        block = strips;
      }
      for (int j0 = 0; j0 < n; j0 += 2 * kW) {
        const int vectors = panel_vectors<T>(n, j0), left = n - j0;
        const int padded = vectors * kW;
        const Output<T> out =
            output(ldc, alpha, p0 == 0 ? beta : T(1), left < padded ? left : padded, padded);
        panel_product(at, use_strips, rows, vectors, depth, block, lda,
                      panels + static_cast<int64_t>(j0) * depth, vectors * kW, c + i0 * ldc + j0, out, &next);
      }
    }
  }
}

template <class T>
constexpr int64_t kPanelNumbers = int64_t{kBlockK} * 4 * kWidth<T>;

// All rows of A in one block: a panel of B is used up before the next is touched. It is copied where enough rows share
// it, and where it is transposed or narrower than a vector. panel, strips: room for kPanelNumbers, kStripNumbers.
template <class T>
void block_product(bool at, bool bt, int m, int n, int k, T alpha, const T* a, int64_t lda, const T* b,
                   int64_t ldb, T beta, T* c, int64_t ldc, T* panel, T* strips) {
  constexpr int kW = kWidth<T>;
  const bool copies = m >= kPackRows, use_strips = at && copies && n >= kStripColumns;
  const int widest = m <= kWideRows ? 4 : 2;
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    const T* block = at ? a + p0 * lda : a + p0;
    if (use_strips) {
      pack_strips(m, depth, block, lda, strips);
      block = strips;
    }
    for (int j0 = 0; j0 < n;) {
      const int left = n - j0;
      const int vectors = left > 2 * kW ? widest : (left > kW ? 2 : 1);
      const int padded = vectors * kW, width = left < padded ? left : padded;
      const Output<T> out = output(ldc, alpha, p0 == 0 ? beta : T(1), width, padded);
      if (copies || bt || width < padded) {
        pack_panel(bt, b, ldb, p0, depth, j0, width, padded, panel);
        panel_product(at, use_strips, m, vectors, depth, block, lda, panel, padded, c + j0, out, nullptr);
      } else {
        panel_product(at, false, m, vectors, depth, block, lda, b + p0 * ldb + j0, ldb, c + j0, out, nullptr);
      }
      j0 += width;
    }
  }
}

// The product of a transposed A with few columns, by its transpose C' = B' A: its lanes run along A's rows and are all
// in use. The bits are the same.
template <class T>
void turned_product(int m, int n, int k, T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta,
                    T* c, int64_t ldc) {
  T* panel = numbers_buffer<T>(kPanelNumbers<T> + int64_t{kBlockColumns} * kWidth<T>);
  T* turned = panel + kPanelNumbers<T>;
  for (int i0 = 0; i0 < m; i0 += kBlockColumns) {
    const int rows = m - i0 < kBlockColumns ? m - i0 : kBlockColumns;
    T* block = c + i0 * ldc;
    for (int i = 0; beta != T(0) && i < rows; ++i) {
      for (int j = 0; j < n; ++j) turned[j * kBlockColumns + i] = block[i * ldc + j];
    }
    T* const no_strips = nullptr;  // for fewer than kPackRows rows
    block_product(true, false, n, rows, k, alpha, b, ldb, a + i0, lda, beta, turned, kBlockColumns, panel,
                  no_strips);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < n; ++j) block[i * ldc + j] = turned[j * kBlockColumns + i];
    }
  }
}

template <class T>
void gemm_isa(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
              const T* b, int ldb, T beta, T* c, int ldc) {
  if (k == 0) return scale_only(m, n, beta, c, ldc);
  const bool at = transpose_a == Transpose::kYes, bt = transpose_b == Transpose::kYes;
  if (at && !bt && n <= kWidth<T> && m > n)
    return turned_product(m, n, k, alpha, a, int64_t{lda}, b, int64_t{ldb}, beta, c, int64_t{ldc});
  if (m <= (at ? kStripRows : kBlockRows)) {
    T* panel = numbers_buffer<T>(kPanelNumbers<T> + kStripNumbers);
    return block_product(at, bt, m, n, k, alpha, a, int64_t{lda}, b, int64_t{ldb}, beta, c, int64_t{ldc},
                         panel, panel + kPanelNumbers<T>);
  }
  // Blocks of rows of B pass one after the other, so that the copy is bounded.
  const int64_t columns = padded_columns<T>(n < kBlockColumns ? n : kBlockColumns);
  T* strips = numbers_buffer<T>(kStripNumbers + columns * kBlockK);
  T* packed = strips + kStripNumbers;
  for (int j0 = 0; j0 < n; j0 += kBlockColumns) {
    const int width = n - j0 < kBlockColumns ? n - j0 : kBlockColumns;
    for (int p0 = 0; p0 < k; p0 += kBlockK) {
      const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
      pack_isa(transpose_b, width, depth,
               bt ? b + static_cast<int64_t>(j0) * ldb + p0 : b + static_cast<int64_t>(p0) * ldb + j0, ldb,
               packed);
      packed_product(at, m, width, depth, alpha, at ? a + static_cast<int64_t>(p0) * lda : a + p0,
                     int64_t{lda}, packed, p0 == 0 ? beta : T(1), c + j0, int64_t{ldc}, strips);
    }
  }
}

template <class T>
void gemm_packed_isa(Transpose transpose_a, int m, int n, int k, T alpha, const T* a, int lda,
                     const T* packed, T beta, T* c, int ldc) {
  if (k == 0) return scale_only(m, n, beta, c, ldc);
  T* strips = numbers_buffer<T>(kStripNumbers);
  packed_product(transpose_a == Transpose::kYes, m, n, k, alpha, a, int64_t{lda}, packed, beta, c,
                 int64_t{ldc}, strips);
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
  table.pack = pack_isa<T>;
  table.gemm_packed = gemm_packed_isa<T>;
  table.bulk_gemm = gemm_isa<T>;
  table.bulk_pack = pack_isa<T>;
  table.bulk_gemm_packed = gemm_packed_isa<T>;
  table.transpose = transpose_isa<T>;
}

}  // namespace

void fill_gemm(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
