// Rows of constraints in lanes. (Against MuJoCo: fidelity_test.cpp.)
#include <doctest/doctest.h>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("a limit in one lane leaves the other lanes without force") {
  const Model<float> m = to_float(mjcf::load(test::model_path("couplings.xml")));
  using L = Lanes<float, 4>;
  Data<L> d(m);
  const auto slider = m.joints[static_cast<std::size_t>(m.joint_id("s"))];
  d.qpos[slider.qpos].set(2, 0.2f);
  kinematics(m, d);
  make_constraints(m, d);
  int limits = 0;
  for (int r = d.efc.nequality + d.efc.nfriction; r < d.efc.nrow; ++r, ++limits)
    for (int lane = 0; lane < 4; ++lane) CHECK((d.efc.D[r][lane] > 0) == (lane == 2));
  CHECK(limits == 1);
}
