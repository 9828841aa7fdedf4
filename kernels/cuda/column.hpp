#pragma once
// Reductions along the middle axis of [outer][n][inner] arrays: a column is the work of a warp where its elements are
// neighbours (inner = 1: lanes go along the axis), of one thread where neighbours are other columns. For .cu files.
#include <cmath>

#include "kernels/cuda/reduce.hpp"

namespace baton::kernels::cuda {

template <int kLanes>
struct Column {
  std::int64_t start;  // of element 0, in an array [outer][n][inner]
  std::int64_t place;  // of the result, in an array [outer][inner]
  std::int64_t n, stride;
  int lane;

  __device__ std::int64_t at(std::int64_t k) const { return start + k * stride; }
  __device__ bool leads() const { return lane == 0; }  // the lane that writes the result

  // f(k) for this lane's elements. f may change them: no other lane reads them.
  template <class F>
  __device__ void each(F f) const {
    for (std::int64_t k = lane; k < n; k += kLanes) f(k);
  }
  // In every lane: what combine makes of f(k), and the sum.
  template <class T, class F, class Combine>
  __device__ T fold(T identity, F f, Combine combine) const {
    T value = identity;
    each([&](std::int64_t k) { value = combine(value, f(k)); });
    if constexpr (kLanes == kWarp) value = warp_reduce(value, combine);
    return value;
  }
  template <class T, class F>
  __device__ T sum(F f) const {
    return fold(T(0), f, Add{});
  }
  // The largest x[at(k)] that is a number.
  template <class T>
  __device__ T largest(const T* x) const {
    return fold(
        static_cast<T>(-INFINITY), [&](std::int64_t k) { return x[at(k)]; },
        [](T a, T b) { return b > a ? b : a; });
  }
};

constexpr int kColumnThreads = 128;

// body(column) for every column. A grid of whole warps: the lanes of one all have a column, or none has.
template <int kLanes, class Body>
__global__ void __launch_bounds__(kColumnThreads)
    column_kernel(std::int64_t columns, std::int64_t n, std::int64_t inner, Body body) {
  const std::int64_t place = thread_in_grid() / kLanes;
  if (place >= columns) return;
  const std::int64_t o = place / inner, i = place - o * inner;
  body(Column<kLanes>{o * n * inner + i, place, n, inner, static_cast<int>(threadIdx.x % kLanes)});
}

template <class Body>
void for_columns(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const Body& body) {
  const std::int64_t columns = outer * inner, threads = columns * (inner == 1 ? kWarp : 1);
  const Shape shape(static_cast<unsigned>((threads + kColumnThreads - 1) / kColumnThreads), kColumnThreads);
  if (inner == 1) {
    launch(stream, shape, column_kernel<kWarp, Body>, columns, n, inner, body);
  } else {
    launch(stream, shape, column_kernel<1, Body>, columns, n, inner, body);
  }
}
// The same for rows only.
template <class Body>
void for_rows(Stream& stream, std::int64_t rows, std::int64_t n, const Body& body) {
  const Shape shape(static_cast<unsigned>((rows * kWarp + kColumnThreads - 1) / kColumnThreads),
                    kColumnThreads);
  launch(stream, shape, column_kernel<kWarp, Body>, rows, n, std::int64_t{1}, body);
}
using Row = Column<kWarp>;

}  // namespace baton::kernels::cuda
