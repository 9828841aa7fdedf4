#pragma once
// What every collider shares: a geom in the world, the sink that turns hits into contact slots, MuJoCo's frame rule.
#include "envs/sim/data.hpp"

namespace baton::sim {

// A constant of the source in the number type.
template <class T>
BATON_HD inline T num(double v) {
  return T(static_cast<scalar_t<T>>(v));
}

// Lengths under this are "no direction at all"; MuJoCo's value.
template <class T>
BATON_HD inline T min_length() {
  return num<T>(1e-15);
}

// A geom in the world. size as in Geom::size: sphere r; capsule and cylinder r, half length (axis z); ellipsoid radii;
// box half sizes; mesh half sizes of its box.
template <class T>
struct Shape {
  const Vec3<T>& pos;
  const Mat3<T>& mat;
  Vec3<T> size;
  const Mesh<scalar_t<T>>* mesh = nullptr;
  BATON_HD Vec3<T> axis() const { return mat.col(2); }
};

// v / |v|; where |v| < 1e-15 the fallback. `length` receives |v|.
template <class T>
BATON_INLINE Vec3<T> unit(const Vec3<T>& v, const Vec3<T>& fallback, T& length) {
  length = norm(v);
  const mask_t<T> short_ = length < min_length<T>();
  return select(short_, fallback, v * (T(1) / select(short_, T(1), length)));
}

// Contact frame of MuJoCo: first row the unit normal, second row the hint made orthogonal to it; without a usable
// hint (shorter than 0.5, or along the normal) world y, or world z where |normal.y| >= 0.5; third row their cross.
template <class T>
BATON_INLINE Mat3<T> contact_frame(const Vec3<T>& normal, const Vec3<T>& hint) {
  const T zero(0), one(1);
  const mask_t<T> use_y = abs(normal.y) < num<T>(0.5);
  const Vec3<T> start{zero, select(use_y, one, zero), select(use_y, zero, one)};
  const Vec3<T> plain = start - normal * dot(start, normal);
  const Vec3<T> wished = hint - normal * dot(hint, normal);
  const mask_t<T> usable = (dot(hint, hint) >= num<T>(0.25)) && (dot(wished, wished) > num<T>(1e-12));
  const Vec3<T> raw = select(usable, wished, plain);
  const Vec3<T> t1 = raw * (one / norm(raw)), t2 = cross(normal, t1);
  return {{normal.x, normal.y, normal.z, t1.x, t1.y, t1.z, t2.x, t2.y, t2.z}};
}

// Receives the hits of one pair and appends contact slots to Data::contacts. A slot is made when any lane has the hit.
// The other lanes of the slot hold active = false, dist = 1 m, pos = 0 and the identity as frame.
template <class T>
class ContactSink {
 public:
  BATON_HD ContactSink(Data<T>& d, int pair, const T& margin) : margin_(margin), d_(d), pair_(pair) {}

  BATON_HD const T& margin() const { return margin_; }
  // Optional: by how much more than the margin the pair is apart, in lanes without a contact; 0 where unknown.
  BATON_HD void apart(const T& by) { apart_ = by; }
  BATON_HD const T& apart() const { return apart_; }
  // The pair's entry of Data::separations.
  BATON_HD Vec3<T>& separation() const { return d_.separations.of(pair_); }
  // What ccd.hpp works on; null where it takes its stack.
  BATON_HD ccd::Workspace* workspace() const {
    return d_.convex_work.empty() ? nullptr : d_.convex_work.data();
  }

  // Adds the hit in the lanes of `m` whose dist <= margin. normal: unit, from geom1 to geom2. hint: direction that the
  // first tangent should take, zero for none.
  BATON_HD void add(mask_t<T> m, const T& dist, const Vec3<T>& pos, const Vec3<T>& normal,
                    const Vec3<T>& hint) {
    if (any(m && dist <= margin_)) add_framed(m, dist, pos, contact_frame(normal, hint));
  }
  BATON_HD void add(mask_t<T> m, const T& dist, const Vec3<T>& pos, const Vec3<T>& normal) {
    add(m, dist, pos, normal, Vec3<T>{T(0), T(0), T(0)});
  }
  // The same with a frame that several hits share.
  BATON_HD void add_framed(mask_t<T> m, const T& dist, const Vec3<T>& pos, const Mat3<T>& frame) {
    m = m && dist <= margin_;
    if (!any(m)) return;
    // A lane's limit counts its own hits: what it loses does not depend on its neighbours.
    d_.contact_count += select(m, T(1), T(0));
    m = m && d_.contact_count <= num<T>(kMaxContacts);
    if (!any(m)) return;
    if (d_.ncontact >= static_cast<int>(d_.contacts.size())) {
      ++d_.contacts_missed;
      return;
    }
    Contact<T>& c = d_.contacts[static_cast<std::size_t>(d_.ncontact++)];
    const T zero(0), one(1);
    c.pair = pair_;
    c.active = m;
    c.dist = select(m, dist, one);
    c.pos = select(m, pos, Vec3<T>{zero, zero, zero});
    for (int i = 0; i < 9; ++i) c.frame.m[i] = select(m, frame.m[i], i % 4 == 0 ? one : zero);
  }

 private:
  T margin_, apart_ = T(0);
  Data<T>& d_;
  int pair_;
};

// Packs the hits of one pair, lane by lane, into the first slots: a lane's k-th hit goes to slot k, so that the
// number of slots is the largest count of any lane and not the number of candidates that some lane used.
template <class T, int N>
struct Packer {
  T count = T(0);  // hits so far
  int used = 0;    // slots that some lane uses
  T dist[N];
  Vec3<T> pos[N];

  BATON_HD void add(mask_t<T> m, const T& new_dist, const Vec3<T>& new_pos) {
    if (!any(m)) return;
    for (int k = 0; k <= used && k < N; ++k) {
      const mask_t<T> here = m && count == num<T>(k);
      if (!any(here)) continue;
      if (k == used) {
        dist[k] = T(0);
        pos[k] = {T(0), T(0), T(0)};
        ++used;
        dist[k] = select(here, new_dist, dist[k]);
        pos[k] = select(here, new_pos, pos[k]);
        break;
      }
      dist[k] = select(here, new_dist, dist[k]);
      pos[k] = select(here, new_pos, pos[k]);
    }
    count += select(m, T(1), T(0));
  }
  BATON_HD mask_t<T> has(int k) const { return num<T>(k) < count; }
};

}  // namespace baton::sim
