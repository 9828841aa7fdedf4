#pragma once
// Lanes<float, W>: the number type of W environments stepped at once (number.hpp), on std::experimental::simd.
#include <experimental/simd>

#include "envs/sim/number.hpp"

namespace baton::sim {

namespace stdx = std::experimental;

template <class F, int W>
struct LaneMask {
  using Native = stdx::simd_mask<F, stdx::simd_abi::deduce_t<F, W>>;
  Native m;
  LaneMask() = default;
  BATON_SMALL LaneMask(Native native) : m(native) {}
  BATON_SMALL LaneMask(bool b) : m(b) {}
  BATON_SMALL friend LaneMask operator&&(LaneMask a, LaneMask b) { return {a.m && b.m}; }
  BATON_SMALL friend LaneMask operator||(LaneMask a, LaneMask b) { return {a.m || b.m}; }
  BATON_SMALL friend LaneMask operator!(LaneMask a) { return {!a.m}; }
  BATON_SMALL bool operator[](int lane) const { return m[static_cast<std::size_t>(lane)]; }
  BATON_SMALL void set(int lane, bool b) { m[static_cast<std::size_t>(lane)] = b; }
};

template <class F, int W>
struct Lanes {
  using Native = stdx::simd<F, stdx::simd_abi::deduce_t<F, W>>;
  using Mask = LaneMask<F, W>;
  Native v;
  Lanes() = default;
  BATON_SMALL Lanes(Native native) : v(native) {}
  BATON_SMALL Lanes(F s) : v(s) {}
  BATON_SMALL F operator[](int lane) const { return v[static_cast<std::size_t>(lane)]; }
  BATON_SMALL void set(int lane, F s) { v[static_cast<std::size_t>(lane)] = s; }
  BATON_SMALL Lanes operator-() const { return {-v}; }
  BATON_SMALL Lanes& operator+=(Lanes o) { return v += o.v, *this; }
  BATON_SMALL Lanes& operator-=(Lanes o) { return v -= o.v, *this; }
  BATON_SMALL Lanes& operator*=(Lanes o) { return v *= o.v, *this; }
  BATON_SMALL Lanes& operator/=(Lanes o) { return v /= o.v, *this; }
  BATON_SMALL friend Lanes operator+(Lanes a, Lanes b) { return {a.v + b.v}; }
  BATON_SMALL friend Lanes operator-(Lanes a, Lanes b) { return {a.v - b.v}; }
  BATON_SMALL friend Lanes operator*(Lanes a, Lanes b) { return {a.v * b.v}; }
  BATON_SMALL friend Lanes operator/(Lanes a, Lanes b) { return {a.v / b.v}; }
  BATON_SMALL friend Mask operator<(Lanes a, Lanes b) { return {a.v < b.v}; }
  BATON_SMALL friend Mask operator<=(Lanes a, Lanes b) { return {a.v <= b.v}; }
  BATON_SMALL friend Mask operator>(Lanes a, Lanes b) { return {a.v > b.v}; }
  BATON_SMALL friend Mask operator>=(Lanes a, Lanes b) { return {a.v >= b.v}; }
  BATON_SMALL friend Mask operator==(Lanes a, Lanes b) { return {a.v == b.v}; }
};

template <class F, int W>
struct NumberTraits<Lanes<F, W>> {
  using Scalar = F;
  using Mask = LaneMask<F, W>;
  static constexpr int kWidth = W;
};

template <class F, int W>
BATON_SMALL Lanes<F, W> select(LaneMask<F, W> m, Lanes<F, W> a, Lanes<F, W> b) {
#if defined(__AVX512F__)
  // Not `where`: GCC 12 drops whole expressions when its mask is a constant that inlining reveals.
  if constexpr (std::is_same_v<F, float> && W == 16)
    return {typename Lanes<F, W>::Native(
        _mm512_mask_blend_ps(static_cast<__mmask16>(m.m.__to_bitset().to_ulong()), static_cast<__m512>(b.v),
                             static_cast<__m512>(a.v)))};
#endif
  stdx::where(m.m, b.v) = a.v;
  return b;
}
template <class F, int W>
BATON_SMALL bool any(LaneMask<F, W> m) {
  return stdx::any_of(m.m);
}
template <class F, int W>
BATON_SMALL bool all(LaneMask<F, W> m) {
  return stdx::all_of(m.m);
}
template <class F, int W>
BATON_SMALL F largest(Lanes<F, W> a) {
  return stdx::hmax(a.v);
}
template <class F, int W>
BATON_SMALL Lanes<F, W> min(Lanes<F, W> a, Lanes<F, W> b) {
  return {stdx::min(a.v, b.v)};
}
template <class F, int W>
BATON_SMALL Lanes<F, W> max(Lanes<F, W> a, Lanes<F, W> b) {
  return {stdx::max(a.v, b.v)};
}
template <class F, int W>
BATON_SMALL Lanes<F, W> sqrt(Lanes<F, W> a) {
  return {stdx::sqrt(a.v)};
}
template <class F, int W>
BATON_SMALL Lanes<F, W> abs(Lanes<F, W> a) {
  return {stdx::abs(a.v)};
}
template <class F, int W>
BATON_SMALL Lanes<F, W> floor(Lanes<F, W> a) {
  return {stdx::floor(a.v)};
}
// Float lanes: reduction by pi/2 in three parts (Cody and Waite), minimax-like Taylor tails; error below 2 ulp for
// |a| < 1e4 rad, far beyond any sane joint. Other lanes: the library's scalar functions.
template <class F, int W>
inline void sincos(Lanes<F, W> a, Lanes<F, W>& s, Lanes<F, W>& c) {
  if constexpr (std::is_same_v<F, float>) {
    using L = Lanes<F, W>;
    const L big(12582912.0f);  // 1.5 * 2^23: adding and taking away rounds to the nearest integer
    const L k = (a * L(0.63661977236758134f) + big) - big;
    const L r = ((a - k * L(1.5703125f)) - k * L(4.837512969970703125e-4f)) - k * L(7.549789948768648e-8f);
    const L z = r * r;
    const L sine = r + r * z * (L(-1.6666654611e-1f) + z * (L(8.3321608736e-3f) + z * L(-1.9515295891e-4f)));
    const L cosine =
        L(1.0f) - L(0.5f) * z +
        z * z * (L(4.166664568298827e-2f) + z * (L(-1.388731625493765e-3f) + z * L(2.443315711809948e-5f)));
    const L quadrant = k - L(4.0f) * floor(k * L(0.25f));
    const LaneMask<F, W> odd = quadrant == L(1.0f) || quadrant == L(3.0f), low = quadrant < L(2.0f);
    const L s1 = select(odd, cosine, sine), c1 = select(odd, sine, cosine);
    s = select(low, s1, -s1);
    c = select(quadrant == L(1.0f) || quadrant == L(2.0f), -c1, c1);
  } else {
    for (int i = 0; i < W; ++i) s.set(i, std::sin(a[i])), c.set(i, std::cos(a[i]));
  }
}
template <class F, int W>
inline Lanes<F, W> atan2(Lanes<F, W> y, Lanes<F, W> x) {
  Lanes<F, W> r;
  for (int i = 0; i < W; ++i) r.set(i, std::atan2(y[i], x[i]));
  return r;
}
template <class F, int W>
inline Lanes<F, W> power(Lanes<F, W> x, F p) {
  if (p == F(1)) return x;
  if (p == F(2)) return x * x;
  return {typename Lanes<F, W>::Native([&](auto i) { return std::pow(x[static_cast<int>(i)], p); })};
}
template <class F, int W>
BATON_SMALL LaneMask<F, W> is_finite(Lanes<F, W> a) {
  return {stdx::isfinite(a.v)};
}
template <class F, int W>
BATON_SMALL F lane(const Lanes<F, W>& a, int i) {
  return a[i];
}
template <class F, int W>
BATON_SMALL void set_lane(Lanes<F, W>& a, int i, F s) {
  a.set(i, s);
}
template <class F, int W>
BATON_SMALL bool lane(const LaneMask<F, W>& m, int i) {
  return m[i];
}

}  // namespace baton::sim
