#pragma once
// Functions of one or two numbers over arrays. Arrays overlap entirely or not at all (Error). An element's result
// does not depend on its place or on n. T is float or double.
#include <cstdint>

namespace baton::kernels {

//   kElu: x > 0 ? x : e^x - 1          kGelu: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
//   kSilu: x / (1 + e^-x)              kSoftplus: ln(1 + e^x)              kSigmoid: 1 / (1 + e^-x)
enum class Unary : int {
  kIdentity,
  kTanh,
  kRelu,
  kElu,
  kGelu,
  kSilu,
  kSoftplus,
  kSigmoid,
  kExp,
  kLog,
  kSquare,
  kSqrt,
  kNegate
};
constexpr int kUnaryCount = 13;
const char* unary_name(Unary op);

// Whether f' is computed from x (else from y alone, and x may be null).
bool derivative_needs_input(Unary op);

// y[i] = f(x[i]); overwrites; y may be x. NaN gives NaN. Within 4 ulp (float), libm's accuracy (double), but for
// kGelu, which is within 2 eps |x| (eps = 2^-23, or double's): below x = -1 the sum in it cancels, and of its small
// value few digits are left or none (float: from -5.2 on).
template <class T>
void unary(Unary op, std::int64_t n, const T* x, T* y);

// out[i] = g[i] f'(x[i]) where y = f(x), added to what is there if accumulate; out may be g. f' at relu's 0
// is 0.
template <class T>
void unary_derivative(Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate);

// x[r][c] = f(x[r][c] + bias[c]) in place for an [rows][cols] array; z, where not null, receives x + bias.
template <class T>
void bias_unary(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z);

//   kMinimum, kMaximum: NaN if either is; of equal operands a      kLess: a < b ? 1 : 0
enum class Binary : int { kAdd, kSub, kMul, kDiv, kMinimum, kMaximum, kLess };
constexpr int kBinaryCount = 7;
const char* binary_name(Binary op);

// out[i] = a[i * a_step] op b[i * b_step], steps 0 or 1; overwrites; out may be an operand of step 1.
template <class T>
void binary(Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step, T* out);

// out[i] = c[i * c_step] != 0 ? a[i * a_step] : b[i * b_step] (a NaN is not 0), steps 0 or 1; overwrites; out
// may be an operand of step 1.
template <class T>
void where(std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b, int b_step, T* out);

// y[i] = x[i] within [low, high], else the nearer end; low <= high; NaN stays; overwrites; y may be x.
template <class T>
void clamp(std::int64_t n, T low, T high, const T* x, T* y);

// out[i] = low <= x[i] <= high ? g[i] : 0, the ends included (and g[i] where x is NaN), added to what is there
// if accumulate; out may be g.
template <class T>
void clamp_derivative(std::int64_t n, T low, T high, const T* x, const T* g, T* out, bool accumulate);

// y[i] += alpha x[i]
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y);

// out[i] += a[i] b[i]
template <class T>
void multiply_add(std::int64_t n, const T* a, const T* b, T* out);

// x[r][c] *= scale[c] in place for an [rows][cols] array
template <class T>
void scale_columns(std::int64_t rows, int cols, const T* scale, T* x);

namespace ref {
template <class T>
void unary(Unary op, std::int64_t n, const T* x, T* y);
template <class T>
void unary_derivative(Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate);
template <class T>
void bias_unary(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z);
template <class T>
void binary(Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step, T* out);
template <class T>
void where(std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b, int b_step, T* out);
template <class T>
void clamp(std::int64_t n, T low, T high, const T* x, T* y);
template <class T>
void clamp_derivative(std::int64_t n, T low, T high, const T* x, const T* g, T* out, bool accumulate);
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y);
template <class T>
void multiply_add(std::int64_t n, const T* a, const T* b, T* out);
template <class T>
void scale_columns(std::int64_t rows, int cols, const T* scale, T* x);
}  // namespace ref
}  // namespace baton::kernels
