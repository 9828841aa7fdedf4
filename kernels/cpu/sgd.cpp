#include "kernels/cpu/vector.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

template <class T>
void sgd_isa(int64_t n, const SgdStep<T>& step, const T* gradient, T* theta, T* m) {
  const SgdStep<T> s = step;
  // d = ahead g + behind m: Nesterov's g + momentum m, or m alone.
  const T ahead = s.nesterov ? T(1) : T(0), behind = s.nesterov ? s.momentum : T(1);
  for_vectors<T>(n, [=](auto get, auto put) {
    const Vec<T> g = get(gradient) * s.gradient_scale;
    const Vec<T> m_new = get(m) * s.momentum + g;
    const Vec<T> old = get(theta);
    put(m, m_new);
    put(theta, old - old * s.decay - (g * ahead + m_new * behind) * s.step_size);
  });
}

}  // namespace

void fill_sgd(Table<float>& f, Table<double>& d) {
  f.sgd = sgd_isa<float>;
  d.sgd = sgd_isa<double>;
}

}  // namespace baton::kernels::BATON_ISA
