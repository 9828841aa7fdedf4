#pragma once
// The functions of kernels/elementwise.hpp and their slopes, on the device. For .cu files.
#include <cmath>

#include "kernels/cuda/launch.hpp"
#include "kernels/elementwise.hpp"

namespace baton::kernels::cuda {

template <class T>
__device__ inline T sigmoid(T x) {
  const T e = std::exp(x < T(0) ? x : -x);  // never overflows
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// tanh's argument in gelu
template <class T>
__device__ inline T gelu_inner(T x) {
  return T(0.7978845608028654) * (x + T(0.044715) * x * x * x);
}

// f(x). The choice is the same for all threads: what it costs is hidden behind the memory's latency.
template <class T>
__device__ inline T unary_value(Unary op, T x) {
  switch (op) {
    case Unary::kTanh:
      return std::tanh(x);
    case Unary::kRelu:
      return x <= T(0) ? T(0) : x;
    case Unary::kElu:
      return x > T(0) ? x : std::expm1(x);
    case Unary::kGelu:
      return T(0.5) * x * (T(1) + std::tanh(gelu_inner(x)));
    case Unary::kSilu:
      return x * sigmoid(x);
    case Unary::kSoftplus:
      return (x > T(0) ? x : T(0)) + std::log1p(std::exp(-std::fabs(x)));
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
    default:
      return x;
  }
}

// f'(x) where y = f(x); reads x only where derivative_needs_input says so.
template <class T>
__device__ inline T unary_slope(Unary op, T x, T y) {
  switch (op) {
    case Unary::kTanh:
      return T(1) - y * y;
    case Unary::kRelu:
      return y <= T(0) ? T(0) : T(1);
    case Unary::kElu:
      return y > T(0) ? T(1) : y + T(1);
    case Unary::kGelu: {
      const T t = std::tanh(gelu_inner(x));
      return T(0.5) * (T(1) + t) +
             T(0.5) * x * (T(1) - t * t) * T(0.7978845608028654) * (T(1) + T(3 * 0.044715) * x * x);
    }
    case Unary::kSilu: {
      const T s = sigmoid(x);
      return s * (T(1) + x * (T(1) - s));
    }
    case Unary::kSoftplus:
      return -std::expm1(-y);
    case Unary::kSigmoid:
      return y * (T(1) - y);
    case Unary::kExp:
      return y;
    case Unary::kLog:
      return T(1) / x;
    case Unary::kSquare:
      return T(2) * x;
    case Unary::kSqrt:
      return T(0.5) / y;
    case Unary::kNegate:
      return T(-1);
    default:
      return T(1);
  }
}

}  // namespace baton::kernels::cuda
