#pragma once
// Sums in a fixed order. T is float or double; whole-array sums are kept in double.
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
std::int64_t first_not_finite(std::int64_t n, const T* x);
}  // namespace ref
}  // namespace baton::kernels
