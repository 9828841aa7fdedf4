#pragma once
// Sums whose order depends on sizes alone. For .cu files.
#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {

// combine over the lanes of a full warp, in every lane (a + b is b + a, so that all get the same bits).
template <class T, class Combine>
__device__ inline T warp_reduce(T value, Combine combine) {
  for (int flip = kWarp / 2; flip > 0; flip /= 2)
    value = combine(value, __shfl_xor_sync(kFullWarp, value, flip));
  return value;
}

struct Add {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

template <class T>
__device__ inline T warp_sum(T value) {
  return warp_reduce(value, Add{});
}

constexpr int kReduceThreads = 256;

// combine over a block of kReduceThreads, in its first warp: warps, then what they found, in order. Once a kernel.
template <class T, class Combine>
__device__ inline T block_reduce(T value, T identity, Combine combine) {
  BATON_SHARED(T, of_warps, kReduceThreads / kWarp);
  value = warp_reduce(value, combine);
  if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = value;
  __syncthreads();
  if (threadIdx.x >= kWarp) return value;
  return warp_reduce(threadIdx.x < kReduceThreads / kWarp ? of_warps[threadIdx.x] : identity, combine);
}

// Sums over the middle axis of [outer][n][inner] in tiles of 32 columns by kTileRows rows; an n that is long is cut
// into chunks, whose sums are added by a second pass.
constexpr int kTileRows = 8;

struct Chunks {
  std::int64_t count, size;  // count * size >= n
};
inline Chunks chunks_of(std::int64_t n) {
  constexpr std::int64_t kSize = 64 * kTileRows, kMost = 512;
  const std::int64_t wanted = (n + kSize - 1) / kSize, count = wanted < 1       ? 1
                                                               : wanted < kMost ? wanted
                                                                                : kMost;
  return {count, (n + count - 1) / count};
}

// y[o][chunk][i] = scale sum_k f(o, k, i) over the k of the chunk, added to what is there if accumulate. Every
// element is asked for once, so that f may store what it computes.
template <class T, class F>
__global__ void __launch_bounds__(kWarp* kTileRows)
    column_sum_kernel(std::int64_t n, std::int64_t inner, Chunks chunks, T scale, F f, T* y,
                      bool accumulate) {
  BATON_SHARED(T, of_rows, kTileRows * kWarp);
  const std::int64_t tiles = (inner + kWarp - 1) / kWarp, place = blockIdx.x / tiles;
  const std::int64_t i = (blockIdx.x - place * tiles) * kWarp + threadIdx.x;
  const std::int64_t o = place / chunks.count, begin = (place - o * chunks.count) * chunks.size;
  const std::int64_t end = begin + chunks.size < n ? begin + chunks.size : n;
  T total = T(0);
  if (i < inner) {
    for (std::int64_t k = begin + threadIdx.y; k < end; k += kTileRows) total += f(o, k, i);
  }
  of_rows[threadIdx.y * kWarp + threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y != 0 || i >= inner || y == nullptr) return;
  for (int row = 1; row < kTileRows; ++row) total += of_rows[row * kWarp + threadIdx.x];
  T* out = y + place * inner + i;
  *out = accumulate ? *out + scale * total : scale * total;
}

template <class T>
struct Element {
  const T* x;
  std::int64_t n, inner;
  __device__ T operator()(std::int64_t o, std::int64_t k, std::int64_t i) const {
    return x[(o * n + k) * inner + i];
  }
};

// Numbers of scratch that column_sums needs.
inline std::int64_t column_sums_scratch(std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const Chunks chunks = chunks_of(n);
  return chunks.count > 1 ? outer * chunks.count * inner : 0;
}

// y[o][i] = scale sum_k f(o, k, i), or added; y may be null where only what f stores is wanted.
template <class T, class F>
void column_sums(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const F& f,
                 T* y, bool accumulate, T* scratch) {
  const Chunks chunks = chunks_of(n), whole{1, chunks.count};
  const dim3 threads(kWarp, kTileRows);
  const auto blocks = [&](std::int64_t count) {
    return static_cast<unsigned>(outer * count * ((inner + kWarp - 1) / kWarp));
  };
  if (chunks.count == 1) {
    launch(stream, Shape(blocks(1), threads), column_sum_kernel<T, F>, n, inner, chunks, scale, f, y,
           accumulate);
    return;
  }
  T* partial = y != nullptr ? scratch : nullptr;
  launch(stream, Shape(blocks(chunks.count), threads), column_sum_kernel<T, F>, n, inner, chunks, T(1), f,
         partial, false);
  if (y == nullptr) return;
  const Element<T> of_chunks{scratch, chunks.count, inner};
  launch(stream, Shape(blocks(1), threads), column_sum_kernel<T, Element<T>>, chunks.count, inner, whole,
         scale, of_chunks, y, accumulate);
}

}  // namespace baton::kernels::cuda
