#include "rl/cuda/fisher_solve.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cuda/kernels.hpp"
#include "kernels/error.hpp"

namespace baton::rl::cuda {

namespace gpu = kernels::cuda;

std::int64_t FisherSolve::footprint(const ag::MlpSpec& spec, int rows) {
  return ag::cuda::MlpPass::footprint(spec, rows) +
         8 * gpu::Arena::footprint<float>(ag::parameter_count(spec) + spec.out) +
         gpu::Arena::footprint<float>(std::int64_t{rows} * spec.out) +
         gpu::Arena::footprint<float>(spec.out) + gpu::Arena::footprint<std::int32_t>(rows) +
         gpu::Arena::footprint<char>(gpu::kReduceScratchBytes) + gpu::Arena::footprint<Solve>(1);
}

FisherSolve::FisherSolve(const ag::MlpSpec& spec, int rows, const CgOptions& options)
    : options_(options),
      rows_(rows),
      out_(spec.out),
      mlp_parameters_(ag::parameter_count(spec)),
      parameters_(mlp_parameters_ + spec.out),
      blas_(stream_),
      arena_(footprint(spec, rows)),
      mlp_(spec, rows, arena_) {
  for (float** vector : {&theta_, &b_, &x_, &r_, &z_, &p_, &ap_, &inverse_diagonal_})
    *vector = arena_.take<float>(parameters_);
  tangent_ = arena_.take<float>(std::int64_t{rows} * out_);
  log_std_metric_ = arena_.take<float>(out_);
  counts_ = arena_.take<std::int32_t>(rows);
  scratch_ = arena_.take<char>(gpu::kReduceScratchBytes);
  scalars_ = arena_.take<Solve>(1);
  // One iteration of whatever lies there: what is loaded at a kernel's first launch is loaded outside of a recording.
  queue_solve(true, 1);
  stream_.synchronize();
  plain_ = gpu::Graph::record(stream_, [&] { queue_solve(false, options_.iterations); });
  preconditioned_ = gpu::Graph::record(stream_, [&] { queue_solve(true, options_.iterations); });
}

void FisherSolve::queue_product(const float* v, float* out) {
  mlp_.jvp(blas_, theta_, v, tangent_);
  multiply_metric(stream_, rows_, out_, counts_, theta_ + mlp_parameters_, tangent_);
  mlp_.vjp(blas_, theta_, tangent_, out);
  gpu::binary<float>(stream_, kernels::Binary::kMul, out_, log_std_metric_, 1, v + mlp_parameters_, 1,
                     out + mlp_parameters_);
}

// r'z and r'r, with z made where it is not r itself.
void FisherSolve::queue_residual_sums(bool preconditioned) {
  if (preconditioned)
    gpu::binary<float>(stream_, kernels::Binary::kMul, parameters_, inverse_diagonal_, 1, r_, 1, z_);
  gpu::dot<float>(stream_, parameters_, r_, preconditioned ? z_ : r_, &scalars_->rz_next, scratch_);
  gpu::dot<float>(stream_, parameters_, r_, r_, &scalars_->rr_next, scratch_);
}

void FisherSolve::queue_solve(bool preconditioned, int iterations) {
  mlp_.forward(blas_, theta_);
  gpu::clear(stream_, parameters_, x_);
  gpu::copy(stream_, parameters_, static_cast<const float*>(b_), r_);
  const float* z = preconditioned ? z_ : r_;
  queue_residual_sums(preconditioned);
  gpu::copy(stream_, parameters_, z, p_);
  begin_solve(stream_, options_.tolerance, iterations, scalars_);
  for (int i = 0; i < iterations; ++i) {
    queue_product(p_, ap_);
    gpu::axpy<float>(stream_, parameters_, static_cast<float>(options_.damping), p_, ap_);
    gpu::dot<float>(stream_, parameters_, p_, ap_, &scalars_->curvature, scratch_);
    take_curvature(stream_, scalars_);
    advance_solution(stream_, scalars_, parameters_, p_, ap_, x_, r_);
    queue_residual_sums(preconditioned);
    take_residual(stream_, options_.tolerance, iterations, scalars_);
    next_direction(stream_, scalars_, parameters_, z, p_);
  }
}

// And what log_std's part of the matrix is then: 2 / rows for every row that counts the output.
void FisherSolve::upload_counts(std::span<const int> counts) {
  BATON_REQUIRE(counts.empty() || counts.size() == static_cast<std::size_t>(rows_),
                "fisher solve: {} counts for {} rows", counts.size(), rows_);
  std::vector<std::int32_t> all(static_cast<std::size_t>(rows_), out_);
  std::vector<float> metric(static_cast<std::size_t>(out_), counts.empty() ? 2.0F : 0.0F);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    BATON_REQUIRE(counts[i] >= 1 && counts[i] <= out_, "fisher solve: {} of {} outputs are to count",
                  counts[i], out_);
    all[i] = counts[i];
    for (int j = 0; j < counts[i]; ++j) metric[static_cast<std::size_t>(j)] += 2 / static_cast<float>(rows_);
  }
  gpu::upload(stream_, std::span<const std::int32_t>(all), counts_);
  gpu::upload(stream_, std::span<const float>(metric), log_std_metric_);
  stream_.synchronize();
}

