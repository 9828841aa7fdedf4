#include "autograd/mlp.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"

namespace baton::ag {
namespace {

using kernels::Transpose;
using kernels::Unary;

constexpr std::array<std::string_view, 8> kNames = {"identity", "tanh", "relu",     "elu",
                                                    "gelu",     "silu", "softplus", "sigmoid"};
constexpr int kMaxWidth = 65536;

Unary unary_of(Activation activation) {
  constexpr std::array<Unary, 8> kUnary = {Unary::kIdentity, Unary::kTanh, Unary::kRelu,     Unary::kElu,
                                           Unary::kGelu,     Unary::kSilu, Unary::kSoftplus, Unary::kSigmoid};
  return kUnary[static_cast<std::size_t>(activation)];
}

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

// Where layer l's numbers stand in theta.
struct LayerView {
  int in, out;
  std::size_t weight, bias;
};

LayerView layer_view(const MlpSpec& spec, int layer) {
  LayerView view{spec.in, 0, 0, 0};
  std::size_t offset = 0;
  for (int l = 0;; ++l) {
    view.in = layer_in(spec, l);
    view.out = layer_out(spec, l);
    view.weight = offset;
    view.bias = offset + product(view.in, view.out);
    if (l == layer) return view;
    offset = view.bias + static_cast<std::size_t>(view.out);
  }
}

}  // namespace

Activation parse_activation(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Activation>(i);
  }
  std::string known;
  for (const std::string_view each : kNames) known.append(known.empty() ? "" : ", ").append(each);
  fail("activation '{}' is unknown, known are {}", name, known);
}

std::string_view activation_name(Activation activation) {
  return kNames[static_cast<std::size_t>(activation)];
}

void validate(const MlpSpec& spec) {
  const auto check = [](int width, const char* what) {
    BATON_REQUIRE(width >= 1 && width <= kMaxWidth, "mlp: {} width {} is outside 1..{}", what, width,
                  kMaxWidth);
  };
  check(spec.in, "input");
  for (const int width : spec.hidden) check(width, "hidden");
  check(spec.out, "output");
  std::size_t total = 0;
  for (int l = 0; l < layer_count(spec); ++l) total += product(layer_in(spec, l) + 1, layer_out(spec, l));
  BATON_REQUIRE(total <= 0x7FFFFFFF, "mlp: {} parameters are more than an int counts", total);
}

int layer_count(const MlpSpec& spec) { return static_cast<int>(spec.hidden.size()) + 1; }
int layer_in(const MlpSpec& spec, int layer) {
  return layer == 0 ? spec.in : spec.hidden[static_cast<std::size_t>(layer) - 1];
}
int layer_out(const MlpSpec& spec, int layer) {
  return layer + 1 == layer_count(spec) ? spec.out : spec.hidden[static_cast<std::size_t>(layer)];
}
int weight_offset(const MlpSpec& spec, int layer) { return static_cast<int>(layer_view(spec, layer).weight); }
int bias_offset(const MlpSpec& spec, int layer) { return static_cast<int>(layer_view(spec, layer).bias); }

int parameter_count(const MlpSpec& spec) {
  validate(spec);
  const LayerView last = layer_view(spec, layer_count(spec) - 1);
  return static_cast<int>(last.bias) + last.out;
}

std::string parameter_name(const MlpSpec& spec, int index) {
  for (int l = 0; l < layer_count(spec); ++l) {
    const LayerView view = layer_view(spec, l);
    const int weight = index - static_cast<int>(view.weight), bias = index - static_cast<int>(view.bias);
    if (bias < 0) return fmt::format("layer {} weight [{}][{}]", l, weight / view.out, weight % view.out);
    if (bias < view.out) return fmt::format("layer {} bias [{}]", l, bias);
  }
  return fmt::format("parameter {}", index);
}

template <class T>
void init_parameters(const MlpSpec& spec, std::uint64_t seed, T out_scale, std::span<T> theta) {
  const int n = parameter_count(spec);
  BATON_REQUIRE(theta.size() == static_cast<std::size_t>(n), "mlp: theta has {} elements, the network {}",
                theta.size(), n);
  const bool relu_family = spec.activation == Activation::kRelu || spec.activation == Activation::kElu ||
                           spec.activation == Activation::kGelu || spec.activation == Activation::kSilu;
  for (int l = 0; l < layer_count(spec); ++l) {
    const LayerView view = layer_view(spec, l);
    const bool last = l + 1 == layer_count(spec);
    const double gain = last || !relu_family ? 1.0 : std::sqrt(2.0);
    const T scale =
        static_cast<T>(gain / std::sqrt(static_cast<double>(view.in))) * (last ? out_scale : T(1));
    kernels::Random random(kernels::mix_seed(seed, 0x6D6C70, static_cast<std::uint64_t>(l)));
    for (std::size_t i = view.weight; i < view.bias; ++i) theta[i] = scale * static_cast<T>(random.normal());
    std::fill_n(theta.begin() + static_cast<std::ptrdiff_t>(view.bias), view.out, T(0));
  }
}

