#pragma once
// The kitchen's arm by itself: the kinematic chain from the model's root to its end_effector site, differential
// inverse kinematics and the load that gravity puts on each joint. Small enough to be asked many times per action.
#include <array>
#include <vector>

#include "envs/sim/model.hpp"

namespace baton::envs {

using Vec3d = sim::Vec3<double>;
using Mat3d = sim::Mat3<double>;

inline constexpr int kArmJoints = 7;
using ArmJoints = std::array<double, kArmJoints>;

// Where the fingertips are: 4.3 cm beyond the end_effector site. rotation's columns: hand x, finger axis, pointing
// direction.
struct ArmPose {
  Vec3d tip;
  Mat3d rotation;
};

struct ArmTarget {
  Vec3d tip;               // m
  Vec3d pointing, finger;  // wanted pointing direction and finger axis; need be neither unit nor orthogonal
  ArmJoints posture;       // wanted where the pose leaves the joints a choice
  double max_step = 0.03;  // m the fingertips may move at most
  double max_turn = 0.08;  // rad
};

class Arm {
 public:
  // The model's first seven joints are the arm's; throws Error when the chain is not one of hinges.
  explicit Arm(const sim::Model<double>& model);

  ArmPose pose(const ArmJoints& q) const;

  // N m that the actuators must hold against gravity.
  ArmJoints gravity_load(const ArmJoints& q) const;

  // Joint angles a bounded step nearer to the target: damped least squares on the pose, posture in the null space,
  // joint ranges kept with 0.02 rad to spare. Buss, "Introduction to inverse kinematics with Jacobian transpose,
  // pseudoinverse and damped least squares methods", 2004.
  ArmJoints approach(const ArmJoints& q, const ArmTarget& target) const;

  double stiffness(int joint) const { return stiffness_[static_cast<std::size_t>(joint)]; }  // kp, N m / rad

 private:
  struct Link {
    Vec3d pos;  // in the previous link's frame
    sim::Quat<double> quat;
    int joint = -1;  // hinge that moves it, about `axis` through its origin
    Vec3d axis;
    double mass = 0;
    Vec3d com;  // in the link's own frame
  };
  struct Frames;
  void frames(const ArmJoints& q, Frames& out) const;

  std::vector<Link> links_;
  double carried_mass_ = 0;  // the fingers, taken as fixed to the last link
  Vec3d carried_com_{};
  Vec3d site_pos_;
  sim::Quat<double> site_quat_;
  Vec3d gravity_;
  ArmJoints low_, high_, stiffness_;
};

}  // namespace baton::envs
