// Recordings made in MuJoCo on the original kitchen, replayed in our simulator on the same model.
#include "rl/replay.hpp"

#include <doctest/doctest.h>

#include <string>

#include "envs/env.hpp"
#include "envs/kitchen/goals.hpp"
#include "rl/data/demonstrations.hpp"
#include "tests/support/shared_file.hpp"

using namespace baton;

using test::shared_file;

TEST_CASE(
    "the original kitchen: recorded targets complete what they completed in MuJoCo, in double and in lanes") {
  const std::string demos = shared_file("demos_mujoco/demos_dev.h5");
  const std::string model = shared_file("franka_kitchen/kitchen_assets/kitchen_env_model.xml");
  if (demos.empty() || model.empty()) return;
  const rl::Dataset data = rl::read_dataset(demos, {.spec = &envs::kitchen_spec()});
  for (const bool in_double : {true, false}) {
    CAPTURE(in_double);
    const auto env = envs::make_env(
        "kitchen", {.size = data.episodes(), .noise_ratio = 0, .model = model, .in_double = in_double});
    const rl::ReplayReport report = rl::replay(*env, data, rl::ReplayOf::kTargets);
    int recorded = 0, replayed = 0;
    for (const auto& element : report.elements) {
      CAPTURE(element.element);
      recorded += element.recorded, replayed += element.replayed;
      CHECK(2 * element.replayed >= element.recorded);  // none is out of reach
    }
    CHECK(recorded == 68);
    CHECK_MESSAGE(100 * replayed >= 85 * recorded, replayed << " of " << recorded << " elements");
  }
}
