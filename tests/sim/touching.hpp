#pragma once
// What touches what in a scene, in ours and in MuJoCo's eyes, for the tests of collision over whole models.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "envs/sim/kinematics.hpp"
#include "tests/sim/mujoco_oracle.hpp"
#include "tests/sim/step_instances.hpp"

#ifdef BATON_HAVE_MUJOCO
namespace baton::test {

struct Hit {
  double dist;
  sim::Vec3<double> pos, normal;
};
struct Touch {
  std::vector<Hit> ours, theirs;
};
using Touches = std::map<std::pair<int, int>, Touch>;  // by geom 1, geom 2

// Collides both at the state in d.
inline Touches touching(Oracle& o, sim::Data<double>& d) {
  o.copy_state(d);
  mj_kinematics(o.m, o.d);
  mj_comPos(o.m, o.d);
  mj_collision(o.m, o.d);
  sim::kinematics(o.model, d);
  sim::collide(o.model, d);
  Touches t;
  for (int k = 0; k < d.ncontact; ++k) {
    const auto& c = d.contacts[static_cast<std::size_t>(k)];
    const auto& pair = o.model.pairs[static_cast<std::size_t>(c.pair)];
    t[{pair.geom1, pair.geom2}].ours.push_back({c.dist, c.pos, c.frame.row(0)});
  }
  for (int k = 0; k < o.d->ncon; ++k) {
    const mjContact& c = o.d->contact[k];
    t[{c.geom[0], c.geom[1]}].theirs.push_back(
        {c.dist, {c.pos[0], c.pos[1], c.pos[2]}, {c.frame[0], c.frame[1], c.frame[2]}});
  }
  return t;
}

inline Hit deepest(const std::vector<Hit>& hits) {
  return *std::min_element(hits.begin(), hits.end(),
                           [](const Hit& a, const Hit& b) { return a.dist < b.dist; });
}

}  // namespace baton::test
#endif
