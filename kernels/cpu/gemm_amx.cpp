// Bulk products of floats on the tile unit of Intel AMX: both operands are copied as thirds (thirds.hpp), 32 x 32
// numbers of C are summed in four tiles, six products of thirds to each step. Blocks of rows of A keep their thirds in
// the second-level cache while panels of B, 32 columns wide, pass.
#include <immintrin.h>

#include "kernels/cpu/thirds.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kBlockK = 256;        // depth of one sum in tiles
constexpr int kBlockRows = 128;     // of A whose thirds are there at once
constexpr int kBlockColumns = 512;  // the same of B, where the caller has not packed it
constexpr int kSquare = 2 * kEdge;  // rows and columns of C summed at once

// Tiles are 16 wide and 32 deep: what is narrower or shallower is gemm's.
constexpr bool fits_tiles(int n, int k) { return n >= kSquare && k >= kSteps; }

// Words of 1 or 2 neighbouring tiles with all their thirds, over kSteps steps: [third][half][word].
constexpr int64_t step_words(int halves) { return kThirds * halves * kTileWords; }
// Halves of the group of 32 rows or columns that starts at `first` of `count`.
constexpr int halves_at(int count, int first) { return count - first > kEdge ? 2 : 1; }
// Words of `count` rows or columns over `depth` steps.
constexpr int64_t thirds_words(int64_t count, int64_t depth) {
  return whole(count, kEdge) / kEdge * (whole(depth, kSteps) / kSteps) * kThirds * kTileWords;
}

