#include "kernels/adam.hpp"

#include <cmath>

namespace baton::kernels::ref {

template <class T>
void adam(std::int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v) {
  const double b1 = static_cast<double>(step.beta1), b2 = static_cast<double>(step.beta2);
  for (std::int64_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(gradient[i]) * static_cast<double>(step.gradient_scale);
    const double m_new = b1 * static_cast<double>(m[i]) + (1 - b1) * g;
    const double v_new = b2 * static_cast<double>(v[i]) + (1 - b2) * g * g;
    const double old = static_cast<double>(theta[i]);
    const double root =
        std::sqrt(v_new) * static_cast<double>(step.root_correction) + static_cast<double>(step.eps);
    m[i] = static_cast<T>(m_new);
    v[i] = static_cast<T>(v_new);
    theta[i] = static_cast<T>(old - old * static_cast<double>(step.decay) -
                              static_cast<double>(step.step_size) * m_new / root);
  }
}

template void adam(std::int64_t, const AdamStep<float>&, const float*, float*, float*, float*);
template void adam(std::int64_t, const AdamStep<double>&, const double*, double*, double*, double*);

}  // namespace baton::kernels::ref
