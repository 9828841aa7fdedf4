#pragma once
// Parallel loops over oneTBB whose results do not depend on the number of threads: the caller cuts the work
// into chunks by the problem's size alone, each chunk writes its own place, and sums over chunks are taken in
// chunk order.
#include <type_traits>

namespace baton::kernels {

// The number of threads that parallel_for may use from now on; 0 = all cores. Not to be called inside a
// parallel loop.
void set_threads(int n);
int threads();

// Type-erased driver: calls body(context, i) once for every i in 0..n_chunks-1, in any order, on any thread.
void run_chunks(int n_chunks, void (*body)(void* context, int chunk), void* context);

// f(int chunk) for chunk = 0..n_chunks-1. Returns when all are done; the first exception thrown inside is
// rethrown. May be nested. Does not allocate with one thread or one chunk.
template <class F>
void parallel_for(int n_chunks, F&& f) {
  using Body = std::remove_reference_t<F>;
  run_chunks(
      n_chunks, [](void* context, int chunk) { (*static_cast<Body*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

// Number of chunks of `chunk_size` items that cover n items.
constexpr int chunk_count(long long n, int chunk_size) {
  return static_cast<int>((n + chunk_size - 1) / chunk_size);
}

}  // namespace baton::kernels
