#pragma once
// MlpPass (autograd/mlp.hpp) on a device, float: the same formulas and layout of theta, every pointer of device
// memory, the work queued on the stream of the Blas. Memory is taken from an arena once; nothing waits for the host, so
// that calls can be recorded in a graph. Sums over rows run in an order that depends on the sizes alone, but for the
// weights' gradient: how cuBLAS splits that sum depends on the GPU and on its version, too.
#include "autograd/mlp.hpp"
#include "kernels/cuda/gemm.hpp"

namespace baton::ag::cuda {

class MlpPass {
 public:
  // For exactly `rows` >= 1 rows. Takes footprint(spec, rows) bytes.
  MlpPass(const MlpSpec& spec, int rows, kernels::cuda::Arena& arena);
  static std::int64_t footprint(const MlpSpec& spec, int rows);

  int rows() const { return rows_; }
  const MlpSpec& spec() const { return spec_; }
  float* input() { return levels_.front().h; }              // x [rows][in], written by the caller
  const float* output() const { return levels_.back().h; }  // [rows][out]

  void forward(kernels::cuda::Blas& blas, const float* theta);
  // What follows needs a forward with the same theta.
  // dtheta = J_theta' dy (overwrites), dy [rows][out].
  void vjp(kernels::cuda::Blas& blas, const float* theta, const float* dy, float* dtheta);
  // dy [rows][out] = J_theta v (overwrites).
  void jvp(kernels::cuda::Blas& blas, const float* theta, const float* v, float* dy);

 private:
  // What is kept of h_l for all rows; null where it is not needed.
  struct Level {
    float* h = nullptr;                         // [rows][width]
    float* n = nullptr;                         // [rows][width], where the activation's derivative needs it
    float* z = nullptr;                         // [rows][width], where the layer is normalised
    float *mean = nullptr, *inverse = nullptr;  // [rows], there, too
  };

  const Level& above(int layer) const { return levels_[static_cast<std::size_t>(layer) + 1]; }
  const float* below(int layer) const { return levels_[static_cast<std::size_t>(layer)].h; }
  void activate(kernels::cuda::Stream& stream, const float* theta, int layer);
  void activate_vjp(kernels::cuda::Stream& stream, const float* theta, int layer, float* delta,
                    float* dtheta);
  void activate_jvp(kernels::cuda::Stream& stream, const float* theta, const float* v, int layer, float* dot);

  MlpSpec spec_;
  int rows_;
  std::vector<Level> levels_;  // h_0 .. h_L: the input, hidden activations, the output
  float* spare_[2];            // [rows][widest]
  float* scratch_;             // of column sums
};

}  // namespace baton::ag::cuda
