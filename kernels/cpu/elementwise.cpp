#include "kernels/cpu/tanh.hpp"
#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

// One struct per function: value(x) = f(x), slope(x, y) = f'(x) where y = f(x).
struct Identity {
  template <class V>
  static V value(V x) {
    return x;
  }
  template <class V>
  static V slope(V, V) {
    return V{} + 1;
  }
};
struct Tanh {
  template <class V>
  static V value(V x) {
    return vec_tanh(x);
  }
  template <class V>
  static V slope(V, V y) {
    return 1 - y * y;
  }
};
struct Relu {
  template <class V>
  static V value(V x) {
    return x <= 0 ? V{} : x;
  }
  template <class V>
  static V slope(V, V y) {
    return y <= 0 ? V{} : V{} + 1;
  }
};
struct Elu {
  template <class V>
  static V value(V x) {
    return x > 0 ? x : vec_expm1(x > 0 ? V{} : x);
  }
  template <class V>
  static V slope(V, V y) {
    return y > 0 ? V{} + 1 : y + 1;
  }
};
struct Gelu {
  template <class V>
  using Element = decltype(+V{}[0]);
  template <class V>
  static constexpr Element<V> kRoot = static_cast<Element<V>>(0.79788456080286535588);  // sqrt(2/pi)
  template <class V>
  static constexpr Element<V> kCubic = kRoot<V>* static_cast<Element<V>>(0.044715);
  template <class V>
  static V inner(V x) {
    return vec_tanh(x * (x * x * kCubic<V> + kRoot<V>));
  }
  template <class V>
  static V value(V x) {
    return x * (inner(x) + 1) / 2;
  }
  template <class V>
  static V slope(V x, V) {
    const V t = inner(x);
    return ((t + 1) + x * (1 - t * t) * (x * x * (3 * kCubic<V>)+kRoot<V>)) / 2;
  }
};
struct Sigmoid {  // both branches keep the exponential's argument at or below 0
  template <class V>
  static V value(V x) {
    const V e = vec_exp(x > 0 ? -x : x);
    return (x > 0 ? V{} + 1 : e) / (e + 1);
  }
  template <class V>
  static V slope(V, V y) {
    return y * (1 - y);
  }
};
struct Silu {
  template <class V>
  static V value(V x) {
    return x * Sigmoid::value(x);
  }
  template <class V>
  static V slope(V x, V) {
    const V s = Sigmoid::value(x);
    return s * (x * (1 - s) + 1);
  }
};
struct Softplus {
  template <class V>
  static V value(V x) {
    const V tail = vec_log1p_unit(vec_exp(x > 0 ? -x : x));
    return (x > 0 ? x : V{}) + tail;
  }
  template <class V>
  static V slope(V, V y) {
    return -vec_expm1(-y);
  }
};
struct Exp {
  template <class V>
  static V value(V x) {
    return vec_exp(x);
  }
  template <class V>
  static V slope(V, V y) {
    return y;
  }
};
struct Log {
  template <class V>
  static V value(V x) {
    return vec_log(x);
  }
  template <class V>
  static V slope(V x, V) {
    return 1 / x;
  }
};
struct Square {
  template <class V>
  static V value(V x) {
    return x * x;
  }
  template <class V>
  static V slope(V x, V) {
    return x + x;
  }
};
struct Sqrt {
  template <class V>
  static V value(V x) {
    return vec_sqrt(x);
  }
  template <class V>
  static V slope(V, V y) {
    return 1 / (y + y);
  }
};
struct Negate {
  template <class V>
  static V value(V x) {
    return -x;
  }
  template <class V>
  static V slope(V, V) {
    return V{} - 1;
  }
};

template <class T>
struct UnaryPart {
  void (*value)(int64_t n, const T* x, T* y);
  void (*slope)(int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate);
  void (*bias)(int64_t rows, int cols, const T* bias, T* x, T* z);
};

