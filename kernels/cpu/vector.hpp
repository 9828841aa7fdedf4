#pragma once
// Vectors of the instruction set that this text is being compiled for, and elementary functions over them.
// Everything has internal linkage in a namespace per set: an inline function shared between sets could be
// kept by the linker in the widest one's version and then run on a machine that lacks it. For the same reason
// no C++ standard templates here.
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)  // of AVX-512 a part
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define BATON_VECTOR_BYTES 64
#define BATON_VECTOR_REGISTERS 32
#elif defined(__AVX2__)
#define BATON_VECTOR_BYTES 32
#define BATON_VECTOR_REGISTERS 16
#else
#define BATON_VECTOR_BYTES 16
#define BATON_VECTOR_REGISTERS 16
#endif

namespace baton::kernels::BATON_ISA {
namespace {

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(BATON_VECTOR_BYTES)));
  typedef T Unaligned __attribute__((vector_size(BATON_VECTOR_BYTES), aligned(alignof(T)), may_alias));
  static constexpr int kWidth = BATON_VECTOR_BYTES / static_cast<int>(sizeof(T));
};
template <class T>
using Vec = typename VectorOf<T>::Type;
template <class T>
constexpr int kWidth = VectorOf<T>::kWidth;
typedef int32_t VecI32 __attribute__((vector_size(BATON_VECTOR_BYTES)));

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(p);
}
template <class T>
[[gnu::always_inline]] inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VectorOf<T>::Unaligned*>(p) = v;
}
template <class T>
[[gnu::always_inline]] inline Vec<T> splat(T x) {
  return x - Vec<T>{};
}
// The first `count` elements; the rest is `fill` so that no function sees garbage.
#if defined(__AVX512F__)
[[gnu::always_inline]] inline Vec<float> load_part(const float* p, int count, float fill = 0) {
  return (Vec<float>)_mm512_mask_loadu_ps((__m512)splat(fill), static_cast<__mmask16>((1U << count) - 1), p);
}
[[gnu::always_inline]] inline Vec<double> load_part(const double* p, int count, double fill = 0) {
  return (Vec<double>)_mm512_mask_loadu_pd((__m512d)splat(fill), static_cast<__mmask8>((1U << count) - 1), p);
}
[[gnu::always_inline]] inline void store_part(float* p, Vec<float> v, int count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << count) - 1), (__m512)v);
}
[[gnu::always_inline]] inline void store_part(double* p, Vec<double> v, int count) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1U << count) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
[[gnu::always_inline]] inline VecI32 first_lanes(int count) {
  return (VecI32{0, 1, 2, 3, 4, 5, 6, 7} - count) >> 31;  // all bits where lane < count
}
[[gnu::always_inline]] inline __m256i first_double_lanes(int count) {
  return (__m256i)((VecI32{0, 0, 1, 1, 2, 2, 3, 3} - count) >> 31);
}
[[gnu::always_inline]] inline Vec<float> load_part(const float* p, int count, float fill = 0) {
  const VecI32 mask = first_lanes(count);
  const Vec<float> v = (Vec<float>)_mm256_maskload_ps(p, (__m256i)mask);
  return mask != 0 ? v : splat(fill);
}
[[gnu::always_inline]] inline Vec<double> load_part(const double* p, int count, double fill = 0) {
  const __m256i mask = first_double_lanes(count);
  return (Vec<double>)_mm256_blendv_pd((__m256d)splat(fill), _mm256_maskload_pd(p, mask), (__m256d)mask);
}
[[gnu::always_inline]] inline void store_part(float* p, Vec<float> v, int count) {
  _mm256_maskstore_ps(p, (__m256i)first_lanes(count), (__m256)v);
}
[[gnu::always_inline]] inline void store_part(double* p, Vec<double> v, int count) {
  _mm256_maskstore_pd(p, first_double_lanes(count), (__m256d)v);
}
#else
template <class T>
[[gnu::always_inline]] inline Vec<T> load_part(const T* p, int count, T fill = T(0)) {
  T lanes[kWidth<T>];
  for (int i = 0; i < kWidth<T>; ++i) lanes[i] = i < count ? p[i] : fill;
  return load(lanes);
}
template <class T>
[[gnu::always_inline]] inline void store_part(T* p, Vec<T> v, int count) {
  T lanes[kWidth<T>];
  store(lanes, v);
  for (int i = 0; i < count; ++i) p[i] = lanes[i];
}
#endif

// Sum and largest of the lanes, pairwise: the same order whatever they hold. A NaN is left out of the largest.
template <class T>
[[gnu::always_inline]] inline T fold_sum(Vec<T> v) {
  T lanes[kWidth<T>];
  store(lanes, v);
  for (int half = kWidth<T> / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}
template <class T>
[[gnu::always_inline]] inline T fold_max(Vec<T> v) {
  T lanes[kWidth<T>];
  store(lanes, v);
  for (int half = kWidth<T> / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = lanes[i + half] > lanes[i] ? lanes[i + half] : lanes[i];
  }
  return lanes[0];
}

// Calls body(load, store, offset) for whole vectors, then once for the tail with partial access: the same
// arithmetic for every element, wherever it stands.
template <class T, class Body>
[[gnu::always_inline]] inline void for_vectors(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    body(
        [i](const T* p) __attribute__((always_inline)) { return load(p + i); },
        [i](T * p, Vec<T> v) __attribute__((always_inline)) { store(p + i, v); });
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    body(
        [ i, rest ](const T* p) __attribute__((always_inline)) { return load_part(p + i, rest, T(1)); },
        [ i, rest ](T * p, Vec<T> v) __attribute__((always_inline)) { store_part(p + i, v, rest); });
  }
}