// What stands at p has been stored before what follows is loaded: the compiler does not know what tiles read.
inline void settle(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

// What the unit is told of its tiles, until this goes out of scope. Tiles 0..3 hold a square of C, upper row first; 4
// and 5 the two halves of A's rows, 6 and 7 those of B's columns.
class Tiles {
 public:
  Tiles() = default;
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  // For a square of `rows` x `columns`, 32 x 32 at most. What the tiles hold is lost where that changes.
  void shape(int rows, int columns) {
    if (rows == rows_ && columns == columns_) return;
    rows_ = rows, columns_ = columns;
    Configuration configuration;
    for (int half = 0; half < 2; ++half) {
      const int height = part(rows, half), width = part(columns, half);
      configuration.set(2 * half, height, part(columns, 0));
      configuration.set(2 * half + 1, height, part(columns, 1));
      configuration.set(4 + half, height, kEdge);
      configuration.set(6 + half, kEdge, width);
    }
    settle(&configuration);
    _tile_loadconfig(&configuration);
  }

 private:
  struct alignas(64) Configuration {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
    void set(int tile, int height, int words) {
      if (height == 0 || words == 0) return;  // never used
      rows[tile] = static_cast<uint8_t>(height);
      row_bytes[tile] = static_cast<uint16_t>(words * 4);
    }
  };
  static int part(int all, int half) {
    const int left = all - half * kEdge;
    return left > kEdge ? kEdge : (left > 0 ? left : 0);
  }

  int rows_ = 0, columns_ = 0;
};

template <int kHalves>
[[gnu::always_inline]] inline void load_a(const uint32_t* a, int third) {
  a += third * kHalves * kTileWords;
  _tile_loadd(4, a, 64);
  if constexpr (kHalves == 2) _tile_loadd(5, a + kTileWords, 64);
}
template <int kHalves>
[[gnu::always_inline]] inline void load_b(const uint32_t* b, int third) {
  b += third * kHalves * kTileWords;
  _tile_loadd(6, b, 64);
  if constexpr (kHalves == 2) _tile_loadd(7, b + kTileWords, 64);
}
template <int kRowHalves, int kColumnHalves>
[[gnu::always_inline]] inline void multiply() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (kColumnHalves == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (kRowHalves == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (kRowHalves == 2 && kColumnHalves == 2) _tile_dpbf16ps(3, 5, 7);
}

// C [..][ldc] = or += A B over `blocks` blocks of kSteps steps. Between one product of thirds and the next only one
// side is loaded anew.
template <int kRowHalves, int kColumnHalves>
void square(int blocks, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool add) {
  constexpr int R = kRowHalves, C = kColumnHalves;
  const int64_t stride = ldc * static_cast<int64_t>(sizeof(float));
  float* const lower = c + kEdge * ldc;
  settle(a);
  if (add) {
    _tile_loadd(0, c, stride);
    if constexpr (C == 2) _tile_loadd(1, c + kEdge, stride);
    if constexpr (R == 2) _tile_loadd(2, lower, stride);
    if constexpr (R == 2 && C == 2) _tile_loadd(3, lower + kEdge, stride);
  } else {
    _tile_zero(0);
    if constexpr (C == 2) _tile_zero(1);
    if constexpr (R == 2) _tile_zero(2);
    if constexpr (R == 2 && C == 2) _tile_zero(3);
  }
  for (int block = 0; block < blocks; ++block, a += step_words(R), b += step_words(C)) {
    load_a<R>(a, 0);
    load_b<C>(b, 2);
    multiply<R, C>();
    load_b<C>(b, 1);
    multiply<R, C>();
    load_a<R>(a, 1);
    multiply<R, C>();
    load_b<C>(b, 0);
    multiply<R, C>();
    load_a<R>(a, 2);
    multiply<R, C>();
    load_a<R>(a, 0);
    multiply<R, C>();
  }
  _tile_stored(0, c, stride);
  if constexpr (C == 2) _tile_stored(1, c + kEdge, stride);
  if constexpr (R == 2) _tile_stored(2, lower, stride);
  if constexpr (R == 2 && C == 2) _tile_stored(3, lower + kEdge, stride);
}

void any_square(int row_halves, int column_halves, int blocks, const uint32_t* a, const uint32_t* b, float* c,
                int64_t ldc, bool add) {
  const auto run = row_halves == 2 ? (column_halves == 2 ? square<2, 2> : square<2, 1>)
                                   : (column_halves == 2 ? square<1, 2> : square<1, 1>);
  run(blocks, a, b, c, ldc, add);
}

// `rows` x `columns` numbers of C = alpha from + beta C, from [..][kSquare].
void blend(int rows, int columns, float alpha, const float* from, float beta, float* c, int64_t ldc) {
  for (int i = 0; i < rows; ++i, from += kSquare, c += ldc) {
    for (int j = 0; j < columns; j += kEdge) {
      const int width = columns - j < kEdge ? columns - j : kEdge;
      Vec<float> value = load(from + j) * alpha;
      if (beta != 0) value += load_part(c + j, width) * beta;
      store_part(c + j, value, width);
    }
  }
}

struct Factors {
  float alpha, beta;
};

// One square of C, of any size.
void add_square(Tiles& tiles, int rows, int columns, int blocks, const uint32_t* a, const uint32_t* b,
                float* c, int64_t ldc, Factors by) {
  const int row_halves = halves_at(rows, 0), column_halves = halves_at(columns, 0);
  tiles.shape(rows, columns);
  if (by.alpha == 1 && (by.beta == 0 || by.beta == 1))
    return any_square(row_halves, column_halves, blocks, a, b, c, ldc, by.beta == 1);
  alignas(64) float sums[kSquare * kSquare];
  any_square(row_halves, column_halves, blocks, a, b, sums, kSquare, false);
  blend(rows, columns, by.alpha, sums, by.beta, c, ldc);
}

// Thirds of `all` rows of A or columns of B over `depth` steps: [group of 32][block of steps][third][half].
// make(i, p, count, steps, tile, stride) writes the tiles of `count` of them from i on, over `steps` steps from p on.
template <class Make>
[[gnu::always_inline]] inline void for_tiles(int all, int depth, uint32_t* to, Make make) {
  for (int i0 = 0; i0 < all; i0 += kSquare) {
    const int halves = halves_at(all, i0);
    for (int p = 0; p < depth; p += kSteps, to += step_words(halves)) {
      const int steps = depth - p < kSteps ? depth - p : kSteps;
      for (int half = 0; half < halves; ++half) {
        const int i = i0 + half * kEdge, count = all - i < kEdge ? all - i : kEdge;
        make(i, p, count, steps, to + half * kTileWords, halves * kTileWords);
      }
    }
  }
}

void rows_thirds(bool transposed, int rows, int depth, const float* a, int64_t lda, uint32_t* to) {
  alignas(64) float turned[kEdge * kSteps];
  for_tiles(rows, depth, to, [&](int i, int p, int count, int steps, uint32_t* tile, int64_t stride) {
    if (transposed) {
      turned_row_tile(count, steps, a + p * lda + i, lda, tile, stride, turned);
    } else {
      row_tile(count, steps, a + i * lda + p, lda, tile, stride);
    }
  });
}

void columns_thirds(bool transposed, int columns, int depth, const float* b, int64_t ldb, uint32_t* to) {
  alignas(64) float turned[kEdge * kSteps];
  for_tiles(columns, depth, to, [&](int j, int p, int count, int steps, uint32_t* tile, int64_t stride) {
    if (transposed) {
      turned_column_tile(count, steps, b + j * ldb + p, ldb, tile, stride, turned);
    } else {
      column_tile(count, steps, b + p * ldb + j, ldb, tile, stride);
    }
  });
}

// C += A B for a block of steps, thirds of both given; b: as columns_thirds wrote it.
void block_product(Tiles& tiles, int rows, int n, int depth, const uint32_t* a, const uint32_t* b, float* c,
                   int64_t ldc, Factors by) {
  const int blocks = static_cast<int>(whole(depth, kSteps) / kSteps);
  for (int j0 = 0; j0 < n; j0 += kSquare) {
    const uint32_t* group = a;
    for (int i0 = 0; i0 < rows; i0 += kSquare) {
      add_square(tiles, rows - i0 < kSquare ? rows - i0 : kSquare, n - j0 < kSquare ? n - j0 : kSquare,
                 blocks, group, b, c + i0 * ldc + j0, ldc, by);
      group += blocks * step_words(halves_at(rows, i0));
    }
    b += blocks * step_words(halves_at(n, j0));
  }
}

void bulk_pack_isa(Transpose transpose_b, int n, int k, const float* b, int ldb, float* packed) {
  if (!fits_tiles(n, k)) return table<float>().pack(transpose_b, n, k, b, ldb, packed);
  const bool bt = transpose_b == Transpose::kYes;
  uint32_t* to = reinterpret_cast<uint32_t*>(packed);
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    columns_thirds(bt, n, depth, bt ? b + p0 : b + int64_t{p0} * ldb, ldb, to);
    to += thirds_words(n, depth);
  }
}

uint32_t* words_buffer(int64_t words) {
  return static_cast<uint32_t*>(thread_buffer(words * static_cast<int64_t>(sizeof(uint32_t))));
}

// All rows against thirds of B over one block of steps. thirds: room for a block of rows.
void rows_product(Tiles& tiles, bool at, int m, int n, int depth, const float* a, int64_t lda,
                  const uint32_t* b, float* c, int64_t ldc, Factors by, uint32_t* thirds) {
  for (int i0 = 0; i0 < m; i0 += kBlockRows) {
    const int rows = m - i0 < kBlockRows ? m - i0 : kBlockRows;
    rows_thirds(at, rows, depth, at ? a + i0 : a + i0 * lda, lda, thirds);
    block_product(tiles, rows, n, depth, thirds, b, c + i0 * ldc, ldc, by);
  }
}

void bulk_gemm_packed_isa(Transpose transpose_a, int m, int n, int k, float alpha, const float* a, int lda,
                          const float* packed, float beta, float* c, int ldc) {
  if (!fits_tiles(n, k))
    return table<float>().gemm_packed(transpose_a, m, n, k, alpha, a, lda, packed, beta, c, ldc);
  const bool at = transpose_a == Transpose::kYes;
  const uint32_t* b = reinterpret_cast<const uint32_t*>(packed);
  uint32_t* thirds = words_buffer(thirds_words(kBlockRows, kBlockK));
  Tiles tiles;
  for (int p0 = 0; p0 < k; p0 += kBlockK) {
    const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
    rows_product(tiles, at, m, n, depth, at ? a + int64_t{p0} * lda : a + p0, lda, b, c, ldc,
                 {alpha, p0 == 0 ? beta : 1}, thirds);
    b += thirds_words(n, depth);
  }
}

void bulk_gemm_isa(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, float alpha,
                   const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  if (!fits_tiles(n, k))
    return table<float>().gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  const bool at = transpose_a == Transpose::kYes, bt = transpose_b == Transpose::kYes;
  uint32_t* thirds = words_buffer(thirds_words(kBlockRows, kBlockK) + thirds_words(kBlockColumns, kBlockK));
  uint32_t* panels = thirds + thirds_words(kBlockRows, kBlockK);
  Tiles tiles;
  for (int j0 = 0; j0 < n; j0 += kBlockColumns) {
    const int columns = n - j0 < kBlockColumns ? n - j0 : kBlockColumns;
    for (int p0 = 0; p0 < k; p0 += kBlockK) {
      const int depth = k - p0 < kBlockK ? k - p0 : kBlockK;
      columns_thirds(bt, columns, depth, bt ? b + int64_t{j0} * ldb + p0 : b + int64_t{p0} * ldb + j0, ldb,
                     panels);
      rows_product(tiles, at, m, columns, depth, at ? a + int64_t{p0} * lda : a + p0, lda, panels, c + j0,
                   ldc, {alpha, p0 == 0 ? beta : 1}, thirds);
    }
  }
}

}  // namespace

void fill_bulk_gemm(Table<float>& f) {
  f.bulk_gemm = bulk_gemm_isa;
  f.bulk_pack = bulk_pack_isa;
  f.bulk_gemm_packed = bulk_gemm_packed_isa;
}

}  // namespace baton::kernels::BATON_ISA
