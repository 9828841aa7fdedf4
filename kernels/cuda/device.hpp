#pragma once
// The CUDA device as host code sees it: streams, memory, copies, recorded graphs. Plain C++ without a CUDA
// header. Two implementations answer: kernels/cuda/runtime.cu on the CUDA runtime, and the emulation of the
// tests (tests/support/cuda_emulation.hpp), which runs the same kernels on the CPU.
//
// Whatever takes a Stream only queues work and returns. Results are there after Stream::synchronize(), and
// host memory handed to upload() and download() must live until then. A CUDA call that fails throws Error:
// "cudaMalloc failed at kernels/cuda/runtime.cu:41: out of memory".
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace baton::kernels::cuda {

// Why no device can be used here, in words of the runtime; empty when one can.
std::string unavailable_reason();
// Name of the device in use, such as "NVIDIA H100 80GB HBM3".
std::string device_name();
// Sets aside a stack of `bytes` for every thread that the device can run at once. What a kernel needs beyond that the
// driver takes at its first launch, when memory may be gone.
void reserve_stack(std::int64_t bytes);

// Work of one stream runs in the order in which it was queued; streams do not wait for one another.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // Waits until all queued work is done; throws what went wrong in it.
  void synchronize();
  void* handle() const { return handle_; }  // cudaStream_t

 private:
  void* handle_;
};

// Work queued once and replayed with one call, without its launch costs. Pointers and numbers handed to the
// recorded calls are fixed; what changes from replay to replay lies in device memory.
class Graph {
 public:
  Graph() = default;
  ~Graph();
  Graph(Graph&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  // What `work()` queues on `stream`, which does not run now. If it throws, nothing is left recorded.
  template <class F>
  static Graph record(Stream& stream, F&& work) {
    begin_record(stream);
    try {
      work();
    } catch (...) {
      abandon_record(stream);
      throw;
    }
    return end_record(stream);
  }
  void replay(Stream& stream) const;
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  static void begin_record(Stream& stream);
  static void abandon_record(Stream& stream) noexcept;
  static Graph end_record(Stream& stream);
  void* handle_ = nullptr;  // cudaGraphExec_t
};

namespace raw {
void* allocate(std::int64_t bytes);  // not initialised; aligned to 256
void release(void* memory) noexcept;
// Of an allocation, `used` bytes from here are in use and the next `padding` are not: the emulation reports
// accesses to the latter.
void fence(void* memory, std::int64_t used, std::int64_t padding);
void upload(Stream& stream, const void* host, void* device, std::int64_t bytes);
void download(Stream& stream, const void* device, void* host, std::int64_t bytes);
void copy(Stream& stream, const void* from, void* to, std::int64_t bytes);
void clear(Stream& stream, void* device, std::int64_t bytes);
[[noreturn]] void fail(const char* call, const char* file, int line, const char* reason);
}  // namespace raw

// device[i] = host[i];  host[i] = device[i];  to[i] = from[i] within the device;  device[i] = 0
template <class T>
void upload(Stream& stream, std::span<const T> host, T* device) {
  raw::upload(stream, host.data(), device, static_cast<std::int64_t>(host.size_bytes()));
}
template <class T>
void download(Stream& stream, const T* device, std::span<T> host) {
  raw::download(stream, device, host.data(), static_cast<std::int64_t>(host.size_bytes()));
}
template <class T>
void copy(Stream& stream, std::int64_t n, const T* from, T* to) {
  raw::copy(stream, from, to, n * static_cast<std::int64_t>(sizeof(T)));
}
template <class T>
void clear(Stream& stream, std::int64_t n, T* device) {
  raw::clear(stream, device, n * static_cast<std::int64_t>(sizeof(T)));
}

// One piece of device memory from which a step's arrays are taken when it is set up, so that nothing is
// allocated while it runs. Arrays begin at multiples of 256 bytes and live as long as the arena.
class Arena {
 public:
  explicit Arena(std::int64_t bytes);
  ~Arena() { raw::release(memory_); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // n numbers, not initialised. Throws Error with both sizes when the arena is full.
  template <class T>
  T* take(std::int64_t n) {
    return static_cast<T*>(take_bytes(n, static_cast<std::int64_t>(sizeof(T))));
  }
  std::int64_t used() const { return used_; }
  std::int64_t capacity() const { return capacity_; }
  // Bytes that take<T>(n) uses up.
  template <class T>
  static constexpr std::int64_t footprint(std::int64_t n) {
    return (n * static_cast<std::int64_t>(sizeof(T)) + kAlignment - 1) / kAlignment * kAlignment;
  }

 private:
  static constexpr std::int64_t kAlignment = 256;
  void* take_bytes(std::int64_t n, std::int64_t size);
  std::int64_t capacity_, used_ = 0;
  void* memory_;
};

// An array of its own in device memory.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::int64_t n)
      : data_(static_cast<T*>(raw::allocate(n * static_cast<std::int64_t>(sizeof(T))))), size_(n) {}
  ~Buffer() { raw::release(data_); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  T* data() const { return data_; }
  std::int64_t size() const { return size_; }

 private:
  T* data_;
  std::int64_t size_;
};

}  // namespace baton::kernels::cuda
