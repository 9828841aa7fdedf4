#include "envs/kitchen/kitchen_model.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::envs {
namespace {

using Model = sim::Model<double>;
using sim::JointType;

struct KnownJoint {
  const char *own, *original;  // names in kitchen.xml and kitchen_env_model.xml
  JointType type;
};

// In the order of qpos.
constexpr KnownJoint kJoints[] = {
    {"arm_1", "robot:panda0_joint1", JointType::kHinge},
    {"arm_2", "robot:panda0_joint2", JointType::kHinge},
    {"arm_3", "robot:panda0_joint3", JointType::kHinge},
    {"arm_4", "robot:panda0_joint4", JointType::kHinge},
    {"arm_5", "robot:panda0_joint5", JointType::kHinge},
    {"arm_6", "robot:panda0_joint6", JointType::kHinge},
    {"arm_7", "robot:panda0_joint7", JointType::kHinge},
    {"finger_1", "robot:panda0_finger_joint1", JointType::kSlide},
    {"finger_2", "robot:panda0_finger_joint2", JointType::kSlide},
    {"knob_1", "knob_Joint_1", JointType::kHinge},
    {"burner_1", "bottom_right_burner", JointType::kSlide},
    {"knob_2", "knob_Joint_2", JointType::kHinge},
    {"burner_2", "bottom_left_burner", JointType::kSlide},
    {"knob_3", "knob_Joint_3", JointType::kHinge},
    {"burner_3", "top_right_burner", JointType::kSlide},
    {"knob_4", "knob_Joint_4", JointType::kHinge},
    {"burner_4", "top_left_burner", JointType::kSlide},
    {"light_switch", "light_switch", JointType::kHinge},
    {"light", "light_joint", JointType::kSlide},
    {"slide_cabinet", "slide_cabinet", JointType::kSlide},
    {"left_hinge_cabinet", "left_hinge_cabinet", JointType::kHinge},
    {"right_hinge_cabinet", "right_hinge_cabinet", JointType::kHinge},
    {"microwave", "microwave", JointType::kHinge},
    {"kettle", "kettle", JointType::kFree},
};
constexpr double kTimestep = 0.002;  // s; kKitchenSubsteps of them make an action

const char* kind(JointType type) {
  switch (type) {
    case JointType::kFree:
      return "free";
    case JointType::kBall:
      return "ball";
    case JointType::kSlide:
      return "slide";
    case JointType::kHinge:
      return "hinge";
  }
  return "?";
}

// FrankaKitchen-v1's init_qpos.
constexpr std::array<double, kKitchenStateDim> kResetPose{
    1.48388023e-01,  -1.76848573e+00, 1.84390296e+00,  -2.47685760e+00, 2.60252026e-01,  7.12533105e-01,
    1.59515394e+00,  4.79267505e-02,  3.71350919e-02,  -2.66279850e-04, -5.18043486e-05, 3.12877220e-05,
    -4.51199853e-05, -3.90842156e-06, -4.22629655e-05, 6.28065475e-05,  4.04984708e-05,  4.62730939e-04,
    -2.26906415e-04, -4.65501369e-04, -6.44129196e-03, -1.77048263e-03, 1.08009684e-03,  -2.69397440e-01,
    3.50383255e-01,  1.61944683e+00,  1.00618764e+00,  4.06395120e-03,  -6.62095997e-03, -2.68278933e-04};

std::string file_of(const Model& m) { return printable(m.file, 4096); }

void check_joints(const Model& m) {
  int place = 0;
  for (const KnownJoint& known : kJoints) {
    const int by_own = m.joint_id(known.own), id = by_own >= 0 ? by_own : m.joint_id(known.original);
    BATON_REQUIRE(id >= 0, "{}: no joint '{}' (in the original kitchen '{}'), of coordinate {} of a kitchen",
                  file_of(m), known.own, known.original, place);
    const auto& joint = m.joints[static_cast<std::size_t>(id)];
    BATON_REQUIRE(joint.type == known.type, "{}: joint '{}' is a {} joint, in a kitchen it is a {} joint",
                  file_of(m), joint.name, kind(joint.type), kind(known.type));
    BATON_REQUIRE(joint.qpos == place, "{}: joint '{}' is coordinate {} of qpos, in a kitchen {}", file_of(m),
                  joint.name, joint.qpos, place);
    place += sim::qpos_count(joint.type);
  }
  BATON_REQUIRE(m.nq == place, "{}: nq {}, a kitchen has {} coordinates", file_of(m), m.nq, place);
}

void check_actuators(const Model& m) {
  BATON_REQUIRE(m.nu == kKitchenActionDim,
                "{}: {} actuators, a kitchen has {}, one for each of the robot's joints", file_of(m), m.nu,
                kKitchenActionDim);
  for (int j = 0; j < m.nu; ++j) {
    const auto& actuator = m.actuators[static_cast<std::size_t>(j)];
    BATON_REQUIRE(actuator.joint == j, "{}: actuator {} '{}' moves joint '{}', in a kitchen '{}'", file_of(m),
                  j, printable(actuator.name),
                  printable(m.joints[static_cast<std::size_t>(actuator.joint)].name),
                  m.joints[static_cast<std::size_t>(j)].name);
    // The force of a position servo falls with the joint's position.
    BATON_REQUIRE(actuator.gain[0] > 0 && actuator.bias[1] < 0,
                  "{}: actuator '{}' is no position servo, in a kitchen it is one", file_of(m),
                  printable(actuator.name));
  }
}

}  // namespace

const Model& kitchen_model() {
  static const Model model = sim::mjcf::parse(kitchen_xml(), "kitchen.xml");
  return model;
}

void check_kitchen(const Model& model) {
  check_joints(model);
  check_actuators(model);
  BATON_REQUIRE(model.option.timestep == kTimestep, "{}: the timestep is {} s, in a kitchen {} s",
                file_of(model), model.option.timestep, kTimestep);
}

Model load_kitchen(const std::string& path) {
  Model model = sim::mjcf::load(path);
  check_kitchen(model);
  return model;
}

std::array<double, kKitchenStateDim> kitchen_start_of(const Model& model) {
  std::array<double, kKitchenStateDim> start = kResetPose;
  const int key = model.keyframe_id("start");
  if (key >= 0) {
    const std::vector<double>& qpos = model.keyframes[static_cast<std::size_t>(key)].qpos;
    std::copy_n(qpos.begin(), start.size(), start.begin());
  }
  double squares = 0;
  for (int i = 26; i < kKitchenStateDim; ++i) squares += start[i] * start[i];
  BATON_REQUIRE(squares > 0, "{}: keyframe 'start' has no orientation of the kettle (its quaternion is 0)",
                file_of(model));
  for (int i = 26; i < kKitchenStateDim; ++i) start[i] /= std::sqrt(squares);
  return start;
}

}  // namespace baton::envs
