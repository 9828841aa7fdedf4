#include "envs/kitchen/arm.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"

namespace baton::envs {

namespace {

using sim::cross;
using sim::dot;
using sim::norm;
using sim::rotate;

constexpr double kFingertip = 0.043;     // m beyond the site, along the pointing direction
constexpr double kRotationWeight = 0.3;  // m per rad: how a turn counts against a shift
constexpr double kDamping = 4e-4;        // m^2: keeps the joints quiet near singular poses
// Share of the way to the posture per iteration. Joints 5 and 7 turn against each other almost for nothing where the
// hand points along the forearm; left alone they drift until the wrist is upside down.
constexpr ArmJoints kPostureGain{0.05, 0.05, 0.05, 0.05, 0.15, 0.05, 0.15};
constexpr double kPostureStep = 0.05;  // rad per iteration at most: posture must not take the hand's speed
constexpr double kLimitMargin = 0.02;  // rad
constexpr int kIterations = 4;

// The actuators' targets may not leave these, whatever the joints' own ranges (paper's environment).
constexpr ArmJoints kTargetLow{-2.9, -1.8, -2.9, -3.1, -2.9, 0, -2.9};
constexpr ArmJoints kTargetHigh{2.9, 1.8, 2.9, 0, 2.9, 3.8, 2.9};

using Matrix6 = Eigen::Matrix<double, 6, 6>;
using Matrix67 = Eigen::Matrix<double, 6, 7>;
using Vector6 = Eigen::Matrix<double, 6, 1>;
using Vector7 = Eigen::Matrix<double, 7, 1>;

Vec3d unit(const Vec3d& v) { return v * (1 / std::max(norm(v), 1e-12)); }

// Rotation vector (axis times angle, world axes) that brings `from` onto `to`.
Vec3d rotation_between(const Mat3d& from, const Mat3d& to) {
  Mat3d r;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) r(i, j) = dot(to.row(i), from.row(j));
  const Vec3d twice{r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)};
  const double sine = 0.5 * norm(twice), cosine = 0.5 * (r(0, 0) + r(1, 1) + r(2, 2) - 1);
  const double angle = std::atan2(sine, cosine);
  if (sine < 1e-9) return angle < 1 ? Vec3d{0, 0, 0} : Vec3d{0, 0, angle};  // half a turn: any axis will do
  return twice * (0.5 * angle / sine);
}

Mat3d frame_of(const Vec3d& pointing, const Vec3d& finger) {
  const Vec3d z = unit(pointing), y = unit(finger - z * dot(finger, z)), x = cross(y, z);
  return {{x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z}};
}

Mat3d turned(const Mat3d& r, const Vec3d& rotation_vector) {
  const double angle = norm(rotation_vector);
  if (angle < 1e-12) return r;
  return sim::rotation(sim::axis_angle(rotation_vector * (1 / angle), angle)) * r;
}

Vec3d shortened(const Vec3d& v, double length) {
  const double n = norm(v);
  return n > length ? v * (length / n) : v;
}

// Joint steps for the pose error e, with the posture's pull in what the pose leaves free; a joint that would leave
// [low, high] is held and the others solve again.
Vector7 bounded_step(const Matrix67& jacobian, const Vector6& e, const Vector7& posture, const Vector7& low,
                     const Vector7& high) {
  Matrix67 free = jacobian;
  std::array<bool, kArmJoints> held{};
  Vector7 dq;
  for (int pass = 0; pass < 4; ++pass) {
    const Matrix6 a = free * free.transpose() + kDamping * Matrix6::Identity();
    const Matrix67 s = a.ldlt().solve(free);
    dq = s.transpose() * e + posture - s.transpose() * (free * posture);
    bool again = false;
    for (int c = 0; c < kArmJoints; ++c) {
      if (held[c]) {
        dq[c] = 0;
      } else if (dq[c] < std::min(low[c], 0.0) || dq[c] > std::max(high[c], 0.0)) {
        held[c] = again = true;
        free.col(c).setZero();
      }
    }
    if (!again) break;
  }
  for (int c = 0; c < kArmJoints; ++c)
    if (held[c]) dq[c] = 0;
  return dq;
}

}  // namespace

struct Arm::Frames {
  std::array<Vec3d, kArmJoints> anchor, axis, com;  // of each joint; centre of mass of the link behind it
  ArmPose hand;
  Vec3d carried;
};

