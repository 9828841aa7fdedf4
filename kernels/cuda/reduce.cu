#include <cmath>

#include "kernels/cuda/column.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/reduce.hpp"

namespace baton::kernels::cuda {
namespace {

// What reduce() folds: element i as a Sum, how two are combined, and what comes out.
template <class T>
struct SumOf {
  using Sum = double;
  const T* x;
  __device__ static Sum identity() { return 0; }
  __device__ Sum operator()(std::int64_t i) const { return x[i]; }
  __device__ static Sum combine(Sum a, Sum b) { return a + b; }
  __device__ static double finish(Sum total) { return total; }
};

template <class T>
struct DotOf {
  using Sum = double;
  const T* a;
  const T* b;
  __device__ static Sum identity() { return 0; }
  __device__ Sum operator()(std::int64_t i) const {
    return static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  __device__ static Sum combine(Sum a, Sum b) { return a + b; }
  __device__ static double finish(Sum total) { return total; }
};

template <class T>
struct FirstNotFinite {
  using Sum = std::int64_t;
  const T* x;
  __device__ static Sum identity() { return INT64_MAX; }
  __device__ Sum operator()(std::int64_t i) const { return std::isfinite(x[i]) ? INT64_MAX : i; }
  __device__ static Sum combine(Sum a, Sum b) { return b < a ? b : a; }
  __device__ static std::int64_t finish(Sum first) { return first == INT64_MAX ? -1 : first; }
};

// The partial result of each block's elements; a single block finishes.
template <class Fold, class Result>
__global__ void __launch_bounds__(kReduceThreads)
    fold_kernel(std::int64_t n, Fold fold, typename Fold::Sum* partial, Result* out) {
  using Sum = typename Fold::Sum;
  const std::int64_t stride = threads_of_grid();
  Sum total = Fold::identity();
#pragma unroll 4
  for (std::int64_t i = thread_in_grid(); i < n; i += stride) total = Fold::combine(total, fold(i));
  total = block_reduce(total, Fold::identity(), [](Sum a, Sum b) { return Fold::combine(a, b); });
  if (threadIdx.x != 0) return;
  if (gridDim.x == 1) {
    *out = Fold::finish(total);
  } else {
    partial[blockIdx.x] = total;
  }
}

template <class Fold, class Result>
__global__ void __launch_bounds__(kReduceThreads)
    finish_kernel(int n, const typename Fold::Sum* partial, Result* out) {
  using Sum = typename Fold::Sum;
  Sum total = Fold::identity();
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kReduceThreads)
    total = Fold::combine(total, partial[i]);
  total = block_reduce(total, Fold::identity(), [](Sum a, Sum b) { return Fold::combine(a, b); });
  if (threadIdx.x == 0) *out = Fold::finish(total);
}

template <class Fold, class Result>
void reduce(Stream& stream, std::int64_t n, const Fold& fold, Result* out, void* scratch) {
  constexpr int kEach = 8 * kReduceThreads,
                kMost = kReduceScratchBytes / static_cast<int>(sizeof(typename Fold::Sum));
  const unsigned wanted = blocks_for(n, kEach, kMost), blocks = wanted == 0 ? 1 : wanted;
  auto* partial = static_cast<typename Fold::Sum*>(scratch);
  launch(stream, Shape(blocks, kReduceThreads), fold_kernel<Fold, Result>, n, fold, partial, out);
  if (blocks > 1) {
    launch(stream, Shape(1, kReduceThreads), finish_kernel<Fold, Result>, static_cast<int>(blocks), partial,
           out);
  }
}

// y[o][chunk] = scale sum_k x[o][k] over the k of the chunk: a warp each.
template <class T>
__global__ void __launch_bounds__(kReduceThreads)
    row_sum_kernel(std::int64_t outer, std::int64_t n, Chunks chunks, T scale, const T* x, T* y,
                   bool accumulate) {
  const std::int64_t place = thread_in_grid() / kWarp, o = place / chunks.count;
  if (o >= outer) return;
  const std::int64_t begin = (place - o * chunks.count) * chunks.size;
  const std::int64_t end = begin + chunks.size < n ? begin + chunks.size : n;
  T total = T(0);
#pragma unroll 4
  for (std::int64_t k = begin + threadIdx.x % kWarp; k < end; k += kWarp) total += x[o * n + k];
  total = warp_sum(total);
  if (threadIdx.x % kWarp == 0) y[place] = accumulate ? y[place] + scale * total : scale * total;
}

template <class T>
void row_sums(Stream& stream, std::int64_t outer, std::int64_t n, T scale, const T* x, T* y, bool accumulate,
              T* scratch) {
  const Chunks chunks = chunks_of(n), whole{1, chunks.count};
  const auto blocks = [](std::int64_t warps) {
    return static_cast<unsigned>((warps * kWarp + kReduceThreads - 1) / kReduceThreads);
  };
  if (chunks.count == 1) {
    launch(stream, Shape(blocks(outer), kReduceThreads), row_sum_kernel<T>, outer, n, chunks, scale, x, y,
           accumulate);
    return;
  }
  launch(stream, Shape(blocks(outer * chunks.count), kReduceThreads), row_sum_kernel<T>, outer, n, chunks,
         T(1), x, scratch, false);
  launch(stream, Shape(blocks(outer), kReduceThreads), row_sum_kernel<T>, outer, chunks.count, whole, scale,
         scratch, y, accumulate);
}

// The largest element of a column, a NaN above all numbers, and the first place that has it.
template <class T>
struct Largest {
  const T* x;
  T* y;
  std::int32_t* index;
  // Of two places the one with the larger element; of equals the first. -1: none.
  __device__ std::int64_t better(std::int64_t start, std::int64_t stride, std::int64_t j,
                                 std::int64_t k) const {
    if (j < 0 || k < 0) return j < 0 ? k : j;
    const T of_j = x[start + j * stride], of_k = x[start + k * stride];
    const bool nan_j = std::isnan(of_j), nan_k = std::isnan(of_k);
    if (nan_j != nan_k) return nan_j ? j : k;
    if (!nan_j && of_j != of_k) return of_k > of_j ? k : j;
    return j < k ? j : k;
  }
  template <int kLanes>
  __device__ void operator()(const Column<kLanes>& c) const {
    const std::int64_t best = c.fold(
        std::int64_t{-1}, [](std::int64_t k) { return k; },
        [&](std::int64_t j, std::int64_t k) { return better(c.start, c.stride, j, k); });
    if (!c.leads()) return;
    y[c.place] = x[c.at(best)];
    index[c.place] = static_cast<std::int32_t>(best);
  }
};

}  // namespace

template <class T>
void sum(Stream& stream, std::int64_t n, const T* x, double* out, void* scratch) {
  reduce(stream, n, SumOf<T>{x}, out, scratch);
}

template <class T>
void dot(Stream& stream, std::int64_t n, const T* a, const T* b, double* out, void* scratch) {
  reduce(stream, n, DotOf<T>{a, b}, out, scratch);
}

template <class T>
void first_not_finite(Stream& stream, std::int64_t n, const T* x, std::int64_t* out, void* scratch) {
  reduce(stream, n, FirstNotFinite<T>{x}, out, scratch);
}

std::int64_t sum_axis_scratch(std::int64_t outer, std::int64_t n, std::int64_t inner) {
  return column_sums_scratch(outer, n, inner);
}

template <class T>
void sum_axis(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x,
              T* y, bool accumulate, T* scratch) {
  if (inner == 1) {
    row_sums(stream, outer, n, scale, x, y, accumulate, scratch);
  } else {
    column_sums(stream, outer, n, inner, scale, Element<T>{x, n, inner}, y, accumulate, scratch);
  }
}

template <class T>
void max_axis(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y,
              std::int32_t* index) {
  for_columns(stream, outer, n, inner, Largest<T>{x, y, index});
}

#define BATON_INSTANTIATE(T)                                                                              \
  template void sum(Stream&, std::int64_t, const T*, double*, void*);                                     \
  template void dot(Stream&, std::int64_t, const T*, const T*, double*, void*);                           \
  template void max_axis(Stream&, std::int64_t, std::int64_t, std::int64_t, const T*, T*, std::int32_t*); \
  template void first_not_finite(Stream&, std::int64_t, const T*, std::int64_t*, void*);                  \
  template void sum_axis(Stream&, std::int64_t, std::int64_t, std::int64_t, T, const T*, T*, bool, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
