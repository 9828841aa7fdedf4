#include <cmath>

#include "kernels/adam.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/map.hpp"

namespace baton::kernels::cuda {
namespace {

template <class T>
struct Update {
  AdamStep<T> step;
  __device__ void operator()(T gradient, T& theta, T& m, T& v) const {
    const T g = gradient * step.gradient_scale;
    m = step.beta1 * m + (T(1) - step.beta1) * g;
    v = step.beta2 * v + (T(1) - step.beta2) * g * g;
    const T root = std::sqrt(v) * step.root_correction + step.eps;
    theta = theta - theta * step.decay - step.step_size * m / root;
  }
};

template <class T>
struct UpdateFrom {
  const AdamStep<T>* step;
  __device__ Update<T> ready() const { return {*step}; }
};

}  // namespace

template <class T>
void adam(Stream& stream, std::int64_t n, const AdamStep<T>* step, const T* gradient, T* theta, T* m, T* v) {
  update(stream, n, UpdateFrom<T>{step}, gradient, theta, m, v);
}

template void adam(Stream&, std::int64_t, const AdamStep<float>*, const float*, float*, float*, float*);
template void adam(Stream&, std::int64_t, const AdamStep<double>*, const double*, double*, double*, double*);

}  // namespace baton::kernels::cuda
