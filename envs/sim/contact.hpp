#pragma once
// A contact of the tile, as collide() finds it.
#include "envs/sim/number.hpp"
#include "envs/sim/spatial.hpp"

namespace baton::sim {

// Contact slot: one geom pair's k-th contact point, shared by all lanes; a lane without it has active = false.
template <class T>
struct Contact {
  int pair = 0;        // index into Model::pairs
  mask_t<T> active{};  // lanes in which dist < margin
  T dist{};            // m, negative when penetrating
  Vec3<T> pos{};       // m, midpoint between the surfaces
  Mat3<T> frame{};     // rows: normal (from geom1 to geom2), tangent 1, tangent 2
};

inline constexpr int kMaxContacts =
    1000;  // of an environment; its own contacts beyond are dropped and counted
inline constexpr int kFirstContacts =
    24;  // slots to start with; Data grows when a tile needs more (collide.hpp)

}  // namespace baton::sim
