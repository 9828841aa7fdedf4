#include "kernels/parallel.hpp"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "kernels/error.hpp"

namespace baton::kernels {
namespace {

// An arena of its own bounds the threads without touching other users of oneTBB in the process.
struct Pool {
  int threads = tbb::info::default_concurrency();
  std::unique_ptr<tbb::task_arena> arena = std::make_unique<tbb::task_arena>(threads);
};

thread_local int current_worker = 0;

Pool& pool() {
  static Pool instance;
  return instance;
}

}  // namespace

void set_threads(int n) {
  BATON_REQUIRE(n >= 0, "threads: {} is negative; give a count, or 0 for all cores", n);
  const int wanted = n == 0 ? tbb::info::default_concurrency() : n;
  if (wanted == pool().threads) return;
  pool().threads = wanted;
  // More threads than cores would gain nothing, and results do not depend on their number.
  pool().arena = std::make_unique<tbb::task_arena>(std::min(wanted, tbb::info::default_concurrency()));
}

int threads() { return pool().threads; }

int worker() { return current_worker; }

void run_chunks(Share share, int n_chunks, void (*body)(void* context, int chunk), void* context) {
  if (n_chunks <= 1 || pool().threads == 1) {
    for (int i = 0; i < n_chunks; ++i) body(context, i);
    return;
  }
  const auto chunk = [&](int i) {
    // oneTBB's threads work for others, too, who must not find our number there.
    struct Number {
      const int outer = std::exchange(current_worker, tbb::this_task_arena::current_thread_index());
      ~Number() { current_worker = outer; }
    } number;
    body(context, i);
  };
  pool().arena->execute([&] {
    // Whoever waits for a loop inside a chunk helps with that loop alone: were it to begin another chunk of this one,
    // two of a worker's chunks would be under way at once.
    tbb::this_task_arena::isolate([&] {
      if (share == Share::kSame) {
        tbb::parallel_for(0, n_chunks, chunk, tbb::static_partitioner());
      } else {
        tbb::parallel_for(0, n_chunks, chunk, tbb::simple_partitioner());
      }
    });
  });
}

}  // namespace baton::kernels
