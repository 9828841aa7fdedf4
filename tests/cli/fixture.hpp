#pragma once
// What tests of commands share: a model, settings that learn in a second, demonstrations and a policy made with them.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "rl/data/demonstrations.hpp"
#include "tests/cli/process.hpp"

namespace baton::test {

using Arguments = std::vector<std::string>;

inline const char* const kModel = R"(<mujoco model="pendulum">
  <option timestep="0.002"/>
  <worldbody>
    <body name="arm" pos="0 0 1">
      <joint name="swing" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.04" density="1000"/>
    </body>
  </worldbody>
  <actuator><motor name="motor" joint="swing" gear="1"/></actuator>
  <keyframe><key name="out" qpos="1.5" qvel="0"/></keyframe>
</mujoco>
)";
// --preset with settings that make a policy of point_goal in a second.
inline const Arguments& quick() {
  static const TemporaryFolder folder;
  static const Arguments arguments = [] {
    const std::string file = folder.file("quick.toml");
    write_file(file,
               "env = \"point_goal\"\n"
               "[policy]\nhidden = [8]\n"
               "[imitate]\nupdates = 30\nbatch = 32\n"
               "[finetune]\niterations = 2\nepisodes = 8\neval_episodes = 4\n"
               "[distill]\nupdates = 20\nepisodes = 6\n");
    return Arguments{"--preset", file};
  }();
  return arguments;
}

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One line "baton: ..." on stderr that holds `expected`, and this exit code. Plain progress lines do not count.
inline void check_refused(const Arguments& arguments, int code, const std::string& expected) {
  const Outcome outcome = run_baton(arguments);
  std::string shown;
  for (const auto& a : arguments) shown += a + " ";
  CHECK_MESSAGE(outcome.code == code, shown, "-> ", outcome.code, ": ", outcome.err);
  const auto at = outcome.err.find("baton: ");
  REQUIRE_MESSAGE(at != std::string::npos, shown, "-> ", outcome.err);
  CHECK_MESSAGE(outcome.err.find(expected, at) != std::string::npos, outcome.err, " does not say ", expected);
  CHECK_MESSAGE(std::count(outcome.err.begin() + static_cast<long>(at), outcome.err.end(), '\n') == 1,
                outcome.err);
}

inline void check_works(const Arguments& arguments) {
  const Outcome outcome = run_baton(arguments);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
}

// Demonstrations of point_goal, made once for all tests.
inline const std::string& point_demos() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    const std::string file = folder.file("demos.h5");
    check_works({"collect", "--env", "point_goal", "--episodes", "24", "--seed", "5", "--out", file});
    return file;
  }();
  return path;
}

// A RIL policy of point_goal, made once for all tests.
inline const std::string& point_policy() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    const std::string run = folder.file("ril");
    check_works(Arguments{"imitate", "--demos", point_demos(), "--out", run} + quick());
    return run;
  }();
  return path;
}

inline std::string point_goal_name() {
  const rl::Dataset data = rl::read_dataset(point_demos());
  REQUIRE(!data.goal_names.empty());
  return data.goal_names.front();
}
}  // namespace baton::test