template void init_parameters(const MlpSpec&, std::uint64_t, float, std::span<float>);
template void init_parameters(const MlpSpec&, std::uint64_t, double, std::span<double>);

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
  const int layers = layer_count(spec_);
  levels_.assign(static_cast<std::size_t>(layers) + 1, 0);
  inputs_.assign(static_cast<std::size_t>(layers) + 1, 0);
  std::size_t total = 0;
  for (int level = 0; level <= layers; ++level) {
    const std::size_t size = product(capacity_, level == 0 ? spec_.in : layer_out(spec_, level - 1));
    levels_[static_cast<std::size_t>(level)] = total;
    total += size;
    if (!keeps_input_ || level == 0 || level == layers) continue;
    inputs_[static_cast<std::size_t>(level)] = total;
    total += size;
  }
  const int chunks = kernels::chunk_count(capacity_, kChunk);
  const std::size_t slots = static_cast<std::size_t>(std::min(chunks, kMaxSlots));
  activations_.resize(total);
  transposed_.resize(static_cast<std::size_t>(parameters_));
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
  BATON_REQUIRE(parameters_ > 0, "mlp: forward before any MlpSpec was given");
  BATON_REQUIRE(n >= 0, "mlp: {} rows", n);
  check_parameters("theta", theta.size());
  reserve(n);
  rows_ = n;
  kernels::parallel_for(kernels::chunk_count(n, kChunk), [&](int chunk) {
    forward_chunk(theta.data(), x, chunk * kChunk, std::min(kChunk, n - chunk * kChunk));
  });
}

template <class T>
void MlpPass<T>::forward_chunk(const T* theta, const T* x, int first, int rows) {
  std::memcpy(level(0) + product(first, spec_.in), x + product(first, spec_.in),
              product(rows, spec_.in) * sizeof(T));
  const int layers = layer_count(spec_);
  for (int l = 0; l < layers; ++l) {
    const LayerView view = layer_view(spec_, l);
    T* out = level(l + 1) + product(first, view.out);
    kernels::gemm<T>(Transpose::kNo, Transpose::kNo, rows, view.out, view.in, T(1),
                     level(l) + product(first, view.in), view.in, theta + view.weight, view.out, T(0), out,
                     view.out);
    const bool hidden = l + 1 < layers;
    T* before = hidden && keeps_input_ ? input(l + 1) + product(first, view.out) : nullptr;
    kernels::bias_unary<T>(hidden ? unary_of(spec_.activation) : Unary::kIdentity, rows, view.out,
                           theta + view.bias, out, before);
  }
}

template <class T>
std::span<const T> MlpPass<T>::output() const {
  return {activations_.data() + (levels_.empty() ? 0 : levels_.back()), product(rows_, spec_.out)};
}

template <class T>
std::span<T> MlpPass<T>::output() {
  return {activations_.data() + (levels_.empty() ? 0 : levels_.back()), product(rows_, spec_.out)};
}

template <class T>
void MlpPass<T>::check_parameters(const char* what, std::size_t size) const {
  BATON_REQUIRE(size == static_cast<std::size_t>(parameters_), "mlp: {} has {} elements, the network {}",
                what, size, parameters_);
}

// Calls body(slot, first row, rows) for every chunk; the chunks of one slot run in order on one thread.
template <class T>
template <class Body>
void MlpPass<T>::for_slots(Body body) {
  const int chunks = kernels::chunk_count(rows_, kChunk), slots = std::min(chunks, kMaxSlots);
  kernels::parallel_for(slots, [&](int slot) {
    const int begin = slot * chunks / slots, end = (slot + 1) * chunks / slots;
    for (int chunk = begin; chunk < end; ++chunk) {
      body(slot, chunk == begin, chunk * kChunk, std::min(kChunk, rows_ - chunk * kChunk));
    }
  });
}

