#pragma once
// Parallel loops over oneTBB whose results do not depend on the number of threads: the caller cuts the work
// into chunks by the problem's size alone, each chunk writes its own place, and sums over chunks are taken in
// chunk order.
#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace baton::kernels {

// The number of threads that parallel_for may use from now on; 0 = all cores. Not to be called inside a
// parallel loop.
void set_threads(int n);
int threads();

// Inside a parallel loop: which of the threads 0..threads()-1 that share it this is. Of the chunks of one loop those
// with the same number run one after the other, so that they can share scratch; no result may depend on it. Outside of
// loops 0.
int worker();

// Which thread works on a chunk: whichever is free, or the same one at every loop of as many chunks, unless it is late.
enum class Share { kFree, kSame };

// Type-erased driver: calls body(context, i) once for every i in 0..n_chunks-1, in any order, on any thread.
void run_chunks(Share share, int n_chunks, void (*body)(void* context, int chunk), void* context);

// f(int chunk) for chunk = 0..n_chunks-1. Returns when all are done; the first exception thrown inside is
// rethrown. May be nested. Does not allocate with one thread or one chunk.
template <class F>
void parallel_for(int n_chunks, F&& f, Share share = Share::kFree) {
  using Body = std::remove_reference_t<F>;
  run_chunks(
      share, n_chunks, [](void* context, int chunk) { (*static_cast<Body*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

// Number of chunks of `chunk_size` items that cover n items.
constexpr int chunk_count(long long n, int chunk_size) {
  return static_cast<int>((n + chunk_size - 1) / chunk_size);
}

// f(int stretch, std::int64_t begin, std::int64_t count) over 0..n-1 in at most kMaxStretches stretches: for loops that
// do little to each of n numbers, one after the other over the same arrays. A thread gets the same stretches every
// time: fetching what another core has written takes longer than such work.
constexpr int kMaxStretches = 64;
template <class F>
void parallel_stretches(std::int64_t n, F&& f) {
  constexpr std::int64_t kShortest = 4096, kLine = 16;
  const std::int64_t even = (n + kMaxStretches - 1) / kMaxStretches;
  const std::int64_t size = std::max(kShortest, (even + kLine - 1) / kLine * kLine);
  parallel_for(
      static_cast<int>((n + size - 1) / size),
      [&](int stretch) { f(stretch, stretch * size, std::min(size, n - stretch * size)); }, Share::kSame);
}

}  // namespace baton::kernels
