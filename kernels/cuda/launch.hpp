#pragma once
// What the texts kernels/cuda/*.cu are written against, and the only place that knows who compiles them: nvcc,
// or a C++ compiler for the emulation that BATON_CUDA_EMULATION names (tests/support/cuda_emulation.hpp).
// To be included by .cu files only. A text may use
//   __global__, __device__, threadIdx, blockIdx, blockDim, gridDim (of x, y), __launch_bounds__
//   BATON_SHARED(T, name, count): an array in the block's shared memory, count a constant
//   __syncthreads, __syncwarp, __shfl_sync, __shfl_down_sync, __shfl_xor_sync, __ballot_sync, __any_sync, __all_sync
//   atomicAdd, atomicMin, atomicMax, atomicCAS, atomicExch on integers (of floats the order would not be fixed)
//   functions of <cmath> in std::
#include <cstdint>
#include <source_location>
#include <type_traits>

#include "kernels/cuda/device.hpp"
#include "kernels/host_device.hpp"
#ifndef __CUDACC__
#include BATON_CUDA_EMULATION
#endif

namespace baton::kernels::cuda {

constexpr int kWarp = 32;
constexpr unsigned kFullWarp = 0xFFFFFFFFU;

// Blocks and threads a block, and where in the source they were asked for.
struct Shape {
  Shape(dim3 grid_, dim3 block_, std::source_location where_ = std::source_location::current())
      : grid(grid_), block(block_), where(where_) {}
  dim3 grid, block;
  std::source_location where;
};

// A grid as large as this keeps every processor of a GPU busy.
constexpr std::int64_t kMostBlocks = 4096;

// Blocks of `each` that cover n, at most `most`: kernels walk on in strides of the grid.
inline unsigned blocks_for(std::int64_t n, int each, std::int64_t most = kMostBlocks) {
  const std::int64_t blocks = (n + each - 1) / each;
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

#ifdef __CUDACC__

#define BATON_SHARED(type, name, count) __shared__ type name[count]

// Throws what a call of the CUDA runtime answers, with the call's text and place.
#define BATON_CUDA(call) ::baton::kernels::cuda::check(call, #call, __FILE__, __LINE__)

inline void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forgets it: the next launch asks there whether it went well
  raw::fail(call, file, line, cudaGetErrorString(status));
}

#endif

// Queues kernel(args...) on `stream`; nothing when the grid is empty.
template <class... Parameters>
void launch(Stream& stream, const Shape& shape, void (*kernel)(Parameters...),
            std::type_identity_t<Parameters>... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0) return;
  const char* file = shape.where.file_name();
  const int line = static_cast<int>(shape.where.line());
#ifdef __CUDACC__
  kernel<<<shape.grid, shape.block, 0, static_cast<cudaStream_t>(stream.handle())>>>(args...);
  check(cudaGetLastError(), "a kernel's launch", file, line);
#else
  (emulation::check_argument(args, {file, line}), ...);
  emulation::queue_kernel(stream.handle(), shape.grid, shape.block, {file, line}, [=] { kernel(args...); });
#endif
}

// Index of this thread in the grid (x only), and the number of threads of the grid.
__device__ inline std::int64_t thread_in_grid() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t threads_of_grid() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

}  // namespace baton::kernels::cuda
