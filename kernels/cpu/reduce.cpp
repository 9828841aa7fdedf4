#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

constexpr int kLanes = 32;  // independent partial sums in double, folded pairwise at the end

double fold(double* lanes) {
  for (int half = kLanes / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <class T>
double sum_isa(int64_t n, const T* x) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] += static_cast<double>(x[i + j]);
  }
  for (int j = 0; i < n; ++i, ++j) lanes[j] += static_cast<double>(x[i]);
  return fold(lanes);
}

template <class T>
double dot_isa(int64_t n, const T* a, const T* b) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j)
      lanes[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  }
  for (int j = 0; i < n; ++i, ++j) lanes[j] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return fold(lanes);
}

// Columns in strips that stay in registers while k runs, so that y is touched once.
template <class T>
void sum_axis_isa(int64_t outer, int64_t n, int64_t inner, T scale, const T* x, T* y, bool accumulate) {
  if (inner == 1) {
    for (int64_t o = 0; o < outer; ++o) {
      const T total = static_cast<T>(sum_isa(n, x + o * n)) * scale;
      y[o] = accumulate ? y[o] + total : total;
    }
    return;
  }
  constexpr int kStrip = 4 * kWidth<T>;
  for (int64_t o = 0; o < outer; ++o) {
    const T* slab = x + o * n * inner;
    T* out = y + o * inner;
    for (int64_t i = 0; i < inner; i += kStrip) {
      const int width = static_cast<int>(inner - i < kStrip ? inner - i : kStrip);
      T sums[kStrip] = {};
      if (width == kStrip) {
        for (int64_t k = 0; k < n; ++k) {
          const T* row = slab + k * inner + i;
          for (int j = 0; j < kStrip; ++j) sums[j] += row[j];
        }
      } else {
        for (int64_t k = 0; k < n; ++k) {
          const T* row = slab + k * inner + i;
          for (int j = 0; j < width; ++j) sums[j] += row[j];
        }
      }
      for (int j = 0; j < width; ++j)
        out[i + j] = accumulate ? out[i + j] + scale * sums[j] : scale * sums[j];
    }
  }
}

template <class T>
int64_t first_not_finite_isa(int64_t n, const T* x) {
  for (int64_t i = 0; i < n; ++i) {
    if (!(x[i] - x[i] == T(0))) return i;
  }
  return -1;
}

template <class T>
void fill(Table<T>& table) {
  table.sum = sum_isa<T>;
  table.dot = dot_isa<T>;
  table.sum_axis = sum_axis_isa<T>;
  table.first_not_finite = first_not_finite_isa<T>;
}

}  // namespace

void fill_reduce(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
