#pragma once
// The vocabulary of the number type T on which every stage of the simulator is written once.
//
//   T = double          the reference        mask_t<T> = bool
//   T = float           one environment      mask_t<T> = bool
//   T = Lanes<float,W>  W environments       mask_t<T> = LaneMask<float,W>
//
// Branches on data become `select(mask, a, b)` plus early outs on `any(mask)`; branches on the model are ordinary.
// A lane never influences another: whatever is accumulated for inactive lanes must be an exact zero.
#include <cmath>
#include <type_traits>

#include "kernels/host_device.hpp"

namespace baton::sim {

// Small functions of lanes must be inlined: called, they pass every argument through memory. BATON_SMALL are single
// operations: inlined by order with a sanitizer (Clang fuzzes), too, they would compile for minutes a file.
#if defined(__CUDACC__)
#define BATON_INLINE BATON_HD __forceinline__
#else
#define BATON_INLINE [[gnu::always_inline]] inline
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define BATON_SMALL inline
#else
#define BATON_SMALL BATON_INLINE
#endif
#define BATON_INLINE_LAMBDA __attribute__((always_inline))
template <int n>
using Index = std::integral_constant<int, n>;

// f(Index<begin>), ..., f(Index<end - 1>). What a loop indexes stays in memory, these may live in registers.
template <int begin, int end, class F>
BATON_INLINE void repeat(const F& f) {
  if constexpr (begin < end) {
    f(Index<begin>{});
    repeat<begin + 1, end>(f);
  }
}

// ---- traits -------------------------------------------------------------------------------------------------
template <class T>
struct NumberTraits {
  using Scalar = T;
  using Mask = bool;
  static constexpr int kWidth = 1;
};
template <class T>
using scalar_t = typename NumberTraits<T>::Scalar;
template <class T>
using mask_t = typename NumberTraits<T>::Mask;
template <class T>
inline constexpr int width_v = NumberTraits<T>::kWidth;

// ---- the same spelling for scalars and lanes ----------------------------------------------------------------
template <class S>
concept ScalarNumber = std::is_floating_point_v<S>;

template <ScalarNumber S>
BATON_INLINE S select(bool m, S a, S b) {
  return m ? a : b;
}
BATON_INLINE bool any(bool m) { return m; }
BATON_INLINE bool all(bool m) { return m; }

// The largest of all lanes.
template <ScalarNumber S>
BATON_INLINE S largest(S a) {
  return a;
}

template <ScalarNumber S>
BATON_INLINE S min(S a, S b) {
  return b < a ? b : a;
}
template <ScalarNumber S>
BATON_INLINE S max(S a, S b) {
  return a < b ? b : a;
}
template <class T>
BATON_INLINE T clamp(T x, T lo, T hi) {
  return min(max(x, lo), hi);
}

template <ScalarNumber S>
BATON_INLINE S sqrt(S a) {
  return std::sqrt(a);
}
template <ScalarNumber S>
BATON_INLINE S abs(S a) {
  return std::fabs(a);
}
template <ScalarNumber S>
BATON_INLINE S floor(S a) {
  return std::floor(a);
}

template <ScalarNumber S>
BATON_HD inline void sincos(S a, S& s, S& c) {
  s = std::sin(a), c = std::cos(a);
}
template <ScalarNumber S>
BATON_HD inline S atan2(S y, S x) {
  return std::atan2(y, x);
}
// x to the power p; p is of the model, and mostly 1 or 2.
template <ScalarNumber S>
BATON_HD inline S power(S x, S p) {
  return p == S(1) ? x : p == S(2) ? x * x : std::pow(x, p);
}
template <ScalarNumber S>
BATON_INLINE bool is_finite(S a) {
  return std::isfinite(a);
}

// One environment of a value, by lane; for scalars the lane is always 0.
template <ScalarNumber S>
BATON_INLINE S lane(S a, int) {
  return a;
}
template <ScalarNumber S>
BATON_INLINE void set_lane(S& a, int, S s) {
  a = s;
}
BATON_INLINE bool lane(bool m, int) { return m; }

}  // namespace baton::sim

#if !defined(__CUDACC__)  // nvcc cannot read std::experimental::simd, and a GPU's threads are lanes enough
#include "envs/sim/lanes.hpp"
#endif
