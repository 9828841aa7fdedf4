#include "autograd/mlp.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

using kernels::Transpose;
using kernels::Unary;

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

}  // namespace

template <class T>
MlpPass<T>::MlpPass(const MlpSpec& spec, int max_rows) {
  set_spec(spec);
  reserve(max_rows);
}

template <class T>
void MlpPass<T>::set_spec(const MlpSpec& spec) {
  if (parameters_ > 0 && spec == spec_) return;
  parameters_ = parameter_count(spec);
  spec_ = spec;
  keeps_input_ = kernels::derivative_needs_input(unary_of(spec.activation));
  widest_ = std::max(spec.in, spec.out);
  for (const int width : spec.hidden) widest_ = std::max(widest_, width);
  capacity_ = -1;
  rows_ = 0;
}

template <class T>
void MlpPass<T>::reserve(int max_rows) {
  BATON_REQUIRE(max_rows >= 0, "mlp: {} rows", max_rows);
  wanted_rows_ = std::max(wanted_rows_, max_rows);
  if (parameters_ > 0 && wanted_rows_ > capacity_) allocate();
}

template <class T>
void MlpPass<T>::allocate() {
  capacity_ = wanted_rows_;
  std::size_t total = 0;
  const auto take = [&total](std::size_t size) { return std::exchange(total, total + size); };
  levels_.assign(static_cast<std::size_t>(layer_count(spec_)) + 1, {});
  for (int l = 0; l <= layer_count(spec_); ++l) {
    Level& kept = levels_[static_cast<std::size_t>(l)];
    const MlpLayer layer = l == 0 ? MlpLayer{.out = spec_.in} : layer_layout(spec_, l - 1);
    kept.width = layer.out;
    const std::size_t size = product(capacity_, kept.width);
    kept.h = take(size);
    if (layer.hidden && keeps_input_) kept.n = take(size);
    if (!layer.norm) continue;
    kept.z = take(size);
    kept.mean = take(static_cast<std::size_t>(capacity_));
    kept.inverse = take(static_cast<std::size_t>(capacity_));
  }
  const int chunks = kernels::chunk_count(capacity_, kChunk);
  const std::size_t slots = static_cast<std::size_t>(std::min(chunks, kMaxSlots));
  kept_.resize(total);
  packed_at_.clear();
  std::size_t packed = 0;
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    packed_at_.push_back(packed);
    packed += static_cast<std::size_t>(std::max(kernels::bulk_packed_size(layer.out, layer.in),
                                                kernels::bulk_packed_size(layer.in, layer.out)));
  }
  for (kernels::AlignedVector<T>* copies : {&packed_, &packed_transposed_, &packed_tangent_})
    copies->resize(packed);
  gradients_.resize(slots * static_cast<std::size_t>(parameters_));
  scratch_.resize(slots * 2 * product(kChunk, widest_));
}

template <class T>
void MlpPass<T>::forward(const MlpSpec& spec, std::span<const T> theta, const T* x, int n) {
  set_spec(spec);
  forward(theta, x, n);
}

template <class T>
void MlpPass<T>::forward(std::span<const T> theta, const T* x, int n) {
  forward(
      theta,
      [this, x](T* to, int first, int rows) {
        std::memcpy(to, x + product(first, spec_.in), product(rows, spec_.in) * sizeof(T));
      },
      n);
}

template <class T>
void MlpPass<T>::forward(std::span<const T> theta, const Input& input, int n) {
  begin(theta, n);
  const int first_packed = packs() ? 0 : layer_count(spec_);
  pack_weights({{Transpose::kNo, theta.data(), first_packed, &packed_, Products::kByRow}});
  kernels::parallel_for(kernels::chunk_count(n, kChunk), [&](int chunk) {
    forward_chunk(Products::kByRow, theta.data(), input, chunk * kChunk,
                  std::min(kChunk, n - chunk * kChunk));
  });
}

// What comes before the first of n rows.
template <class T>
void MlpPass<T>::begin(std::span<const T> theta, int n) {
  BATON_REQUIRE(parameters_ > 0, "mlp: forward before any MlpSpec was given");
  BATON_REQUIRE(n >= 0, "mlp: {} rows", n);
  check_parameters("theta", theta.size());
  reserve(n);
  rows_ = n;
}

