#include "kernels/elementwise.hpp"

#include <cmath>
#include <numbers>

namespace baton::kernels::ref {
namespace {

constexpr double kGeluCubic = 0.044715;

double gelu_inner(double x) { return std::sqrt(2.0 / std::numbers::pi) * (x + kGeluCubic * x * x * x); }
double sigmoid(double x) { return x >= 0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x)); }

double value(Unary op, double x) {
  switch (op) {
    case Unary::kIdentity:
      return x;
    case Unary::kTanh:
      return std::tanh(x);
    case Unary::kRelu:
      return x <= 0 ? 0.0 : x;
    case Unary::kElu:
      return x > 0 ? x : std::expm1(x);
    case Unary::kGelu:
      return 0.5 * x * (1.0 + std::tanh(gelu_inner(x)));
    case Unary::kSilu:
      return x * sigmoid(x);
    case Unary::kSoftplus:
      return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    case Unary::kSigmoid:
      return sigmoid(x);
    case Unary::kExp:
      return std::exp(x);
    case Unary::kLog:
      return std::log(x);
    case Unary::kSquare:
      return x * x;
    case Unary::kSqrt:
      return std::sqrt(x);
    case Unary::kNegate:
      return -x;
  }
  return std::nan("");
}

double slope(Unary op, double x, double y) {
  switch (op) {
    case Unary::kIdentity:
      return 1;
    case Unary::kTanh:
      return 1 - y * y;
    case Unary::kRelu:
      return y <= 0 ? 0.0 : 1.0;
    case Unary::kElu:
      return y > 0 ? 1.0 : y + 1;
    case Unary::kGelu: {
      const double t = std::tanh(gelu_inner(x));
      return 0.5 * (1 + t) +
             0.5 * x * (1 - t * t) * std::sqrt(2.0 / std::numbers::pi) * (1 + 3 * kGeluCubic * x * x);
    }
    case Unary::kSilu:
      return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case Unary::kSoftplus:
      return -std::expm1(-y);
    case Unary::kSigmoid:
      return y * (1 - y);
    case Unary::kExp:
      return y;
    case Unary::kLog:
      return 1 / x;
    case Unary::kSquare:
      return 2 * x;
    case Unary::kSqrt:
      return 0.5 / y;
    case Unary::kNegate:
      return -1;
  }
  return std::nan("");
}

}  // namespace

template <class T>
void unary(Unary op, std::int64_t n, const T* x, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(value(op, static_cast<double>(x[i])));
}

template <class T>
void unary_derivative(Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double in = x != nullptr ? static_cast<double>(x[i]) : 0.0;
    const double product = static_cast<double>(g[i]) * slope(op, in, static_cast<double>(y[i]));
    out[i] = static_cast<T>(accumulate ? static_cast<double>(out[i]) + product : product);
  }
}

template <class T>
void bias_unary(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const T sum = x[r * cols + c] + bias[c];
      if (z != nullptr) z[r * cols + c] = sum;
      x[r * cols + c] = static_cast<T>(value(op, static_cast<double>(sum)));
    }
  }
}

template <class T>
void binary(Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step, T* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T left = a[i * a_step], right = b[i * b_step];
    switch (op) {
      case Binary::kAdd:
        out[i] = left + right;
        break;
      case Binary::kSub:
        out[i] = left - right;
        break;
      case Binary::kMul:
        out[i] = left * right;
        break;
      case Binary::kDiv:
        out[i] = left / right;
        break;
      case Binary::kMinimum:
        out[i] = std::isnan(right) || right < left ? right : left;
        break;
      case Binary::kMaximum:
        out[i] = std::isnan(right) || left < right ? right : left;
        break;
      case Binary::kLess:
        out[i] = left < right ? T(1) : T(0);
        break;
    }
  }
}

template <class T>
void where(std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b, int b_step, T* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = c[i * c_step] != 0 ? a[i * a_step] : b[i * b_step];
}

template <class T>
void clamp(std::int64_t n, T low, T high, const T* x, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

template <class T>
void clamp_derivative(std::int64_t n, T low, T high, const T* x, const T* g, T* out, bool accumulate) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T passed = x[i] < low || x[i] > high ? T(0) : g[i];
    out[i] = accumulate ? out[i] + passed : passed;
  }
}

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<T>(static_cast<double>(y[i]) + static_cast<double>(alpha) * static_cast<double>(x[i]));
  }
}

template <class T>
void multiply_add(std::int64_t n, const T* a, const T* b, T* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] =
        static_cast<T>(static_cast<double>(out[i]) + static_cast<double>(a[i]) * static_cast<double>(b[i]));
  }
}

template <class T>
void scale_columns(std::int64_t rows, int cols, const T* scale, T* x) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) x[r * cols + c] *= scale[c];
  }
}

#define BATON_INSTANTIATE(T)                                                                   \
  template void unary(Unary, std::int64_t, const T*, T*);                                      \
  template void unary_derivative(Unary, std::int64_t, const T*, const T*, const T*, T*, bool); \
  template void bias_unary(Unary, std::int64_t, int, const T*, T*, T*);                        \
  template void binary(Binary, std::int64_t, const T*, int, const T*, int, T*);                \
  template void where(std::int64_t, const T*, int, const T*, int, const T*, int, T*);          \
  template void clamp(std::int64_t, T, T, const T*, T*);                                       \
  template void clamp_derivative(std::int64_t, T, T, const T*, const T*, T*, bool);            \
  template void axpy(std::int64_t, T, const T*, T*);                                           \
  template void multiply_add(std::int64_t, const T*, const T*, T*);                            \
  template void scale_columns(std::int64_t, int, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
