#include <cmath>

#include "kernels/adam.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/map.hpp"

namespace baton::kernels::cuda {
namespace {

template <class T>
__device__ void adam_update(const AdamStep<T>& step, T gradient, T& theta, T& m, T& v) {
  const T g = gradient * step.gradient_scale;
  m = step.beta1 * m + (T(1) - step.beta1) * g;
  v = step.beta2 * v + (T(1) - step.beta2) * g * g;
  const T root = std::sqrt(v) * step.root_correction + step.eps;
  theta = theta - theta * step.decay - step.step_size * m / root;
}

// A thread takes W neighbouring parameters at a time.
template <int W, class T>
__global__ void __launch_bounds__(kMapThreads)
    adam_kernel(std::int64_t n, const AdamStep<T>* step_, const T* gradient, T* theta, T* m, T* v) {
  const AdamStep<T> step = *step_;
  const std::int64_t stride = threads_of_grid() * W;
  for (std::int64_t i = thread_in_grid() * W; i < n; i += stride) {
    if (i + W <= n) {
      const Pack<T, W> g = pack_at<T, W>(gradient + i);
      Pack<T, W> p = pack_at<T, W>(theta + i), m_pack = pack_at<T, W>(m + i), v_pack = pack_at<T, W>(v + i);
      for (int w = 0; w < W; ++w) adam_update(step, g.v[w], p.v[w], m_pack.v[w], v_pack.v[w]);
      pack_to(theta + i, p);
      pack_to(m + i, m_pack);
      pack_to(v + i, v_pack);
    } else {
      for (std::int64_t j = i; j < n; ++j) adam_update(step, gradient[j], theta[j], m[j], v[j]);
    }
  }
}

}  // namespace

template <class T>
void adam(Stream& stream, std::int64_t n, const AdamStep<T>* step, const T* gradient, T* theta, T* m, T* v) {
  constexpr int kWide = 16 / sizeof(T);
  if (aligned_to_pack(gradient, theta, m, v)) {
    launch(stream, Shape(blocks_for(n, kMapThreads * kWide), kMapThreads), adam_kernel<kWide, T>, n, step,
           gradient, theta, m, v);
  } else {
    launch(stream, Shape(blocks_for(n, kMapThreads), kMapThreads), adam_kernel<1, T>, n, step, gradient,
           theta, m, v);
  }
}

template void adam(Stream&, std::int64_t, const AdamStep<float>*, const float*, float*, float*, float*);
template void adam(Stream&, std::int64_t, const AdamStep<double>*, const double*, double*, double*, double*);

}  // namespace baton::kernels::cuda
