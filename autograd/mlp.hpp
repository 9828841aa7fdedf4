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
// on its place, nor on the number of threads). vjp sums over rows in a fixed order. A call allocates only where none
// like it, of as many rows (or as many as reserved) and on as many threads, has run before. What acts must not depend
// on who acts beside it: forward makes its products by kernels::gemm; all else by kernels::bulk_gemm, which where there
// are tiles is faster.
template <class T>
class MlpPass {
 public:
  MlpPass() = default;
  explicit MlpPass(const MlpSpec& spec, int max_rows = 0);

  // Room that is made from now on is for so many rows at least.
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
  // The outputs of forward, with its bits, without keeping what vjp and jvp need: activations stay near.
  void infer(std::span<const T> theta, const Input& input, int n);
  void infer(std::span<const T> theta, const T* x, int n);

  // [n][out] of the latest forward, infer or forward_vjp; valid until the next one.
  std::span<const T> output() const;
  std::span<T> output();
  int rows() const { return rows_; }
  const MlpSpec& spec() const { return spec_; }

  // theta in vjp and jvp must be what the latest forward saw. They throw Error after infer or forward_vjp, which keep
  // no activations. u = dy [n][out].
  // dtheta += J_theta' u (may be empty: not wanted); dx [n][in] = J_x' u where dx is not null (overwrites).
  void vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta, T* dx = nullptr);
  // forward, loss and vjp chunk by chunk, so that activations are used while they are near; only outputs are kept.
  // With their bits, but that its forward is by bulk products, too: on a processor with tiles the outputs are
  // forward's within float's rounding.
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
  static constexpr int kChunk = 128;     // rows that a task works on
  static constexpr int kPackChunks = 2;  // a thread with more than these gains by copies of the weights
  static constexpr int kMaxSlots = 16;   // gradient buffers; a contiguous run of chunks shares one

  // What is kept of h_l, l < L: numbers of a row that stand before it.
  struct Level {
    int width = 0;
    std::size_t h = 0;
    std::size_t n = 0;                         // where the activation's derivative needs it
    std::size_t z = 0, mean = 0, inverse = 0;  // where the layer is normalised
  };

  // Rows first..first+count-1 of the batch. What is kept of them stands among that of `room` rows, from row `at` on:
  // of the whole batch, or of these alone.
  struct Rows {
    int first, count;
    T* kept;
    int room, at;
  };

  void set_spec(const MlpSpec& spec);
  void allocate();
  void make_places();
  void make_gradients();
  static void grow(kernels::AlignedVector<T>& to, std::size_t size) {
    if (to.size() < size) to.resize(size);
  }
  int slots() const { return std::min(kernels::chunk_count(rows_, kChunk), kMaxSlots); }
  void check_parameters(const char* what, std::size_t size) const;
  void check_kept(const char* what) const;
  void begin(std::span<const T> theta, int n);
  Input copy_of(const T* x) const;
  // Which products of kernels/gemm.hpp.
  enum class Products { kByRow, kBulk };
  void forward_by_row(std::span<const T> theta, const Input& input, bool keeps);
  void forward_chunk(Products products, const T* theta, const Input& input, const Rows& rows);
  void vjp_chunk(const T* theta, const T* dy, T* gradient, bool fresh, T* dx, const Rows& rows, T* scratch);
  void jvp_chunk(const T* theta, const T* v, T* dy, const T* x_dot, const Rows& rows, T* scratch);
  void squares_chunk(const T* theta, const T* dy, T* squares, bool fresh, const Rows& rows, T* scratch,
                     T* squared);
  void norm_squares(T* squares, bool fresh, int layer, const Rows& rows, const T* delta, T* scratch);
  // Right factors W_l or W_l' for the layers from first_layer on, and where their copies go, if there are any: copying
  // takes less time than fetching what another core has copied, so that threads with little to do make their own.
  struct Weights {
    Products products;
    kernels::Transpose transpose;
    const T* theta;
    int first_layer;
    kernels::AlignedVector<T>* packed;
  };
  bool packs() const { return kernels::chunk_count(rows_, kChunk) > kPackChunks * kernels::threads(); }
  void pack_weights(std::initializer_list<Weights> jobs);
  Weights plain(Products products, const T* theta, int first_layer = 0) {
    return {products, kernels::Transpose::kNo, theta, first_layer, &packed_};
  }
  Weights turned(const T* theta, int first_layer = 0) {
    return {Products::kBulk, kernels::Transpose::kYes, theta, first_layer, &packed_transposed_};
  }
  Weights tangent(const T* v) { return {Products::kBulk, kernels::Transpose::kNo, v, 0, &packed_tangent_}; }
  void multiply(const Weights& weights, int l, int rows, const T* a, T beta, T* out);
  void add_slots(std::span<T> sum, int first_slot = 0);
  void activate(const T* theta, int layer, const Rows& rows);
  void activate_vjp(const T* theta, T* gradient, bool fresh, int layer, const Rows& rows, T* delta);
  void activate_jvp(const T* theta, const T* v, int layer, const Rows& rows, T* dot);
  // Calls body(slot, is its first chunk, rows, scratch) for every chunk; a slot's run in order on one thread.
  template <class Body>
  void for_slots(Body body);
  const Level& level(int l) const { return levels_[static_cast<std::size_t>(l)]; }
  T* h(int l, const Rows& rows) {
    if (l == layer_count(spec_)) return output_.data() + offset(rows.first, spec_.out);
    return kept(level(l).h, level(l).width, rows);
  }
  T* n(int l, const Rows& rows) { return keeps_input_ ? kept(level(l).n, level(l).width, rows) : nullptr; }
  T* z(int l, const Rows& rows) { return kept(level(l).z, level(l).width, rows); }
  T* mean(int l, const Rows& rows) { return kept(level(l).mean, 1, rows); }
  T* inverse(int l, const Rows& rows) { return kept(level(l).inverse, 1, rows); }
  static T* kept(std::size_t before, int width, const Rows& rows) {
    return rows.kept + before * static_cast<std::size_t>(rows.room) + offset(rows.at, width);
  }
  Rows in_batch(int chunk) {
    const int first = chunk * kChunk;
    return {first, std::min(kChunk, rows_ - first), kept_.data(), capacity_, first};
  }
  // The same rows at a place of the calling thread, which the next chunk takes over.
  Rows in_passing(const Rows& rows) {
    return {rows.first, rows.count, places_.data() + worker_at(kept_of_row_), kChunk, 0};
  }
  // Where the calling thread's part of a buffer of [worker][kChunk][width] begins.
  static std::size_t worker_at(std::size_t width) {
    return static_cast<std::size_t>(kernels::worker()) * kChunk * width;
  }
  static std::size_t offset(int rows, int width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
  }

  MlpSpec spec_;
  int rows_ = 0, capacity_ = -1, wanted_rows_ = 0;
  int parameters_ = 0, widest_ = 0;
  bool keeps_input_ = false;     // the activation's derivative needs n
  bool has_kept_ = false;        // the latest rows' activations
  int workers_ = 0;              // threads that there is room for
  std::vector<Level> levels_;    // h_0 .. h_{L-1}
  std::size_t kept_of_row_ = 0;  // numbers
  kernels::AlignedVector<T> kept_, output_;
  // Weights in the order in which products read them, once for all chunks, made anew by every call: W_l, W_l' and v's.
  // packed_at_: where layer l's begin, in all three.
  kernels::AlignedVector<T> packed_, packed_transposed_, packed_tangent_;
  std::vector<std::size_t> packed_at_;
  std::size_t packed_size_ = 0;
  kernels::AlignedVector<T> gradients_;  // [slot][parameters]
  // Of threads, so that the next chunk finds them near: [worker][kChunk][kept_of_row], [worker][kChunk][2 widest], and
  // the same of vjp_squares.
  kernels::AlignedVector<T> places_, scratch_, squared_;
};

template <class T>
template <class Body>
void MlpPass<T>::for_slots(Body body) {
  make_places();
  const int chunks = kernels::chunk_count(rows_, kChunk), slots = this->slots();
  kernels::parallel_for(slots, [&](int slot) {
    const int begin = slot * chunks / slots, end = (slot + 1) * chunks / slots;
    T* scratch = scratch_.data() + worker_at(2 * static_cast<std::size_t>(widest_));
    for (int chunk = begin; chunk < end; ++chunk) body(slot, chunk == begin, in_batch(chunk), scratch);
  });
}

extern template class MlpPass<float>;
extern template class MlpPass<double>;

}  // namespace baton::ag
