#include "kernels/cpu/column.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr double kInfinity = __builtin_inf();

// y = e^(x - largest) / their sum; a lane that is not in use is e^-infinity = 0.
template <class T>
void softmax_isa(int64_t outer, int64_t n, int64_t inner, const T* x, T* y) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> most = c.largest(x);
    const Vec<T> total = c.sum([&](int64_t g) {
      const Vec<T> e = vec_exp(c.get(x, g, static_cast<T>(-kInfinity)) - most);
      c.put(y, g, e);
      return e;
    });
    const Vec<T> inverse = 1 / total;
    for (int64_t g = 0; g < c.groups; ++g) c.put(y, g, c.get(y, g) * inverse);
  });
}

template <class T>
void softmax_derivative_isa(int64_t outer, int64_t n, int64_t inner, const T* y, const T* g, T* out,
                            bool accumulate) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> mean = c.sum([&](int64_t k) { return c.get(y, k) * c.get(g, k); });
    for (int64_t k = 0; k < c.groups; ++k) {
      const Vec<T> value = c.get(y, k) * (c.get(g, k) - mean);
      c.put(out, k, accumulate ? c.get(out, k) + value : value);
    }
  });
}

// The sum of e^(x - shift) over a column.
template <class T>
[[gnu::always_inline]] inline Vec<T> shifted_sum(const Column<T>& c, const T* x, Vec<T> shift) {
  return c.sum([&](int64_t g) { return vec_exp(c.get(x, g, static_cast<T>(-kInfinity)) - shift); });
}

template <class T>
void log_softmax_isa(int64_t outer, int64_t n, int64_t inner, const T* x, T* y) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> most = c.largest(x);
    const Vec<T> log_total = vec_log(shifted_sum(c, x, most));
    for (int64_t g = 0; g < c.groups; ++g) c.put(y, g, (c.get(x, g) - most) - log_total);
  });
}

template <class T>
void log_softmax_vjp_isa(int64_t outer, int64_t n, int64_t inner, const T* y, const T* u, T* d_x) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> total = c.sum([&](int64_t g) { return c.get(u, g); });
    for (int64_t g = 0; g < c.groups; ++g)
      c.put(d_x, g, c.get(d_x, g) + (c.get(u, g) - vec_exp(c.get(y, g)) * total));
  });
}

template <class T>
void log_softmax_jvp_isa(int64_t outer, int64_t n, int64_t inner, const T* y, const T* x_dot, T* y_dot) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> mean = c.sum([&](int64_t g) { return vec_exp(c.get(y, g)) * c.get(x_dot, g); });
    for (int64_t g = 0; g < c.groups; ++g) c.put(y_dot, g, c.get(x_dot, g) - mean);
  });
}

template <class T>
void log_sum_exp_isa(int64_t outer, int64_t n, int64_t inner, const T* x, T* y) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> most = c.largest(x);
    const Vec<T> shift = most - most == 0 ? most : Vec<T>{};  // 0 for an infinity
    c.put_result(y, shift + vec_log(shifted_sum(c, x, shift)));
  });
}

template <class T>
void log_sum_exp_vjp_isa(int64_t outer, int64_t n, int64_t inner, const T* x, const T* y, const T* u,
                         T* d_x) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> log_total = c.get_result(y), weight = c.get_result(u);
    for (int64_t g = 0; g < c.groups; ++g)
      c.put(d_x, g, c.get(d_x, g) + weight * vec_exp(c.get(x, g) - log_total));
  });
}

template <class T>
void log_sum_exp_jvp_isa(int64_t outer, int64_t n, int64_t inner, const T* x, const T* y, const T* x_dot,
                         T* y_dot) {
  for_columns<T>(outer, n, inner, [=](const Column<T>& c) {
    const Vec<T> log_total = c.get_result(y);
    c.put_result(y_dot, c.sum([&](int64_t g) { return vec_exp(c.get(x, g) - log_total) * c.get(x_dot, g); }));
  });
}

template <class T>
void fill(Table<T>& table) {
  table.softmax = softmax_isa<T>;
  table.softmax_derivative = softmax_derivative_isa<T>;
  table.log_softmax = log_softmax_isa<T>;
  table.log_softmax_vjp = log_softmax_vjp_isa<T>;
  table.log_softmax_jvp = log_softmax_jvp_isa<T>;
  table.log_sum_exp = log_sum_exp_isa<T>;
  table.log_sum_exp_vjp = log_sum_exp_vjp_isa<T>;
  table.log_sum_exp_jvp = log_sum_exp_jvp_isa<T>;
}

}  // namespace

void fill_softmax(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
