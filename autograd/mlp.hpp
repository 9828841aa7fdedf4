#pragma once
// Multi-layer perceptron on one flat parameter vector, with forward, vector-Jacobian and Jacobian-vector
// products.
//   h_0 = x,   z_l = h_{l-1} W_l + b_l,   h_l = activation(n_l) for hidden layers,   y = z_L
//   n_l = z_l, or with layer_norm gain_l (z_l - mean) / sqrt(var + kNormEps) + shift_l, mean and variance over the
//   row's fan_out numbers (Ba, Kiros, Hinton 2016)
// Layout of theta, layer after layer: W_l as [fan_in][fan_out] row-major, then b_l as [fan_out], then with
// layer_norm (hidden layers) gain_l and shift_l as [fan_out].
// (W stands with its inputs as rows so that the forward pass needs no transposition.)
// T is float (work) or double (checks).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/aligned.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gemm.hpp"
#include "kernels/parallel.hpp"

namespace baton::ag {

enum class Activation { kIdentity, kTanh, kRelu, kElu, kGelu, kSilu, kSoftplus, kSigmoid };

// "tanh", "relu", ...; parse throws Error naming the known ones.
Activation parse_activation(std::string_view name);
std::string_view activation_name(Activation activation);
kernels::Unary unary_of(Activation activation);

struct MlpSpec {
  int in = 0;
  std::vector<int> hidden;
  int out = 0;
  Activation activation = Activation::kTanh;
  bool layer_norm = false;  // of every hidden layer, before its activation
  bool operator==(const MlpSpec&) const = default;
};

// Added to a row's variance, so that a row of equal numbers stays finite (PyTorch's default).
constexpr double kNormEps = 1e-5;

// Throws Error unless all widths are within 1..65536 and the parameters fit an int.
void validate(const MlpSpec& spec);
int layer_count(const MlpSpec& spec);
int layer_in(const MlpSpec& spec, int layer);
int layer_out(const MlpSpec& spec, int layer);

// Where a layer's numbers stand in theta: W [in][out] at weight, b [out] at bias, and where norm is set gain
// [out] and shift [out] (else gain == shift == end). The next layer begins at end.
struct MlpLayer {
  int in = 0, out = 0;
  bool hidden = false, norm = false;
  int weight = 0, bias = 0, gain = 0, shift = 0, end = 0;
};
MlpLayer layer_layout(const MlpSpec& spec, int layer);
int weight_offset(const MlpSpec& spec, int layer);
int bias_offset(const MlpSpec& spec, int layer);
int parameter_count(const MlpSpec& spec);
// "layer 1 weight [3][17]", "layer 0 bias [2]", "layer 0 norm gain [2]", "layer 0 norm bias [2]": what a flat
// index means, for messages.
std::string parameter_name(const MlpSpec& spec, int index);

// W_l ~ N(0, gain^2 / fan_in) with gain 1 (sqrt 2 for the relu family), the last layer multiplied by
// out_scale; b = 0, gain = 1, shift = 0. theta has parameter_count(spec) elements and is overwritten.
template <class T>
void init_parameters(const MlpSpec& spec, std::uint64_t seed, T out_scale, std::span<T> theta);

// A workspace that keeps one batch's activations, so that any number of vjp and jvp calls can follow a
// forward. Row chunks run in parallel; each row's result depends on that row and theta alone (not on n, nor
// on its place, nor on the number of threads). vjp sums over rows in a fixed order. No allocation once
// reserve(n) or a forward of as many rows with the same spec has run. What acts must not depend on who acts beside it:
// forward makes its products by kernels::gemm; all else by kernels::bulk_gemm, which where there are tiles is faster.
template <class T>
class MlpPass {
 public:
  MlpPass() = default;
  explicit MlpPass(const MlpSpec& spec, int max_rows = 0);

  // Makes room for max_rows rows (at once where the spec is known, else at the first forward).
  void reserve(int max_rows);

  // From now on this network; a different one than before drops what was kept.
  void prepare(const MlpSpec& spec) { set_spec(spec); }

  // x [n][in] is copied. Throws Error on wrong sizes. n may be 0.
  void forward(const MlpSpec& spec, std::span<const T> theta, const T* x, int n);
  void forward(std::span<const T> theta, const T* x, int n);  // same spec as before
  // The same of an input that is made where it is needed: input(x, first, rows) writes rows first..first+rows-1 at
  // x [rows][in]. Runs on many threads.
  using Input = std::function<void(T* x, int first, int rows)>;
  void forward(std::span<const T> theta, const Input& input, int n);

  // [n][out] of the latest forward; valid until the next one.
  std::span<const T> output() const;
  std::span<T> output();
  int rows() const { return rows_; }
  const MlpSpec& spec() const { return spec_; }

