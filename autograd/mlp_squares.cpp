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
  check_kept("vjp_squares");
  check_parameters("theta", theta.size());
  check_parameters("squares", squares.size());
  if (rows_ == 0) return;
  make_gradients();
  make_places();
  grow(squared_, scratch_.size());
  pack_weights({turned(theta.data(), 1)});
  for_slots([&](int slot, bool fresh, const Rows& rows, T* scratch) {
    squares_chunk(theta.data(), dy, gradients_.data() + offset(slot, parameters_), fresh, rows, scratch,
                  squared_.data() + worker_at(2 * static_cast<std::size_t>(widest_)));
  });
  add_slots(squares);
}

// A row's gradient of W is h delta', so that its square is h^2 (delta^2)': one product sums it over rows.
template <class T>
void MlpPass<T>::squares_chunk(const T* theta, const T* dy, T* squares, bool fresh, const Rows& rows,
                               T* scratch, T* squared) {
  const T* delta = dy + offset(rows.first, spec_.out);
  T* h2 = squared;
  T* delta2 = squared + offset(kChunk, widest_);
  for (int l = layer_count(spec_) - 1; l >= 0; --l) {
    const MlpLayer layer = layer_layout(spec_, l);
    kernels::unary<T>(Unary::kSquare, static_cast<std::int64_t>(offset(rows.count, layer.in)), h(l, rows),
                      h2);
    kernels::unary<T>(Unary::kSquare, static_cast<std::int64_t>(offset(rows.count, layer.out)), delta,
                      delta2);
    kernels::bulk_gemm<T>(Transpose::kYes, Transpose::kNo, layer.in, layer.out, rows.count, T(1), h2,
                          layer.in, delta2, layer.out, fresh ? T(0) : T(1), squares + layer.weight,
                          layer.out);
    kernels::sum_axis<T>(1, rows.count, layer.out, T(1), delta2, squares + layer.bias, !fresh);
    if (l == 0) return;
    T* next = scratch + (l & 1) * static_cast<std::ptrdiff_t>(offset(kChunk, widest_));
    multiply(turned(theta), l, rows.count, delta, T(0), next);
    if (spec_.layer_norm) {
      norm_squares(squares, fresh, l - 1, rows, next, h2);
    }
    activate_vjp(theta, nullptr, fresh, l - 1, rows, next);
    delta = next;
  }
}

// Squares of the gradients of gain and shift, which are delta_n n and delta_n, from delta at h.
template <class T>
void MlpPass<T>::norm_squares(T* squares, bool fresh, int layer, const Rows& rows, const T* delta,
                              T* scratch) {
  const MlpLayer at = layer_layout(spec_, layer);
  const int l = layer + 1;
  const auto size = static_cast<std::int64_t>(offset(rows.count, at.out));
  kernels::unary_derivative<T>(unary_of(spec_.activation), size, n(l, rows), h(l, rows), delta, scratch,
                               false);
  kernels::unary<T>(Unary::kSquare, size, scratch, scratch);
  kernels::sum_axis<T>(1, rows.count, at.out, T(1), scratch, squares + at.shift, !fresh);
  for (int r = 0; r < rows.count; ++r) {
    const T center = mean(l, rows)[r], scale = inverse(l, rows)[r];
    for (int c = 0; c < at.out; ++c) {
      const T normed = (z(l, rows)[offset(r, at.out) + static_cast<std::size_t>(c)] - center) * scale;
      scratch[offset(r, at.out) + static_cast<std::size_t>(c)] *= normed * normed;
    }
  }
  kernels::sum_axis<T>(1, rows.count, at.out, T(1), scratch, squares + at.gain, !fresh);
}

#define BATON_INSTANTIATE(T)                                                                  \
  template void MlpPass<T>::vjp_squares(std::span<const T>, const T*, std::span<T>);          \
  template void MlpPass<T>::squares_chunk(const T*, const T*, T*, bool, const Rows&, T*, T*); \
  template void MlpPass<T>::norm_squares(T*, bool, int, const Rows&, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
