#pragma once
// Rows, and elements along an axis, by index. The caller has checked that 0 <= index < rows of the table, or
// < n. What is written and what is read do not overlap (Error). T is float or double.
#include <cstdint>

namespace baton::kernels {

// out[i][:] = table[index[i]][:] for i < n; rows of `cols` numbers; overwrites.
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out);

// The same from rows that begin `stride` >= cols numbers apart: what lies between them is not read. On the CPU only.
template <class T>
void gather_strided_rows(std::int64_t n, std::int64_t cols, const T* table, std::int64_t stride,
                         const std::int32_t* index, T* out);

// table[index[i]][:] += rows[i][:], i ascending (repeated indices add up in that order).
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index, T* table);

// y[o][i] = x[o][index[o][i]][i] for x [outer][n][inner], index and y [outer][inner]; overwrites.
template <class T>
void gather_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y);

// x[o][index[o][i]][i] += y[o][i]
template <class T>
void scatter_add_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x);

namespace ref {
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out);
template <class T>
void gather_strided_rows(std::int64_t n, std::int64_t cols, const T* table, std::int64_t stride,
                         const std::int32_t* index, T* out);
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index, T* table);
template <class T>
void gather_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y);
template <class T>
void scatter_add_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x);
}  // namespace ref
}  // namespace baton::kernels
