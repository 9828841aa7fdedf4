#pragma once
// One fused Adam update (formulas in autograd/optim.hpp). T is float or double.
#include <cstdint>

namespace baton::kernels {

template <class T>
struct AdamStep {
  T gradient_scale;  // clipping factor
  T beta1, beta2;
  T step_size;        // lr / (1 - beta1^t)
  T root_correction;  // 1 / sqrt(1 - beta2^t): sqrt(vhat) = sqrt(v) root_correction
  T eps;
  T decay;  // lr * weight_decay
};

// Updates theta, m, v (n elements each, no overlap, Error) in place.
template <class T>
void adam(std::int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v);

namespace ref {
template <class T>
void adam(std::int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v);
}  // namespace ref
}  // namespace baton::kernels
