#pragma once
// Data beside the project, which its repository does not hold.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace baton::test {

// A file in ../shared; of the original kitchen also in the folder that BATON_FRANKA_KITCHEN names. "" and a message
// where it is not there. BATON_SOURCE_ROOT: the project's folder.
inline std::string shared_file(const std::string& name) {
  const std::string kitchen = "franka_kitchen/";
  const char* given = std::getenv("BATON_FRANKA_KITCHEN");
  if (given != nullptr && name.starts_with(kitchen)) {
    const std::string path = std::string(given) + "/" + name.substr(kitchen.size());
    if (std::ifstream(path).good()) return path;
  }
  for (const char* up : {"/../shared/", "/../../shared/"})
    if (const std::string path = BATON_SOURCE_ROOT + (up + name); std::ifstream(path).good()) return path;
  MESSAGE("skipped: no ../shared/" << name);
  return "";
}

}  // namespace baton::test
