#pragma once
// How the operator handles each element: control laws from what is seen to a wanted pose of the fingertips. A law has
// no memory: same observation and style, same answer.
#include <array>
#include <span>

#include "envs/kitchen/arm.hpp"
#include "envs/kitchen/goals.hpp"

namespace baton::envs {

// What one operator's way of handling one element differs in; constant over an attempt.
struct Style {
  double speed = 1;           // of hand movements
  Vec3d offset{};             // m, of the contact point
  double side = 0, lift = 0;  // -1..1: pointing direction, left/right and up/down within the element's range
  double stop = 0;            // 0..1: how far the element is moved
  double distance = 0;        // -1..1: how far away the approach begins
  bool closed = false;  // slide cabinet: push with closed fingers instead of taking the handle between them
};

// One moment as the operator sees it.
struct Scene {
  std::span<const float> state;  // [30]
  ArmPose hand;
  double grip;  // m, mean opening of a finger
};

struct Command {
  ArmTarget target;
  double grip = 0.04;  // m, wanted opening of each finger
};

// Where things are, read once from the model.
struct KitchenPlaces {
  explicit KitchenPlaces(const sim::Model<double>& model);
  std::array<Vec3d, 2> knob;                // bottom, top: centre of the bar at rest
  Vec3d lever;                              // pivot of the light switch
  Vec3d slide_handle;                       // centre of the handle at rest
  Vec3d door_hinge, door_handle;            // right hinge cabinet, closed
  Vec3d microwave_hinge, microwave_handle;  // closed
};

// As far as this operator means to move it while the hand is there; with the hand elsewhere a little less will do. Both
// are stricter than the goal's epsilon.
bool satisfied(int element, const KitchenPlaces& places, const Scene& scene, const Style& style);

// The law of `element`.
Command handle_element(int element, const KitchenPlaces& places, const Scene& scene, const Style& style);

// What to do when everything is done: back to a place where nothing is touched.
Command rest(const Scene& scene, const KitchenPlaces& places);

}  // namespace baton::envs
