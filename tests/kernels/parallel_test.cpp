#include "kernels/parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <vector>

#include "kernels/error.hpp"

namespace baton::kernels {

TEST_CASE("parallel_for visits every chunk once for any number of threads, nested, too") {
  for (const int n : {1, 2, 5}) {
    set_threads(n);
    CHECK(threads() == n);
    std::vector<std::atomic<int>> visits(300);
    parallel_for(20, [&](int outer) {
      parallel_for(15, [&](int inner) { ++visits[static_cast<std::size_t>(outer * 15 + inner)]; });
    });
    for (const auto& v : visits) CHECK(v == 1);
    parallel_for(0, [&](int) { FAIL("no chunk, no call"); });
  }
  set_threads(0);
  CHECK(threads() >= 1);
}

TEST_CASE("an exception inside a chunk reaches the caller") {
  for (const int n : {1, 2}) {
    set_threads(n);
    CHECK_THROWS_WITH_AS(parallel_for(8, [](int i) { BATON_REQUIRE(i != 5, "chunk {}", i); }), "chunk 5",
                         Error);
  }
  set_threads(0);
}

TEST_CASE("chunks that run at once have different workers, below the number of threads") {
  for (const int n : {1, 2, 5}) {
    for (const Share share : {Share::kFree, Share::kSame}) {
      set_threads(n);
      std::vector<std::atomic<int>> here(static_cast<std::size_t>(n));
      std::atomic<int> wrong = 0;
      parallel_for(
          2000,
          [&](int chunk) {
            const int w = worker();
            if (w < 0 || w >= n) {
              ++wrong;
              return;
            }
            wrong += here[static_cast<std::size_t>(w)].fetch_add(1) != 0;
            volatile double x = chunk;
            for (int i = 0; i < 200; ++i) x = x * 0.5 + 1;
            --here[static_cast<std::size_t>(w)];
          },
          share);
      CHECK(wrong == 0);
      CHECK(worker() == 0);
    }
  }
  set_threads(0);
}

// Can fail only on three cores or more.
TEST_CASE("a thread that waits for a loop inside its chunk begins no other chunk") {
  set_threads(4);
  std::vector<std::atomic<int>> here(4);
  std::atomic<int> wrong = 0, inner = 0;
  for (int round = 0; round < 20; ++round) {
    parallel_for(50, [&](int) {
      std::atomic<int>& mine = here.at(static_cast<std::size_t>(worker()));
      wrong += mine.fetch_add(1) != 0;
      parallel_for(40, [&](int) { ++inner; });
      --mine;
    });
  }
  CHECK(wrong == 0);
  CHECK(inner == 20 * 50 * 40);
  set_threads(0);
}

TEST_CASE("stretches cover all numbers once; where they end does not depend on the number of threads") {
  for (const std::int64_t n : {0, 1, 4096, 4097, 83000, 1234567}) {
    std::vector<std::int64_t> ends;
    for (const int threads : {1, 2}) {
      set_threads(threads);
      std::vector<std::int64_t> begins(kMaxStretches, -1), counts(kMaxStretches, 0);
      parallel_stretches(n, [&](int stretch, std::int64_t begin, std::int64_t count) {
        begins.at(static_cast<std::size_t>(stretch)) = begin;
        counts.at(static_cast<std::size_t>(stretch)) += count;
      });
      std::int64_t end = 0;
      std::vector<std::int64_t> found;
      for (std::size_t i = 0; i < begins.size() && begins[i] >= 0; ++i) {
        CHECK(begins[i] == end);
        CHECK(counts[i] > 0);
        found.push_back(end += counts[i]);
      }
      CHECK(end == n);
      if (threads == 1) ends = found;
      CHECK(found == ends);
    }
  }
  set_threads(0);
}

TEST_CASE("a negative number of threads is refused") { CHECK_THROWS_AS(set_threads(-1), Error); }

TEST_CASE("chunk_count covers") {
  CHECK(chunk_count(0, 128) == 0);
  CHECK(chunk_count(1, 128) == 1);
  CHECK(chunk_count(128, 128) == 1);
  CHECK(chunk_count(129, 128) == 2);
}

}  // namespace baton::kernels