// ---- float: own polynomials. Comparisons keep NaN (a false comparison picks the operand itself).

[[gnu::always_inline]] inline Vec<float> power_of_two(VecI32 n) {  // 2^n, -126 <= n <= 127
  return reinterpret_cast<Vec<float>>((n + 127) << 23);
}

// Splits x = n ln 2 + r with |r| <= ln 2 / 2: adding 1.5 2^23 rounds to an integer and leaves it in the low
// bits.
[[gnu::always_inline]] inline Vec<float> reduce_exponent(Vec<float> x, VecI32* n) {
  const Vec<float> magic = splat(12582912.0f);
  const Vec<float> shifted = x * 1.44269504088896f + magic;
  *n = reinterpret_cast<VecI32>(shifted) - reinterpret_cast<VecI32>(magic);
  const Vec<float> rounded = shifted - magic;
  return (x - rounded * 0.693145751953125f) - rounded * 1.42860682030941723e-6f;
}

// e^r - 1 for |r| <= ln 2 / 2: Taylor to r^7 (the next term is below 1e-8 relative).
[[gnu::always_inline]] inline Vec<float> expm1_core(Vec<float> r) {
  Vec<float> p = r * (1.0f / 5040) + (1.0f / 720);
  p = p * r + (1.0f / 120);
  p = p * r + (1.0f / 24);
  p = p * r + (1.0f / 6);
  p = p * r + 0.5f;
  return (p * r) * r + r;
}

[[gnu::always_inline]] inline Vec<float> vec_exp(Vec<float> x) {
  // Below -104 the result is 0, chosen rather than computed: underflow costs a hundred cycles, and a masked class
  // is a logit of -infinity.
  const auto vanishes = x < -104.0f;
  x = x > 89.0f ? splat(89.0f) : x;
  x = vanishes ? Vec<float>{} : x;
  VecI32 n;
  const Vec<float> r = reduce_exponent(x, &n);
  const VecI32 half = n >> 1;  // two factors reach overflow and the denormal numbers
  const Vec<float> result = ((expm1_core(r) + 1.0f) * power_of_two(half)) * power_of_two(n - half);
  return vanishes ? Vec<float>{} : result;
}

// e^x - 1 for x <= 0 or modest x >= 0 (below 80), accurate near 0.
[[gnu::always_inline]] inline Vec<float> vec_expm1(Vec<float> x) {
  x = x < -30.0f ? splat(-30.0f) : x;
  VecI32 n;
  const Vec<float> r = reduce_exponent(x, &n);
  const Vec<float> scale = power_of_two(n);
  return scale * expm1_core(r) + (scale - 1.0f);
}

// 2 artanh(s) for |s| <= 1/3, as a series.
[[gnu::always_inline]] inline Vec<float> twice_artanh(Vec<float> s) {
  const Vec<float> q = s * s;
  Vec<float> p = q * (2.0f / 15) + (2.0f / 13);
  p = p * q + (2.0f / 11);
  p = p * q + (2.0f / 9);
  p = p * q + (2.0f / 7);
  p = p * q + (2.0f / 5);
  p = p * q + (2.0f / 3);
  return (p * q) * s + 2.0f * s;
}

[[gnu::always_inline]] inline Vec<float> vec_log(Vec<float> x) {
  const Vec<float> tiny = splat(1.17549435e-38f);
  const Vec<float> scaled = x < tiny ? x * 8388608.0f : x;
  const VecI32 bits = reinterpret_cast<VecI32>(scaled);
  // The exponent is taken where the mantissa crosses sqrt(1/2), so that the rest is centred on 1.
  const VecI32 e = (bits - 0x3F3504F3) >> 23;
  const Vec<float> m = reinterpret_cast<Vec<float>>(bits - (e << 23));
  const Vec<float> exponent =
      __builtin_convertvector(e, Vec<float>) - (x < tiny ? splat(23.0f) : splat(0.0f));
  const Vec<float> log_m = twice_artanh((m - 1.0f) / (m + 1.0f));
  Vec<float> result = exponent * 0.693145751953125f + (exponent * 1.42860682030941723e-6f + log_m);
  const float infinity = __builtin_inff();
  result = x == infinity ? x : result;
  result = x == 0.0f ? splat(-infinity) : result;
  result = x < 0.0f ? splat(__builtin_nanf("")) : result;
  return x == x ? result : x;
}

// ln(1 + t) for 0 <= t <= 1.
[[gnu::always_inline]] inline Vec<float> vec_log1p_unit(Vec<float> t) { return twice_artanh(t / (t + 2.0f)); }

[[gnu::always_inline]] inline Vec<float> vec_sqrt(Vec<float> x) {
  Vec<float> y;
  for (int i = 0; i < kWidth<float>; ++i) y[i] = __builtin_sqrtf(x[i]);
  return y;
}

// ---- double: libm, lane by lane.

#define BATON_LANE_BY_LANE(name, function)                          \
  [[gnu::always_inline]] inline Vec<double> name(Vec<double> x) {   \
    Vec<double> y;                                                  \
    for (int i = 0; i < kWidth<double>; ++i) y[i] = function(x[i]); \
    return y;                                                       \
  }
BATON_LANE_BY_LANE(vec_exp, ::exp)
BATON_LANE_BY_LANE(vec_expm1, ::expm1)
BATON_LANE_BY_LANE(vec_tanh, ::tanh)
BATON_LANE_BY_LANE(vec_log, ::log)
BATON_LANE_BY_LANE(vec_log1p_unit, ::log1p)
BATON_LANE_BY_LANE(vec_sqrt, __builtin_sqrt)
#undef BATON_LANE_BY_LANE

}  // namespace
}  // namespace baton::kernels::BATON_ISA
