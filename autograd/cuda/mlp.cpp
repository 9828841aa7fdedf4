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

bool keeps_input(const MlpSpec& spec) { return kernels::derivative_needs_input(unary_of(spec.activation)); }

// C [m][n] = op(A) op(B) + beta C, rows as long as the matrices.
void product(gpu::Blas& blas, Transpose ta, Transpose tb, int m, int n, int k, const float* a, const float* b,
             float beta, float* c) {
  gpu::gemm<float>(blas, ta, tb, m, n, k, 1.0f, a, ta == Transpose::kNo ? k : m, b,
                   tb == Transpose::kNo ? n : k, beta, c, n);
}

}  // namespace

std::int64_t MlpPass::footprint(const MlpSpec& spec, int rows) {
  const auto matrix = [=](int width) { return gpu::Arena::footprint<float>(std::int64_t{rows} * width); };
  const std::int64_t column = gpu::Arena::footprint<float>(rows);
  std::int64_t bytes =
      matrix(spec.in) + 2 * matrix(widest(spec)) + gpu::Arena::footprint<float>(scratch_size(spec, rows));
  for (int l = 0; l < layer_count(spec); ++l) {
    const MlpLayer layer = layer_layout(spec, l);
    bytes += matrix(layer.out);
    if (layer.hidden && keeps_input(spec)) bytes += matrix(layer.out);
    if (layer.norm) bytes += matrix(layer.out) + 2 * column;
  }
  return bytes;
}

MlpPass::MlpPass(const MlpSpec& spec, int rows, gpu::Arena& arena) : spec_(spec), rows_(rows) {
  validate(spec);
  BATON_REQUIRE(rows >= 1, "mlp: {} rows on a device", rows);
  const auto matrix = [&](int width) { return arena.take<float>(std::int64_t{rows} * width); };
  levels_.push_back({.h = matrix(spec.in)});
  for (int l = 0; l < layer_count(spec); ++l) {
    const MlpLayer layer = layer_layout(spec, l);
    Level& kept = levels_.emplace_back();
    kept.h = matrix(layer.out);
    if (layer.hidden && keeps_input(spec)) kept.n = matrix(layer.out);
    if (!layer.norm) continue;
    kept.z = matrix(layer.out);
    kept.mean = arena.take<float>(rows), kept.inverse = arena.take<float>(rows);
  }
  for (float*& spare : spare_) spare = matrix(widest(spec));
  scratch_ = arena.take<float>(scratch_size(spec, rows));
}

void MlpPass::forward(gpu::Blas& blas, const float* theta) {
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    product(blas, Transpose::kNo, Transpose::kNo, rows_, layer.out, layer.in, below(l), theta + layer.weight,
            0.0f, layer.norm ? above(l).z : above(l).h);
    activate(blas.stream(), theta, l);
  }
}

// h_{l-1} W_l, which stands at z (normalised) or h, becomes h_l.
void MlpPass::activate(gpu::Stream& stream, const float* theta, int layer) {
  const MlpLayer at = layer_layout(spec_, layer);
  const Level& kept = above(layer);
  const Unary activation = at.hidden ? unary_of(spec_.activation) : Unary::kIdentity;
  if (!at.norm) {
    gpu::bias_unary<float>(stream, activation, rows_, at.out, theta + at.bias, kept.h, kept.n);
    return;
  }
  gpu::bias_unary<float>(stream, Unary::kIdentity, rows_, at.out, theta + at.bias, kept.z, nullptr);
  float* normed = kept.n != nullptr ? kept.n : kept.h;
  gpu::layer_norm<float>(stream, rows_, at.out, static_cast<float>(kNormEps), kept.z, theta + at.gain,
                         theta + at.shift, normed, kept.mean, kept.inverse);
  gpu::unary<float>(stream, activation, std::int64_t{rows_} * at.out, normed, kept.h);
}

void MlpPass::vjp(gpu::Blas& blas, const float* theta, const float* dy, float* dtheta) {
  const int last = layer_count(spec_) - 1;
  gpu::sum_axis<float>(blas.stream(), 1, rows_, spec_.out, 1.0f, dy, dtheta + bias_offset(spec_, last), false,
                       scratch_);
  const float* delta = dy;  // gradient at z of the layer at hand
  for (int l = last; l >= 0; --l) {
    const MlpLayer layer = layer_layout(spec_, l);
    product(blas, Transpose::kYes, Transpose::kNo, layer.in, layer.out, rows_, below(l), delta, 0.0f,
            dtheta + layer.weight);
    if (l == 0) return;
    float* next = spare_[l & 1];
    product(blas, Transpose::kNo, Transpose::kYes, rows_, layer.in, layer.out, delta, theta + layer.weight,
            0.0f, next);
    activate_vjp(blas.stream(), theta, l - 1, next, dtheta);
    delta = next;
  }
}

// delta at h becomes delta at z, in place; the layer's gradients of bias, gain and shift.
void MlpPass::activate_vjp(gpu::Stream& stream, const float* theta, int layer, float* delta, float* dtheta) {
  const MlpLayer at = layer_layout(spec_, layer);
  const Level& kept = above(layer);
  const Unary activation = unary_of(spec_.activation);
  if (!at.norm) {
    gpu::bias_unary_vjp<float>(stream, activation, rows_, at.out, kept.n, kept.h, delta, delta,
                               dtheta + at.bias, false, scratch_);
    return;
  }
  gpu::unary_derivative<float>(stream, activation, std::int64_t{rows_} * at.out, kept.n, kept.h, delta, delta,
                               false);
  gpu::clear(stream, at.end - at.gain, dtheta + at.gain);  // gradients of gain and shift are added to
  gpu::layer_norm_vjp<float>(stream, rows_, at.out, kept.z, theta + at.gain, kept.mean, kept.inverse, delta,
                             delta, dtheta + at.gain, dtheta + at.shift, scratch_);
  gpu::sum_axis<float>(stream, 1, rows_, at.out, 1.0f, delta, dtheta + at.bias, false, scratch_);
}

void MlpPass::jvp(gpu::Blas& blas, const float* theta, const float* v, float* dy) {
  const float* below_dot = nullptr;
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    float* dot = layer.hidden ? spare_[l & 1] : dy;
    product(blas, Transpose::kNo, Transpose::kNo, rows_, layer.out, layer.in, below(l), v + layer.weight,
            0.0f, dot);
    if (below_dot != nullptr)
      product(blas, Transpose::kNo, Transpose::kNo, rows_, layer.out, layer.in, below_dot,
              theta + layer.weight, 1.0f, dot);
    gpu::bias_unary<float>(blas.stream(), Unary::kIdentity, rows_, layer.out, v + layer.bias, dot, nullptr);
    if (!layer.hidden) return;
    activate_jvp(blas.stream(), theta, v, l, dot);
    below_dot = dot;
  }
}

// The tangent at z becomes that at h, in place.
void MlpPass::activate_jvp(gpu::Stream& stream, const float* theta, const float* v, int layer, float* dot) {
  const MlpLayer at = layer_layout(spec_, layer);
  const Level& kept = above(layer);
  if (at.norm)
    gpu::layer_norm_jvp<float>(stream, rows_, at.out, kept.z, theta + at.gain, kept.mean, kept.inverse, dot,
                               v + at.gain, v + at.shift, dot);
  gpu::unary_derivative<float>(stream, unary_of(spec_.activation), std::int64_t{rows_} * at.out, kept.n,
                               kept.h, dot, dot, false);
}

}  // namespace baton::ag::cuda
