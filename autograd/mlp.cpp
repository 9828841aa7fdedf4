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
  has_kept_ = false;
  workers_ = 0;
  kept_of_row_ = 0;
  const auto take = [this](int width) {
    return std::exchange(kept_of_row_, kept_of_row_ + static_cast<std::size_t>(width));
  };
  levels_.assign(static_cast<std::size_t>(layer_count(spec_)), {});
  for (int l = 0; l < layer_count(spec_); ++l) {
    Level& kept = levels_[static_cast<std::size_t>(l)];
    const MlpLayer layer = l == 0 ? MlpLayer{.out = spec_.in} : layer_layout(spec_, l - 1);
    kept.width = layer.out;
    kept.h = take(kept.width);
    if (layer.hidden && keeps_input_) kept.n = take(kept.width);
    if (!layer.norm) continue;
    kept.z = take(kept.width);
    kept.mean = take(1);
    kept.inverse = take(1);
  }
  output_.resize(offset(capacity_, spec_.out));
  packed_at_.clear();
  packed_size_ = 0;
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    packed_at_.push_back(packed_size_);
    packed_size_ += static_cast<std::size_t>(std::max(kernels::bulk_packed_size(layer.out, layer.in),
                                                      kernels::bulk_packed_size(layer.in, layer.out)));
  }
}

// Room for as many threads as there are now.
template <class T>
void MlpPass<T>::make_places() {
  if (workers_ >= kernels::threads()) return;
  workers_ = kernels::threads();
  const std::size_t rows = static_cast<std::size_t>(workers_) * kChunk;
  grow(places_, rows * kept_of_row_);
  grow(scratch_, rows * 2 * static_cast<std::size_t>(widest_));
}

template <class T>
void MlpPass<T>::make_gradients() {
  grow(gradients_, offset(slots(), parameters_));
}

template <class T>
void MlpPass<T>::forward(const MlpSpec& spec, std::span<const T> theta, const T* x, int n) {
  set_spec(spec);
  forward(theta, x, n);
}

template <class T>
void MlpPass<T>::forward(std::span<const T> theta, const T* x, int n) {
  forward(theta, copy_of(x), n);
}

template <class T>
auto MlpPass<T>::copy_of(const T* x) const -> Input {
  return [in = spec_.in, x](T* to, int first, int rows) {
    std::memcpy(to, x + offset(first, in), offset(rows, in) * sizeof(T));
  };
}

template <class T>
void MlpPass<T>::forward(std::span<const T> theta, const Input& input, int n) {
  begin(theta, n);
  grow(kept_, static_cast<std::size_t>(capacity_) * kept_of_row_);
  forward_by_row(theta, input, true);
  has_kept_ = true;
}

template <class T>
void MlpPass<T>::infer(std::span<const T> theta, const T* x, int n) {
  infer(theta, copy_of(x), n);
}

template <class T>
void MlpPass<T>::infer(std::span<const T> theta, const Input& input, int n) {
  begin(theta, n);
  make_places();
  forward_by_row(theta, input, false);
}