template <class T, class F>
void value_loop(int64_t n, const T* x, T* y) {
  for_vectors<T>(n, [=](auto get, auto put) { put(y, F::value(get(x))); });
}

template <class T, class F>
void slope_loop(int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate) {
  if (x == nullptr) x = y;  // not looked at by functions that may be given none
  if (accumulate) {
    for_vectors<T>(n, [=](auto get, auto put) { put(out, get(out) + get(g) * F::slope(get(x), get(y))); });
  } else {
    for_vectors<T>(n, [=](auto get, auto put) { put(out, get(g) * F::slope(get(x), get(y))); });
  }
}

template <class T, class F>
void bias_loop(int64_t rows, int cols, const T* bias, T* x, T* z) {
  for (int64_t r = 0; r < rows; ++r) {
    T* row = x + r * cols;
    if (z != nullptr) {
      T* z_row = z + r * cols;
      for_vectors<T>(cols, [=](auto get, auto put) { put(z_row, get(row) + get(bias)); });
      for_vectors<T>(cols, [=](auto get, auto put) { put(row, F::value(get(z_row))); });
    } else {
      for_vectors<T>(cols, [=](auto get, auto put) { put(row, F::value(get(row) + get(bias))); });
    }
  }
}

template <class T, class F>
constexpr UnaryPart<T> part() {
  return {value_loop<T, F>, slope_loop<T, F>, bias_loop<T, F>};
}

// In the order of enum Unary.
template <class T>
constexpr UnaryPart<T> kParts[kUnaryCount] = {
    part<T, Identity>(), part<T, Tanh>(),     part<T, Relu>(),    part<T, Elu>(), part<T, Gelu>(),
    part<T, Silu>(),     part<T, Softplus>(), part<T, Sigmoid>(), part<T, Exp>(), part<T, Log>(),
    part<T, Square>(),   part<T, Sqrt>(),     part<T, Negate>()};

template <class T>
void unary_isa(Unary op, int64_t n, const T* x, T* y) {
  kParts<T>[static_cast<int>(op)].value(n, x, y);
}
template <class T>
void unary_derivative_isa(Unary op, int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate) {
  kParts<T>[static_cast<int>(op)].slope(n, x, y, g, out, accumulate);
}
template <class T>
void bias_unary_isa(Unary op, int64_t rows, int cols, const T* bias, T* x, T* z) {
  kParts<T>[static_cast<int>(op)].bias(rows, cols, bias, x, z);
}

struct Add {
  template <class V>
  static V of(V a, V b) {
    return a + b;
  }
};
struct Sub {
  template <class V>
  static V of(V a, V b) {
    return a - b;
  }
};
struct Mul {
  template <class V>
  static V of(V a, V b) {
    return a * b;
  }
};
struct Div {
  template <class V>
  static V of(V a, V b) {
    return a / b;
  }
};
struct Minimum {
  template <class V>
  static V of(V a, V b) {
    return (b < a) | (b != b) ? b : a;
  }
};
struct Maximum {
  template <class V>
  static V of(V a, V b) {
    return (a < b) | (b != b) ? b : a;
  }
};
struct Less {
  template <class V>
  static V of(V a, V b) {
    return a < b ? V{} + 1 : V{};
  }
};

template <class T, class F>
void binary_loop(int64_t n, const T* a, int a_step, const T* b, int b_step, T* out) {
  if (a_step != 0 && b_step != 0) {
    for_vectors<T>(n, [=](auto get, auto put) { put(out, F::of(get(a), get(b))); });
  } else if (a_step != 0) {
    const Vec<T> fixed = splat(n > 0 ? *b : T(0));
    for_vectors<T>(n, [=](auto get, auto put) { put(out, F::of(get(a), fixed)); });
  } else if (b_step != 0) {
    const Vec<T> fixed = splat(n > 0 ? *a : T(0));
    for_vectors<T>(n, [=](auto get, auto put) { put(out, F::of(fixed, get(b))); });
  } else {
    const Vec<T> fixed = F::of(splat(n > 0 ? *a : T(0)), splat(n > 0 ? *b : T(1)));
    for_vectors<T>(n, [=](auto, auto put) { put(out, fixed); });
  }
}