template <class T>
void MlpPass<T>::vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta, T* dx) {
  check_parameters("theta", theta.size());
  if (!dtheta.empty()) check_parameters("dtheta", dtheta.size());
  if (rows_ == 0) return;
  for (int l = dx != nullptr ? 0 : 1; l < layer_count(spec_); ++l) {
    const LayerView view = layer_view(spec_, l);
    kernels::transpose<T>(view.in, view.out, theta.data() + view.weight, transposed_.data() + view.weight);
  }
  for_slots([&](int slot, bool fresh, int first, int rows) {
    T* gradient = dtheta.empty() ? nullptr : gradients_.data() + product(slot, parameters_);
    vjp_chunk(dy, gradient, fresh, dx, first, rows, scratch_.data() + product(2 * slot, kChunk * widest_));
  });
  if (dtheta.empty()) return;
  const int slots = std::min(kernels::chunk_count(rows_, kChunk), kMaxSlots);
  constexpr int kRange = 16384;
  kernels::parallel_for(kernels::chunk_count(parameters_, kRange), [&](int range) {
    const int begin = range * kRange, size = std::min(kRange, parameters_ - begin);
    for (int slot = 0; slot < slots; ++slot) {
      kernels::axpy<T>(size, T(1), gradients_.data() + product(slot, parameters_) + begin,
                       dtheta.data() + begin);
    }
  });
}

template <class T>
void MlpPass<T>::vjp_chunk(const T* dy, T* gradient, bool fresh, T* dx, int first, int rows, T* scratch) {
  const T keep = fresh ? T(0) : T(1);
  const T* delta = dy + product(first, spec_.out);  // gradient at z_l of the layer at hand
  T* spare[2] = {scratch, scratch + product(kChunk, widest_)};
  for (int l = layer_count(spec_) - 1; l >= 0; --l) {
    const LayerView view = layer_view(spec_, l);
    const T* below = level(l) + product(first, view.in);
    if (gradient != nullptr) {
      kernels::gemm<T>(Transpose::kYes, Transpose::kNo, view.in, view.out, rows, T(1), below, view.in, delta,
                       view.out, keep, gradient + view.weight, view.out);
      kernels::sum_axis<T>(1, rows, view.out, T(1), delta, gradient + view.bias, !fresh);
    }
    if (l == 0 && dx == nullptr) return;
    T* next = l == 0 ? dx + product(first, spec_.in) : spare[l & 1];
    kernels::gemm<T>(Transpose::kNo, Transpose::kNo, rows, view.in, view.out, T(1), delta, view.out,
                     transposed_.data() + view.weight, view.in, T(0), next, view.in);
    if (l == 0) return;
    const T* before = keeps_input_ ? input(l) + product(first, view.in) : nullptr;
    kernels::unary_derivative<T>(unary_of(spec_.activation),
                                 static_cast<std::int64_t>(product(rows, view.in)), before, below, next, next,
                                 false);
    delta = next;
  }
}

template <class T>
void MlpPass<T>::jvp(std::span<const T> theta, std::span<const T> v, T* dy, const T* x_dot) {
  check_parameters("theta", theta.size());
  if (!v.empty()) check_parameters("v", v.size());
  const T* tangent = v.empty() ? nullptr : v.data();
  for_slots([&](int slot, bool, int first, int rows) {
    jvp_chunk(theta.data(), tangent, dy, x_dot, first, rows,
              scratch_.data() + product(2 * slot, kChunk * widest_));
  });
}

template <class T>
void MlpPass<T>::jvp_chunk(const T* theta, const T* v, T* dy, const T* x_dot, int first, int rows,
                           T* scratch) {
  T* spare[2] = {scratch, scratch + product(kChunk, widest_)};
  const int layers = layer_count(spec_);
  const T* below_dot = x_dot != nullptr ? x_dot + product(first, spec_.in) : nullptr;  // null: zero
  for (int l = 0; l < layers; ++l) {
    const LayerView view = layer_view(spec_, l);
    const bool last = l + 1 == layers;
    T* dot = last ? dy + product(first, spec_.out) : spare[l & 1];
    const std::size_t size = product(rows, view.out);
    if (v != nullptr) {
      kernels::gemm<T>(Transpose::kNo, Transpose::kNo, rows, view.out, view.in, T(1),
                       level(l) + product(first, view.in), view.in, v + view.weight, view.out, T(0), dot,
                       view.out);
      kernels::bias_unary<T>(Unary::kIdentity, rows, view.out, v + view.bias, dot, nullptr);
    } else {
      std::fill_n(dot, size, T(0));
    }
    if (below_dot != nullptr) {
      kernels::gemm<T>(Transpose::kNo, Transpose::kNo, rows, view.out, view.in, T(1), below_dot, view.in,
                       theta + view.weight, view.out, T(1), dot, view.out);
    }
    if (last) return;
    const std::size_t at = product(first, view.out);
    kernels::unary_derivative<T>(unary_of(spec_.activation), static_cast<std::int64_t>(size),
                                 keeps_input_ ? input(l + 1) + at : nullptr, level(l + 1) + at, dot, dot,
                                 false);
    below_dot = dot;
  }
}

template class MlpPass<float>;
template class MlpPass<double>;

}  // namespace baton::ag