template <class T>
void MlpPass<T>::forward_by_row(std::span<const T> theta, const Input& input, bool keeps) {
  pack_weights({plain(Products::kByRow, theta.data())});
  kernels::parallel_for(kernels::chunk_count(rows_, kChunk), [&](int chunk) {
    const Rows rows = in_batch(chunk);
    forward_chunk(Products::kByRow, theta.data(), input, keeps ? rows : in_passing(rows));
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
  has_kept_ = false;
}

// Copies weights into the order in which products read them; what several products need, side by side.
template <class T>
void MlpPass<T>::pack_weights(std::initializer_list<Weights> jobs) {
  if (!packs()) return;
  for (const Weights& job : jobs) grow(*job.packed, packed_size_);
  const int layers = layer_count(spec_);
  kernels::parallel_for(layers * static_cast<int>(jobs.size()), [&](int i) {
    const Weights& job = jobs.begin()[i / layers];
    const int l = i % layers;
    if (l < job.first_layer || job.theta == nullptr) return;
    const MlpLayer layer = layer_layout(spec_, l);
    const bool turned = job.transpose == Transpose::kYes;
    const auto pack = job.products == Products::kBulk ? kernels::bulk_pack<T> : kernels::pack<T>;
    pack(job.transpose, turned ? layer.in : layer.out, turned ? layer.out : layer.in,
         job.theta + layer.weight, layer.out, job.packed->data() + packed_at_[static_cast<std::size_t>(l)]);
  });
}

// out = a op(W_l) + beta out: [rows][fan_out] from a [rows][fan_in], or the other way round with W_l'.
template <class T>
void MlpPass<T>::multiply(const Weights& weights, int l, int rows, const T* a, T beta, T* out) {
  const MlpLayer layer = layer_layout(spec_, l);
  const bool turned = weights.transpose == Transpose::kYes, bulk = weights.products == Products::kBulk;
  const int n = turned ? layer.in : layer.out, k = turned ? layer.out : layer.in;
  if (packs()) {
    const auto gemm = bulk ? kernels::bulk_gemm_packed<T> : kernels::gemm_packed<T>;
    gemm(Transpose::kNo, rows, n, k, T(1), a, k,
         weights.packed->data() + packed_at_[static_cast<std::size_t>(l)], beta, out, n);
  } else {
    const auto gemm = bulk ? kernels::bulk_gemm<T> : kernels::gemm<T>;
    gemm(Transpose::kNo, weights.transpose, rows, n, k, T(1), a, k, weights.theta + layer.weight, layer.out,
         beta, out, n);
  }
}

template <class T>
void MlpPass<T>::forward_chunk(Products products, const T* theta, const Input& input, const Rows& rows) {
  const Weights weights = plain(products, theta);
  input(h(0, rows), rows.first, rows.count);
  for (int l = 0; l < layer_count(spec_); ++l) {
    T* out = layer_layout(spec_, l).norm ? z(l + 1, rows) : h(l + 1, rows);
    multiply(weights, l, rows.count, h(l, rows), T(0), out);
    activate(theta, l, rows);
  }
}

// h_{l-1} W_l, which stands at z (normalised) or h, becomes h_l.
template <class T>
void MlpPass<T>::activate(const T* theta, int layer, const Rows& rows) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  const Unary activation = at.hidden ? unary_of(spec_.activation) : Unary::kIdentity;
  T* before = at.hidden ? n(l, rows) : nullptr;
  if (!at.norm) {
    kernels::bias_unary<T>(activation, rows.count, at.out, theta + at.bias, h(l, rows), before);
    return;
  }
  kernels::bias_unary<T>(Unary::kIdentity, rows.count, at.out, theta + at.bias, z(l, rows), nullptr);
  T* normed = before != nullptr ? before : h(l, rows);
  kernels::layer_norm<T>(rows.count, at.out, T(kNormEps), z(l, rows), theta + at.gain, theta + at.shift,
                         normed, mean(l, rows), inverse(l, rows));
  kernels::unary<T>(activation, static_cast<std::int64_t>(offset(rows.count, at.out)), normed, h(l, rows));
}

template <class T>
std::span<const T> MlpPass<T>::output() const {
  return {output_.data(), offset(rows_, spec_.out)};
}

template <class T>
std::span<T> MlpPass<T>::output() {
  return {output_.data(), offset(rows_, spec_.out)};
}

template <class T>
void MlpPass<T>::check_parameters(const char* what, std::size_t size) const {
  BATON_REQUIRE(size == static_cast<std::size_t>(parameters_), "mlp: {} has {} elements, the network {}",
                what, size, parameters_);
}

template <class T>
void MlpPass<T>::check_kept(const char* what) const {
  BATON_REQUIRE(
      has_kept_ || rows_ == 0,
      "mlp: {} needs the activations of a forward; infer, forward_vjp and room for more rows keep none",
      what);
}

template <class T>
void MlpPass<T>::vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta, T* dx) {
  check_kept("vjp");
  check_parameters("theta", theta.size());
  if (!dtheta.empty()) check_parameters("dtheta", dtheta.size());
  if (rows_ == 0) return;
  if (!dtheta.empty()) make_gradients();
  pack_weights({turned(theta.data(), dx != nullptr ? 0 : 1)});
  for_slots([&](int slot, bool fresh, const Rows& rows, T* scratch) {
    T* gradient = dtheta.empty() ? nullptr : gradients_.data() + offset(slot, parameters_);
    vjp_chunk(theta.data(), dy, gradient, fresh, dx, rows, scratch);
  });
  if (!dtheta.empty()) add_slots(dtheta);
}