// Copies weights into the order in which products read them; what several products need, side by side.
template <class T>
void MlpPass<T>::pack_weights(std::initializer_list<Packing> jobs) {
  const int layers = layer_count(spec_);
  if (std::ranges::all_of(jobs, [=](const Packing& job) { return job.first_layer >= layers; })) return;
  kernels::parallel_for(layers * static_cast<int>(jobs.size()), [&](int i) {
    const Packing& job = jobs.begin()[i / layers];
    const int l = i % layers;
    if (l < job.first_layer) return;
    const MlpLayer layer = layer_layout(spec_, l);
    const bool turned = job.transpose == Transpose::kYes;
    const auto pack = job.products == Products::kBulk ? kernels::bulk_pack<T> : kernels::pack<T>;
    pack(job.transpose, turned ? layer.in : layer.out, turned ? layer.out : layer.in,
         job.theta + layer.weight, layer.out, job.packed->data() + packed_at_[static_cast<std::size_t>(l)]);
  });
}

// out [rows][fan_out] = a [rows][fan_in] W_l + beta out, from a packed copy.
template <class T>
void MlpPass<T>::multiply(int l, int rows, const T* a, const kernels::AlignedVector<T>& packed, T beta,
                          T* out) {
  const MlpLayer layer = layer_layout(spec_, l);
  kernels::bulk_gemm_packed<T>(Transpose::kNo, rows, layer.out, layer.in, T(1), a, layer.in,
                               packed.data() + packed_at_[static_cast<std::size_t>(l)], beta, out, layer.out);
}

// The same with beta 0 and gemm's bits, W_l from theta or packed_.
template <class T>
void MlpPass<T>::multiply_by_row(int l, int rows, const T* a, const T* theta, T* out) {
  const MlpLayer layer = layer_layout(spec_, l);
  if (packs()) {
    kernels::gemm_packed<T>(Transpose::kNo, rows, layer.out, layer.in, T(1), a, layer.in,
                            packed_.data() + packed_at_[static_cast<std::size_t>(l)], T(0), out, layer.out);
  } else {
    kernels::gemm<T>(Transpose::kNo, Transpose::kNo, rows, layer.out, layer.in, T(1), a, layer.in,
                     theta + layer.weight, layer.out, T(0), out, layer.out);
  }
}

// out [rows][fan_in] = delta [rows][fan_out] W_l', from packed_transposed_.
template <class T>
void MlpPass<T>::multiply_transposed(int l, int rows, const T* delta, T* out) {
  const MlpLayer layer = layer_layout(spec_, l);
  kernels::bulk_gemm_packed<T>(Transpose::kNo, rows, layer.in, layer.out, T(1), delta, layer.out,
                               packed_transposed_.data() + packed_at_[static_cast<std::size_t>(l)], T(0), out,
                               layer.in);
}

template <class T>
void MlpPass<T>::forward_chunk(Products products, const T* theta, const Input& input, int first, int rows) {
  input(h(0, first), first, rows);
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    T* out = layer.norm ? z(l + 1, first) : h(l + 1, first);
    if (products == Products::kBulk) {
      multiply(l, rows, h(l, first), packed_, T(0), out);
    } else {
      multiply_by_row(l, rows, h(l, first), theta, out);
    }
    activate(theta, l, first, rows);
  }
}

// h_{l-1} W_l, which stands at z (normalised) or h, becomes h_l.
template <class T>
void MlpPass<T>::activate(const T* theta, int layer, int first, int rows) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  const Unary activation = at.hidden ? unary_of(spec_.activation) : Unary::kIdentity;
  T* before = at.hidden && keeps_input_ ? n(l, first) : nullptr;
  if (!at.norm) {
    kernels::bias_unary<T>(activation, rows, at.out, theta + at.bias, h(l, first), before);
    return;
  }
  kernels::bias_unary<T>(Unary::kIdentity, rows, at.out, theta + at.bias, z(l, first), nullptr);
  T* normed = before != nullptr ? before : h(l, first);
  kernels::layer_norm<T>(rows, at.out, T(kNormEps), z(l, first), theta + at.gain, theta + at.shift, normed,
                         mean(l, first), inverse(l, first));
  kernels::unary<T>(activation, static_cast<std::int64_t>(product(rows, at.out)), normed, h(l, first));
}

