#pragma once
// out[i] = f(in[i]...): the kernel behind everything elementwise. For .cu files.
#include "kernels/cuda/launch.hpp"

namespace baton::kernels::cuda {

// W numbers that one instruction loads or stores.
template <class T, int W>
struct alignas(W * sizeof(T)) Pack {
  T v[W];
};

template <class T, int W>
__device__ inline const Pack<T, W>& pack_at(const T* p) {
  return *reinterpret_cast<const Pack<T, W>*>(p);
}

template <class T, int W>
__device__ inline void pack_to(T* p, const Pack<T, W>& pack) {
  *reinterpret_cast<Pack<T, W>*>(p) = pack;
}

constexpr int kMapThreads = 256;

// A thread takes W neighbouring numbers at a time: what it reads is read before it writes, so out may be an input.
template <int W, class F, class T, class... In>
__global__ void __launch_bounds__(kMapThreads) map_kernel(std::int64_t n, F f, T* out, const In*... in) {
  const std::int64_t stride = threads_of_grid() * W;
  for (std::int64_t i = thread_in_grid() * W; i < n; i += stride) {
    if (i + W <= n) {
      const auto apply = [&](const Pack<In, W>... x) {
        Pack<T, W> result;
        for (int w = 0; w < W; ++w) result.v[w] = f(x.v[w]...);
        pack_to(out + i, result);
      };
      apply(pack_at<In, W>(in + i)...);
    } else {
      for (std::int64_t j = i; j < n; ++j) out[j] = f(in[j]...);
    }
  }
}

// Whether 16-byte loads and stores fit all of these arrays.
template <class... Pointers>
bool aligned_to_pack(Pointers... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

// f: a trivially copyable object whose operator() runs on the device; in and out of one type.
template <class F, class T, class... In>
void map(Stream& stream, std::int64_t n, const F& f, T* out, const In*... in) {
  constexpr int kWide = 16 / sizeof(T);
  if (aligned_to_pack(out, in...)) {
    launch(stream, Shape(blocks_for(n, kMapThreads * kWide), kMapThreads), map_kernel<kWide, F, T, In...>, n,
           f, out, in...);
  } else {
    launch(stream, Shape(blocks_for(n, kMapThreads), kMapThreads), map_kernel<1, F, T, In...>, n, f, out,
           in...);
  }
}

// f.ready()(in[i], state[i]...), which changes the state: an optimiser's step over flat vectors.
template <int W, class F, class T, class... State>
__global__ void __launch_bounds__(kMapThreads)
    update_kernel(std::int64_t n, F step, const T* in, State*... state) {
  const auto f = step.ready();
  const std::int64_t stride = threads_of_grid() * W;
  for (std::int64_t i = thread_in_grid() * W; i < n; i += stride) {
    if (i + W <= n) {
      const auto apply = [&](const Pack<T, W>& x, Pack<State, W>... s) {
        for (int w = 0; w < W; ++w) f(x.v[w], s.v[w]...);
        (pack_to(state + i, s), ...);
      };
      apply(pack_at<T, W>(in + i), pack_at<State, W>(state + i)...);
    } else {
      for (std::int64_t j = i; j < n; ++j) f(in[j], state[j]...);
    }
  }
}

template <class F, class T, class... State>
void update(Stream& stream, std::int64_t n, const F& step, const T* in, State*... state) {
  constexpr int kWide = 16 / sizeof(T);
  if (aligned_to_pack(in, state...)) {
    launch(stream, Shape(blocks_for(n, kMapThreads * kWide), kMapThreads),
           update_kernel<kWide, F, T, State...>, n, step, in, state...);
  } else {
    launch(stream, Shape(blocks_for(n, kMapThreads), kMapThreads), update_kernel<1, F, T, State...>, n, step,
           in, state...);
  }
}

}  // namespace baton::kernels::cuda
