#include "autograd/cuda/mlp.hpp"

#include <algorithm>

#include "kernels/cuda/kernels.hpp"
#include "kernels/error.hpp"

namespace baton::ag::cuda {

namespace {

namespace gpu = kernels::cuda;
using kernels::Transpose;
using kernels::Unary;

int widest(const MlpSpec& spec) {
  int width = std::max(spec.in, spec.out);
  for (const int hidden : spec.hidden) width = std::max(width, hidden);
  return width;
}

std::int64_t scratch_size(const MlpSpec& spec, int rows) {
  std::int64_t size = 1;
  for (int l = 0; l < layer_count(spec); ++l)
    size = std::max(size, gpu::sum_axis_scratch(1, rows, layer_out(spec, l)));
  return size;
}

// C [m][n] = op(A) op(B) + beta C, rows as long as the matrices.
void product(gpu::Blas& blas, Transpose ta, Transpose tb, int m, int n, int k, const float* a, const float* b,
             float beta, float* c) {
  gpu::gemm<float>(blas, ta, tb, m, n, k, 1.0f, a, ta == Transpose::kNo ? k : m, b,
                   tb == Transpose::kNo ? n : k, beta, c, n);
}

}  // namespace

std::int64_t MlpPass::footprint(const MlpSpec& spec, int rows) {
  const auto floats = [](std::int64_t n) { return gpu::Arena::footprint<float>(n); };
  const bool keeps_input = kernels::derivative_needs_input(unary_of(spec.activation));
  std::int64_t bytes = floats(std::int64_t{rows} * spec.in) + floats(scratch_size(spec, rows)) +
                       2 * floats(std::int64_t{rows} * widest(spec));
  for (int l = 0; l < layer_count(spec); ++l) {
    const bool hidden = l + 1 < layer_count(spec);
    bytes += (hidden && keeps_input ? 2 : 1) * floats(std::int64_t{rows} * layer_out(spec, l));
  }
  return bytes;
}

MlpPass::MlpPass(const MlpSpec& spec, int rows, gpu::Arena& arena) : spec_(spec), rows_(rows) {
  validate(spec);
  BATON_REQUIRE(rows >= 1, "mlp: {} rows on a device", rows);
  BATON_REQUIRE(!spec.layer_norm,
                "mlp: layers are not normalised on a device yet (policy.layer_norm): use --device cpu");
  const bool keeps_input = kernels::derivative_needs_input(unary_of(spec.activation));
  levels_.push_back(arena.take<float>(std::int64_t{rows} * spec.in));
  inputs_.push_back(nullptr);
  for (int l = 0; l < layer_count(spec); ++l) {
    const std::int64_t size = std::int64_t{rows} * layer_out(spec, l);
    levels_.push_back(arena.take<float>(size));
    inputs_.push_back(l + 1 < layer_count(spec) && keeps_input ? arena.take<float>(size) : nullptr);
  }
  for (float*& spare : spare_) spare = arena.take<float>(std::int64_t{rows} * widest(spec));
  scratch_ = arena.take<float>(scratch_size(spec, rows));
}

void MlpPass::forward(gpu::Blas& blas, const float* theta) {
  const int layers = layer_count(spec_);
  for (int l = 0; l < layers; ++l) {
    const int in = layer_in(spec_, l), out = layer_out(spec_, l);
    const auto at = static_cast<std::size_t>(l);
    product(blas, Transpose::kNo, Transpose::kNo, rows_, out, in, levels_[at],
            theta + weight_offset(spec_, l), 0.0f, levels_[at + 1]);
    gpu::bias_unary<float>(blas.stream(), l + 1 < layers ? unary_of(spec_.activation) : Unary::kIdentity,
                           rows_, out, theta + bias_offset(spec_, l), levels_[at + 1], inputs_[at + 1]);
  }
}

void MlpPass::vjp(gpu::Blas& blas, const float* theta, const float* dy, float* dtheta) {
  const int last = layer_count(spec_) - 1;
  gpu::sum_axis<float>(blas.stream(), 1, rows_, spec_.out, 1.0f, dy, dtheta + bias_offset(spec_, last), false,
                       scratch_);
  const float* delta = dy;  // gradient at z of the layer at hand
  for (int l = last; l >= 0; --l) {
    const int in = layer_in(spec_, l), out = layer_out(spec_, l);
    const float* below = levels_[static_cast<std::size_t>(l)];
    product(blas, Transpose::kYes, Transpose::kNo, in, out, rows_, below, delta, 0.0f,
            dtheta + weight_offset(spec_, l));
    if (l == 0) return;
    float* next = spare_[l & 1];
    product(blas, Transpose::kNo, Transpose::kYes, rows_, in, out, delta, theta + weight_offset(spec_, l),
            0.0f, next);
    gpu::bias_unary_vjp<float>(blas.stream(), unary_of(spec_.activation), rows_, in, before(l), below, next,
                               next, dtheta + bias_offset(spec_, l - 1), false, scratch_);
    delta = next;
  }
}

void MlpPass::jvp(gpu::Blas& blas, const float* theta, const float* v, float* dy) {
  const int layers = layer_count(spec_);
  const float* below_dot = nullptr;
  for (int l = 0; l < layers; ++l) {
    const int in = layer_in(spec_, l), out = layer_out(spec_, l);
    const auto at = static_cast<std::size_t>(l);
    float* dot = l + 1 == layers ? dy : spare_[l & 1];
    product(blas, Transpose::kNo, Transpose::kNo, rows_, out, in, levels_[at], v + weight_offset(spec_, l),
            0.0f, dot);
    if (below_dot != nullptr)
      product(blas, Transpose::kNo, Transpose::kNo, rows_, out, in, below_dot,
              theta + weight_offset(spec_, l), 1.0f, dot);
    gpu::bias_unary<float>(blas.stream(), Unary::kIdentity, rows_, out, v + bias_offset(spec_, l), dot,
                           nullptr);
    if (l + 1 == layers) return;
    gpu::unary_derivative<float>(blas.stream(), unary_of(spec_.activation), std::int64_t{rows_} * out,
                                 before(l + 1), levels_[at + 1], dot, dot, false);
    below_dot = dot;
  }
}

}  // namespace baton::ag::cuda
