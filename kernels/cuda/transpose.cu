#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {
namespace {

constexpr int kTile = 32, kTileRows = 8;

// Tiles of 32 by 32 pass through shared memory, so that both sides go by whole rows. The odd pitch keeps the
// columns of a tile in different banks.
template <class T>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(int rows, int cols, const T* in, T* out) {
  constexpr int kPitch = kTile + 1;
  BATON_SHARED(T, tile, kTile * kPitch);
  const int across = (cols + kTile - 1) / kTile;
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int row = static_cast<int>(blockIdx.x) / across * kTile,
            col = static_cast<int>(blockIdx.x) % across * kTile;
  for (int i = y; i < kTile; i += kTileRows) {
    if (row + i < rows && col + x < cols)
      tile[i * kPitch + x] = in[static_cast<std::int64_t>(row + i) * cols + col + x];
  }
  __syncthreads();
  for (int i = y; i < kTile; i += kTileRows) {
    if (col + i < cols && row + x < rows)
      out[static_cast<std::int64_t>(col + i) * rows + row + x] = tile[x * kPitch + i];
  }
}

}  // namespace

template <class T>
void transpose(Stream& stream, int rows, int cols, const T* in, T* out) {
  const std::int64_t tiles =
      static_cast<std::int64_t>((rows + kTile - 1) / kTile) * ((cols + kTile - 1) / kTile);
  launch(stream, Shape(static_cast<unsigned>(tiles), dim3(kTile, kTileRows)), transpose_kernel<T>, rows, cols,
         in, out);
}

template void transpose(Stream&, int, int, const float*, float*);
template void transpose(Stream&, int, int, const double*, double*);

}  // namespace baton::kernels::cuda