template <class T>
void binary_isa(Binary op, int64_t n, const T* a, int a_step, const T* b, int b_step, T* out) {
  switch (op) {
    case Binary::kAdd:
      return binary_loop<T, Add>(n, a, a_step, b, b_step, out);
    case Binary::kSub:
      return binary_loop<T, Sub>(n, a, a_step, b, b_step, out);
    case Binary::kMul:
      return binary_loop<T, Mul>(n, a, a_step, b, b_step, out);
    case Binary::kDiv:
      return binary_loop<T, Div>(n, a, a_step, b, b_step, out);
    case Binary::kMinimum:
      return binary_loop<T, Minimum>(n, a, a_step, b, b_step, out);
    case Binary::kMaximum:
      return binary_loop<T, Maximum>(n, a, a_step, b, b_step, out);
    case Binary::kLess:
      return binary_loop<T, Less>(n, a, a_step, b, b_step, out);
  }
}

template <class T>
void where_isa(int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b, int b_step, T* out) {
  if (n <= 0) return;
  const Vec<T> c_fixed = splat(*c), a_fixed = splat(*a), b_fixed = splat(*b);
  for_vectors<T>(n, [=](auto get, auto put) {
    const Vec<T> choice = c_step != 0 ? get(c) : c_fixed;
    const Vec<T> yes = a_step != 0 ? get(a) : a_fixed, no = b_step != 0 ? get(b) : b_fixed;
    put(out, choice != 0 ? yes : no);
  });
}

template <class T>
void clamp_isa(int64_t n, T low, T high, const T* x, T* y) {
  const Vec<T> least = splat(low), most = splat(high);
  for_vectors<T>(n, [=](auto get, auto put) {
    const Vec<T> v = get(x);
    put(y, v < least ? least : (v > most ? most : v));
  });
}

template <class T>
void clamp_derivative_isa(int64_t n, T low, T high, const T* x, const T* g, T* out, bool accumulate) {
  const Vec<T> least = splat(low), most = splat(high);
  for_vectors<T>(n, [=](auto get, auto put) {
    const Vec<T> v = get(x), passed = (v < least) | (v > most) ? Vec<T>{} : get(g);
    put(out, accumulate ? get(out) + passed : passed);
  });
}

template <class T>
void axpy_isa(int64_t n, T alpha, const T* x, T* y) {
  for_vectors<T>(n, [=](auto get, auto put) { put(y, get(y) + get(x) * alpha); });
}

template <class T>
void multiply_add_isa(int64_t n, const T* a, const T* b, T* out) {
  for_vectors<T>(n, [=](auto get, auto put) { put(out, get(out) + get(a) * get(b)); });
}

template <class T>
void scale_columns_isa(int64_t rows, int cols, const T* scale, T* x) {
  for (int64_t r = 0; r < rows; ++r) {
    T* row = x + r * cols;
    for (int c = 0; c < cols; ++c) row[c] *= scale[c];
  }
}

template <class T>
void fill(Table<T>& table) {
  table.unary = unary_isa<T>;
  table.unary_derivative = unary_derivative_isa<T>;
  table.bias_unary = bias_unary_isa<T>;
  table.binary = binary_isa<T>;
  table.where = where_isa<T>;
  table.clamp = clamp_isa<T>;
  table.clamp_derivative = clamp_derivative_isa<T>;
  table.axpy = axpy_isa<T>;
  table.multiply_add = multiply_add_isa<T>;
  table.scale_columns = scale_columns_isa<T>;
}

}  // namespace

void fill_elementwise(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
