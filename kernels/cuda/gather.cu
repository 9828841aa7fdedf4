#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kRowThreads = 256, kScatterThreads = 128;

// A warp a row.
template <class T>
__global__ void __launch_bounds__(kRowThreads)
    gather_kernel(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out) {
  const std::int64_t i = thread_in_grid() / kWarp;
  if (i >= n) return;
  const T* row = table + index[i] * cols;
  for (std::int64_t c = threadIdx.x % kWarp; c < cols; c += kWarp) out[i * cols + c] = row[c];
}

// A block for each i that is the first to name its row: it adds all rows of that index, in ascending order, so
// that no two blocks write one row and the sums are the reference's. Reads n indices a block.
template <class T>
__global__ void __launch_bounds__(kScatterThreads)
    scatter_add_kernel(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index,
                       T* table) {
  BATON_SHARED(unsigned, named, kScatterThreads / kWarp);
  const std::int64_t first = blockIdx.x;
  const std::int32_t target = index[first];
  bool earlier = false;
  for (std::int64_t j = threadIdx.x; j < first; j += kScatterThreads) earlier |= index[j] == target;
  if (__syncthreads_or(earlier)) return;
  for (std::int64_t begin = first; begin < n; begin += kScatterThreads) {
    const std::int64_t j = begin + threadIdx.x;
    const unsigned vote = __ballot_sync(kFullWarp, j < n && index[j] == target);
    if (threadIdx.x % kWarp == 0) named[threadIdx.x / kWarp] = vote;
    __syncthreads();
    for (int warp = 0; warp < kScatterThreads / kWarp; ++warp) {
      for (unsigned left = named[warp]; left != 0; left &= left - 1) {
        const T* row = rows + (begin + warp * kWarp + __ffs(static_cast<int>(left)) - 1) * cols;
        for (std::int64_t c = threadIdx.x; c < cols; c += kScatterThreads) table[target * cols + c] += row[c];
      }
    }
    __syncthreads();
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

template <class T>
void scatter_add_rows(Stream& stream, std::int64_t n, std::int64_t cols, const T* rows,
                      const std::int32_t* index, T* table) {
  launch(stream, Shape(static_cast<unsigned>(n), kScatterThreads), scatter_add_kernel<T>, n, cols, rows,
         index, table);
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

#define BATON_INSTANTIATE(T)                                                                         \
  template void gather_along(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*,            \
                             const std::int32_t*, T*);                                               \
  template void scatter_add_along(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*,       \
                                  const std::int32_t*, T*);                                          \
  template void gather_rows(Stream&, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*); \
  template void scatter_add_rows(Stream&, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
