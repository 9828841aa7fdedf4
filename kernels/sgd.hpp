#pragma once
// One fused step of stochastic gradient descent with momentum (formulas in autograd/optim.hpp). T is float or
// double.
#include <cstdint>

namespace baton::kernels {

template <class T>
struct SgdStep {
  T gradient_scale;  // clipping factor
  T momentum;
  T step_size;  // lr
  T decay;      // lr * weight_decay
  bool nesterov;
};

// g = gradient_scale gradient,  m <- momentum m + g,  d = nesterov ? g + momentum m : m,
// theta <- theta - decay theta - step_size d.
// Updates theta and m (n elements each, no overlap, Error) in place.
template <class T>
void sgd(std::int64_t n, const SgdStep<T>& step, const T* gradient, T* theta, T* m);

namespace ref {
template <class T>
void sgd(std::int64_t n, const SgdStep<T>& step, const T* gradient, T* theta, T* m);
}  // namespace ref
}  // namespace baton::kernels
