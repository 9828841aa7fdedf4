#include "kernels/reduce.hpp"

#include <cmath>

namespace baton::kernels::ref {

template <class T>
double sum(std::int64_t n, const T* x) {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

template <class T>
double dot(std::int64_t n, const T* a, const T* b) {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return total;
}

template <class T>
void sum_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x, T* y,
              bool accumulate) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      double total = 0;
      for (std::int64_t k = 0; k < n; ++k) total += static_cast<double>(x[(o * n + k) * inner + i]);
      T& out = y[o * inner + i];
      out =
          static_cast<T>(static_cast<double>(scale) * total + (accumulate ? static_cast<double>(out) : 0.0));
    }
  }
}

template <class T>
void max_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y, std::int32_t* index) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < n; ++k) {
        const T now = x[(o * n + k) * inner + i], largest = x[(o * n + best) * inner + i];
        if (now > largest || (std::isnan(now) && !std::isnan(largest))) best = k;
      }
      y[o * inner + i] = x[(o * n + best) * inner + i];
      index[o * inner + i] = static_cast<std::int32_t>(best);
    }
  }
}

template <class T>
std::int64_t first_not_finite(std::int64_t n, const T* x) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return i;
  }
  return -1;
}

#define BATON_INSTANTIATE(T)                                                                     \
  template double sum(std::int64_t, const T*);                                                   \
  template double dot(std::int64_t, const T*, const T*);                                         \
  template void sum_axis(std::int64_t, std::int64_t, std::int64_t, T, const T*, T*, bool);       \
  template void max_axis(std::int64_t, std::int64_t, std::int64_t, const T*, T*, std::int32_t*); \
  template std::int64_t first_not_finite(std::int64_t, const T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
