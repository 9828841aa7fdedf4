#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

template <class T>
void adam_isa(int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v) {
  const AdamStep<T> s = step;
  for_vectors<T>(n, [=](auto get, auto put) {
    const Vec<T> g = get(gradient) * s.gradient_scale;
    const Vec<T> m_new = get(m) * s.beta1 + g * (1 - s.beta1);
    const Vec<T> v_new = get(v) * s.beta2 + g * g * (1 - s.beta2);
    const Vec<T> old = get(theta);
    put(m, m_new);
    put(v, v_new);
    put(theta, old - old * s.decay - m_new * s.step_size / (vec_sqrt(v_new) * s.root_correction + s.eps));
  });
}

}  // namespace

void fill_adam(Table<float>& f, Table<double>& d) {
  f.adam = adam_isa<float>;
  d.adam = adam_isa<double>;
}

}  // namespace baton::kernels::BATON_ISA