template <class T>
void MlpPass<T>::forward_vjp(std::span<const T> theta, const Input& input, int n, const Loss& loss, T* u,
                             std::span<T> dtheta) {
  check_parameters("dtheta", dtheta.size());
  begin(theta, n);
  if (n == 0) return std::fill(dtheta.begin(), dtheta.end(), T(0));
  make_gradients();
  pack_weights({plain(Products::kBulk, theta.data()), turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, const Rows& in_batch, T* scratch) {
    const Rows rows = in_passing(in_batch);
    forward_chunk(Products::kBulk, theta.data(), input, rows);
    loss(h(layer_count(spec_), rows), u + offset(rows.first, spec_.out), rows.first, rows.count);
    T* gradient = slot == 0 ? dtheta.data() : gradients_.data() + offset(slot, parameters_);
    vjp_chunk(theta.data(), u, gradient, fresh, nullptr, rows, scratch);
  });
  add_slots(dtheta, 1);
}

// sum += the gradients of first_slot and those behind it, in the order of the slots.
template <class T>
void MlpPass<T>::add_slots(std::span<T> sum, int first_slot) {
  const int slots = this->slots();
  kernels::parallel_stretches(parameters_, [&](int, std::int64_t begin, std::int64_t size) {
    for (int slot = first_slot; slot < slots; ++slot) {
      kernels::axpy<T>(size, T(1), gradients_.data() + offset(slot, parameters_) + begin, sum.data() + begin);
    }
  });
}

template <class T>
void MlpPass<T>::vjp_chunk(const T* theta, const T* dy, T* gradient, bool fresh, T* dx, const Rows& rows,
                           T* scratch) {
  const T keep = fresh ? T(0) : T(1);
  const T* delta = dy + offset(rows.first, spec_.out);  // gradient at z_l of the layer at hand
  T* spare[2] = {scratch, scratch + offset(kChunk, widest_)};
  for (int l = layer_count(spec_) - 1; l >= 0; --l) {
    const MlpLayer layer = layer_layout(spec_, l);
    if (gradient != nullptr) {
      kernels::bulk_gemm<T>(Transpose::kYes, Transpose::kNo, layer.in, layer.out, rows.count, T(1),
                            h(l, rows), layer.in, delta, layer.out, keep, gradient + layer.weight, layer.out);
      kernels::sum_axis<T>(1, rows.count, layer.out, T(1), delta, gradient + layer.bias, !fresh);
    }
    if (l == 0 && dx == nullptr) return;
    T* next = l == 0 ? dx + offset(rows.first, spec_.in) : spare[l & 1];
    multiply(turned(theta), l, rows.count, delta, T(0), next);
    if (l == 0) return;
    activate_vjp(theta, gradient, fresh, l - 1, rows, next);
    delta = next;
  }
}

// delta at h becomes delta at z, in place; the gradients of gain and shift are added to `gradient`.
template <class T>
void MlpPass<T>::activate_vjp(const T* theta, T* gradient, bool fresh, int layer, const Rows& rows,
                              T* delta) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  kernels::unary_derivative<T>(unary_of(spec_.activation),
                               static_cast<std::int64_t>(offset(rows.count, at.out)), n(l, rows), h(l, rows),
                               delta, delta, false);
  if (!at.norm) return;
  if (gradient != nullptr && fresh) std::fill(gradient + at.gain, gradient + at.end, T(0));
  kernels::layer_norm_vjp<T>(rows.count, at.out, z(l, rows), theta + at.gain, mean(l, rows), inverse(l, rows),
                             delta, delta, gradient != nullptr ? gradient + at.gain : nullptr,
                             gradient != nullptr ? gradient + at.shift : nullptr);
}

