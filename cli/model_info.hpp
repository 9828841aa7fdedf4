#pragma once
// What `baton info MODEL.xml` says of a model.
#include <string>

namespace baton::cli {

// Loads an MJCF file and describes it: sizes, what collides and what is only drawn, options, memory and load time,
// then a table of joints and one of actuators. Throws what the loader throws.
std::string describe_model(const std::string& path);

}  // namespace baton::cli
