// Commands on demonstrations of any robot: without an environment, with named observations, and what info says of them.
#include "rl/data/demonstrations.hpp"

#include <filesystem>

#include "kernels/rng.hpp"
#include "rl/data/hdf5_file.hpp"
#include "tests/cli/fixture.hpp"

namespace baton {
namespace {

using test::Arguments;
using test::check_refused;
using test::check_works;
using test::run_baton;
using test::operator+;

const Arguments kSmall{"--set", "policy.hidden=[8]", "--set", "imitate.updates=20",
                       "--set", "imitate.batch=16"};

// Two demonstrations as robomimic keeps them: `pos` 3, `object` 4, actions 5 wide and beyond -1..1.
std::string write_robomimic(const std::string& path) {
  rl::Hdf5File file = rl::Hdf5File::create(path);
  kernels::Random random(5);
  for (const char* demo : {"data/demo_0/", "data/demo_1/"}) {
    for (const auto& [name, width] : {std::pair{"obs/pos", 3}, {"obs/object", 4}, {"actions", 5}}) {
      std::vector<float> values(static_cast<std::size_t>(20 * width));
      for (float& value : values) value = 30 * random.uniform();
      file.write<float>(std::string(demo) + name, values, {20, static_cast<std::uint64_t>(width)});
    }
  }
  file.commit();
  return path;
}

TEST_CASE("imitate --env none: any widths, named observations, and the run says how it is made again") {
  const test::TemporaryFolder folder;
  const std::string demos = write_robomimic(folder.file("low_dim.hdf5"));
  const Arguments start{"imitate", "--demos", demos, "--obs-keys", "object,pos", "--env", "none"};
  for (const char* method : {"ril", "gcbc", "bc"})
    check_works(start + Arguments{"--method", method, "--set", "robot_dim=3", "--out", folder.file(method)} +
                kSmall);
  const test::Outcome info = run_baton({"info", folder.file("ril")});
  CHECK(info.out.find("ril for no environment") != std::string::npos);
  CHECK(info.out.find("low: 14 -> 8 -> 5") != std::string::npos);
  CHECK(info.out.find("--obs-keys object,pos") != std::string::npos);
  // Again from its config.toml, the same bytes.
  check_works({"imitate", "--demos", demos, "--obs-keys", "object,pos", "--preset",
               folder.file("ril/config.toml"), "--out", folder.file("again")});
  for (const char* file : {"policy.safetensors", "summary.json"})
    CHECK(test::read_file(folder.file(std::string("again/") + file)) ==
          test::read_file(folder.file(std::string("ril/") + file)));

  const test::Outcome noted = run_baton(start +
                                        Arguments{"--method", "bc", "--set", "policy.labels=absolute",
                                                  "--set", "imitate.sensor_noise=0.1", "--set",
                                                  "policy.observe=state", "--out", folder.file("noted")} +
                                        kSmall);
  CHECK(noted.code == 0);
  CHECK(noted.err.find("note: without an environment policy.labels is velocity") != std::string::npos);
  const std::string resolved = test::read_file(folder.file("noted/config.toml"));
  for (const char* setting : {"labels = \"velocity\"", "observe = \"all\"", "sensor_noise = 0"})
    CHECK_MESSAGE(resolved.find(setting) != std::string::npos, setting, " is not in\n", resolved);

  const std::string out = folder.file("no");
  for (const char* method : {"oracle", "nearest"})
    check_refused(start + Arguments{"--method", method, "--out", out}, 2,
                  "looks at the environment's elements");
  check_refused(start + Arguments{"--set", "robot_dim=8", "--out", out}, 2, "robot_dim is 8; states have 7");
  check_refused({"imitate", "--demos", demos, "--obs-keys", "object,pos", "--out", out}, 1,
                "is 7 wide, a state of kitchen has 30 numbers (or observations of 60 or 59); --env none");
  check_refused({"imitate", "--demos", demos, "--env", "none", "--out", out}, 1,
                "There are: object (20, 4), pos (20, 3)");
  check_refused({"imitate", "--demos", demos, "--env", "kitchn", "--out", out}, 2, "kitchen");
  check_refused({"eval", "--policy", folder.file("ril")}, 2, "learned without an environment");
  check_refused({"eval", "--policy", folder.file("ril"), "--env", "point_goal"}, 1, "7 state coordinates");
  check_refused(
      {"finetune", "--init", folder.file("ril"), "--goal", "left", "--variant", "npg", "--out", out}, 2,
      "learned without an environment");
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("info: what demonstrations hold, for which environment they fit, and what is none") {
  const test::TemporaryFolder folder;
  const std::string demos = write_robomimic(folder.file("low_dim.hdf5"));
  const test::Outcome named = run_baton({"info", demos, "--obs-keys", "pos"});
  CHECK(named.out.find("2 episodes, 40 actions") != std::string::npos);
  CHECK(named.out.find("state 3 numbers, action 5") != std::string::npos);
  CHECK(named.out.find("for point_goal") == std::string::npos);
  const test::Outcome known = run_baton({"info", test::point_demos()});
  CHECK(known.out.find("for point_goal: states as they stand, with goals (") != std::string::npos);

  // 60 columns in the kitchen: a goal that stays, and something that does not.
  for (const bool stays : {true, false}) {
    rl::Hdf5File file = rl::Hdf5File::create(folder.file("wide.h5"));
    std::vector<float> rows(120, 0.5f);
    if (!stays) rows[95] = 1;
    file.write<float>("observations", rows, {2, 60});
    file.write<float>("actions", std::vector<float>(18), {2, 9});
    file.commit();
    const test::Outcome wide = run_baton({"info", folder.file("wide.h5")});
    CHECK(wide.out.find("state 60 numbers") != std::string::npos);
    CHECK(wide.out.find(stays ? "kitchen: states are 30 of the 60 numbers, with goals"
                              : "not for kitchen: ") != std::string::npos);
  }
  test::write_file(folder.file("a.pkl"), "\x80\x04\x95");
  check_refused({"info", folder.file("a.pkl")}, 1, "a pickle of Python");
  check_refused({"imitate", "--demos", folder.file("a.pkl"), "--out", folder.file("no")}, 1,
                "a pickle of Python");
  test::write_file(folder.file("data.json"), "{}");
  check_refused({"info", folder.file("data.json")}, 1, "JSON, not demonstrations");
}

}  // namespace
}  // namespace baton
