#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

// Rows to come are asked for so many before they are copied, or one miss would wait for the one before.
constexpr int64_t kAhead = 24;

// Rows of kFull whole vectors and a rest: short ones take so few instructions that many are under way at a time, and
// each may wait for the memory by itself; with vectors shorter than a line not many enough. The rest is the row's last
// whole vector, in part once more: a masked store of AVX2 is slow on AMD's processors (docs/performance.md).
template <int kFull, class T>
void gather_short_rows(int64_t n, int64_t cols, const T* table, int64_t stride, const int32_t* index,
                       T* out) {
  constexpr bool kAsks = kWidth<T> * sizeof(T) < 64;
  const int rest = static_cast<int>(cols) - kFull * kWidth<T>;
  for (int64_t i = 0; i < n; ++i) {
    if (kAsks && i + kAhead < n) {
      const T* next = table + index[i + kAhead] * stride;
      __builtin_prefetch(next);
      __builtin_prefetch(next + cols - 1);
    }
    const T* from = table + index[i] * stride;
    T* to = out + i * cols;
    for (int v = 0; v < kFull; ++v) store(to + v * kWidth<T>, load(from + v * kWidth<T>));
    if (rest == 0) continue;
    if constexpr (kFull > 0)
      store(to + cols - kWidth<T>, load(from + cols - kWidth<T>));
    else
      store_part(to, load_part(from, rest, T(0)), rest);
  }
}

template <class T>
void gather_strided_rows_isa(int64_t n, int64_t cols, const T* table, int64_t stride, const int32_t* index,
                             T* out) {
  switch (cols / kWidth<T>) {
    case 0:
      return gather_short_rows<0>(n, cols, table, stride, index, out);
    case 1:
      return gather_short_rows<1>(n, cols, table, stride, index, out);
    case 2:
      return gather_short_rows<2>(n, cols, table, stride, index, out);
    case 3:
      return gather_short_rows<3>(n, cols, table, stride, index, out);
    default:
      break;
  }
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < n; ++i) {
    if (i + kAhead < n) {
      const T* next = table + index[i + kAhead] * stride;
      for (int64_t c = 0; c < cols; c += kLine) __builtin_prefetch(next + c);
      __builtin_prefetch(next + cols - 1);  // a row may begin inside a line
    }
    const T* from = table + index[i] * stride;
    T* to = out + i * cols;
    for_vectors<T>(cols, [=](auto get, auto put) { put(to, get(from)); });
  }
}

template <class T>
void scatter_add_rows_isa(int64_t n, int64_t cols, const T* rows, const int32_t* index, T* table) {
  for (int64_t i = 0; i < n; ++i) {
    const T* from = rows + i * cols;
    T* to = table + static_cast<int64_t>(index[i]) * cols;
    for_vectors<T>(cols, [=](auto get, auto put) { put(to, get(to) + get(from)); });
  }
}

template <class T>
void gather_along_isa(int64_t outer, int64_t n, int64_t inner, const T* x, const int32_t* index, T* y) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) y[o * inner + i] = x[(o * n + index[o * inner + i]) * inner + i];
  }
}

template <class T>
void scatter_add_along_isa(int64_t outer, int64_t n, int64_t inner, const T* y, const int32_t* index, T* x) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) x[(o * n + index[o * inner + i]) * inner + i] += y[o * inner + i];
  }
}

template <class T>
void fill(Table<T>& table) {
  table.gather_strided_rows = gather_strided_rows_isa<T>;
  table.scatter_add_rows = scatter_add_rows_isa<T>;
  table.gather_along = gather_along_isa<T>;
  table.scatter_add_along = scatter_add_along_isa<T>;
}

}  // namespace

void fill_gather(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
