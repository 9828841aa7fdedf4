#pragma once
// Softmax and its logarithms along the middle axis of [outer][n][inner] arrays, n >= 1 (inner = 1: along rows).
// The largest element is subtracted first, so that nothing overflows; an element of -infinity has probability
// 0. A NaN, or an infinite largest element, makes the whole column NaN (log_sum_exp: that infinity). Sums run in
// a fixed order: a column's result does not depend on where it stands. What is written overlaps no other argument
// where nothing else is said (Error). T is float or double.
#include <cstdint>

namespace baton::kernels {

// y[o][k][i] = e^x[o][k][i] / sum_j e^x[o][j][i]; overwrites; y may be x.
template <class T>
void softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);

// out = (diag(y) - y y') g in every column, where y = softmax(x): the derivative, which is its own transpose,
// and the Fisher matrix of a categorical distribution with respect to its logits. Added to what is there if
// accumulate; out may be g.
template <class T>
void softmax_derivative(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* g,
                        T* out, bool accumulate);

// y = x - ln sum_j e^x[j]; overwrites; y may be x.
template <class T>
void log_softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);

// With p = e^y, y = log_softmax(x):  d_x += u - p sum_j u[j]
template <class T>
void log_softmax_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* u, T* d_x);

// y_dot = x_dot - sum_j p[j] x_dot[j]; overwrites; y_dot may be x_dot.
template <class T>
void log_softmax_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* x_dot,
                     T* y_dot);

// y[o][i] = ln sum_k e^x[o][k][i]; overwrites. An infinite largest element is the result.
template <class T>
void log_sum_exp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);

// d_x[o][k][i] += u[o][i] e^(x[o][k][i] - y[o][i]), y = log_sum_exp(x) finite
template <class T>
void log_sum_exp_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* u, T* d_x);

// y_dot[o][i] = sum_k e^(x[o][k][i] - y[o][i]) x_dot[o][k][i]; overwrites.
template <class T>
void log_sum_exp_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* x_dot, T* y_dot);

namespace ref {
template <class T>
void softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void softmax_derivative(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* g,
                        T* out, bool accumulate);
template <class T>
void log_softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void log_softmax_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* u, T* d_x);
template <class T>
void log_softmax_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* x_dot,
                     T* y_dot);
template <class T>
void log_sum_exp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void log_sum_exp_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* u, T* d_x);
template <class T>
void log_sum_exp_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* x_dot, T* y_dot);
}  // namespace ref
}  // namespace baton::kernels
