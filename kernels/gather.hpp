#pragma once
// Rows by index. The caller has checked 0 <= index[i] < rows of the table. No overlap. T is float or double.
#include <cstdint>

namespace baton::kernels {

// out[i][:] = table[index[i]][:] for i < n; rows of `cols` numbers; overwrites.
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out);

// table[index[i]][:] += rows[i][:], i ascending (repeated indices add up in that order).
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index, T* table);

namespace ref {
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out);
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index, T* table);
}  // namespace ref
}  // namespace baton::kernels
