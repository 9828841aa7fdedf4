// Scenes that everybody knows the outcome of, in double and in lanes of float.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/sim/mujoco_oracle.hpp"
#include "tests/sim/step_instances.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

using L4 = Lanes<float, 4>;

template <class T>
struct Scene {
  using S = scalar_t<T>;
  static constexpr int kLanes = width_v<T>;
  Model<S> m;
  Data<T> d;

  explicit Scene(const Model<double>& model) : m(convert(model)), d(m) {}
  static Scene file(const std::string& name) { return Scene(mjcf::load(test::model_path(name))); }
  static Scene text(const std::string& xml) { return Scene(mjcf::parse(xml, "scene.xml")); }

  void run(int steps) {
    for (int k = 0; k < steps; ++k) step(m, d);
  }
  void control(const std::string& actuator, int l, double value) {
    set_lane(d.ctrl[m.actuator_id(actuator)], l, static_cast<S>(value));
  }
  void control(const std::string& actuator, double value) {
    for (int l = 0; l < kLanes; ++l) control(actuator, l, value);
  }
  double q(int i, int l) const { return static_cast<double>(lane(d.qpos[i], l)); }
  double v(int i, int l) const { return static_cast<double>(lane(d.qvel[i], l)); }
  double joint(const std::string& name, int l) const { return q(m.joints[m.joint_id(name)].qpos, l); }

 private:
  static Model<S> convert(const Model<double>& model) {
    if constexpr (std::is_same_v<S, double>)
      return model;
    else
      return to_float(model);
  }
};

// The floor is level; gravity leans by the slope `tangent` along x turned by `heading` (rad).
std::string on_a_slope(double tangent, double heading, const std::string& body) {
  const double c = 1 / std::sqrt(1 + tangent * tangent), s = tangent * c * 9.81;
  return fmt::format(
      "<mujoco><option timestep='0.002' gravity='{:.17g} {:.17g} {:.17g}'/><worldbody>"
      "<geom type='plane' size='5 5 .1' friction='0.5'/>{}</worldbody></mujoco>",
      s * std::cos(heading), s * std::sin(heading), -9.81 * c, body);
}

}  // namespace

TEST_CASE_TEMPLATE("a stack of five boxes stands for three seconds", T, double, L4) {
  auto s = Scene<T>::file("stack.xml");
  s.run(250);
  const auto settled = s.d.qpos;
  s.run(1500);
  for (int l = 0; l < s.kLanes; ++l)
    for (int b = 0; b < 5; ++b) {
      CAPTURE(b);
      for (int k = 0; k < 3; ++k)
        CHECK(std::fabs(s.q(7 * b + k, l) - static_cast<double>(lane(settled[7 * b + k], l))) < 5e-4);
      for (int k = 0; k < 6; ++k) CHECK(std::fabs(s.v(6 * b + k, l)) < 5e-3);
      CHECK(std::fabs(s.q(7 * b + 2, l) - static_cast<double>(s.m.qpos0[7 * b + 2])) < 2e-3);
    }
}

TEST_CASE_TEMPLATE("a door with a latch of friction opens only above its force", T, double, L4) {
  for (const bool opens : {false, true}) {
    auto s = Scene<T>::file("latch.xml");
    for (int l = 0; l < s.kLanes; ++l) {
      s.control("door", l, opens ? 2.3 + 0.2 * l : 1.9 - 0.3 * l);    // N m against 2
      s.control("drawer", l, opens ? 6.0 + 0.5 * l : 4.6 - 0.5 * l);  // N against 5
    }
    s.run(500);
    for (int l = 0; l < s.kLanes; ++l) {
      CAPTURE(l);
      CHECK((s.joint("door", l) > 0.5) == opens);
      CHECK((s.joint("drawer", l) > 0.1) == opens);
      if (!opens) CHECK(std::fabs(s.joint("door", l)) < 0.03);
      if (!opens) CHECK(std::fabs(s.joint("drawer", l)) < 0.004);
    }
    s.control("door", 0.0);
    s.control("drawer", 0.0);
    s.run(500);
    const double door = s.joint("door", 0);
    s.run(250);
    CHECK(std::fabs(s.joint("door", 0) - door) < 1e-3);  // and stays where it is let go
  }
}

