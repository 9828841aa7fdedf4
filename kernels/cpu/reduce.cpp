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

// The first largest element of a row: its value in vectors, then where it stands.
template <class T>
int64_t row_max(int64_t n, const T* x) {
  const Vec<T> lowest = splat(static_cast<T>(-__builtin_inf()));
  Vec<T> largest = lowest, not_numbers = Vec<T>{};
  int64_t k = 0;
  for (; k + kWidth<T> <= n; k += kWidth<T>) {
    const Vec<T> v = load(x + k);
    largest = v > largest ? v : largest;
    not_numbers = v != v ? v : not_numbers;
  }
  if (k < n) {
    const Vec<T> v = load_part(x + k, static_cast<int>(n - k), static_cast<T>(-__builtin_inf()));
    largest = v > largest ? v : largest;
    not_numbers = v != v ? v : not_numbers;
  }
  const T wanted = fold_max<T>(largest), any = fold_sum<T>(not_numbers);
  for (k = 0; k < n - 1; ++k) {
    if (any == any ? x[k] == wanted : x[k] != x[k]) break;
  }
  return k;
}

template <class T>
void max_axis_isa(int64_t outer, int64_t n, int64_t inner, const T* x, T* y, int32_t* index) {
  if (inner == 1) {
    for (int64_t o = 0; o < outer; ++o) {
      const int64_t best = row_max(n, x + o * n);
      y[o] = x[o * n + best];
      index[o] = static_cast<int32_t>(best);
    }
    return;
  }
  for (int64_t o = 0; o < outer; ++o) {
    T* largest = y + o * inner;
    int32_t* place = index + o * inner;
    for (int64_t i = 0; i < inner; ++i) largest[i] = x[o * n * inner + i], place[i] = 0;
    for (int64_t k = 1; k < n; ++k) {
      const T* row = x + (o * n + k) * inner;
      for (int64_t i = 0; i < inner; ++i) {
        const bool better = row[i] > largest[i] || (row[i] != row[i] && largest[i] == largest[i]);
        largest[i] = better ? row[i] : largest[i];
        place[i] = better ? static_cast<int32_t>(k) : place[i];
      }
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
  table.max_axis = max_axis_isa<T>;
  table.first_not_finite = first_not_finite_isa<T>;
}

}  // namespace

void fill_reduce(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