Arm::Arm(const sim::Model<double>& model) : gravity_(model.option.gravity) {
  const int site = model.site_id("end_effector");
  BATON_REQUIRE(site >= 0, "arm: the model has no site named end_effector");
  const int hand = model.sites[site].body;
  std::vector<int> chain;
  for (int b = hand; b > 0; b = model.bodies[b].parent) chain.push_back(b);
  std::reverse(chain.begin(), chain.end());
  int joints = 0;
  for (const int b : chain) {
    const auto& body = model.bodies[b];
    Link link{body.pos, body.quat, -1, {0, 0, 1}, body.mass, body.ipos};
    if (body.joints > 0) {
      const auto& joint = model.joints[body.joint];
      BATON_REQUIRE(body.joints == 1 && joint.type == sim::JointType::kHinge && joint.qpos == joints &&
                        joints < kArmJoints && norm(joint.pos) == 0,
                    "arm: body '{}' must carry hinge {} through its origin and no other joint", body.name,
                    joints);
      link.joint = joints;
      link.axis = joint.axis;
      low_[joints] = std::max(joint.range[0], kTargetLow[joints]) + kLimitMargin;
      high_[joints] = std::min(joint.range[1], kTargetHigh[joints]) - kLimitMargin;
      stiffness_[joints] = -1;
      for (const auto& actuator : model.actuators)
        if (actuator.joint == body.joint) stiffness_[joints] = actuator.gain[0];
      BATON_REQUIRE(stiffness_[joints] > 0, "arm: joint '{}' has no position actuator", joint.name);
      ++joints;
    }
    links_.push_back(link);
  }
  BATON_REQUIRE(joints == kArmJoints, "arm: {} hinges up to end_effector, expected {}", joints, kArmJoints);
  for (const auto& body : model.bodies) {
    if (body.parent != hand) continue;
    carried_com_ += (body.pos + rotate(body.quat, body.ipos)) * body.mass;
    carried_mass_ += body.mass;
  }
  if (carried_mass_ > 0) carried_com_ *= 1 / carried_mass_;
  site_pos_ = model.sites[site].pos;
  site_quat_ = model.sites[site].quat;
}

void Arm::frames(const ArmJoints& q, Frames& out) const {
  Vec3d pos{0, 0, 0};
  sim::Quat<double> quat{1, 0, 0, 0};
  for (const Link& link : links_) {
    pos += rotate(quat, link.pos);
    quat = quat * link.quat;
    if (link.joint < 0) continue;
    out.anchor[link.joint] = pos;
    out.axis[link.joint] = rotate(quat, link.axis);
    quat = quat * sim::axis_angle(link.axis, q[link.joint]);
    out.com[link.joint] = pos + rotate(quat, link.com);
  }
  out.hand.rotation = sim::rotation(quat * site_quat_);
  out.hand.tip = pos + rotate(quat, site_pos_) + out.hand.rotation.col(2) * kFingertip;
  out.carried = pos + rotate(quat, carried_com_);
}

ArmPose Arm::pose(const ArmJoints& q) const {
  Frames f;
  frames(q, f);
  return f.hand;
}

ArmJoints Arm::gravity_load(const ArmJoints& q) const {
  Frames f;
  frames(q, f);
  ArmJoints load{};
  Vec3d moment = cross(f.carried, gravity_ * carried_mass_), force = gravity_ * carried_mass_;
  for (std::size_t k = links_.size(); k-- > 0;) {
    const Link& link = links_[k];
    if (link.joint < 0) continue;
    force += gravity_ * link.mass;
    moment += cross(f.com[link.joint], gravity_ * link.mass);
    load[link.joint] = -dot(f.axis[link.joint], moment - cross(f.anchor[link.joint], force));
  }
  return load;
}

ArmJoints Arm::approach(const ArmJoints& start, const ArmTarget& target) const {
  ArmJoints q = start;
  Frames f;
  frames(q, f);
  const Vec3d goal_tip = f.hand.tip + shortened(target.tip - f.hand.tip, target.max_step);
  const Vec3d turn = rotation_between(f.hand.rotation, frame_of(target.pointing, target.finger));
  const Mat3d goal_rotation = turned(f.hand.rotation, shortened(turn, target.max_turn));
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    Matrix67 jacobian;
    Vector7 posture, low, high;
    for (int c = 0; c < kArmJoints; ++c) {
      const Vec3d v = cross(f.axis[c], f.hand.tip - f.anchor[c]);
      for (int r = 0; r < 3; ++r) {
        jacobian(r, c) = v[r];
        jacobian(r + 3, c) = kRotationWeight * f.axis[c][r];
      }
      posture[c] = std::clamp(kPostureGain[c] * (target.posture[c] - q[c]), -kPostureStep, kPostureStep);
      low[c] = low_[c] - q[c];
      high[c] = high_[c] - q[c];
    }
    const Vec3d shift = goal_tip - f.hand.tip,
                spin = rotation_between(f.hand.rotation, goal_rotation) * kRotationWeight;
    Vector6 e;
    e << shift.x, shift.y, shift.z, spin.x, spin.y, spin.z;
    const Vector7 dq = bounded_step(jacobian, e, posture, low, high);
    for (int c = 0; c < kArmJoints; ++c) q[c] += dq[c];
    frames(q, f);
  }
  return q;
}

}  // namespace baton::envs
