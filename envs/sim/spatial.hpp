#pragma once
// Vectors, rotations and quaternions of three-dimensional space on any number type T (number.hpp).
// Conventions: Mat3 is row-major and maps local to world; Quat is (w, x, y, z), unit, and acts as v' = q v q*.
#include "envs/sim/number.hpp"

namespace baton::sim {

template <class T>
struct Vec3 {
  T x, y, z;
  BATON_SMALL T& operator[](int i) { return i == 0 ? x : i == 1 ? y : z; }
  BATON_SMALL const T& operator[](int i) const { return i == 0 ? x : i == 1 ? y : z; }
  BATON_INLINE Vec3 operator-() const { return {-x, -y, -z}; }
  BATON_INLINE Vec3& operator+=(const Vec3& o) { return x += o.x, y += o.y, z += o.z, *this; }
  BATON_INLINE Vec3& operator-=(const Vec3& o) { return x -= o.x, y -= o.y, z -= o.z, *this; }
  BATON_INLINE Vec3& operator*=(const T& s) { return x *= s, y *= s, z *= s, *this; }
};
template <class T>
BATON_INLINE Vec3<T> operator+(Vec3<T> a, const Vec3<T>& b) {
  return a += b;
}
template <class T>
BATON_INLINE Vec3<T> operator-(Vec3<T> a, const Vec3<T>& b) {
  return a -= b;
}
template <class T>
BATON_INLINE Vec3<T> operator*(Vec3<T> a, const T& s) {
  return a *= s;
}
template <class T>
BATON_INLINE Vec3<T> operator*(const T& s, Vec3<T> a) {
  return a *= s;
}
template <class T>
BATON_INLINE T dot(const Vec3<T>& a, const Vec3<T>& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class T>
BATON_INLINE Vec3<T> cross(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class T>
BATON_INLINE T norm(const Vec3<T>& a) {
  return sqrt(dot(a, a));
}
template <class T>
BATON_INLINE Vec3<T> select(mask_t<T> m, const Vec3<T>& a, const Vec3<T>& b) {
  return {select(m, a.x, b.x), select(m, a.y, b.y), select(m, a.z, b.z)};
}
template <class T, class S>
BATON_INLINE Vec3<T> cast(const Vec3<S>& a) {
  return {T(a.x), T(a.y), T(a.z)};
}

template <class T>
struct Mat3 {
  T m[9];
  BATON_SMALL T& operator()(int r, int c) { return m[3 * r + c]; }
  BATON_SMALL const T& operator()(int r, int c) const { return m[3 * r + c]; }
  BATON_SMALL Vec3<T> row(int r) const { return {m[3 * r], m[3 * r + 1], m[3 * r + 2]}; }
  BATON_SMALL Vec3<T> col(int c) const { return {m[c], m[3 + c], m[6 + c]}; }
};

// A frame in the world.
template <class T>
struct Pose {
  Vec3<T> pos;
  Mat3<T> mat;
};
template <class T>
BATON_INLINE Vec3<T> operator*(const Mat3<T>& a, const Vec3<T>& v) {
  return {a.m[0] * v.x + a.m[1] * v.y + a.m[2] * v.z, a.m[3] * v.x + a.m[4] * v.y + a.m[5] * v.z,
          a.m[6] * v.x + a.m[7] * v.y + a.m[8] * v.z};
}
// a' v: world to local.
template <class T>
BATON_INLINE Vec3<T> transpose_mul(const Mat3<T>& a, const Vec3<T>& v) {
  return {a.m[0] * v.x + a.m[3] * v.y + a.m[6] * v.z, a.m[1] * v.x + a.m[4] * v.y + a.m[7] * v.z,
          a.m[2] * v.x + a.m[5] * v.y + a.m[8] * v.z};
}
template <class T>
BATON_INLINE Mat3<T> operator*(const Mat3<T>& a, const Mat3<T>& b) {
  Mat3<T> c;
  repeat<0, 3>([&](auto i) BATON_INLINE_LAMBDA {
    repeat<0, 3>([&](auto j) BATON_INLINE_LAMBDA {
      c(i, j) = a(i, 0) * b(0, j) + a(i, 1) * b(1, j) + a(i, 2) * b(2, j);
    });
  });
  return c;
}
template <class T, class S>
BATON_INLINE Mat3<T> cast(const Mat3<S>& a) {
  Mat3<T> c;
  repeat<0, 9>([&](auto i) BATON_INLINE_LAMBDA { c.m[i] = T(a.m[i]); });
  return c;
}

template <class T>
struct Quat {
  T w, x, y, z;
};
template <class T>
BATON_INLINE Quat<T> operator*(const Quat<T>& a, const Quat<T>& b) {
  return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
          a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
template <class T>
BATON_INLINE Quat<T> conjugate(const Quat<T>& q) {
  return {q.w, -q.x, -q.y, -q.z};
}
// A quaternion shorter than 1e-15 becomes the identity, as in MuJoCo.
template <class T>
BATON_INLINE Quat<T> normalized(const Quat<T>& q) {
  const T n = sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
  const mask_t<T> tiny = n < T(scalar_t<T>(1e-15));
  const T s = T(1) / select(tiny, T(1), n);
  return {select(tiny, T(1), q.w * s), select(tiny, T(0), q.x * s), select(tiny, T(0), q.y * s),
          select(tiny, T(0), q.z * s)};
}
template <class T>
BATON_INLINE Mat3<T> rotation(const Quat<T>& q) {
  const T ww = q.w * q.w, xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z, two = T(2);
  const T xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z, wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z;
  return {{ww + xx - yy - zz, two * (xy - wz), two * (xz + wy),  //
           two * (xy + wz), ww - xx + yy - zz, two * (yz - wx),  //
           two * (xz - wy), two * (yz + wx), ww - xx - yy + zz}};
}
template <class T>
BATON_INLINE Vec3<T> rotate(const Quat<T>& q, const Vec3<T>& v) {
  const Vec3<T> u{q.x, q.y, q.z}, t = cross(u, v) * T(2);
  return v + t * q.w + cross(u, t);
}
// Rotation by `angle` (rad) about the unit vector `axis`.
template <class T>
BATON_INLINE Quat<T> axis_angle(const Vec3<T>& axis, const T& angle) {
  T s, c;
  sincos(angle * T(scalar_t<T>(0.5)), s, c);
  return {c, axis.x * s, axis.y * s, axis.z * s};
}
template <class T, class S>
BATON_INLINE Quat<T> cast(const Quat<S>& q) {
  return {T(q.w), T(q.x), T(q.y), T(q.z)};
}

// q advanced by the angular velocity w (rad/s, in q's own frame) over h seconds.
template <class T>
BATON_INLINE Quat<T> integrate(const Quat<T>& q, const Vec3<T>& w, const T& h) {
  const T speed = norm(w);
  const mask_t<T> still = speed < T(scalar_t<T>(1e-15));
  const Vec3<T> axis = w * (T(1) / select(still, T(1), speed));
  return normalized(q * axis_angle(axis, select(still, T(0), speed * h)));
}

// Axis times angle (rad, 0..pi) of the rotation q, in the frame that it turns.
template <class T>
BATON_INLINE Vec3<T> rotation_vector(const Quat<T>& q) {
  using S = scalar_t<T>;
  const T sign = select(q.w < T(S(0)), T(S(-1)), T(S(1)));
  const Vec3<T> v = Vec3<T>{q.x, q.y, q.z} * sign;
  const T sine = norm(v);
  const mask_t<T> still = sine < T(S(1e-15));
  return v * select(still, T(S(2)), T(S(2)) * atan2(sine, q.w * sign) / select(still, T(S(1)), sine));
}

// Spatial vector: rotation part on top, translation below. Motion: (angular, linear); force: (torque, force).
// Everything spatial is in world axes, about the reference point of the body's tree (Data::tree_origin).
template <class T>
struct Spatial {
  Vec3<T> a, l;
  BATON_INLINE Spatial& operator+=(const Spatial& o) { return a += o.a, l += o.l, *this; }
};
template <class T>
BATON_INLINE Spatial<T> operator+(Spatial<T> u, const Spatial<T>& v) {
  return u += v;
}
template <class T>
BATON_INLINE Spatial<T> operator*(const Spatial<T>& u, const T& s) {
  return {u.a * s, u.l * s};
}
template <class T>
BATON_INLINE T dot(const Spatial<T>& u, const Spatial<T>& v) {
  return dot(u.a, v.a) + dot(u.l, v.l);
}
// Rate of change of a motion m (or of a force f) carried by a frame that moves with v.
template <class T>
BATON_INLINE Spatial<T> cross_motion(const Spatial<T>& v, const Spatial<T>& m) {
  return {cross(v.a, m.a), cross(v.a, m.l) + cross(v.l, m.a)};
}
template <class T>
BATON_INLINE Spatial<T> cross_force(const Spatial<T>& v, const Spatial<T>& f) {
  return {cross(v.a, f.a) + cross(v.l, f.l), cross(v.a, f.l)};
}

// Rigid-body inertia about a point o, in world axes: mass, first moment h = mass * (com - o) and the symmetric
// rotational inertia about o (xx, yy, zz, xy, xz, yz). Featherstone, Rigid Body Dynamics Algorithms, ch. 2.
template <class T>
struct Inertia {
  T mass;
  Vec3<T> h;
  T xx, yy, zz, xy, xz, yz;
  BATON_INLINE Inertia& operator+=(const Inertia& o) {
    mass += o.mass, h += o.h, xx += o.xx, yy += o.yy, zz += o.zz, xy += o.xy, xz += o.xz, yz += o.yz;
    return *this;
  }
};
// The rotational inertia about o times w.
template <class T>
BATON_INLINE Vec3<T> rotational(const Inertia<T>& i, const Vec3<T>& w) {
  return {i.xx * w.x + i.xy * w.y + i.xz * w.z, i.xy * w.x + i.yy * w.y + i.yz * w.z,
          i.xz * w.x + i.yz * w.y + i.zz * w.z};
}
template <class T>
BATON_INLINE Spatial<T> operator*(const Inertia<T>& i, const Spatial<T>& v) {
  return {rotational(i, v.a) + cross(i.h, v.l), v.l * i.mass - cross(i.h, v.a)};
}
// What moves the inertia i, of velocity v, with acceleration a: i a + cross_force(v, i v), in which w x (h x u) and
// u x (w x h) add up to h x (w x u), w and u the angular and linear parts of v.
template <class T>
BATON_INLINE Spatial<T> inertial_force(const Inertia<T>& i, const Spatial<T>& v, const Spatial<T>& a) {
  const Vec3<T> along = a.l + cross(v.a, v.l);  // of the reference point, as a body carries it
  return {cross(v.a, rotational(i, v.a)) + rotational(i, a.a) + cross(i.h, along),
          along * i.mass + cross(a.a, i.h) + cross(v.a, cross(v.a, i.h))};
}

}  // namespace baton::sim