template <class T>
std::span<const T> MlpPass<T>::output() const {
  return {kept_.data() + (levels_.empty() ? 0 : levels_.back().h), product(rows_, spec_.out)};
}

template <class T>
std::span<T> MlpPass<T>::output() {
  return {kept_.data() + (levels_.empty() ? 0 : levels_.back().h), product(rows_, spec_.out)};
}

template <class T>
void MlpPass<T>::check_parameters(const char* what, std::size_t size) const {
  BATON_REQUIRE(size == static_cast<std::size_t>(parameters_), "mlp: {} has {} elements, the network {}",
                what, size, parameters_);
}

template <class T>
void MlpPass<T>::vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta, T* dx) {
  check_parameters("theta", theta.size());
  if (!dtheta.empty()) check_parameters("dtheta", dtheta.size());
  if (rows_ == 0) return;
  pack_weights({turned(theta.data(), dx != nullptr ? 0 : 1)});
  for_slots([&](int slot, bool fresh, int first, int rows) {
    T* gradient = dtheta.empty() ? nullptr : gradients_.data() + product(slot, parameters_);
    vjp_chunk(theta.data(), dy, gradient, fresh, dx, first, rows,
              scratch_.data() + product(2 * slot, kChunk * widest_));
  });
  if (!dtheta.empty()) add_slots(dtheta);
}

template <class T>
void MlpPass<T>::forward_vjp(std::span<const T> theta, const Input& input, int n, const Loss& loss, T* u,
                             std::span<T> dtheta) {
  check_parameters("dtheta", dtheta.size());
  begin(theta, n);
  if (n == 0) return std::fill(dtheta.begin(), dtheta.end(), T(0));
  pack_weights({plain(theta.data(), 0, packed_), turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, int first, int rows) {
    T* own = u + product(first, spec_.out);
    forward_chunk(Products::kBulk, theta.data(), input, first, rows);
    loss(h(layer_count(spec_), first), own, first, rows);
    T* gradient = slot == 0 ? dtheta.data() : gradients_.data() + product(slot, parameters_);
    vjp_chunk(theta.data(), u, gradient, fresh, nullptr, first, rows,
              scratch_.data() + product(2 * slot, kChunk * widest_));
  });
  add_slots(dtheta, 1);
}

// sum += the gradients of first_slot and those behind it, in the order of the slots.
template <class T>
void MlpPass<T>::add_slots(std::span<T> sum, int first_slot) {
  const int slots = std::min(kernels::chunk_count(rows_, kChunk), kMaxSlots);
  constexpr int kRange = 16384;
  kernels::parallel_for(kernels::chunk_count(parameters_, kRange), [&](int range) {
    const int begin = range * kRange, size = std::min(kRange, parameters_ - begin);
    for (int slot = first_slot; slot < slots; ++slot) {
      kernels::axpy<T>(size, T(1), gradients_.data() + product(slot, parameters_) + begin,
                       sum.data() + begin);
    }
  });
}

template <class T>
void MlpPass<T>::vjp_chunk(const T* theta, const T* dy, T* gradient, bool fresh, T* dx, int first, int rows,
                           T* scratch) {
  const T keep = fresh ? T(0) : T(1);
  const T* delta = dy + product(first, spec_.out);  // gradient at z_l of the layer at hand
  T* spare[2] = {scratch, scratch + product(kChunk, widest_)};
  for (int l = layer_count(spec_) - 1; l >= 0; --l) {
    const MlpLayer layer = layer_layout(spec_, l);
    if (gradient != nullptr) {
      kernels::bulk_gemm<T>(Transpose::kYes, Transpose::kNo, layer.in, layer.out, rows, T(1), h(l, first),
                            layer.in, delta, layer.out, keep, gradient + layer.weight, layer.out);
      kernels::sum_axis<T>(1, rows, layer.out, T(1), delta, gradient + layer.bias, !fresh);
    }
    if (l == 0 && dx == nullptr) return;
    T* next = l == 0 ? dx + product(first, spec_.in) : spare[l & 1];
    multiply_transposed(l, rows, delta, next);
    if (l == 0) return;
    activate_vjp(theta, gradient, fresh, l - 1, first, rows, next);
    delta = next;
  }
}

