#pragma once
// (F + damping I) x = b by conjugate gradients as one graph on a device: every Fisher product (rl/fisher.hpp, the
// Gaussian's), every update of vectors and scalars, and the end of the solve, which leaves the rest of the graph
// without effect. Formulas and report: rl/cg.hpp.
#include <span>

#include "autograd/cuda/mlp.hpp"
#include "rl/cg.hpp"
#include "rl/cuda/kernels.hpp"
#include "rl/device.hpp"

namespace baton::rl::cuda {

class FisherSolve {
 public:
  // For exactly `rows` rows of inputs; log_std has spec.out numbers, theta is [mlp..., log_std...].
  FisherSolve(const ag::MlpSpec& spec, int rows, const CgOptions& options);

  int parameters() const { return static_cast<int>(parameters_); }

  // x = (F + damping I)^-1 b at theta over the encoded inputs z [rows][in]; x, b, theta [parameters()].
  // inverse_diagonal: a preconditioner [parameters()], or empty. counts: of row i's outputs the first counts[i] alone
  // count, 1 .. spec.out (PolicyPass::set_counted); empty: all. Waits.
  CgReport solve(std::span<const float> theta, std::span<const float> z, std::span<const int> counts,
                 std::span<const float> b, std::span<const float> inverse_diagonal, std::span<float> x);
  // out = F v (no damping) at the theta, z and counts of the last solve. Waits.
  void product(std::span<const float> v, std::span<float> out);

 private:
  static std::int64_t footprint(const ag::MlpSpec& spec, int rows);
  void upload_counts(std::span<const int> counts);
  void queue_product(const float* v, float* out);
  void queue_residual_sums(bool preconditioned);
  void queue_solve(bool preconditioned, int iterations);

  CgOptions options_;
  int rows_, out_;
  std::int64_t mlp_parameters_, parameters_;
  kernels::cuda::Stream stream_;
  kernels::cuda::Blas blas_;
  kernels::cuda::Arena arena_;
  ag::cuda::MlpPass mlp_;
  float *theta_, *b_, *x_, *r_, *z_, *p_, *ap_, *inverse_diagonal_;  // [parameters]
  float *tangent_, *log_std_metric_;  // [rows][out], [out]: the diagonal of F there
  std::int32_t* counts_;              // [rows]
  char* scratch_;
  Solve* scalars_;
  kernels::cuda::Graph plain_, preconditioned_;
};

// For fine-tuning: keeps a FisherSolve for as long as the number of rows, the network and the options stay.
std::unique_ptr<SolveDevice> make_solve();

}  // namespace baton::rl::cuda
