#include "envs/kitchen/strategies.hpp"

#include <algorithm>
#include <cmath>

#include "envs/sim/kinematics.hpp"
#include "kernels/error.hpp"

namespace baton::envs {

namespace {

using sim::dot;
using sim::norm;

// Coordinates of the state.
constexpr int kBottomKnobAngle = 11, kTopKnobAngle = 15, kSwitchAngle = 17, kSlidePosition = 19,
              kDoorAngle = 21, kMicrowaveAngle = 22, kKettlePosition = 23, kKettleRotation = 26;

constexpr double kKettleGoalX = -0.23;       // m
constexpr double kOpen = 0.04, kClosed = 0;  // m, grip
constexpr double kHolding = 0.030;           // m: fingers around a handle's bar are closer than this

// Postures that suit an element; they only steer what the pose of the hand leaves free.
constexpr ArmJoints kHome{0.15, -1.4, 1.84, -2.4, 0.26, 0.9, 1.6};
constexpr ArmJoints kAtHood{-1.20, -1.0, 1.42, -2.05, 0, 1.38, 1.03};
constexpr ArmJoints kDoorShut{-1.35, -0.92, 1.44, -1.28, 0, 1.12, 0.95},
    kDoorWide{0.0, -1.05, 0.3, -2.5, -0.2, 1.5, 0.45};
constexpr ArmJoints kMicroShut{-1.33, -1.55, 2.08, -1.55, 0.1, 1.65, 1.38},
    kMicroWide{-0.77, -1.52, 2.08, -1.74, 0.15, 1.65, 1.42};
constexpr ArmJoints kSlideLeft{-0.65, -0.45, 0.60, -2.12, -0.40, 1.78, 0.65},
    kSlideRight{-0.95, -0.35, 0.55, -1.9, -0.3, 1.4, 0.5};
constexpr ArmJoints kKettleNear{-0.45, -1.35, 2.5, -2.53, 0.8, 1.35, 1.7},
    kKettleFar{-1.5, -1.38, 2.38, -2.25, 0.35, 1.68, 1.6};

ArmJoints between(const ArmJoints& a, const ArmJoints& b, double t) {
  ArmJoints r;
  for (int j = 0; j < kArmJoints; ++j) r[j] = a[j] + (b[j] - a[j]) * std::clamp(t, 0.0, 1.0);
  return r;
}

// 0 below a, 1 above b, linear between.
double ramp(double x, double a, double b) { return std::clamp((x - a) / (b - a), 0.0, 1.0); }

Vec3d mix(const Vec3d& a, const Vec3d& b, double t) { return a + (b - a) * t; }

// Turns v by `angle` about the vertical.
Vec3d swung(const Vec3d& v, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return {c * v.x - s * v.y, s * v.x + c * v.y, v.z};
}

Vec3d direction(double azimuth, double elevation) {  // azimuth 0: towards the back wall, positive: right
  return {std::sin(azimuth) * std::cos(elevation), std::cos(azimuth) * std::cos(elevation),
          std::sin(elevation)};
}

Command command(const Vec3d& tip, const Vec3d& pointing, const ArmJoints& posture, double grip,
                double max_step) {
  Command c;
  c.target.tip = tip;
  c.target.pointing = pointing;
  c.target.finger = {1, 0, 0};
  c.target.posture = posture;
  c.target.max_step = max_step;
  c.grip = grip;
  return c;
}

// Where the fingertips are in relation to the line of approach that ends at `contact`.
struct Approach {
  double depth;    // m along the line; 0 at the contact, negative before it
  double lateral;  // m off the line
  Vec3d next;      // where to go now
};

// Come in along `along`: the farther off the line, the farther back; when too deep for that, back off before moving
// sideways. `slack` m off the line are as good as none.
Approach come_in(const Vec3d& tip, const Vec3d& contact, const Vec3d& along, double slack, double distance) {
  const Vec3d u = along * (1 / norm(along)), e = tip - contact;
  Approach a;
  a.depth = dot(e, u);
  const Vec3d off = e - u * a.depth;
  a.lateral = norm(off);
  // A long way round over the stove needs room for the elbow; before the hood too much of it would fold the arm.
  const double far = ramp(a.lateral, 0.15, 0.45) * (0.18 - 0.15 * ramp(tip.z, 2.0, 2.2));
  const double back = std::min(3 * std::max(0.0, a.lateral - slack), distance + far);
  const double too_deep = std::max(0.0, a.depth + back - 0.02);
  const double sideways = 1 - ramp(too_deep, 0.0, 0.05);
  a.next = contact - u * back + off * (1 - sideways);
  return a;
}

// ---- knobs: push the upper end of the bar to the right, following its arc ----
Command turn_knob(bool top, const KitchenPlaces& places, const Scene& s, const Style& style) {
  const Vec3d knob = places.knob[top ? 1 : 0];
  const double angle = -s.state[top ? kTopKnobAngle : kBottomKnobAngle];
  const Vec3d pointing{0.25 + 0.06 * style.side, 0.95, -0.15 + 0.06 * style.lift};
  // A point `gap` to the left of the bar's axis, near its end; never so low as to meet what is underneath.
  auto beside = [&](double a, double gap) {
    return Vec3d{knob.x - gap * std::cos(a) + 0.036 * std::sin(a), knob.y + 0.006 + 0.5 * style.offset.y,
                 knob.z + std::max(0.026, gap * std::sin(a) + 0.036 * std::cos(a))};
  };
  // Anywhere in a band to the left will do to come in.
  const Vec3d e = s.hand.tip - knob;
  const double gap = std::clamp(e.z * std::sin(angle) - e.x * std::cos(angle), 0.036, 0.058);
  const Vec3d start = beside(angle, gap) + Vec3d{0, 0, 0.5 * style.offset.z};
  const Approach a = come_in(s.hand.tip, start, {0.15, 1, 0}, 0.014, 0.10 + 0.02 * style.distance);
  const Vec3d ahead = beside(std::min(angle + 0.9, 1.7), 0.026);
  const double push = ramp(a.depth, -0.03, -0.012) * (1 - ramp(a.lateral, 0.024, 0.036));
  return command(mix(a.next, ahead, push), pointing, kAtHood, kClosed, 0.05);
}

// ---- light switch: push the lever to the left ----
Command flip_switch(const KitchenPlaces& places, const Scene& s, const Style& style) {
  const Vec3d pointing{0.10 + 0.05 * style.side, 1, -0.17 + 0.07 * style.lift};
  const Vec3d lever = places.lever + swung({0.028, -0.069, 0}, s.state[kSwitchAngle]);
  // Clear of the lever, which is 0.021 m thick, by more than a fingertip: who meets its end stays there.
  const Vec3d start{std::clamp(s.hand.tip.x, lever.x + 0.050, lever.x + 0.076),
                    places.lever.y - 0.069 + 0.5 * style.offset.y, places.lever.z + 0.5 * style.offset.z};
  const Approach a = come_in(s.hand.tip, start, {0, 1, 0}, 0.014, 0.10 + 0.02 * style.distance);
  const Vec3d ahead{lever.x - 0.10, start.y - 0.008, start.z};
  const double push = ramp(a.depth, -0.03, -0.012) * (1 - ramp(a.lateral, 0.024, 0.036));
  return command(mix(a.next, ahead, push), pointing, kAtHood, kClosed, 0.05);
}

// ---- slide cabinet: carry the handle to the right ----
Command slide_cabinet(const KitchenPlaces& places, const Scene& s, const Style& style) {
  const double moved = s.state[kSlidePosition];
  const bool door_open = s.state[kDoorAngle] > 0.2;
  const bool closed = style.closed && !door_open;
  const double grip = closed ? kClosed : kOpen;
  const ArmJoints posture = between(kSlideLeft, kSlideRight, moved / 0.35);
  const Vec3d handle = places.slide_handle + Vec3d{moved, 0, -0.09 + 3 * style.offset.z};
  const Vec3d pointing{-0.10 + 0.05 * style.side, 1, 0.02 + 0.04 * style.lift};
  const Vec3d tip = s.hand.tip;
  // The open door is in the way: around its edge. Its handle is on our side, so keep to the right until the end.
  if (door_open && ((tip.x < -0.06 && tip.y < 0.47) || tip.x < -0.2)) {
    const bool clear = tip.y < 0.36;
    return command(clear ? Vec3d{-0.01, 0.31, 2.44} : Vec3d{tip.x, 0.28, tip.z}, pointing, posture, kOpen,
                   0.04);
  }
  const double nearest =
      std::clamp(tip.x - handle.x, -0.080, -0.034);  // pushing: anywhere in a band to the left
  const Vec3d contact = handle + Vec3d{closed ? nearest : 0.008 + style.offset.x, 0.008 + style.offset.y, 0};
  const double bend = door_open ? 0.06 * ramp(contact.y - tip.y, 0.02, 0.10) : 0;
  const Approach a =
      come_in(tip, contact + Vec3d{bend, 0, 0}, {0, 1, 0}, 0.014, 0.10 + 0.02 * style.distance);
  const double push = ramp(a.depth, -0.04, -0.02) * (1 - ramp(a.lateral, 0.035, 0.055));
  Command c =
      command(mix(a.next, Vec3d{handle.x + 0.12, contact.y, contact.z}, push), pointing, posture, grip, 0.05);
  if (push > 0) c.target.pointing = mix(pointing, {moved, 0.9, -0.3 * moved}, push);
  return c;
}

// ---- doors: take the handle, pull it along its arc ----
struct Door {
  Vec3d hinge, handle;  // handle when closed
  double sign, angle;   // opening angle, positive; sign of the turn about the vertical
  double depth;         // m that the fingertips reach beyond the handle's axis
  double distance;      // m before the handle where the approach begins

