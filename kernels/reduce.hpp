#pragma once
// Sums and largest elements in a fixed order. T is float or double; whole-array sums are kept in double.
#include <cstdint>

namespace baton::kernels {

// sum_i x[i],  sum_i a[i] b[i]  (the sum of squares is dot(x, x))
template <class T>
double sum(std::int64_t n, const T* x);
template <class T>
double dot(std::int64_t n, const T* a, const T* b);

// y[o][i] = scale sum_k x[o][k][i] for x [outer][n][inner]; added to what is there if accumulate. k ascends.
// outer = 1: column sums; inner = 1: row sums.
template <class T>
void sum_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x, T* y,
              bool accumulate);

// y[o][i] = max_k x[o][k][i] and index[o][i] = the first k that has it, for x [outer][n][inner], n >= 1; both
// are overwritten. A NaN is larger than every number. The derivative belongs to that one element: move numbers
// by gather_along and scatter_add_along (kernels/gather.hpp).
template <class T>
void max_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y, std::int32_t* index);

// First i with x[i] not finite, or -1.
template <class T>
std::int64_t first_not_finite(std::int64_t n, const T* x);

namespace ref {
template <class T>
double sum(std::int64_t n, const T* x);
template <class T>
double dot(std::int64_t n, const T* a, const T* b);
template <class T>
void sum_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x, T* y,
              bool accumulate);
template <class T>
void max_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y, std::int32_t* index);
template <class T>
std::int64_t first_not_finite(std::int64_t n, const T* x);
}  // namespace ref
}  // namespace baton::kernels
