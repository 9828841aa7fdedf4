// kernels/cuda/device.hpp on the CUDA runtime. Not part of the emulation, which answers the same header.
#include <string>

#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {
namespace {

cudaStream_t native(const Stream& stream) { return static_cast<cudaStream_t>(stream.handle()); }

constexpr int kOldestMajor = 8;  // compute capability that meson.build compiles for

}  // namespace

std::string unavailable_reason() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  int driver = 0;
  if (status == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
    return "no NVIDIA driver is installed";
  cudaGetLastError();
  if (status != cudaSuccess) return cudaGetErrorString(status);
  if (count == 0) return "no CUDA device";
  int device = 0, major = 0, minor = 0;
  BATON_CUDA(cudaGetDevice(&device));
  BATON_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  BATON_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  if (major >= kOldestMajor) return "";
  return device_name() + " has compute capability " + std::to_string(major) + "." + std::to_string(minor) +
         "; 8.0 or newer is wanted";
}

std::string device_name() {
  int device = 0;
  cudaDeviceProp properties{};
  BATON_CUDA(cudaGetDevice(&device));
  BATON_CUDA(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

void reserve_stack(std::int64_t bytes) {
  BATON_CUDA(cudaDeviceSetLimit(cudaLimitStackSize, static_cast<std::size_t>(bytes)));
}

Stream::Stream() {
  cudaStream_t stream = nullptr;
  BATON_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  handle_ = stream;
}
Stream::~Stream() {
  if (cudaStreamDestroy(native(*this)) != cudaSuccess) cudaGetLastError();
}
void Stream::synchronize() { BATON_CUDA(cudaStreamSynchronize(native(*this))); }

Graph::~Graph() {
  if (handle_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(handle_));
}

void Graph::begin_record(Stream& stream) {
  BATON_CUDA(cudaStreamBeginCapture(native(stream), cudaStreamCaptureModeThreadLocal));
}

void Graph::abandon_record(Stream& stream) noexcept {
  cudaGraph_t recorded = nullptr;
  cudaStreamEndCapture(native(stream), &recorded);
  if (recorded != nullptr) cudaGraphDestroy(recorded);
  cudaGetLastError();
}

Graph Graph::end_record(Stream& stream) {
  cudaGraph_t recorded = nullptr;
  BATON_CUDA(cudaStreamEndCapture(native(stream), &recorded));
  cudaGraphExec_t ready = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&ready, recorded, 0);
  cudaGraphDestroy(recorded);
  check(status, "cudaGraphInstantiate", __FILE__, __LINE__);
  Graph graph;
  graph.handle_ = ready;
  return graph;
}

void Graph::replay(Stream& stream) const {
  BATON_CUDA(cudaGraphLaunch(static_cast<cudaGraphExec_t>(handle_), native(stream)));
}

namespace raw {

void* allocate(std::int64_t bytes) {
  void* memory = nullptr;
  BATON_CUDA(cudaMalloc(&memory, static_cast<std::size_t>(bytes)));
  return memory;
}
void release(void* memory) noexcept {
  if (cudaFree(memory) != cudaSuccess) cudaGetLastError();
}
void fence(void*, std::int64_t, std::int64_t) {}

void upload(Stream& stream, const void* host, void* device, std::int64_t bytes) {
  BATON_CUDA(
      cudaMemcpyAsync(device, host, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, native(stream)));
}
void download(Stream& stream, const void* device, void* host, std::int64_t bytes) {
  BATON_CUDA(
      cudaMemcpyAsync(host, device, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, native(stream)));
}
void copy(Stream& stream, const void* from, void* to, std::int64_t bytes) {
  BATON_CUDA(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, native(stream)));
}
void clear(Stream& stream, void* device, std::int64_t bytes) {
  BATON_CUDA(cudaMemsetAsync(device, 0, static_cast<std::size_t>(bytes), native(stream)));
}

}  // namespace raw
}  // namespace baton::kernels::cuda
