// What a network is made of: widths, the layout of its parameters, their names and their first values.
#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/mlp.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::ag {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"identity", "tanh", "relu",     "elu",
                                                    "gelu",     "silu", "softplus", "sigmoid"};
constexpr int kMaxWidth = 65536;

}  // namespace

Activation parse_activation(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Activation>(i);
  }
  fail("activation '{}' is unknown, known are {}", name, fmt::join(kNames, ", "));
}

std::string_view activation_name(Activation activation) {
  return kNames[static_cast<std::size_t>(activation)];
}

kernels::Unary unary_of(Activation activation) {
  using kernels::Unary;
  constexpr Unary kUnary[] = {Unary::kIdentity, Unary::kTanh, Unary::kRelu,     Unary::kElu,
                              Unary::kGelu,     Unary::kSilu, Unary::kSoftplus, Unary::kSigmoid};
  return kUnary[static_cast<std::size_t>(activation)];
}

void validate(const MlpSpec& spec) {
  const auto check = [](int width, const char* what) {
    BATON_REQUIRE(width >= 1 && width <= kMaxWidth, "mlp: {} width {} is outside 1..{}", what, width,
                  kMaxWidth);
  };
  check(spec.in, "input");
  for (const int width : spec.hidden) check(width, "hidden");
  check(spec.out, "output");
  long long total = 0;
  for (int l = 0; l < layer_count(spec); ++l) {
    const long long columns = spec.layer_norm && l + 1 < layer_count(spec) ? 3 : 1;
    total += (layer_in(spec, l) + columns) * layer_out(spec, l);
  }
  BATON_REQUIRE(total <= 0x7FFFFFFF, "mlp: {} parameters are more than an int counts", total);
}

int layer_count(const MlpSpec& spec) { return static_cast<int>(spec.hidden.size()) + 1; }
int layer_in(const MlpSpec& spec, int layer) {
  return layer == 0 ? spec.in : spec.hidden[static_cast<std::size_t>(layer) - 1];
}
int layer_out(const MlpSpec& spec, int layer) {
  return layer + 1 == layer_count(spec) ? spec.out : spec.hidden[static_cast<std::size_t>(layer)];
}

MlpLayer layer_layout(const MlpSpec& spec, int layer) {
  MlpLayer view;
  for (int l = 0; l <= layer; ++l) {
    view.in = layer_in(spec, l);
    view.out = layer_out(spec, l);
    view.hidden = l + 1 < layer_count(spec);
    view.norm = view.hidden && spec.layer_norm;
    view.weight = view.end;
    view.bias = view.weight + view.in * view.out;
    view.gain = view.bias + view.out;
    view.shift = view.norm ? view.gain + view.out : view.gain;
    view.end = view.norm ? view.shift + view.out : view.gain;
  }
  return view;
}

int weight_offset(const MlpSpec& spec, int layer) { return layer_layout(spec, layer).weight; }
int bias_offset(const MlpSpec& spec, int layer) { return layer_layout(spec, layer).bias; }

int parameter_count(const MlpSpec& spec) {
  validate(spec);
  return layer_layout(spec, layer_count(spec) - 1).end;
}

std::string parameter_name(const MlpSpec& spec, int index) {
  for (int l = 0; l < layer_count(spec) && index >= 0; ++l) {
    const MlpLayer view = layer_layout(spec, l);
    if (index >= view.end) continue;
    if (index < view.bias) {
      const int at = index - view.weight;
      return fmt::format("layer {} weight [{}][{}]", l, at / view.out, at % view.out);
    }
    if (index < view.gain) return fmt::format("layer {} bias [{}]", l, index - view.bias);
    if (index < view.shift) return fmt::format("layer {} norm gain [{}]", l, index - view.gain);
    return fmt::format("layer {} norm bias [{}]", l, index - view.shift);
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
    const MlpLayer view = layer_layout(spec, l);
    const double gain = view.hidden && relu_family ? std::sqrt(2.0) : 1.0;
    const T scale =
        static_cast<T>(gain / std::sqrt(static_cast<double>(view.in))) * (view.hidden ? T(1) : out_scale);
    kernels::Random random(kernels::mix_seed(seed, 0x6D6C70, static_cast<std::uint64_t>(l)));
    const auto at = [&](int offset) { return theta.begin() + offset; };
    std::generate(at(view.weight), at(view.bias), [&] { return scale * static_cast<T>(random.normal()); });
    std::fill(at(view.bias), at(view.gain), T(0));
    std::fill(at(view.gain), at(view.shift), T(1));
    std::fill(at(view.shift), at(view.end), T(0));
  }
}

template void init_parameters(const MlpSpec&, std::uint64_t, float, std::span<float>);
template void init_parameters(const MlpSpec&, std::uint64_t, double, std::span<double>);

}  // namespace baton::ag
