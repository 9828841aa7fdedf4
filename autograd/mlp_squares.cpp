// Squares of every row's own gradient, summed (rl/fisher.hpp makes a preconditioner of them).
#include <algorithm>

#include "autograd/mlp.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {

using kernels::Transpose;
using kernels::Unary;

template <class T>
void MlpPass<T>::vjp_squares(std::span<const T> theta, const T* dy, std::span<T> squares) {
  check_parameters("theta", theta.size());
  check_parameters("squares", squares.size());
  if (rows_ == 0) return;
  squared_.resize(scratch_.size());
  pack_weights({turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, int first, int rows) {
    const std::size_t at = offset(2 * slot, kChunk * widest_);
    squares_chunk(theta.data(), dy, gradients_.data() + offset(slot, parameters_), fresh, first, rows,
                  scratch_.data() + at, squared_.data() + at);
  });
  add_slots(squares);
}

// A row's gradient of W is h delta', so that its square is h^2 (delta^2)': one product sums it over rows.
template <class T>
void MlpPass<T>::squares_chunk(const T* theta, const T* dy, T* squares, bool fresh, int first, int rows,
                               T* scratch, T* squared) {
  const T* delta = dy + offset(first, spec_.out);
  T* h2 = squared;
  T* delta2 = squared + offset(kChunk, widest_);
  for (int l = layer_count(spec_) - 1; l >= 0; --l) {
    const MlpLayer layer = layer_layout(spec_, l);
    kernels::unary<T>(Unary::kSquare, static_cast<std::int64_t>(offset(rows, layer.in)), h(l, first), h2);
    kernels::unary<T>(Unary::kSquare, static_cast<std::int64_t>(offset(rows, layer.out)), delta, delta2);
    kernels::bulk_gemm<T>(Transpose::kYes, Transpose::kNo, layer.in, layer.out, rows, T(1), h2, layer.in,
                          delta2, layer.out, fresh ? T(0) : T(1), squares + layer.weight, layer.out);
    kernels::sum_axis<T>(1, rows, layer.out, T(1), delta2, squares + layer.bias, !fresh);
    if (l == 0) return;
    T* next = scratch + (l & 1) * static_cast<std::ptrdiff_t>(offset(kChunk, widest_));
    multiply_transposed(l, rows, delta, next);
    if (spec_.layer_norm) {
      norm_squares(squares, fresh, l - 1, first, rows, next, h2);
    }
    activate_vjp(theta, nullptr, fresh, l - 1, first, rows, next);
    delta = next;
  }
}

// Squares of the gradients of gain and shift, which are delta_n n and delta_n, from delta at h.
template <class T>
void MlpPass<T>::norm_squares(T* squares, bool fresh, int layer, int first, int rows, const T* delta,
                              T* scratch) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  const auto size = static_cast<std::int64_t>(offset(rows, at.out));
  kernels::unary_derivative<T>(unary_of(spec_.activation), size, keeps_input_ ? n(l, first) : nullptr,
                               h(l, first), delta, scratch, false);
  kernels::unary<T>(Unary::kSquare, size, scratch, scratch);
  kernels::sum_axis<T>(1, rows, at.out, T(1), scratch, squares + at.shift, !fresh);
  for (int r = 0; r < rows; ++r) {
    const T center = *mean(l, first + r), scale = *inverse(l, first + r);
    for (int c = 0; c < at.out; ++c) {
      const T normed = (z(l, first + r)[c] - center) * scale;
      scratch[offset(r, at.out) + static_cast<std::size_t>(c)] *= normed * normed;
    }
  }
  kernels::sum_axis<T>(1, rows, at.out, T(1), scratch, squares + at.gain, !fresh);
}

#define BATON_INSTANTIATE(T)                                                               \
  template void MlpPass<T>::vjp_squares(std::span<const T>, const T*, std::span<T>);       \
  template void MlpPass<T>::squares_chunk(const T*, const T*, T*, bool, int, int, T*, T*); \
  template void MlpPass<T>::norm_squares(T*, bool, int, int, int, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
