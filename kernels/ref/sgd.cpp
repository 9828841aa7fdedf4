#include "kernels/sgd.hpp"

namespace baton::kernels::ref {

template <class T>
void sgd(std::int64_t n, const SgdStep<T>& step, const T* gradient, T* theta, T* m) {
  const double momentum = static_cast<double>(step.momentum);
  for (std::int64_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(gradient[i]) * static_cast<double>(step.gradient_scale);
    const double m_new = momentum * static_cast<double>(m[i]) + g;
    const double direction = step.nesterov ? g + momentum * m_new : m_new;
    const double old = static_cast<double>(theta[i]);
    m[i] = static_cast<T>(m_new);
    theta[i] = static_cast<T>(old - old * static_cast<double>(step.decay) -
                              static_cast<double>(step.step_size) * direction);
  }
}

template void sgd(std::int64_t, const SgdStep<float>&, const float*, float*, float*);
template void sgd(std::int64_t, const SgdStep<double>&, const double*, double*, double*);

}  // namespace baton::kernels::ref
