#include "kernels/cpu/column.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

// A parameter of one dimension each, read as a row is; null is zero.
template <class T>
[[gnu::always_inline]] inline Vec<T> get_shared(const Column<T>& row, const T* p, int64_t g) {
  return p == nullptr ? Vec<T>{} : row.get(p, g);
}

template <class T>
void layer_norm_isa(int64_t rows, int dim, T epsilon, const T* x, const T* gain, const T* bias, T* y, T* mean,
                    T* inverse) {
  const Column<T> shared = row_column<T>(0, dim);
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, dim);
    const Vec<T> centre = c.sum([&](int64_t g) { return c.get(x, g); }) / static_cast<T>(dim);
    const T fill = centre[0];  // a lane that is not in use is at the centre
    const Vec<T> squares = c.sum([&](int64_t g) {
      const Vec<T> gap = c.get(x, g, fill) - centre;
      return gap * gap;
    });
    const Vec<T> scale = 1 / vec_sqrt(squares / static_cast<T>(dim) + epsilon);
    for (int64_t g = 0; g < c.groups; ++g) {
      c.put(y, g, shared.get(gain, g) * ((c.get(x, g) - centre) * scale) + shared.get(bias, g));
    }
    mean[r] = centre[0];
    inverse[r] = scale[0];
  }
}

template <class T>
void layer_norm_vjp_isa(int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                        const T* u, T* d_x, T* d_gain, T* d_bias) {
  const Column<T> shared = row_column<T>(0, dim);
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, dim);
    const T centre = mean[r], scale = inverse[r];
    Vec<T> sum_g{}, sum_gn{};
    for (int64_t k = 0; k < c.groups; ++k) {
      const Vec<T> u_k = c.get(u, k), n = (c.get(x, k, centre) - centre) * scale,
                   g = shared.get(gain, k) * u_k;
      sum_g += g;  // lanes that are not in use have u = 0
      sum_gn += g * n;
      if (d_gain == nullptr) continue;
      shared.put(d_gain, k, shared.get(d_gain, k) + u_k * n);
      shared.put(d_bias, k, shared.get(d_bias, k) + u_k);
    }
    if (d_x == nullptr) continue;
    const Vec<T> mean_g = c.whole_sum(sum_g) / static_cast<T>(dim);
    const Vec<T> mean_gn = c.whole_sum(sum_gn) / static_cast<T>(dim);
    for (int64_t k = 0; k < c.groups; ++k) {
      const Vec<T> n = (c.get(x, k, centre) - centre) * scale;
      c.put(d_x, k, scale * (shared.get(gain, k) * c.get(u, k) - mean_g - n * mean_gn));
    }
  }
}

template <class T>
void layer_norm_jvp_isa(int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                        const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot) {
  const Column<T> shared = row_column<T>(0, dim);
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, dim);
    const T centre = mean[r], scale = inverse[r];
    Vec<T> sum_t{}, sum_tn{};
    for (int64_t k = 0; k < c.groups; ++k) {
      const Vec<T> t = get_shared(c, x_dot, k), n = (c.get(x, k, centre) - centre) * scale;
      sum_t += t;
      sum_tn += t * n;
    }
    const Vec<T> mean_t = c.whole_sum(sum_t) / static_cast<T>(dim);
    const Vec<T> mean_tn = c.whole_sum(sum_tn) / static_cast<T>(dim);
    for (int64_t k = 0; k < c.groups; ++k) {
      const Vec<T> n = (c.get(x, k, centre) - centre) * scale;
      const Vec<T> n_dot = scale * (get_shared(c, x_dot, k) - mean_t - n * mean_tn);
      c.put(y_dot, k,
            shared.get(gain, k) * n_dot +
                (get_shared(shared, gain_dot, k) * n + get_shared(shared, bias_dot, k)));
    }
  }
}

template <class T>
void fill(Table<T>& table) {
  table.layer_norm = layer_norm_isa<T>;
  table.layer_norm_vjp = layer_norm_vjp_isa<T>;
  table.layer_norm_jvp = layer_norm_jvp_isa<T>;
}

}  // namespace

void fill_layer_norm(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
