#pragma once
// Collision detection: fills Data::contacts from the poses of the geoms.
//
//   collide(m, d)   for every Model::pairs entry, in order: is it due (motion.hpp)? Do its bounds meet
//                   (broadphase.hpp)? Then the collider of its types
//
// Writes Data: contacts, ncontact, contact_count (overwritten). A lane's contacts beyond its kMaxContacts-th are
// dropped, in that lane alone. Slots that the tile has no room for make it grow, once, and the pairs are gone through
// again: lanes never compete for slots.
// Reads xpos, xmat; makes the frames of the geoms that it looks at where kinematics() left them stale; remembers
// in Data::motion and Data::separations what saves work in the next step and changes no result. Contacts of a pair
// stand together; a slot exists when any lane has the hit and holds active = false, dist = 1 m, pos = 0, frame =
// identity in the others. A hit is a distance <= Pair::margin.
// dist < 0: penetration; pos: midpoint of the surfaces; frame rows: normal from geom1 to geom2, MuJoCo's tangents.
// Most hits of a pair: 1 with a sphere, 2 capsule-capsule, capsule-plane and capsule-box, 4 plane-box and
// plane-cylinder, 8 box-box (slots: one more where lanes differ in kind), 8 with a cylinder otherwise, 1 with an
// ellipsoid, 3 plane-mesh, 4 with a mesh otherwise. Planes do not meet planes.
// Source: MuJoCo, Computation, "Collision".
#include "envs/sim/broadphase.hpp"
#include "envs/sim/collide/box_box.hpp"
#include "envs/sim/collide/capsule_box.hpp"
#include "envs/sim/collide/convex.hpp"
#include "envs/sim/collide/cylinder.hpp"
#include "envs/sim/collide/plane.hpp"
#include "envs/sim/collide/round.hpp"
#include "envs/sim/kinematics.hpp"

