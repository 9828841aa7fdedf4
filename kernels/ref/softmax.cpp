#include "kernels/softmax.hpp"

#include <cmath>
#include <limits>

namespace baton::kernels::ref {
namespace {

// Element k of the column (o, i) of an array [outer][n][inner].
struct Column {
  std::int64_t start, stride, n;
  Column(std::int64_t o, std::int64_t i, std::int64_t n, std::int64_t inner)
      : start(o * n * inner + i), stride(inner), n(n) {}
  std::int64_t at(std::int64_t k) const { return start + k * stride; }
};

// body(column, its place in an array [outer][inner])
template <class Body>
void for_columns(std::int64_t outer, std::int64_t n, std::int64_t inner, Body body) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) body(Column(o, i, n, inner), o * inner + i);
  }
}

template <class T>
double number(const T* p, std::int64_t i) {
  return static_cast<double>(p[i]);
}

template <class T>
double largest(const T* x, const Column& c) {
  double m = -std::numeric_limits<double>::infinity();
  for (std::int64_t k = 0; k < c.n; ++k) {
    if (number(x, c.at(k)) > m) m = number(x, c.at(k));
  }
  return m;
}

// ln sum_k e^(x[k] - shift)
template <class T>
double log_sum(const T* x, const Column& c, double shift) {
  double total = 0;
  for (std::int64_t k = 0; k < c.n; ++k) total += std::exp(number(x, c.at(k)) - shift);
  return std::log(total);
}

}  // namespace

template <class T>
void softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t) {
    const double m = largest(x, c), log_total = log_sum(x, c, m);
    for (std::int64_t k = 0; k < n; ++k)
      y[c.at(k)] = static_cast<T>(std::exp(number(x, c.at(k)) - m - log_total));
  });
}

template <class T>
void softmax_derivative(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* g,
                        T* out, bool accumulate) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t) {
    double mean = 0;
    for (std::int64_t k = 0; k < n; ++k) mean += number(y, c.at(k)) * number(g, c.at(k));
    for (std::int64_t k = 0; k < n; ++k) {
      const double value = number(y, c.at(k)) * (number(g, c.at(k)) - mean);
      out[c.at(k)] = static_cast<T>(accumulate ? number(out, c.at(k)) + value : value);
    }
  });
}

template <class T>
void log_softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t) {
    const double m = largest(x, c), log_total = log_sum(x, c, m);
    for (std::int64_t k = 0; k < n; ++k) y[c.at(k)] = static_cast<T>(number(x, c.at(k)) - m - log_total);
  });
}

template <class T>
void log_softmax_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* u, T* d_x) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t) {
    double total = 0;
    for (std::int64_t k = 0; k < n; ++k) total += number(u, c.at(k));
    for (std::int64_t k = 0; k < n; ++k) {
      const double value = number(u, c.at(k)) - std::exp(number(y, c.at(k))) * total;
      d_x[c.at(k)] = static_cast<T>(number(d_x, c.at(k)) + value);
    }
  });
}

template <class T>
void log_softmax_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* x_dot,
                     T* y_dot) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t) {
    double mean = 0;
    for (std::int64_t k = 0; k < n; ++k) mean += std::exp(number(y, c.at(k))) * number(x_dot, c.at(k));
    for (std::int64_t k = 0; k < n; ++k) y_dot[c.at(k)] = static_cast<T>(number(x_dot, c.at(k)) - mean);
  });
}

template <class T>
void log_sum_exp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t place) {
    const double m = largest(x, c), shift = std::isfinite(m) ? m : 0.0;
    y[place] = static_cast<T>(shift + log_sum(x, c, shift));
  });
}

template <class T>
void log_sum_exp_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* u, T* d_x) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t place) {
    for (std::int64_t k = 0; k < n; ++k) {
      const double p = std::exp(number(x, c.at(k)) - number(y, place));
      d_x[c.at(k)] = static_cast<T>(number(d_x, c.at(k)) + number(u, place) * p);
    }
  });
}

template <class T>
void log_sum_exp_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* x_dot, T* y_dot) {
  for_columns(outer, n, inner, [&](const Column& c, std::int64_t place) {
    double total = 0;
    for (std::int64_t k = 0; k < n; ++k)
      total += std::exp(number(x, c.at(k)) - number(y, place)) * number(x_dot, c.at(k));
    y_dot[place] = static_cast<T>(total);
  });
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void softmax(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                             \
  template void softmax_derivative(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*, bool);  \
  template void log_softmax(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                         \
  template void log_softmax_vjp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*);           \
  template void log_softmax_jvp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*);           \
  template void log_sum_exp(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                         \
  template void log_sum_exp_vjp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, const T*, T*); \
  template void log_sum_exp_jvp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
