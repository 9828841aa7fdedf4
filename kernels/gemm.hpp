#pragma once
// General matrix product, row-major:  C = alpha op(A) op(B) + beta C.
#include <cstdint>

namespace baton::kernels {

enum class Transpose : bool { kNo = false, kYes = true };

// op(A) is [m][k], op(B) is [k][n], C is [m][n]. lda, ldb, ldc are the distances between rows as stored: a
// not transposed A is [m][lda >= k], a transposed one [k][lda >= m], and so on. beta = 0 overwrites C (NaNs
// in it are ignored). C overlaps neither A nor B (checked where rows are whole). Throws Error on that, on negative
// sizes and on too short rows. T is float or double. Every element is one chain of multiply-adds over k in ascending
// order, in blocks of 256: a row of C depends on its row of op(A) and on B alone, not on m. Runs on the calling
// thread; its buffer, one per thread, grows (allocates) where a product needs more of it than any that the thread has
// made so far.
template <class T>
void gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc);

// The errors of gemm, for other texts of it.
void check_gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, int lda, int ldb, int ldc);

// B copied once, in the order in which this machine's product reads it, for many products of the same n and k:
// what gemm does with op(B) at every call. packed holds packed_size(n, k) numbers and is good for the instruction
// set that wrote it. The result has the bits of gemm's; C overlaps neither A nor packed.
constexpr std::int64_t packed_size(int n, int k) { return (std::int64_t{n} + 31) / 32 * 32 * k; }
template <class T>
void pack(Transpose transpose_b, int n, int k, const T* b, int ldb, T* packed);
template <class T>
void gemm_packed(Transpose transpose_a, int m, int n, int k, T alpha, const T* a, int lda, const T* packed,
                 T beta, T* c, int ldc);

// The same three for many rows, where the bits of gemm are not wanted: on a processor with tiles of bfloat16 (AMX)
// both operands are taken apart into thirds (kernels/cpu/thirds.hpp) whose products the tiles sum, as exactly as gemm
// and faster; elsewhere they are gemm, pack and gemm_packed. A row of C depends on its row of op(A) and on B alone
// here, too. Particular to tiles: an infinity, or more than 3.39e38, may come out as NaN, and numbers below 1e-32 lose
// digits. packed begins on a line of the cache (kernels/aligned.hpp) where speed counts.
constexpr std::int64_t bulk_packed_size(int n, int k) {
  const std::int64_t thirds = (std::int64_t{n} + 15) / 16 * 16 * ((std::int64_t{k} + 31) / 32 * 32) * 3 / 2;
  return thirds > packed_size(n, k) ? thirds : packed_size(n, k);
}
template <class T>
void bulk_gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a,
               int lda, const T* b, int ldb, T beta, T* c, int ldc);
template <class T>
void bulk_pack(Transpose transpose_b, int n, int k, const T* b, int ldb, T* packed);
template <class T>
void bulk_gemm_packed(Transpose transpose_a, int m, int n, int k, T alpha, const T* a, int lda,
                      const T* packed, T beta, T* c, int ldc);

// out[j][i] = in[i][j] for an [rows][cols] matrix; no overlap.
template <class T>
void transpose(int rows, int cols, const T* in, T* out);

namespace ref {
template <class T>
void gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc);
template <class T>
void transpose(int rows, int cols, const T* in, T* out);
}  // namespace ref
}  // namespace baton::kernels
