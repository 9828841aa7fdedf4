#pragma once
// Layer normalisation (Ba, Kiros and Hinton 2016) of rows of x [rows][dim], dim >= 1:
//   y = gain n + bias,  n = (x - mean) inverse,  inverse = 1 / sqrt(variance + epsilon)
// with a row's mean and its variance sum_d (x - mean)^2 / dim, in two passes. gain, bias and what belongs to them
// are [dim], mean and inverse [rows], everything else [rows][dim]. A row's results depend on that row alone.
// T is float or double.
#include <cstdint>

namespace baton::kernels {

// Overwrites y, mean and inverse; y may be x where no derivative is wanted afterwards. epsilon > 0.
template <class T>
void layer_norm(std::int64_t rows, int dim, T epsilon, const T* x, const T* gain, const T* bias, T* y,
                T* mean, T* inverse);

// Gradients of sum u . y, with g = gain u and means over d:
//   d_x = inverse (g - mean(g) - n mean(g n))          overwrites; may be u; may be null
//   d_gain[d] += sum_r u n,  d_bias[d] += sum_r u       r ascending; both or neither null
template <class T>
void layer_norm_vjp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* u, T* d_x, T* d_gain, T* d_bias);

// Tangent of y for tangents of x, gain and bias (each may be null: zero):
//   y_dot = gain inverse (x_dot - mean(x_dot) - n mean(x_dot n)) + gain_dot n + bias_dot
// overwrites; y_dot may be x_dot.
template <class T>
void layer_norm_jvp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot);

namespace ref {
template <class T>
void layer_norm(std::int64_t rows, int dim, T epsilon, const T* x, const T* gain, const T* bias, T* y,
                T* mean, T* inverse);
template <class T>
void layer_norm_vjp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* u, T* d_x, T* d_gain, T* d_bias);
template <class T>
void layer_norm_jvp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot);
}  // namespace ref
}  // namespace baton::kernels
