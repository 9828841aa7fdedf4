#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/map.hpp"
#include "kernels/sgd.hpp"

namespace baton::kernels::cuda {
namespace {

template <class T>
struct Update {
  SgdStep<T> step;
  __device__ void operator()(T gradient, T& theta, T& m) const {
    const T g = gradient * step.gradient_scale;
    m = step.momentum * m + g;
    const T direction = step.nesterov ? g + step.momentum * m : m;
    theta = theta - theta * step.decay - step.step_size * direction;
  }
};

template <class T>
struct UpdateFrom {
  const SgdStep<T>* step;
  __device__ Update<T> ready() const { return {*step}; }
};

}  // namespace

template <class T>
void sgd(Stream& stream, std::int64_t n, const SgdStep<T>* step, const T* gradient, T* theta, T* m) {
  update(stream, n, UpdateFrom<T>{step}, gradient, theta, m);
}

template void sgd(Stream&, std::int64_t, const SgdStep<float>*, const float*, float*, float*);
template void sgd(Stream&, std::int64_t, const SgdStep<double>*, const double*, double*, double*);

}  // namespace baton::kernels::cuda
