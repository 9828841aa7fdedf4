// Kernels with planted faults, and that the emulation's builds tell: ThreadSanitizer a missing barrier and races,
// AddressSanitizer what is out of bounds, the processor what is not host memory. Each fault is a test case that is
// skipped, and run in a process of its own by those that expect its end.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <numeric>
#include <vector>

#include "kernels/cuda/launch.hpp"
#include "kernels/error.hpp"
#include "tests/support/cuda_twin.hpp"
#include "tests/support/sanitizers.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 64;

// out[t] = x[t + 1], around the end, through shared memory.
template <bool with_barrier>
__global__ void rotate(const int* x, int* out) {
  BATON_SHARED(int, passed, kThreads);
  passed[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  out[threadIdx.x] = passed[(threadIdx.x + 1) % kThreads];
}

// The same within a warp.
template <bool with_barrier>
__global__ void rotate_warp(const int* x, int* out) {
  BATON_SHARED(int, passed, kWarp);
  passed[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncwarp();
  out[threadIdx.x] = passed[(threadIdx.x + 1) % kWarp];
}

// All threads count in one place, atomically or not.
template <bool atomic>
__global__ void count(int* out) {
  BATON_SHARED(int, counted, 1);
  if (threadIdx.x == 0) counted[0] = 0;
  __syncthreads();
  if (atomic) {
    atomicAdd(counted, 1);
  } else {
    counted[0] += 1;
  }
  __syncthreads();
  if (threadIdx.x == 0) *out = counted[0];
}

// Every block writes the same number.
__global__ void all_blocks_write(int* out) {
  if (threadIdx.x == 0) out[0] += 1;
}

__global__ void writes_at(int* out, int i) { out[i] = 1; }
__global__ void writes_shared_at(int i) {
  BATON_SHARED(int, values, 4);
  values[i] = 1;
}

std::vector<int> run(void (*kernel)(const int*, int*), int threads) {
  Stream stream;
  std::vector<int> host(kThreads), got(kThreads);
  std::iota(host.begin(), host.end(), 0);
  Buffer<int> x(kThreads), out(kThreads);
  upload<int>(stream, host, x.data());
  clear(stream, kThreads, out.data());
  launch(stream, Shape(1, threads), kernel, x.data(), out.data());
  download<int>(stream, out.data(), got);
  stream.synchronize();
  return got;
}

int run_count(void (*kernel)(int*), int blocks) {
  Stream stream;
  std::vector<int> got(1);
  Buffer<int> out(1);
  clear(stream, 1, out.data());
  launch(stream, Shape(blocks, kThreads), kernel, out.data());
  download<int>(stream, out.data(), got);
  stream.synchronize();
  return got[0];
}

struct End {
  int status;
  std::string output;
};

// Runs the skipped test case `name` of this program.
End run_alone(const std::string& name) {
  char self[4096] = {};
  REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
  const std::string command =
      std::string("'") + self + "' --no-skip --test-case='planted: " + name + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  End end;
  char chunk[4096];
  for (std::size_t n = 0; (n = fread(chunk, 1, sizeof(chunk), pipe)) > 0;) end.output.append(chunk, n);
  end.status = pclose(pipe);
  return end;
}

void check_found(const std::string& name, const char* finding) {
  const End end = run_alone(name);
  CAPTURE(name);
  CAPTURE(end.output);
  CHECK(end.status != 0);
  CHECK(end.output.find(finding) != std::string::npos);
}

}  // namespace

TEST_CASE("planted: a missing barrier" * doctest::skip()) { run(rotate<false>, kThreads); }
TEST_CASE("planted: a missing barrier of a warp" * doctest::skip()) { run(rotate_warp<false>, kWarp); }
TEST_CASE("planted: a race in shared memory" * doctest::skip()) { run_count(count<false>, 1); }
TEST_CASE("planted: a race between blocks" * doctest::skip()) { run_count(all_blocks_write, 2); }
TEST_CASE("planted: beyond an array" * doctest::skip()) {
  Stream stream;
  Buffer<int> out(5);
  launch(stream, Shape(1, 1), writes_at, out.data(), 5);
  stream.synchronize();
}
TEST_CASE("planted: beyond an array of an arena" * doctest::skip()) {
  Stream stream;
  Arena arena(1024);
  int* out = arena.take<int>(5);
  arena.take<int>(5);
  launch(stream, Shape(1, 1), writes_at, out, 5);
  stream.synchronize();
}
TEST_CASE("planted: beyond a shared array" * doctest::skip()) {
  Stream stream;
  launch(stream, Shape(1, 1), writes_shared_at, 4);
  stream.synchronize();
}
TEST_CASE("planted: the host reads device memory" * doctest::skip()) {
  const Buffer<int> out(5);
  CHECK(*static_cast<volatile int*>(out.data()) == -1);
}

TEST_CASE("faults: the sound kernels give the same in every order") {
  std::vector<int> want(kThreads);
  for (int i = 0; i < kThreads; ++i) want[static_cast<std::size_t>(i)] = (i + 1) % kThreads;
  test::for_each_order([&] {
    CHECK(run(rotate<true>, kThreads) == want);
    CHECK(run(rotate_warp<true>, kWarp)[31] == 0);
    CHECK(run_count(count<true>, 1) == kThreads);
  });
}

TEST_CASE("faults: the host cannot read device memory") {
  check_found("the host reads device memory", "SIGSEGV");
}

#if BATON_RACES_SEEN
TEST_CASE("faults: ThreadSanitizer reports each planted race, and no other") {
  for (const char* name : {"a missing barrier", "a missing barrier of a warp", "a race in shared memory",
                           "a race between blocks"})
    check_found(name, "ThreadSanitizer: data race");
}
#else
TEST_CASE("faults: without its barrier a kernel's result depends on the order of threads") {
  bool same = true;
  const std::vector<int> want = run(rotate<true>, kThreads);
  test::for_each_order([&] { same = same && run(rotate<false>, kThreads) == want; });
  CHECK_FALSE(same);
}
#endif

#if BATON_ADDRESSES_SEEN
TEST_CASE("faults: AddressSanitizer reports what is out of bounds") {
  for (const char* name : {"beyond an array", "beyond an array of an arena", "beyond a shared array"})
    check_found(name, "AddressSanitizer");
}
#endif

}  // namespace baton::kernels::cuda
