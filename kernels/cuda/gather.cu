#include <utility>

#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kRowThreads = 256, kRun = 256;

// A warp a row.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    gather_kernel(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out) {
  const std::int64_t i = thread_in_grid() / kWarp;
  if (i >= n) return;
  const T* row = table + index[i] * cols;
  for (std::int64_t c = threadIdx.x % kWarp; c < cols; c += kWarp) out[i * cols + c] = row[c];
}

// scatter_add_rows sorts (index, i), each pair one number, and no two the same: then a row of the table finds what it
// gets side by side, i ascending.
using Key = std::uint64_t;
__device__ inline std::int64_t target_of(Key key) { return static_cast<std::int64_t>(key >> 32); }
__device__ inline std::int64_t source_of(Key key) { return static_cast<std::int64_t>(key & 0xFFFFFFFFU); }

// Sorted runs of kRun keys: a key's place is the number of lesser ones in its block.
__global__ void __launch_bounds__(kRun)
    sort_runs_kernel(std::int64_t n, const std::int32_t* index, Key* keys) {
  BATON_SHARED(Key, run, kRun);
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * kRun, i = begin + threadIdx.x;
  const int count = static_cast<int>(n - begin < kRun ? n - begin : kRun);
  Key own = 0;
  if (i < n) own = static_cast<Key>(static_cast<std::uint32_t>(index[i])) << 32 | static_cast<Key>(i);
  run[threadIdx.x] = own;
  __syncthreads();
  if (i >= n) return;
  int place = 0;
  for (int k = 0; k < count; ++k) place += run[k] < own ? 1 : 0;
  keys[begin + place] = own;
}

// Pairs of sorted runs of `width` keys become one: a key goes on by as many as are less in the other run.
__global__ void __launch_bounds__(kRowThreads)
    merge_kernel(std::int64_t n, std::int64_t width, const Key* from, Key* to) {
  for (std::int64_t i = thread_in_grid(); i < n; i += threads_of_grid()) {
    const std::int64_t run = i / width, other = (run ^ 1) * width;
    const std::int64_t first = other < n ? other : n, last = other + width < n ? other + width : n;
    const Key own = from[i];
    std::int64_t low = first, high = last;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (from[middle] < own) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    to[run / 2 * 2 * width + (i - run * width) + (low - first)] = own;
  }
}

// The thread at the first key of a row of the table adds one of its columns up: no two write one number, and the sums
// are the reference's.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    scatter_add_kernel(std::int64_t n, std::int64_t cols, const T* rows, const Key* keys, T* table) {
  for (std::int64_t e = thread_in_grid(); e < n * cols; e += threads_of_grid()) {
    const std::int64_t first = e / cols, c = e - first * cols, target = target_of(keys[first]);
    if (first > 0 && target_of(keys[first - 1]) == target) continue;
    T total = table[target * cols + c];
    for (std::int64_t k = first; k < n && target_of(keys[k]) == target; ++k)
      total += rows[source_of(keys[k]) * cols + c];
    table[target * cols + c] = total;
  }
}

// A thread a column, whose element is at(place).
struct Along {
  std::int64_t n, inner;
  const std::int32_t* index;
  __device__ std::int64_t at(std::int64_t place) const {
    const std::int64_t o = place / inner;
    return (o * n + index[place]) * inner + place - o * inner;
  }
};

template <class T>
__global__ void __launch_bounds__(kRowThreads)
    gather_along_kernel(std::int64_t columns, Along along, const T* x, T* y) {
  for (std::int64_t p = thread_in_grid(); p < columns; p += threads_of_grid()) y[p] = x[along.at(p)];
}
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    scatter_add_along_kernel(std::int64_t columns, Along along, const T* y, T* x) {
  for (std::int64_t p = thread_in_grid(); p < columns; p += threads_of_grid()) x[along.at(p)] += y[p];
}

}  // namespace

template <class T>
void gather_rows(Stream& stream, std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index,
                 T* out) {
  constexpr int kRowsOfBlock = kRowThreads / kWarp;
  const unsigned blocks = static_cast<unsigned>((n + kRowsOfBlock - 1) / kRowsOfBlock);
  launch(stream, Shape(blocks, kRowThreads), gather_kernel<T>, n, cols, table, index, out);
}

std::int64_t scatter_add_scratch(std::int64_t n) { return 2 * n * static_cast<std::int64_t>(sizeof(Key)); }

template <class T>
void scatter_add_rows(Stream& stream, std::int64_t n, std::int64_t cols, const T* rows,
                      const std::int32_t* index, T* table, void* scratch) {
  Key *keys = static_cast<Key*>(scratch), *merged = keys + n;
  launch(stream, Shape(static_cast<unsigned>((n + kRun - 1) / kRun), kRun), sort_runs_kernel, n, index, keys);
  for (std::int64_t width = kRun; width < n; width *= 2) {
    launch(stream, Shape(blocks_for(n, kRowThreads), kRowThreads), merge_kernel, n, width, keys, merged);
    std::swap(keys, merged);
  }
  launch(stream, Shape(blocks_for(n * cols, kRowThreads), kRowThreads), scatter_add_kernel<T>, n, cols, rows,
         keys, table);
}

template <class T>
void gather_along(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y) {
  launch(stream, Shape(blocks_for(outer * inner, kRowThreads), kRowThreads), gather_along_kernel<T>,
         outer * inner, Along{n, inner, index}, x, y);
}

template <class T>
void scatter_add_along(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x) {
  launch(stream, Shape(blocks_for(outer * inner, kRowThreads), kRowThreads), scatter_add_along_kernel<T>,
         outer * inner, Along{n, inner, index}, y, x);
}

#define BATON_INSTANTIATE(T)                                                                             \
  template void gather_along(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*,                \
                             const std::int32_t*, T*);                                                   \
  template void scatter_add_along(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*,           \
                                  const std::int32_t*, T*);                                              \
  template void gather_rows(Stream&, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);     \
  template void scatter_add_rows(Stream&, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*, \
                                 void*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