  // theta in vjp and jvp must be what the latest forward saw. u = dy [n][out].
  // dtheta += J_theta' u (may be empty: not wanted); dx [n][in] = J_x' u where dx is not null (overwrites).
  void vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta, T* dx = nullptr);
  // forward, loss and vjp chunk by chunk, so that activations are used while they are near. With their bits, but that
  // its forward is by bulk products, too: on a processor with tiles the outputs are forward's within float's rounding.
  // loss(y, u, first, rows) sees rows first..first+rows-1 of the output, y [rows][out], and writes u [rows][out], the
  // loss's derivative in y; it runs on many threads. u [n][out] (overwrites); dtheta = J_theta' u (overwrites).
  using Loss = std::function<void(const T* y, T* u, int first, int rows)>;
  void forward_vjp(std::span<const T> theta, const Input& input, int n, const Loss& loss, T* u,
                   std::span<T> dtheta);
  // dy [n][out] = J_theta v + J_x x_dot (overwrites); v may be empty and x_dot null: zero tangents.
  void jvp(std::span<const T> theta, std::span<const T> v, T* dy, const T* x_dot = nullptr);
  // u [n][out] = M J_theta v (overwrites), dtheta += J_theta' u: jvp, metric and vjp with their bits, but chunk by
  // chunk, so that the activations that both products read come from memory once. metric(u, first, rows) multiplies
  // rows first..first+rows-1 of J_theta v, which stand at u [rows][out], by their blocks of M in place; it runs on
  // many threads.
  using Metric = std::function<void(T* u, int first, int rows)>;
  void metric_product(std::span<const T> theta, std::span<const T> v, const Metric& metric, T* u,
                      std::span<T> dtheta);
  // squares += sum over rows of the elementwise square of J_theta,r' u_r: of every row's own gradient. With
  // random signs in u its mean is a diagonal (rl/fisher.hpp). Allocates on first use.
  void vjp_squares(std::span<const T> theta, const T* dy, std::span<T> squares);

 private:
  static constexpr int kChunk = 128;    // rows that a task works on
  static constexpr int kPackRows = 48;  // from so many rows on, copying the weights pays
  static constexpr int kMaxSlots = 16;  // gradient buffers; a contiguous run of chunks shares one

  // What is kept of h_l for all rows: offsets into kept_.
  struct Level {
    int width = 0;
    std::size_t h = 0;
    std::size_t n = 0;                         // where the activation's derivative needs it
    std::size_t z = 0, mean = 0, inverse = 0;  // where the layer is normalised
  };

  void set_spec(const MlpSpec& spec);
  void allocate();
  void check_parameters(const char* what, std::size_t size) const;
  void begin(std::span<const T> theta, int n);
  // Which products of kernels/gemm.hpp.
  enum class Products { kByRow, kBulk };
  void forward_chunk(Products products, const T* theta, const Input& input, int first, int rows);
  void vjp_chunk(const T* theta, const T* dy, T* gradient, bool fresh, T* dx, int first, int rows,
                 T* scratch);
  void jvp_chunk(const T* theta, const T* v, T* dy, const T* x_dot, int first, int rows, T* scratch);
  void squares_chunk(const T* theta, const T* dy, T* squares, bool fresh, int first, int rows, T* scratch,
                     T* squared);
  void norm_squares(T* squares, bool fresh, int layer, int first, int rows, const T* delta, T* scratch);
  bool packs() const { return rows_ >= kPackRows; }
  // W_l or W_l' of the layers from first_layer on.
  struct Packing {
    kernels::Transpose transpose;
    const T* theta;
    int first_layer;
    kernels::AlignedVector<T>* packed;
    Products products = Products::kBulk;
  };
  void pack_weights(std::initializer_list<Packing> jobs);
  Packing plain(const T* theta, int first_layer, kernels::AlignedVector<T>& packed) const {
    return {kernels::Transpose::kNo, theta, first_layer, &packed};
  }
  Packing turned(const T* theta, int first_layer) {
    return {kernels::Transpose::kYes, theta, first_layer, &packed_transposed_};
  }
  void multiply(int l, int rows, const T* a, const kernels::AlignedVector<T>& packed, T beta, T* out);
  void multiply_by_row(int l, int rows, const T* a, const T* theta, T* out);
  void multiply_transposed(int l, int rows, const T* delta, T* out);
  void add_slots(std::span<T> sum, int first_slot = 0);
  void activate(const T* theta, int layer, int first, int rows);
  void activate_vjp(const T* theta, T* gradient, bool fresh, int layer, int first, int rows, T* delta);
  void activate_jvp(const T* theta, const T* v, int layer, int first, int rows, T* dot);
  // Calls body(slot, is its first chunk, first row, rows) for every chunk; a slot's run in order on one thread.
  template <class Body>
  void for_slots(Body body);
  const Level& level(int l) const { return levels_[static_cast<std::size_t>(l)]; }
  T* h(int l, int first) { return kept_.data() + level(l).h + offset(first, level(l).width); }
  T* n(int l, int first) { return kept_.data() + level(l).n + offset(first, level(l).width); }
  T* z(int l, int first) { return kept_.data() + level(l).z + offset(first, level(l).width); }
  T* mean(int l, int first) { return kept_.data() + level(l).mean + first; }
  T* inverse(int l, int first) { return kept_.data() + level(l).inverse + first; }
  static std::size_t offset(int rows, int width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
  }

  MlpSpec spec_;
  int rows_ = 0, capacity_ = -1, wanted_rows_ = 0;
  int parameters_ = 0, widest_ = 0;
  bool keeps_input_ = false;   // the activation's derivative needs n
  std::vector<Level> levels_;  // h_0 .. h_L
  kernels::AlignedVector<T> kept_;
  // Weights in the order in which products read them, once for all chunks, made anew by every call: W_l, W_l' and v's.
  // packed_at_: where layer l's begin, in all three.
  kernels::AlignedVector<T> packed_, packed_transposed_, packed_tangent_;
  std::vector<std::size_t> packed_at_;
  kernels::AlignedVector<T> gradients_;  // [slot][parameters]
  kernels::AlignedVector<T> scratch_;    // [slot][2][kChunk][widest]
  kernels::AlignedVector<T> squared_;    // [slot][2][kChunk][widest], of vjp_squares
};

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

extern template class MlpPass<float>;
extern template class MlpPass<double>;

}  // namespace baton::ag
