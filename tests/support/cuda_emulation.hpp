#pragma once
// CUDA's execution model on the CPU, for the tests: kernels/cuda/launch.hpp includes this header where a .cu
// text is compiled as C++. A thread is a fiber; the blocks of a grid run one after another.
//
// What goes wrong throws from Stream::synchronize():
//   - a barrier or warp operation that not every thread reaches, or that threads reach at different lines;
//     a shuffle from a lane that takes no part
//   - a pointer argument that is not of device memory; more than 1024 threads or 48 KiB of shared memory
// Under AddressSanitizer accesses beyond an allocation or a shared array are reported, under ThreadSanitizer
// races between threads of a block (a missing barrier) and between blocks: fibers are threads to it, ordered
// by the barriers alone; shuffles and votes order nothing. Host code that touches device memory is stopped by
// the processor. Memory that nobody has written reads as NaN (-1 as an integer).
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <string>
#include <type_traits>

#include "tests/support/cuda_order.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace baton::emulation {

struct Place {
  const char* file;
  int line;
  bool operator==(const Place&) const = default;
};

// Of the running thread.
dim3 thread_index();
dim3 block_index();
dim3 block_size();
dim3 grid_size();

// The number of threads that bring `predicate` to this barrier of the block.
int barrier(bool predicate, Place place);

// What the threads of a warp named by `mask` do together: each brings a value, and gets the value of lane
// `source`, or with kVote the set of lanes that brought one.
enum class WarpWork { kSync, kVote, kShuffle };
std::uint64_t warp_work(WarpWork work, unsigned mask, std::uint64_t value, int source, Place place);
int lane();

// The running thread's next shared array: the n-th call of every thread of a block gets the same memory.
void* shared_array(std::size_t bytes);

template <class T>
T shuffle(unsigned mask, T value, int source, Place place) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_work(WarpWork::kShuffle, mask, bits, source, place);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// Queues `body`, run once by every thread of the grid, on the stream with that handle.
void queue_kernel(void* stream, dim3 grid, dim3 block, Place place, std::function<void()> body);
// Queues work of the host in a stream's order (what libraries such as cuBLAS do there).
void queue_call(void* stream, std::function<void()> call);

// Whether an argument of a kernel is something a device can read: no pointer, null, or of device memory.
bool is_of_device(const void* pointer);
[[noreturn]] void refuse_pointer(Place place, const void* pointer);
template <class T>
void check_argument(const T& argument, Place place) {
  if constexpr (std::is_pointer_v<T>) {
    if (argument != nullptr && !is_of_device(static_cast<const void*>(argument)))
      refuse_pointer(place, argument);
  }
}

}  // namespace baton::emulation

#define BATON_PLACE (::baton::emulation::Place{__FILE__, __LINE__})
#define BATON_SHARED(type, name, count) \
  type* const name = static_cast<type*>(::baton::emulation::shared_array(sizeof(type) * (count)))

#define threadIdx (::baton::emulation::thread_index())
#define blockIdx (::baton::emulation::block_index())
#define blockDim (::baton::emulation::block_size())
#define gridDim (::baton::emulation::grid_size())

#define __syncthreads() (static_cast<void>(::baton::emulation::barrier(false, BATON_PLACE)))
#define __syncthreads_count(predicate) (::baton::emulation::barrier(predicate, BATON_PLACE))
#define __syncthreads_or(predicate) \
  (static_cast<int>(::baton::emulation::barrier(predicate, BATON_PLACE) != 0))
#define __syncwarp(...)                             \
  (static_cast<void>(::baton::emulation::warp_work( \
      ::baton::emulation::WarpWork::kSync, 0xFFFFFFFFU __VA_OPT__(&(__VA_ARGS__)), 0, 0, BATON_PLACE)))
#define __ballot_sync(mask, predicate)                                                            \
  (static_cast<unsigned>(::baton::emulation::warp_work(::baton::emulation::WarpWork::kVote, mask, \
                                                       (predicate) != 0, 0, BATON_PLACE)))
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)
#define __all_sync(mask, predicate) (__ballot_sync(mask, predicate) == (mask))
#define __shfl_sync(mask, value, source) (::baton::emulation::shuffle(mask, value, (source)&31, BATON_PLACE))
#define __shfl_xor_sync(mask, value, flip) \
  (::baton::emulation::shuffle(mask, value, ::baton::emulation::lane() ^ (flip), BATON_PLACE))
#define __shfl_down_sync(mask, value, delta)                               \
  (::baton::emulation::shuffle(mask, value,                                \
                               ::baton::emulation::lane() + (delta) > 31   \
                                   ? ::baton::emulation::lane()            \
                                   : ::baton::emulation::lane() + (delta), \
                               BATON_PLACE))

// Relaxed, as CUDA's are; they answer the old value.
template <class T>
T atomicAdd(T* at, T value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
template <class T>
T atomicExch(T* at, T value) {
  return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
template <class T>
T atomicCAS(T* at, T expected, T value) {
  __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
template <class T>
T atomicMin(T* at, T value) {
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (value < old &&
         !__atomic_compare_exchange_n(at, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
template <class T>
T atomicMax(T* at, T value) {
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (old < value &&
         !__atomic_compare_exchange_n(at, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}
