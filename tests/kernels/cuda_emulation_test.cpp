// The emulated device itself: that it does what CUDA does, and that it reports what is wrong.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/cuda/launch.hpp"
#include "kernels/error.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels::cuda {
namespace {

// out[r] = sum of a block's values, by warps and shared memory.
__global__ void block_sum(const int* x, int* out) {
  BATON_SHARED(int, partial, kWarp);
  int value = x[blockIdx.x * blockDim.x + threadIdx.x];
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kFullWarp, value, step);
  const unsigned warp = threadIdx.x / kWarp;
  if (threadIdx.x % kWarp == 0) partial[warp] = value;
  __syncthreads();
  if (threadIdx.x == 0) {
    int total = 0;
    for (unsigned w = 0; w < blockDim.x / kWarp; ++w) total += partial[w];
    out[blockIdx.x] = total;
  }
}

__global__ void warp_words(unsigned* votes, unsigned* swapped, unsigned* first, int* counted) {
  const unsigned t = threadIdx.x;
  votes[t] = __ballot_sync(kFullWarp, t % 3 == 0);
  swapped[t] = __shfl_xor_sync(kFullWarp, t, 5);
  first[t] = __shfl_sync(kFullWarp, t, 0);
  __syncwarp();
  atomicAdd(counted, 1);
}

__global__ void lonely_barrier(int lonely) {
  if (threadIdx.x != static_cast<unsigned>(lonely)) __syncthreads();
}
__global__ void two_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void divided_shuffle(int* out) {
  int value = 1;
  if (threadIdx.x < 16) value = __shfl_down_sync(kFullWarp, value, 1);
  out[threadIdx.x] = value;
}
__global__ void shuffle_from_outside(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xFFFFU, 1, 20);
}
__global__ void reads_unwritten(float* out) {
  BATON_SHARED(float, nothing, 4);
  *out = nothing[2];
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class T>
std::vector<T> fetch(Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> host(static_cast<std::size_t>(buffer.size()));
  download<T>(stream, buffer.data(), host);
  stream.synchronize();
  return host;
}

}  // namespace

TEST_CASE("cuda: blocks, barriers, shared memory and shuffles add up in every order") {
  test::for_each_order([] {
    Stream stream;
    constexpr int kBlocks = 9, kThreads = 96;
    std::vector<int> host(kBlocks * kThreads);
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<int>(i);
    Buffer<int> x(kBlocks * kThreads), out(kBlocks);
    upload<int>(stream, host, x.data());
    launch(stream, Shape(kBlocks, kThreads), block_sum, x.data(), out.data());
    const std::vector<int> got = fetch(stream, out);
    for (int b = 0; b < kBlocks; ++b)
      CHECK(got[static_cast<std::size_t>(b)] == kThreads * (2 * b * kThreads + kThreads - 1) / 2);
  });
}

TEST_CASE("cuda: votes, shuffles and atomics of two warps") {
  Stream stream;
  Buffer<unsigned> votes(64), swapped(64), first(64);
  Buffer<int> counted(1);
  clear(stream, 1, counted.data());
  launch(stream, Shape(1, 64), warp_words, votes.data(), swapped.data(), first.data(), counted.data());
  const auto got = fetch(stream, votes), got_swapped = fetch(stream, swapped),
             got_first = fetch(stream, first);
  for (unsigned t = 0; t < 64; ++t) {
    unsigned want = 0;
    for (unsigned lane = 0; lane < 32; ++lane) want |= ((t / 32 * 32 + lane) % 3 == 0 ? 1U : 0U) << lane;
    CHECK(got[t] == want);
    CHECK(got_swapped[t] == (t ^ 5U));
    CHECK(got_first[t] == t / 32 * 32);
  }
  CHECK(fetch(stream, counted)[0] == 64);
}

TEST_CASE("emulation: threads that do not meet are named, and the next kernel runs") {
  Stream stream;
  Buffer<int> out(64);
  Buffer<unsigned> words(64);
  launch(stream, Shape(1, 64), lonely_barrier, 40);
  std::string message = error_of([&] { stream.synchronize(); });
  CHECK(message.find("thread 0 and 62 more: waits in __syncthreads at") != std::string::npos);
  CHECK(message.find("thread 40 and 0 more: has returned") != std::string::npos);
  launch(stream, Shape(1, 64), two_barriers);
  message = error_of([&] { stream.synchronize(); });
  CHECK(message.find("thread 32 and 31 more: waits in __syncthreads") != std::string::npos);
  launch(stream, Shape(1, 32), divided_shuffle, out.data());
  message = error_of([&] { stream.synchronize(); });
  CHECK(message.find("thread 0 and 15 more: waits in a shuffle") != std::string::npos);
  launch(stream, Shape(1, 32), shuffle_from_outside, out.data());
  CHECK(error_of([&] { stream.synchronize(); }).find("do not meet") != std::string::npos);
  launch(stream, Shape(1, 40), warp_words, words.data(), words.data(), words.data(),
         out.data());  // half a warp
  CHECK(error_of([&] { stream.synchronize(); }) != "");
  launch(stream, Shape(1, 64), lonely_barrier, 64);
  stream.synchronize();
}

TEST_CASE("emulation: pointers of the host, too many threads and forgotten waits do not pass") {
  Stream stream;
  int on_host = 0;
  CHECK(error_of([&] {
          launch(stream, Shape(1, 32), divided_shuffle, &on_host);
        }).find("which is not of device memory") != std::string::npos);
  launch(stream, Shape(1, 2048), lonely_barrier, 0);
  CHECK(error_of([&] { stream.synchronize(); }).find("invalid configuration argument (2048 threads") !=
        std::string::npos);
  Buffer<float> value(1);
  launch(stream, Shape(1, 1), reads_unwritten, value.data());
  std::vector<float> got(1, 0.F);
  download<float>(stream, value.data(), got);
  CHECK(got[0] == 0.F);
  stream.synchronize();
  CHECK(std::isnan(got[0]));
}

}  // namespace baton::kernels::cuda
