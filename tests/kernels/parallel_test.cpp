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

TEST_CASE("a negative number of threads is refused") { CHECK_THROWS_AS(set_threads(-1), Error); }

TEST_CASE("chunk_count covers") {
  CHECK(chunk_count(0, 128) == 0);
  CHECK(chunk_count(1, 128) == 1);
  CHECK(chunk_count(128, 128) == 1);
  CHECK(chunk_count(129, 128) == 2);
}

}  // namespace baton::kernels
