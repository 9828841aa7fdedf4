#include "kernels/cuda/functions.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/map.hpp"

namespace baton::kernels::cuda {
namespace {

struct Value {
  Unary op;
  template <class T>
  __device__ T operator()(T x) const {
    return unary_value(op, x);
  }
};

struct Slope {
  Unary op;
  template <class T>
  __device__ T operator()(T x, T y, T g) const {
    return g * unary_slope(op, x, y);
  }
  template <class T>
  __device__ T operator()(T x, T y, T g, T old) const {
    return old + g * unary_slope(op, x, y);
  }
};

template <class T>
__device__ T binary_value(Binary op, T a, T b) {
  switch (op) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSub:
      return a - b;
    case Binary::kMul:
      return a * b;
    case Binary::kMinimum:
      return b < a || b != b ? b : a;
    case Binary::kMaximum:
      return a < b || b != b ? b : a;
    case Binary::kLess:
      return a < b ? T(1) : T(0);
    default:
      return a / b;
  }
}

// An operand of step 0 is read through a pointer by every thread.
template <class T>
struct BinaryValue {
  Binary op;
  const T* left;
  const T* right;
  __device__ T operator()(T a, T b) const { return binary_value(op, a, b); }
  __device__ T operator()(T x) const {
    return left != nullptr ? binary_value(op, *left, x) : binary_value(op, x, *right);
  }
  __device__ T operator()() const { return binary_value(op, *left, *right); }
};

// Any operand may be of step 0: its step says how far element i is from the first.
template <class T>
struct Where {
  const T* c;
  const T* a;
  const T* b;
  int c_step, a_step, b_step;
  __device__ T at(std::int64_t i) const { return c[i * c_step] != T(0) ? a[i * a_step] : b[i * b_step]; }
};

template <class T>
__global__ void __launch_bounds__(kMapThreads) where_kernel(std::int64_t n, Where<T> where, T* out) {
  for (std::int64_t i = thread_in_grid(); i < n; i += threads_of_grid()) out[i] = where.at(i);
}

template <class T>
struct Clamp {
  T low, high;
  __device__ bool outside(T x) const { return x < low || x > high; }
  __device__ T operator()(T x) const { return x < low ? low : x > high ? high : x; }
};
template <class T>
struct ClampSlope {
  Clamp<T> clamp;
  __device__ T operator()(T x, T g) const { return clamp.outside(x) ? T(0) : g; }
  __device__ T operator()(T x, T g, T old) const { return old + (clamp.outside(x) ? T(0) : g); }
};

template <class T>
struct Axpy {
  T alpha;
  __device__ T operator()(T x, T y) const { return y + alpha * x; }
};

struct MultiplyAdd {
  template <class T>
  __device__ T operator()(T a, T b, T old) const {
    return old + a * b;
  }
};

}  // namespace

template <class T>
void unary(Stream& stream, Unary op, std::int64_t n, const T* x, T* y) {
  map(stream, n, Value{op}, y, x);
}

template <class T>
void unary_derivative(Stream& stream, Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out,
                      bool accumulate) {
  const T* input = derivative_needs_input(op) ? x : y;
  if (accumulate) {
    map(stream, n, Slope{op}, out, input, y, g, static_cast<const T*>(out));
  } else {
    map(stream, n, Slope{op}, out, input, y, g);
  }
}

template <class T>
void binary(Stream& stream, Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step,
            T* out) {
  if (a_step != 0 && b_step != 0) {
    map(stream, n, BinaryValue<T>{op, nullptr, nullptr}, out, a, b);
  } else if (a_step != 0) {
    map(stream, n, BinaryValue<T>{op, nullptr, b}, out, a);
  } else if (b_step != 0) {
    map(stream, n, BinaryValue<T>{op, a, nullptr}, out, b);
  } else {
    map(stream, n, BinaryValue<T>{op, a, b}, out);
  }
}

template <class T>
void where(Stream& stream, std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b,
           int b_step, T* out) {
  launch(stream, Shape(blocks_for(n, kMapThreads), kMapThreads), where_kernel<T>, n,
         Where<T>{c, a, b, c_step, a_step, b_step}, out);
}

template <class T>
void clamp(Stream& stream, std::int64_t n, T low, T high, const T* x, T* y) {
  map(stream, n, Clamp<T>{low, high}, y, x);
}

template <class T>
void clamp_derivative(Stream& stream, std::int64_t n, T low, T high, const T* x, const T* g, T* out,
                      bool accumulate) {
  const ClampSlope<T> slope{{low, high}};
  if (accumulate) {
    map(stream, n, slope, out, x, g, static_cast<const T*>(out));
  } else {
    map(stream, n, slope, out, x, g);
  }
}

template <class T>
void axpy(Stream& stream, std::int64_t n, T alpha, const T* x, T* y) {
  map(stream, n, Axpy<T>{alpha}, y, x, static_cast<const T*>(y));
}

template <class T>
void multiply_add(Stream& stream, std::int64_t n, const T* a, const T* b, T* out) {
  map(stream, n, MultiplyAdd{}, out, a, b, static_cast<const T*>(out));
}

#define BATON_INSTANTIATE(T)                                                                            \
  template void unary(Stream&, Unary, std::int64_t, const T*, T*);                                      \
  template void unary_derivative(Stream&, Unary, std::int64_t, const T*, const T*, const T*, T*, bool); \
  template void binary(Stream&, Binary, std::int64_t, const T*, int, const T*, int, T*);                \
  template void where(Stream&, std::int64_t, const T*, int, const T*, int, const T*, int, T*);          \
  template void clamp(Stream&, std::int64_t, T, T, const T*, T*);                                       \
  template void clamp_derivative(Stream&, std::int64_t, T, T, const T*, const T*, T*, bool);            \
  template void axpy(Stream&, std::int64_t, T, const T*, T*);                                           \
  template void multiply_add(Stream&, std::int64_t, const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
