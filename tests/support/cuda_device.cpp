// The emulated device's memory, streams and graphs: answers kernels/cuda/device.hpp. Queued work runs when its
// stream is synchronised, not before, so that host code that forgets to wait sees it; device memory is closed
// to the processor but for that time, so that host code that reads it stops there.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/cuda/device.hpp"
#include "kernels/error.hpp"
#include "tests/support/cuda_processor.hpp"
#include "tests/support/sanitizers.hpp"

namespace baton::emulation {
namespace {

constexpr std::size_t kPage = 4096;
using Work = std::vector<std::function<void()>>;

struct Queue {
  Work work;
  std::unique_ptr<Work> recording;
};

struct Region {
  char* mapped;
  std::size_t mapped_bytes;  // with a closed page on either side
  char* data;
  std::size_t bytes;
};

std::vector<Region>& regions() {
  static std::vector<Region> all;
  return all;
}
std::vector<Queue*>& queues() {
  static std::vector<Queue*> all;
  return all;
}

void protect(const Region& region, int how) {
  mprotect(region.mapped + kPage, region.mapped_bytes - 2 * kPage, how);
}

// Device memory is open while one lives.
class Opened {
 public:
  Opened() {
    if (depth_++ == 0) {
      for (const Region& r : regions()) protect(r, PROT_READ | PROT_WRITE);
    }
  }
  ~Opened() {
    if (--depth_ == 0) {
      for (const Region& r : regions()) protect(r, PROT_NONE);
    }
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

 private:
  static inline int depth_ = 0;
};

Queue& queue_of(void* stream) { return *static_cast<Queue*>(stream); }

void run(Queue& queue) {
  const Work work = std::exchange(queue.work, {});
  const Opened opened;
  for (const auto& item : work) item();
}

void refuse_while_recording(const char* call) {
  for (const Queue* queue : queues()) {
    BATON_REQUIRE(queue->recording == nullptr, "{} failed: operation not permitted when stream is capturing",
                  call);
  }
}

}  // namespace

void queue_call(void* stream, std::function<void()> call) {
  Queue& queue = queue_of(stream);
  (queue.recording != nullptr ? *queue.recording : queue.work).push_back(std::move(call));
}

void queue_kernel(void* stream, dim3 grid, dim3 block, Place place, std::function<void()> body) {
  queue_call(stream, [=, body = std::move(body)] { run_grid(grid, block, place, body); });
}

bool is_of_device(const void* pointer) {
  const char* p = static_cast<const char*>(pointer);
  return std::any_of(regions().begin(), regions().end(),
                     [&](const Region& r) { return p >= r.data && p <= r.data + r.bytes; });
}

void refuse_pointer(Place place, const void* pointer) {
  fail("emulation: {}:{}: the kernel is given {}, which is not of device memory", place.file, place.line,
       pointer);
}

}  // namespace baton::emulation

namespace baton::kernels::cuda {

using namespace baton::emulation;

std::string unavailable_reason() { return ""; }
std::string device_name() { return "emulated on the CPU"; }
void reserve_stack(std::int64_t) {}

Stream::Stream() : handle_(new Queue) { queues().push_back(static_cast<Queue*>(handle_)); }
Stream::~Stream() {
  Queue* queue = static_cast<Queue*>(handle_);
  std::erase(queues(), queue);
  delete queue;
}
void Stream::synchronize() {
  refuse_while_recording("cudaStreamSynchronize");
  run(queue_of(handle_));
}

Graph::~Graph() { delete static_cast<Work*>(handle_); }
void Graph::begin_record(Stream& stream) { queue_of(stream.handle()).recording = std::make_unique<Work>(); }
void Graph::abandon_record(Stream& stream) noexcept { queue_of(stream.handle()).recording.reset(); }
Graph Graph::end_record(Stream& stream) {
  Graph graph;
  graph.handle_ = queue_of(stream.handle()).recording.release();
  return graph;
}
void Graph::replay(Stream& stream) const {
  BATON_REQUIRE(handle_ != nullptr, "replay: nothing was recorded in this graph");
  for (const auto& item : *static_cast<const Work*>(handle_)) queue_call(stream.handle(), item);
}

void* raw::allocate(std::int64_t bytes) {
  refuse_while_recording("cudaMalloc");
  const std::size_t wanted = static_cast<std::size_t>(bytes);
  Region region{nullptr, (wanted + 256 + kPage - 1) / kPage * kPage + 2 * kPage, nullptr, wanted};
  void* mapped =
      mmap(nullptr, region.mapped_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  BATON_REQUIRE(bytes >= 0 && mapped != MAP_FAILED, "cudaMalloc failed: out of memory ({} bytes)", bytes);
  region.mapped = static_cast<char*>(mapped);
  // As near to the closed page behind as the alignment allows.
  region.data = region.mapped + region.mapped_bytes - kPage - (wanted + 255) / 256 * 256;
  protect(region, PROT_READ | PROT_WRITE);
  std::memset(region.data, 0xFF, wanted);
  protect(region, PROT_NONE);
  poison(region.mapped, region.mapped_bytes);
  unpoison(region.data, wanted);
  regions().push_back(region);
  return region.data;
}

void raw::release(void* memory) noexcept {
  auto& all = regions();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Region& r) { return r.data == memory; });
  if (found == all.end()) return;
  for (Queue* queue : queues()) {  // as cudaFree, which waits for the device
    try {
      run(*queue);
    } catch (const Error&) {  // told to whoever synchronises; here nobody can be
    }
  }
  unpoison(found->mapped, found->mapped_bytes);
  munmap(found->mapped, found->mapped_bytes);
  all.erase(found);
}

void raw::fence(void* memory, std::int64_t used, std::int64_t padding) {
  unpoison(memory, static_cast<std::size_t>(used));
  poison(static_cast<char*>(memory) + used, static_cast<std::size_t>(padding));
}

void raw::upload(Stream& stream, const void* host, void* device, std::int64_t bytes) {
  copy(stream, host, device, bytes);
}
void raw::download(Stream& stream, const void* device, void* host, std::int64_t bytes) {
  copy(stream, device, host, bytes);
}
void raw::copy(Stream& stream, const void* from, void* to, std::int64_t bytes) {
  if (bytes == 0) return;
  queue_call(stream.handle(), [=] { std::memcpy(to, from, static_cast<std::size_t>(bytes)); });
}
void raw::clear(Stream& stream, void* device, std::int64_t bytes) {
  if (bytes == 0) return;
  queue_call(stream.handle(), [=] { std::memset(device, 0, static_cast<std::size_t>(bytes)); });
}

}  // namespace baton::kernels::cuda