TEST_CASE_TEMPLATE("a gripper that closes on its handle lifts a kettle, one that does not leaves it", T,
                   double, L4) {
  for (const bool closes : {true, false}) {
    auto s = Scene<T>::file("gripper.xml");
    const int kettle = s.m.joints[s.m.joint_id("kettle")].qpos;
    s.control("lift", 0.0);
    for (const char* finger : {"left", "right"}) s.control(finger, closes ? 0.04 : 0.0);
    s.run(250);
    const double start = s.q(kettle + 2, 0);
    for (int k = 1; k <= 400; ++k) {
      s.control("lift", 0.2 * k / 400);
      s.run(1);
    }
    s.run(500);
    for (int l = 0; l < s.kLanes; ++l) {
      const double risen = s.q(kettle + 2, l) - start;
      CAPTURE(risen);
      CHECK((risen > 0.17) == closes);
      if (!closes) CHECK(std::fabs(risen) < 0.003);
      CHECK(std::fabs(s.q(kettle + 3, l)) > 0.98);  // upright
    }
  }
}

TEST_CASE_TEMPLATE("a ball thrown along the floor ends up rolling, with five sevenths of its speed", T,
                   double, L4) {
  auto s = Scene<T>::text(
      on_a_slope(0, 0, "<body pos='0 0 .0999'><freejoint/><geom size='.1' friction='.5'/></body>"));
  for (int l = 0; l < s.kLanes; ++l) set_lane(s.d.qvel[0], l, static_cast<scalar_t<T>>(1 + l));
  s.run(1000);  // Coulomb friction 0.5 g ends the slip of the fastest after 2 v0 / (7 mu g) = 0.25 s
  for (int l = 0; l < s.kLanes; ++l) {
    CAPTURE(l);
    CHECK(std::fabs(s.v(0, l) - 5.0 / 7.0 * (1 + l)) < 0.01 * (1 + l));
    const Quat<double> turn{s.q(3, l), s.q(4, l), s.q(5, l), s.q(6, l)};
    const Vec3<double> spin = rotate(normalized(turn), Vec3<double>{s.v(3, l), s.v(4, l), s.v(5, l)});
    CHECK(std::fabs(spin.y * 0.1 - s.v(0, l)) < 1e-3 * (1 + l));
  }
}

TEST_CASE("a ball rolls down a slope with five sevenths of gravity's pull") {
  auto s = Scene<double>::text(
      on_a_slope(0.3, 0, "<body pos='0 0 .0999'><freejoint/><geom size='.1' friction='.5'/></body>"));
  s.run(500);
  const double expected = 5.0 / 7.0 * 9.81 * 0.3 / std::sqrt(1.09) * 1.0;
  CHECK(std::fabs(s.v(0, 0) - expected) < 0.01 * expected);
}

// The edges of a pyramid of friction lie along the contact's tangents: it holds mu along them, mu / sqrt(2) between.
TEST_CASE_TEMPLATE("a box slides where the slope leaves the pyramid of friction", T, double, L4) {
  const char* box =
      "<body pos='0 0 .0499'><freejoint/><geom type='box' size='.2 .2 .05' friction='.5'/></body>";
  for (const double heading : {0.0, 0.5 * M_PI, 0.25 * M_PI}) {
    const double limit = heading == 0.25 * M_PI ? 0.5 / std::sqrt(2.0) : 0.5;
    for (const bool slides : {false, true}) {
      auto s = Scene<T>::text(on_a_slope(limit * (slides ? 1.15 : 0.9), heading, box));
      s.run(500);
      const double speed = std::hypot(s.v(0, 0), s.v(1, 0));
      CAPTURE(heading);
      CAPTURE(speed);
      if (slides) CHECK(speed > 0.2);
      if (!slides) CHECK(speed < 0.02);  // soft contacts creep
    }
  }
}