template <class T>
void MlpPass<T>::jvp(std::span<const T> theta, std::span<const T> v, T* dy, const T* x_dot) {
  check_kept("jvp");
  check_parameters("theta", theta.size());
  if (!v.empty()) check_parameters("v", v.size());
  const T* v_or_null = v.empty() ? nullptr : v.data();
  pack_weights({tangent(v_or_null), plain(Products::kBulk, theta.data(), x_dot != nullptr ? 0 : 1)});
  for_slots([&](int, bool, const Rows& rows, T* scratch) {
    jvp_chunk(theta.data(), v_or_null, dy, x_dot, rows, scratch);
  });
}

template <class T>
void MlpPass<T>::jvp_chunk(const T* theta, const T* v, T* dy, const T* x_dot, const Rows& rows, T* scratch) {
  T* spare[2] = {scratch, scratch + offset(kChunk, widest_)};
  const T* below_dot = x_dot != nullptr ? x_dot + offset(rows.first, spec_.in) : nullptr;  // null: zero
  for (int l = 0; l < layer_count(spec_); ++l) {
    const MlpLayer layer = layer_layout(spec_, l);
    T* dot = layer.hidden ? spare[l & 1] : dy + offset(rows.first, spec_.out);
    if (v != nullptr) {
      multiply(tangent(v), l, rows.count, h(l, rows), T(0), dot);
      kernels::bias_unary<T>(Unary::kIdentity, rows.count, layer.out, v + layer.bias, dot, nullptr);
    } else {
      std::fill_n(dot, offset(rows.count, layer.out), T(0));
    }
    if (below_dot != nullptr) multiply(plain(Products::kBulk, theta), l, rows.count, below_dot, T(1), dot);
    if (!layer.hidden) return;
    activate_jvp(theta, v, l, rows, dot);
    below_dot = dot;
  }
}

// The tangent at z becomes that at h, in place. v: as in jvp.
template <class T>
void MlpPass<T>::activate_jvp(const T* theta, const T* v, int layer, const Rows& rows, T* dot) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  if (at.norm) {
    kernels::layer_norm_jvp<T>(rows.count, at.out, z(l, rows), theta + at.gain, mean(l, rows),
                               inverse(l, rows), dot, v != nullptr ? v + at.gain : nullptr,
                               v != nullptr ? v + at.shift : nullptr, dot);
  }
  kernels::unary_derivative<T>(unary_of(spec_.activation),
                               static_cast<std::int64_t>(offset(rows.count, at.out)), n(l, rows), h(l, rows),
                               dot, dot, false);
}

template <class T>
void MlpPass<T>::metric_product(std::span<const T> theta, std::span<const T> v, const Metric& metric, T* u,
                                std::span<T> dtheta) {
  check_kept("metric_product");
  check_parameters("theta", theta.size());
  check_parameters("v", v.size());
  check_parameters("dtheta", dtheta.size());
  if (rows_ == 0) return;
  make_gradients();
  pack_weights({tangent(v.data()), plain(Products::kBulk, theta.data(), 1), turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, const Rows& rows, T* scratch) {
    jvp_chunk(theta.data(), v.data(), u, nullptr, rows, scratch);
    metric(u + offset(rows.first, spec_.out), rows.first, rows.count);
    vjp_chunk(theta.data(), u, gradients_.data() + offset(slot, parameters_), fresh, nullptr, rows, scratch);
  });
  add_slots(dtheta);
}

template class MlpPass<float>;
template class MlpPass<double>;

}  // namespace baton::ag