CgReport FisherSolve::solve(std::span<const float> theta, std::span<const float> z,
                            std::span<const int> counts, std::span<const float> b,
                            std::span<const float> inverse_diagonal, std::span<float> x) {
  const auto n = static_cast<std::size_t>(parameters_);
  BATON_REQUIRE(theta.size() == n && b.size() == n && x.size() == n,
                "fisher solve: theta of {}, b of {}, x of {}; the policy has {} parameters", theta.size(),
                b.size(), x.size(), n);
  BATON_REQUIRE(z.size() == static_cast<std::size_t>(rows_) * static_cast<std::size_t>(mlp_.spec().in),
                "fisher solve: {} inputs for {} rows of {}", z.size(), rows_, mlp_.spec().in);
  BATON_REQUIRE(inverse_diagonal.empty() || inverse_diagonal.size() == n,
                "fisher solve: a preconditioner of {}, the policy has {} parameters", inverse_diagonal.size(),
                n);
  upload_counts(counts);
  gpu::upload(stream_, theta, theta_);
  gpu::upload(stream_, z, mlp_.input());
  gpu::upload(stream_, b, b_);
  if (!inverse_diagonal.empty()) gpu::upload(stream_, inverse_diagonal, inverse_diagonal_);
  (inverse_diagonal.empty() ? plain_ : preconditioned_).replay(stream_);
  Solve scalars;
  gpu::download(stream_, static_cast<const float*>(x_), x);
  gpu::download(stream_, static_cast<const Solve*>(scalars_), std::span(&scalars, 1));
  stream_.synchronize();
  CgReport report;
  report.iterations = scalars.iterations;
  report.residual = scalars.bb > 0 ? std::sqrt(scalars.rr / scalars.bb) : 0;
  report.negative_curvature = scalars.negative_curvature != 0;
  return report;
}

void FisherSolve::product(std::span<const float> v, std::span<float> out) {
  const auto n = static_cast<std::size_t>(parameters_);
  BATON_REQUIRE(v.size() == n && out.size() == n,
                "fisher product: vectors of {} and {}; the policy has {} parameters", v.size(), out.size(),
                n);
  gpu::upload(stream_, v, p_);
  queue_product(p_, ap_);
  gpu::download(stream_, static_cast<const float*>(ap_), out);
  stream_.synchronize();
}

namespace {

class Solver final : public SolveDevice {
 public:
  void require_supported(const GaussianPolicy& policy) const override { require_gaussian(policy); }

  CgReport solve(const GaussianPolicy& policy, const float* x, int n, std::span<const int> counts,
                 std::span<const float> b, std::span<const float> inverse_diagonal, const CgOptions& options,
                 std::span<float> direction) override {
    if (!solve_ || n != rows_ || !(policy.spec() == spec_) || options != options_) {
      solve_.reset();  // its memory first
      solve_ = std::make_unique<FisherSolve>(policy.spec(), n, options);
      rows_ = n, spec_ = policy.spec(), options_ = options;
    }
    z_.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(policy.in_dim()));
    policy.encode(x, n, z_.data());
    return solve_->solve(policy.theta(), z_, counts, b, inverse_diagonal, direction);
  }

 private:
  std::unique_ptr<FisherSolve> solve_;
  int rows_ = 0;
  ag::MlpSpec spec_;
  CgOptions options_;
  std::vector<float> z_;
};

}  // namespace

std::unique_ptr<SolveDevice> make_solve() { return std::make_unique<Solver>(); }

}  // namespace baton::rl::cuda