namespace baton::sim {

// Is there a collider for these types (in ascending order)? Loaders refuse models with pairs that have none.
BATON_HD inline bool can_collide(GeomType t1, GeomType t2) { return t1 <= t2 && t2 != GeomType::kPlane; }

// The collider of one pair, in the lanes of `on`. t1 <= t2.
template <class T>
BATON_HD void collide_pair(GeomType t1, GeomType t2, const Shape<T>& a, const Shape<T>& b, mask_t<T> on,
                           ContactSink<T>& sink) {
  using G = GeomType;
  const auto both = [](G x, G y) { return static_cast<int>(x) * 8 + static_cast<int>(y); };
  switch (both(t1, t2)) {
    case both(G::kPlane, G::kSphere):
      return plane_sphere(a, b, on, sink);
    case both(G::kPlane, G::kCapsule):
      return plane_capsule(a, b, on, sink);
    case both(G::kPlane, G::kCylinder):
      return plane_cylinder(a, b, on, sink);
    case both(G::kPlane, G::kBox):
      return plane_box(a, b, on, sink);
    case both(G::kSphere, G::kSphere):
      return sphere_sphere(a, b, on, sink);
    case both(G::kSphere, G::kCapsule):
      return sphere_capsule(a, b, on, sink);
    case both(G::kSphere, G::kCylinder):
      return sphere_cylinder(a, b, on, sink);
    case both(G::kSphere, G::kBox):
      return sphere_box(a, b, on, sink);
    case both(G::kCapsule, G::kCapsule):
      return capsule_capsule(a, b, on, sink);
    case both(G::kCapsule, G::kCylinder):
      return capsule_cylinder(a, b, on, sink);
    case both(G::kCapsule, G::kBox):
      return capsule_box(a, b, on, sink);
    case both(G::kCylinder, G::kCylinder):
      return cylinder_cylinder(a, b, on, sink);
    case both(G::kCylinder, G::kBox):
      return cylinder_box(a, b, on, sink);
    case both(G::kBox, G::kBox):
      return box_box(a, b, on, sink);
    case both(G::kPlane, G::kEllipsoid):
      return plane_ellipsoid(a, b, on, sink);
    case both(G::kPlane, G::kMesh):
      return plane_mesh(a, b, on, sink);
    default:  // what is left has an ellipsoid or a mesh
      return convex_convex(t1, t2, a, b, on, sink);
  }
}

// Poses that are numbers: comparisons alone do not keep the others out, since min and max of lanes may drop a NaN.
template <class T>
BATON_HD mask_t<T> finite(const Shape<T>& s) {
  T sum = s.pos.x + s.pos.y + s.pos.z;
  for (const T& x : s.mat.m) sum += x;
  return is_finite(sum);
}

namespace detail {

template <class T>
BATON_HD void find_contacts(const Model<scalar_t<T>>& m, Data<T>& d) {
  d.ncontact = d.contacts_missed = 0;
  d.contact_count = T(0);
  const auto shape = [&](int g) {
    const auto& geom = m.geoms[g];
    const auto* hull = geom.type == GeomType::kMesh ? &m.meshes[geom.mesh] : nullptr;
    const Pose<T>& pose = d.collider_pose[d.plan.collider_of[g]];
    return Shape<T>{pose.pos, pose.mat, cast<T>(geom.size), hull};
  };
  int kept = 0;
  d.motion.advance(d);
  const auto next_group = [&](std::size_t g) {
    return d.motion.next_group(d.broadphase, g,
                               [&](std::size_t k) BATON_INLINE_LAMBDA { return d.rest.still_group(k); });
  };
  for (std::size_t g = next_group(0), end = d.broadphase.groups.size(); g < end; g = next_group(g + 1)) {
    const auto& group = d.broadphase.groups[g];
    if (d.rest.still_group(g)) {
      d.rest.contacts(group.begin, group.end, kept, [&](const Contact<T>& c) {
        ContactSink<T>(d, c.pair, T(m.pairs[c.pair].margin)).add_framed(c.active, c.dist, c.pos, c.frame);
      });
      continue;
    }
    const auto way = d.motion.way(group.body1) + d.motion.way(group.body2);
    if (group.tested) {
      const T gap = group_gap<T>(group, d);
      if (!any(gap <= T(0))) {
        d.motion.group_apart(g, way, gap);
        continue;
      }
    }
    bool soon = false;  // some pair must be looked at in the next step
    for (int p = d.motion.next_due(group.begin, group.end, way); p < group.end;
         p = d.motion.next_due(p + 1, group.end, way)) {
      refresh_collider(m, d, d.broadphase.pairs[p].fixed);
      refresh_collider(m, d, d.broadphase.pairs[p].other);
      const T gap = pair_gap<T>(d.broadphase, p, d);
      mask_t<T> on = gap <= T(0);
      if (!any(on)) {
        d.motion.apart(p, way, gap);
        continue;
      }
      const auto& pair = m.pairs[p];
      const Shape<T> a = shape(pair.geom1), b = shape(pair.geom2);
      on = on && finite(a) && finite(b);
      if (!any(on)) {
        soon = true;
        continue;
      }
      ContactSink<T> sink(d, p, T(pair.margin));
      collide_pair(m.geoms[static_cast<std::size_t>(pair.geom1)].type,
                   m.geoms[static_cast<std::size_t>(pair.geom2)].type, a, b, on, sink);
      d.motion.apart(p, way, select(on, sink.apart(), gap));
      soon = soon || d.motion.due(p, way);
    }
    if (!soon) d.motion.group_done(g, group.begin, group.end);
  }
}

}  // namespace detail

template <class T>
BATON_HD void collide(const Model<scalar_t<T>>& m, Data<T>& d) {
  detail::find_contacts(m, d);
  if (d.contacts_missed == 0 || d.fixed_room) return;
#if !defined(__CUDA_ARCH__)
  const int room = static_cast<int>(d.contacts.size());
  d.reserve_contacts(m, std::max(2 * room, d.ncontact + d.contacts_missed));
  detail::find_contacts(m, d);
#endif
}

}  // namespace baton::sim
