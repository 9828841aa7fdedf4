#pragma once
// Rotations from the right, R <- R Q, by what is known of Q beforehand: Q about an axis of coordinates mixes two
// columns of R (12 multiplications), the identity none, any other Q costs a product of matrices (27).
//
//   Turn        a constant Q of the model: of a body in its parent, a geom or an inertia in its body
//   turn_about  Q by an angle about a constant axis: a hinge
#include "envs/sim/spatial.hpp"

namespace baton::sim {

// 0, 1, 2 when v lies along that axis of coordinates, 3 when v is zero, else -1.
template <class S>
int coordinate_axis(const Vec3<S>& v) {
  const bool x = v.x != 0, y = v.y != 0, z = v.z != 0;
  if (x + y + z > 1) return -1;
  return x ? 0 : y ? 1 : z ? 2 : 3;
}

// Columns of R times the rotation about axis k of coordinates whose sine and cosine are s and c.
template <int k, class T>
BATON_INLINE void mix_columns(Mat3<T>& R, const T& s, const T& c) {
  constexpr int i = (k + 1) % 3, j = (k + 2) % 3;
  repeat<0, 3>([&](auto r) BATON_INLINE_LAMBDA {
    const T a = R(r, i), b = R(r, j);
    R(r, i) = c * a + s * b;
    R(r, j) = c * b - s * a;
  });
}

// f(0), f(1) or f(2) by k, as a constant: a column found by a number in memory would keep all of a matrix there.
template <class F>
BATON_INLINE void with_axis(int k, const F& f) {
  if (k == 2) {
    f(Index<2>{});
  } else if (k == 1) {
    f(Index<1>{});
  } else {
    f(Index<0>{});
  }
}

template <class S>
struct Turn {
  int axis = 3;  // coordinate_axis() of the rotation's axis
  S s = 0, c = 1;
  Mat3<S> mat{{1, 0, 0, 0, 1, 0, 0, 0, 1}};

  Turn() = default;
  explicit Turn(const Quat<S>& q)
      : axis(coordinate_axis(Vec3<S>{q.x, q.y, q.z})),
        s(2 * q.w * (q.x + q.y + q.z)),
        c(q.w * q.w - (q.x * q.x + q.y * q.y + q.z * q.z)),
        mat(rotation(q)) {}
};

// R <- R turn.
template <class T>
BATON_INLINE void apply(const Turn<scalar_t<T>>& turn, Mat3<T>& R) {
  if (turn.axis == 3) return;
  if (turn.axis < 0) {
    R = R * cast<T>(turn.mat);
  } else {
    with_axis(turn.axis, [&](auto k) BATON_INLINE_LAMBDA { mix_columns<k>(R, T(turn.s), T(turn.c)); });
  }
}

// R <- R times the rotation by `angle` (rad) about the unit vector `axis`, whose coordinate_axis() is `k`.
template <class T>
BATON_INLINE void turn_about(const Vec3<scalar_t<T>>& axis, int k, const T& angle, Mat3<T>& R) {
  T s, c;
  sincos(angle, s, c);
  if (k >= 0) {
    with_axis(k, [&](auto x) BATON_INLINE_LAMBDA { mix_columns<x>(R, s * T(axis[x]), c); });
    return;
  }
  // Rodrigues' formula: c 1 + s [axis]x + (1 - c) axis axis'.
  const Vec3<T> a = cast<T>(axis), b = a * (T(1) - c), t = a * s;
  R = R * Mat3<T>{{c + a.x * b.x, a.x * b.y - t.z, a.x * b.z + t.y,  //
                   a.x * b.y + t.z, c + a.y * b.y, a.y * b.z - t.x,  //
                   a.x * b.z - t.y, a.y * b.z + t.x, c + a.z * b.z}};
}

}  // namespace baton::sim
