#pragma once
// A state that left sane bounds, and what becomes of it (batch.hpp).
#include "envs/sim/data.hpp"

namespace baton::sim {

// Is the environment's state within bounds after a step, and are its controls numbers? What stands still (rest.hpp) was
// within when it came to rest.
template <class T>
BATON_HD mask_t<T> is_sane(const Data<T>& d, scalar_t<T> max_position, scalar_t<T> max_velocity) {
  mask_t<T> sane(true);
  for (const T& c : d.ctrl) sane = sane && c == c;  // clipping to a range may have hidden a NaN
  for (const int k : d.rest.awake().coordinates) sane = sane && abs(d.qpos[k]) <= T(max_position);
  for (const int i : d.rest.awake().dofs) sane = sane && abs(d.qvel[i]) <= T(max_velocity);
  return sane;
}

// Puts those that are not `sane` to the state reset_qpos(i), reset_qvel(i), with no warm start.
template <class T, class Qpos, class Qvel>
BATON_HD void put_back(Data<T>& d, mask_t<T> sane, Qpos&& reset_qpos, Qvel&& reset_qvel) {
  for (std::size_t i = 0; i < d.qpos.size(); ++i) d.qpos[i] = select(sane, d.qpos[i], reset_qpos(i));
  for (std::size_t i = 0; i < d.qvel.size(); ++i) {
    d.qvel[i] = select(sane, d.qvel[i], reset_qvel(i));
    d.qacc_warmstart[i] = select(sane, d.qacc_warmstart[i], T(scalar_t<T>(0)));
  }
}

}  // namespace baton::sim
