#include "envs/kitchen/kitchen_model.hpp"

#include "envs/sim/mjcf/load.hpp"

namespace baton::envs {

const sim::Model<double>& kitchen_model() {
  static const sim::Model<double> model = sim::mjcf::parse(kitchen_xml(), "kitchen.xml");
  return model;
}

}  // namespace baton::envs
