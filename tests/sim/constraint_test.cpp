// Rows of constraints: J, D and reference acceleration against MuJoCo's, row by row, given MuJoCo's contacts.
#include <doctest/doctest.h>

#include <span>

#include "tests/sim/constraint_scene.hpp"

using namespace baton;
using namespace baton::sim;
using baton::test::check_close;

namespace {

#ifdef BATON_HAVE_MUJOCO
// Compares all rows of `seeds` random states; returns how many rows there were.
int compare_rows(const char* xml, unsigned seeds, double spread) {
  auto o = test::Oracle::from_text(xml);
  test::tighten(o);
  Data<double> d(o.model);
  int rows = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    o.random_state(seed, d, spread);
    mj_forward(o.m, o.d);
    test::forward_with_their_contacts(o, d);
    const auto n = static_cast<std::size_t>(o.d->nefc), nv = static_cast<std::size_t>(o.model.nv);
    REQUIRE(d.efc.nrow == o.d->nefc);
    CHECK(d.efc.nequality == o.d->ne);
    CHECK(d.efc.nfriction == o.d->nf);
    const auto J = test::dense_jacobian(o.model, d.efc);
    check_close(std::span(J), std::span(o.d->efc_J, n * nv), 1e-9, 1e-10, "J");
    check_close(std::span(d.efc.D.data(), n), std::span(o.d->efc_D, n), 1e-9, 1e-10, "D");
    check_close(std::span(d.efc.aref.data(), n), std::span(o.d->efc_aref, n), 1e-9, 1e-8, "aref");
    rows += d.efc.nrow;
  }
  return rows;
}
#endif

}  // namespace

TEST_CASE("rows of equalities, friction loss and limits equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  CHECK(compare_rows(test::kJointsScene, 40, 1.0) > 40 * 5);
#endif
}

TEST_CASE("rows of contacts of every dimension equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  CHECK(compare_rows(test::kContactsScene, 60, 0.05) > 60 * 4);
#endif
}

TEST_CASE("rows of elliptic cones equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  CHECK(compare_rows(test::read_text(test::model_path("elliptic.xml")).c_str(), 60, 0.05) > 60 * 4);
#endif
}

TEST_CASE("rows of connects and welds equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  const std::string xml = test::read_text(test::model_path("equality.xml"));
  CHECK(compare_rows(xml.c_str(), 40, 0.3) >= 40 * 31);
#endif
}

TEST_CASE("a limit in one lane leaves the other lanes without force") {
  const Model<float> m = to_float(mjcf::parse(test::kJointsScene, "scene"));
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