  Vec3d handle_at(double a) const { return hinge + swung(handle - hinge, sign * a); }
};

Command pull(const Door& door, const Scene& s, const Style& style, const Vec3d& pointing,
             const ArmJoints& posture) {
  const Vec3d offset{style.offset.x, style.offset.y, 3 * style.offset.z};
  const Vec3d hold = door.handle_at(door.angle) + offset + pointing * door.depth;
  const Approach a = come_in(s.hand.tip, hold, pointing, 0.012, door.distance + 0.03 * style.distance);
  const bool around = s.grip < kHolding;  // the fingers touch the bar, or have closed on nothing
  const double closing =
      ramp(kOpen - s.grip, 0.002, 0.010);  // once begun, a slip must be larger to open them again
  const bool reached =
      a.depth > -0.016 - 0.029 * closing && a.lateral < 0.022 + 0.023 * closing && a.depth < 0.04;
  if (!reached) return command(a.next, pointing, posture, kOpen, 0.05);
  if (!around) return command(hold, pointing, posture, kClosed, 0.02);
  const bool first_half = door.angle < 0.45;
  const Vec3d ahead =
      door.handle_at(door.angle + (first_half ? 0.14 : 0.22)) + offset + pointing * door.depth;
  return command(ahead, pointing, posture, kClosed, first_half ? 0.028 : 0.040);
}

Door cabinet_door(const KitchenPlaces& p, std::span<const float> state) {
  return {p.door_hinge, p.door_handle + Vec3d{0, 0, -0.06}, 1, std::max(0.0f, state[kDoorAngle]), 0.018,
          0.12};
}

Door microwave_door(const KitchenPlaces& p, std::span<const float> state) {
  return {p.microwave_hinge,
          p.microwave_handle + Vec3d{0, 0, 0.008},
          -1,
          std::max(0.0f, -state[kMicrowaveAngle]),
          0.028,
          0.12};
}

Command open_cabinet(const KitchenPlaces& places, const Scene& s, const Style& style) {
  const Door door = cabinet_door(places, s.state);
  const double a = door.angle, azimuth = a < 0.6 ? 0.02 + 0.8 * a : std::max(-0.25, 0.5 - 1.2 * (a - 0.6));
  return pull(door, s, style, direction(azimuth, 0.05 + 0.04 * style.lift),
              between(kDoorShut, kDoorWide, a / 1.25));
}

Command open_microwave(const KitchenPlaces& places, const Scene& s, const Style& style) {
  const Door door = microwave_door(places, s.state);
  const double azimuth = -0.45 + 0.07 * style.side - 0.4 * door.angle;
  return pull(door, s, style, direction(azimuth, -0.45), between(kMicroShut, kMicroWide, door.angle / 0.75));
}

// ---- kettle: push it over the stove with closed fingers, low behind it ----
Command push_kettle(const KitchenPlaces&, const Scene& s, const Style& style) {
  const float* k = &s.state[kKettlePosition];
  const double yaw = 2 * s.state[kKettleRotation + 3] * (s.state[kKettleRotation] < 0 ? -1 : 1);
  const Vec3d pointing = direction(0.28 + 0.06 * style.side, -0.61 + 0.05 * style.lift);
  const double face = k[1] - 0.122, height = 1.685 + style.offset.z;  // the kettle's side that looks at us
  // Steer like a cart pushed from behind: the front should point back to the middle of the way, and the side that lags
  // behind that is pushed. (The microwave's corner stands close to the way on the left.)
  const double ahead = std::clamp(-1.8 * (kKettleGoalX - k[0]), -0.35, 0.35);
  const double x = k[0] + 0.004 + style.offset.x + std::clamp(-0.2 * (yaw - ahead), -0.06, 0.06);
  const Vec3d tip = s.hand.tip;
  const double gap = face - tip.y, beside = std::fabs(tip.x - x), above = tip.z - height;
  const ArmJoints posture = between(kKettleNear, kKettleFar, (tip.y - 0.2) / 0.3);
  const double off = std::hypot(tip.x - x, std::min(0.0, gap - 0.03));
  const double aligned =
      (1 - ramp(beside, 0.04, 0.08)) * (1 - ramp(std::fabs(above), 0.03, 0.06)) * ramp(gap, -0.04, -0.02);
  const Vec3d behind{x, face - 0.06 - 0.03 * (1 + style.distance) - 0.06 * ramp(off, 0.05, 0.2),
                     height + std::min(0.22, 1.6 * std::max(0.0, off - 0.04))};
  const Vec3d push{x, tip.y + 0.03, height};
  return command(mix(behind, push, aligned), pointing, posture, kClosed, aligned > 0.5 ? 0.025 : 0.05);
}

// On the way up from the stove the hand cannot point straight ahead before it is high enough: the wrist would run into
// its limit and the elbow fold the wrong way. Point down as long as the hand is low.
void rise(const Scene& s, Command& c) {
  const double high = ramp(s.hand.tip.z, 1.72, 2.12);
  if (high >= 1) return;
  c.target.pointing = mix({0.15, 0.80, -0.55}, c.target.pointing, high);
  c.target.posture =
      between(between(kKettleNear, kKettleFar, (s.hand.tip.y - 0.2) / 0.3), c.target.posture, high);
}

// The fingers are around, or right before, a handle that is not wanted now: open them, then draw back.
bool let_go(const Vec3d& handle, double half_height, const Scene& s, Command& c) {
  const Vec3d tip = s.hand.tip, z = s.hand.rotation.col(2);
  if (std::fabs(tip.z - handle.z) > half_height) return false;
  const double flat = std::max(0.3, std::hypot(z.x, z.y));
  const Vec3d e{tip.x - handle.x, tip.y - handle.y, 0};
  const double beyond = (e.x * z.x + e.y * z.y) / flat, off = std::fabs(e.x * z.y - e.y * z.x) / flat;
  if (beyond < -0.035 || beyond > 0.08 || off > 0.05) return false;
  c.grip = kOpen;
  c.target.tip = s.grip > 0.031 || off > 0.035 ? tip - z * 0.10 : tip;
  c.target.pointing = z;
  c.target.finger = s.hand.rotation.col(1);
  c.target.max_step = 0.04;
  return true;
}

}  // namespace

KitchenPlaces::KitchenPlaces(const sim::Model<double>& model) {
  sim::Data<double> d(model);
  sim::kinematics(model, d);
  auto geom = [&](const char* name) {
    const int id = model.geom_id(name);
    BATON_REQUIRE(id >= 0, "kitchen model: no geom named '{}'", name);
    return sim::geom_pose(model, d, id).pos;
  };
  auto anchor = [&](const char* name) {
    const int id = model.joint_id(name);
    BATON_REQUIRE(id >= 0, "kitchen model: no joint named '{}'", name);
    return d.xanchor[id];
  };
  knob = {geom("knob_2_bar"), geom("knob_4_bar")};
  lever = anchor("light_switch");
  slide_handle = geom("slide_handle");
  door_hinge = anchor("right_hinge_cabinet");
  door_handle = geom("right_handle");
  microwave_hinge = anchor("microwave");
  microwave_handle = geom("microwave_handle");
}

namespace {

// How far the element has come in the direction wanted, and the point that the hand works at.
struct Progress {
  double amount;
  double enough, still_enough;  // wanted while the hand works at it; good enough once the hand is elsewhere
  Vec3d place;
};

Progress progress(int element, const KitchenPlaces& p, std::span<const float> state, double stop) {
  switch (element) {
    case kBottomKnob:
      return {-state[kBottomKnobAngle], 0.80 + 0.15 * stop, 0.66, p.knob[0]};
    case kTopKnob:
      return {-state[kTopKnobAngle], 0.80 + 0.15 * stop, 0.70, p.knob[1]};
    case kSwitch:
      return {-state[kSwitchAngle], 0.58, 0.48, p.lever + Vec3d{0, -0.07, 0}};
    case kSlide: {
      const double moved = state[kSlidePosition];
      return {moved, 0.26 + 0.10 * stop, 0.15, p.slide_handle + Vec3d{moved, 0, -0.09}};
    }
    case kHinge: {
      const Door door = cabinet_door(p, state);
      return {door.angle, 1.25 + 0.10 * stop, 1.21, door.handle_at(door.angle)};
    }
    case kMicrowave: {
      const Door door = microwave_door(p, state);
      return {door.angle, 0.66 + 0.15 * stop, 0.54, door.handle_at(door.angle)};
    }
    case kKettle: {
      const float* k = &state[kKettlePosition];
      return {k[1], 0.63 + 0.08 * stop, 0.58, {k[0], k[1] - 0.122, k[2] + 0.065}};
    }
    default:
      baton::fail("kitchen: no element {}", element);
  }
}

}  // namespace

bool satisfied(int element, const KitchenPlaces& places, const Scene& scene, const Style& style) {
  const Progress p = progress(element, places, scene.state, style.stop);
  const bool at_work = norm(scene.hand.tip - p.place) < 0.10;
  return p.amount > (at_work ? p.enough : p.still_enough);
}

Command handle_element(int element, const KitchenPlaces& places, const Scene& s, const Style& style) {
  Command c;
  switch (element) {
    case kBottomKnob:
      c = turn_knob(false, places, s, style);
      break;
    case kTopKnob:
      c = turn_knob(true, places, s, style);
      break;
    case kSwitch:
      c = flip_switch(places, s, style);
      break;
    case kSlide:
      c = slide_cabinet(places, s, style);
      break;
    case kHinge:
      c = open_cabinet(places, s, style);
      break;
    case kMicrowave:
      c = open_microwave(places, s, style);
      break;
    case kKettle:
      c = push_kettle(places, s, style);
      break;
    default:
      baton::fail("kitchen: no element {}", element);
  }
  if (element != kMicrowave && element != kKettle) rise(s, c);
  const Door door = cabinet_door(places, s.state), micro = microwave_door(places, s.state);
  const Vec3d slide = places.slide_handle + Vec3d{s.state[kSlidePosition], 0, 0};
  if (element != kHinge && let_go(door.handle_at(door.angle), 0.20, s, c)) return c;
  if (element != kMicrowave && let_go(micro.handle_at(micro.angle), 0.17, s, c)) return c;
  if (element != kSlide) let_go(slide, 0.16, s, c);
  return c;
}

Command rest(const Scene& s, const KitchenPlaces& places) {
  Command c = command({-0.25, 0.42, s.hand.tip.z}, {0.1, 1, -0.1}, kHome, kOpen, 0.02);
  const Door door = cabinet_door(places, s.state), micro = microwave_door(places, s.state);
  const Vec3d slide = places.slide_handle + Vec3d{s.state[kSlidePosition], 0, 0};
  if (let_go(door.handle_at(door.angle), 0.20, s, c) || let_go(micro.handle_at(micro.angle), 0.17, s, c))
    return c;
  let_go(slide, 0.16, s, c);
  return c;
}

}  // namespace baton::envs