// delta at h becomes delta at z, in place; the gradients of gain and shift are added to `gradient`.
template <class T>
void MlpPass<T>::activate_vjp(const T* theta, T* gradient, bool fresh, int layer, int first, int rows,
                              T* delta) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  kernels::unary_derivative<T>(unary_of(spec_.activation), static_cast<std::int64_t>(product(rows, at.out)),
                               keeps_input_ ? n(l, first) : nullptr, h(l, first), delta, delta, false);
  if (!at.norm) return;
  if (gradient != nullptr && fresh) std::fill(gradient + at.gain, gradient + at.end, T(0));
  kernels::layer_norm_vjp<T>(rows, at.out, z(l, first), theta + at.gain, mean(l, first), inverse(l, first),
                             delta, delta, gradient != nullptr ? gradient + at.gain : nullptr,
                             gradient != nullptr ? gradient + at.shift : nullptr);
}

template <class T>
void MlpPass<T>::jvp(std::span<const T> theta, std::span<const T> v, T* dy, const T* x_dot) {
  check_parameters("theta", theta.size());
  if (!v.empty()) check_parameters("v", v.size());
  const T* tangent = v.empty() ? nullptr : v.data();
  const int layers = layer_count(spec_);
  pack_weights({plain(tangent, tangent != nullptr ? 0 : layers, packed_tangent_),
                plain(theta.data(), x_dot != nullptr ? 0 : 1, packed_)});
  for_slots([&](int slot, bool, int first, int rows) {
    jvp_chunk(theta.data(), tangent, dy, x_dot, first, rows,
              scratch_.data() + product(2 * slot, kChunk * widest_));
  });
}

template <class T>
void MlpPass<T>::jvp_chunk(const T* theta, const T* v, T* dy, const T* x_dot, int first, int rows,
                           T* scratch) {
  T* spare[2] = {scratch, scratch + product(kChunk, widest_)};
  const T* below_dot = x_dot != nullptr ? x_dot + product(first, spec_.in) : nullptr;  // null: zero
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    T* dot = layer.hidden ? spare[l & 1] : dy + product(first, spec_.out);
    if (v != nullptr) {
      multiply(l, rows, h(l, first), packed_tangent_, T(0), dot);
      kernels::bias_unary<T>(Unary::kIdentity, rows, layer.out, v + layer.bias, dot, nullptr);
    } else {
      std::fill_n(dot, product(rows, layer.out), T(0));
    }
    if (below_dot != nullptr) multiply(l, rows, below_dot, packed_, T(1), dot);
    if (!layer.hidden) return;
    activate_jvp(theta, v, l, first, rows, dot);
    below_dot = dot;
  }
}

// The tangent at z becomes that at h, in place. v: as in jvp.
template <class T>
void MlpPass<T>::activate_jvp(const T* theta, const T* v, int layer, int first, int rows, T* dot) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  if (at.norm) {
    kernels::layer_norm_jvp<T>(rows, at.out, z(l, first), theta + at.gain, mean(l, first), inverse(l, first),
                               dot, v != nullptr ? v + at.gain : nullptr,
                               v != nullptr ? v + at.shift : nullptr, dot);
  }
  kernels::unary_derivative<T>(unary_of(spec_.activation), static_cast<std::int64_t>(product(rows, at.out)),
                               keeps_input_ ? n(l, first) : nullptr, h(l, first), dot, dot, false);
}

template <class T>
void MlpPass<T>::metric_product(std::span<const T> theta, std::span<const T> v, const Metric& metric, T* u,
                                std::span<T> dtheta) {
  check_parameters("theta", theta.size());
  check_parameters("v", v.size());
  check_parameters("dtheta", dtheta.size());
  if (rows_ == 0) return;
  pack_weights(
      {plain(v.data(), 0, packed_tangent_), plain(theta.data(), 1, packed_), turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, int first, int rows) {
    T* scratch = scratch_.data() + product(2 * slot, kChunk * widest_);
    jvp_chunk(theta.data(), v.data(), u, nullptr, first, rows, scratch);
    metric(u + product(first, spec_.out), first, rows);
    vjp_chunk(theta.data(), u, gradients_.data() + product(slot, parameters_), fresh, nullptr, first, rows,
              scratch);
  });
  add_slots(dtheta);
}

template class MlpPass<float>;
template class MlpPass<double>;

}  // namespace baton::ag
