// The forms in which people keep demonstrations in HDF5, and what an environment makes of their columns.
#include <filesystem>
#include <numeric>

#include "envs/kitchen/goals.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/data/hdf5_making.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

namespace {

const std::set<std::string> kNothing{"observations", "actions", "timeouts"};

// Values first, first + 1, ...
std::vector<float> counted(std::size_t count, float first = 0) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// As long as it takes, with actions in -1..1.
void put_actions(hid_t file, const std::string& name, hsize_t steps, hsize_t width) {
  put_floats(file, name, {steps, width}, std::vector<float>(steps * width, 0.25f));
}

// A plane of two coordinates, of which one is to be brought somewhere by name.
envs::Spec plane() {
  envs::Spec spec = plain_spec(2, 1);
  spec.elements = {{.name = "left", .index = {0}, .epsilon = 0.1f, .recorded_as = "the left one"},
                   {.name = "right", .index = {1}, .epsilon = 0.1f}};
  return spec;
}

}  // namespace

TEST_CASE("Minari: groups in the order of their numbers, T or T + 1 rows for T actions") {
  const Dataset data = read_made(kNothing, [](hid_t file) {
    for (const int k : {10, 2}) {
      const std::string group = fmt::format("episode_{}", k);
      const hsize_t rows = k == 2 ? 3 : 2;
      put_floats(file, group + "/observations", {rows, 2}, counted(2 * rows, static_cast<float>(10 * k)));
      put_actions(file, group + "/actions", 2, 1);
    }
  });
  CHECK(data.offsets == std::vector<std::int64_t>{0, 2, 4});
  CHECK(data.states == std::vector<float>{20, 21, 22, 23, 100, 101, 102, 103});
  CHECK(data.completed.empty());
  CHECK(contains(refusal(kNothing,
                         [](hid_t file) {
                           put_floats(file, "episode_0/observations", {4, 2}, counted(8));
                           put_actions(file, "episode_0/actions", 2, 1);
                         }),
                 "episode_0/observations has 4 rows for 2 actions; 2 or 3 are expected"));
}

TEST_CASE("Minari: goals by the names of tasks become states and names in the order of completion") {
  const envs::Spec spec = plane();
  const auto episode = [](hid_t file, int k, const std::vector<float>& states, const char* second) {
    const std::string group = fmt::format("episode_{}/", k), base = group + "observations/";
    put_floats(file, base + "observation", {3, 2}, states);
    put_floats(file, base + "achieved_goal/right", {3, 1}, {0, 0, 0});
    put_floats(file, base + "desired_goal/the left one", {3, 1}, {5, 5, 5});
    put_floats(file, base + "desired_goal/" + second, {3, 1}, {7, 7, 7});
    put_actions(file, group + "actions", 2, 1);
    const std::array<std::uint8_t, 2> ended{0, static_cast<std::uint8_t>(k == 1)};
    put(file, group + "terminations", {2}, H5T_STD_U8LE, H5T_NATIVE_UINT8, ended.data());
  };
  const auto both = [&](const char* second) {
    return [=](hid_t file) {
      episode(file, 0, {1, 2, 5, 2, 5, 7}, second);  // left at once, right after the last action
      episode(file, 1, {1, 7, 1, 7, 5, 7}, second);  // right from the start
    };
  };
  const Dataset data = read_made(kNothing, both("right"), {.spec = &spec});
  CHECK(data.goal_targets == std::vector<float>{5, 7, 5, 7});
  CHECK(data.goal_names == std::vector<std::string>{"left_right", "right_left"});
  CHECK(data.completed == std::vector<std::uint8_t>{0, 1});
  // No names without somebody who knows them.
  CHECK(read_made(kNothing, both("right")).goal_targets.empty());
  std::vector<std::string> notes;
  const Dataset unknown = read_made(kNothing, both("middle"), {.spec = &spec, .notes = &notes});
  CHECK(unknown.goal_targets.empty());
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0],
                 "episode_0/observations/desired_goal/middle is no element of plain; goals are left"));
  envs::Spec wide = spec;
  wide.elements[1].index = {0, 1};
  CHECK(contains(refusal(kNothing, both("right"), {.spec = &wide}),
                 "desired_goal/right is 1 wide in 3 rows; right of plain has 2 coordinates"));
}

TEST_CASE("Minari: a goal that only some episodes have is left out with a note") {
  const envs::Spec spec = plane();
  std::vector<std::string> notes;
  const Dataset data =
      read_made(kNothing,
                [](hid_t file) {
                  for (const char* group : {"episode_0/", "episode_1/"}) {
                    put_floats(file, std::string(group) + "observations/observation", {2, 2}, counted(4));
                    put_actions(file, std::string(group) + "actions", 2, 1);
                  }
                  put_floats(file, "episode_1/observations/desired_goal/left", {2, 1}, {1, 1});
                },
                {.spec = &spec, .notes = &notes});
  CHECK(data.goal_targets.empty());
  CHECK(data.goal_names.empty());
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "1 of 2 episodes have a goal; goals are left out"));
}

TEST_CASE("kitchen: 59 columns give the 30 positions, and FrankaKitchen's tasks are its elements") {
  const envs::Spec& spec = envs::kitchen_spec();
  const auto file_of = [](hid_t file) {
    put_floats(file, "episode_0/observations/observation", {2, 59}, counted(118));
    put_floats(file, "episode_0/observations/desired_goal/light switch", {2, 2}, {-1, -2, -1, -2});
    put_actions(file, "episode_0/actions", 1, 9);
  };
  const Dataset data = read_made(kNothing, file_of, {.spec = &spec});
  REQUIRE(data.state_dim == 30);
  std::vector<float> wanted = counted(9);
  for (int i = 18; i < 39; ++i) wanted.push_back(static_cast<float>(i));
  CHECK(data.states == wanted);
  wanted[17] = -1, wanted[18] = -2;
  CHECK(data.goal_targets == wanted);
  CHECK(data.goal_names == std::vector<std::string>{"switch"});
  CHECK(read_made(kNothing, file_of).state_dim == 59);
}

TEST_CASE(
    "kitchen: 60 columns are state and goal only where the goal stays; another robot's 60 are its state") {
  const envs::Spec& spec = envs::kitchen_spec();
  const auto file_of = [](float change, hsize_t width) {
    return [=](hid_t file) {
      std::vector<float> rows = counted(180);
      for (std::size_t i = 30; i < 60; ++i) rows[60 + i] = rows[120 + i] = rows[i] = i == 31 ? 0 : -5;
      rows[120 + 44] += change;
      put_floats(file, "observations", {3, 60}, rows);
      put_actions(file, "actions", 3, width);
    };
  };
  const Dataset data = read_made(kNothing, file_of(0, 9), {.spec = &spec});
  CHECK(data.state_dim == 30);
  CHECK(std::count(data.goal_targets.begin(), data.goal_targets.end(), -5.0f) == 29);
  CHECK(data.goal_targets[1] == 1);  // the start's
  const std::string message = refusal(kNothing, file_of(0.5f, 9), {.spec = &spec});
  CHECK(contains(message,
                 "observations is 60 wide, but column 44 holds no goal of kitchen: in episode 0 it is -5 "
                 "at first and -4.5 in step 2; --env none"));
  CHECK(contains(refusal(kNothing, file_of(0, 7), {.spec = &spec}),
                 "actions are 7 wide, those of kitchen have 9 numbers; --env none"));
  for (const float change : {0.0f, 0.5f}) CHECK(read_made(kNothing, file_of(change, 7)).state_dim == 60);
  // BeT and others leave zeros where they have no goal.
  const Dataset none = read_made(kNothing,
                                 [](hid_t file) {
                                   std::vector<float> rows = counted(60);
                                   std::fill(rows.begin() + 30, rows.end(), 0.0f);
                                   put_floats(file, "observations", {1, 60}, rows);
                                   put_actions(file, "actions", 1, 9);
                                 },
                                 {.spec = &spec});
  CHECK(none.state_dim == 30);
  CHECK(none.goal_targets.empty());
}

TEST_CASE("robomimic: named observations side by side in the order asked for") {
  const auto file_of = [](hid_t file) {
    for (const int k : {11, 3}) {
      const std::string demo = fmt::format("data/demo_{}/", k);
      const hsize_t rows = k == 3 ? 2 : 1;
      put_floats(file, demo + "obs/pos", {rows, 2}, counted(2 * rows, static_cast<float>(k)));
      put_floats(file, demo + "obs/gripper", {rows}, counted(rows, -1));
      put_floats(file, demo + "obs/image", {rows, 1, 1, 3}, counted(3 * rows));
      put_actions(file, demo + "actions", rows, 7);
    }
  };
  const std::vector<std::string> keys{"gripper", "pos"};
  const Dataset data = read_made(kNothing, file_of, {.obs_keys = keys});
  CHECK(data.offsets == std::vector<std::int64_t>{0, 2, 3});
  CHECK(data.states == std::vector<float>{-1, 3, 4, 0, 5, 6, -1, 11, 12});
  CHECK(data.action_dim == 7);
  CHECK(
      contains(refusal(kNothing, file_of),
               "data/demo_3/obs holds several arrays; --obs-keys a,b,c takes those side by side. There are: "
               "gripper (2), image (2, 1, 1, 3), pos (2, 2)"));
  CHECK(contains(refusal(kNothing, file_of, {.obs_keys = {"pos", "eef\x1b"}}),
                 "data/demo_3/obs has no array 'eef\\x1b'; --obs-keys"));
  CHECK(contains(refusal(kNothing, file_of, {.obs_keys = {"image"}}), "obs/image has 4 dimensions, 2 are"));
  CHECK(contains(refusal(kNothing, file_of, {.obs_keys = {""}}), "has no array ''"));
  // The simulator's states of robosuite's own recordings.
  const Dataset states = read_made(kNothing,
                                   [](hid_t file) {
                                     put_floats(file, "data/demo_1/states", {2, 3}, counted(6));
                                     put_actions(file, "data/demo_1/actions", 2, 1);
                                   },
                                   {.obs_keys = {"states"}});
  CHECK(states.states == counted(6));
}

TEST_CASE("observations under several names: rows agree, and one array takes no names") {
  CHECK(contains(refusal(kNothing,
                         [](hid_t file) {
                           put_floats(file, "data/demo_0/obs/a", {2, 1}, counted(2));
                           put_floats(file, "data/demo_0/obs/b", {3, 1}, counted(3));
                           put_actions(file, "data/demo_0/actions", 2, 1);
                         },
                         {.obs_keys = {"a", "b"}}),
                 "data/demo_0/obs/a has 2 rows, data/demo_0/obs/b has 3"));
  CHECK(contains(refusal({}, [](hid_t) {}, {.obs_keys = {"a"}}),
                 "observations is one array; --obs-keys is for"));
  CHECK(contains(refusal(kNothing,
                         [](hid_t file) {
                           for (int k = 0; k < 2; ++k) {
                             const std::string demo = fmt::format("data/demo_{}/", k);
                             put_floats(file, demo + "obs/a", {1, hsize_t{2} + k}, counted(2 + k));
                             put_actions(file, demo + "actions", 1, 1);
                           }
                         }),
                 "data/demo_1: widths differ from those of the episodes before"));
}

TEST_CASE("ALOHA: a folder of files, an episode each, with named observations and `action`") {
  const TemporaryFolder folder;
  for (const int k : {1, 0}) {
    const TemporaryFolder one;
    const std::string path = make(one, kNothing, [&](hid_t file) {
      put_floats(file, "observations/qpos", {2, 2}, counted(4, static_cast<float>(10 * k)));
      put_floats(file, "observations/qvel", {2, 1}, counted(2, -1));
      put_floats(file, "action", {2, 2}, {0, 1, 0, 1});
    });
    std::filesystem::copy(path, folder.file(fmt::format("episode_{}.hdf5", k)));
  }
  write_text_atomic(folder.file("empty.h5"), "");
  write_text_atomic(folder.file(".hidden.h5"), "x");
  std::filesystem::create_directories(folder.file(".trash"));
  write_text_atomic(folder.file(".trash/a.h5"), "x");
  std::vector<std::string> notes;
  const Dataset data = read_demonstrations(folder.path, {.obs_keys = {"qpos", "qvel"}, .notes = &notes});
  CHECK(data.offsets == std::vector<std::int64_t>{0, 2, 4});
  CHECK(data.states == std::vector<float>{0, 1, -1, 2, 3, 0, 10, 11, -1, 12, 13, 0});
  CHECK(data.actions == std::vector<float>{0, 1, 0, 1, 0, 1, 0, 1});
  std::ranges::sort(notes);
  CHECK(notes == std::vector<std::string>{folder.file(".hidden.h5") + ": hidden; skipped",
                                          folder.file("empty.h5") + ": empty; skipped"});
  CHECK(contains(error_of([&] { read_demonstrations(folder.path); }), "qpos (2, 2), qvel (2, 1)"));
}

TEST_CASE("folders: files of other widths are refused by name") {
  const TemporaryFolder folder;
  write_dataset(counting_dataset({3}, 2, 1), folder.file("a.h5"));
  write_dataset(counting_dataset({3}, 3, 1), folder.file("b.h5"));
  CHECK(error_of([&] { read_demonstrations(folder.path); }) ==
        fmt::format("{}: states and actions are 3 and 1 wide, those of {} are 2 and 1", folder.file("b.h5"),
                    folder.file("a.h5")));
  std::filesystem::remove(folder.file("b.h5"));
  write_dataset(counting_dataset({2, 2}, 2, 1), folder.file("0.hdf5"));
  CHECK(read_demonstrations(folder.path).offsets == std::vector<std::int64_t>{0, 2, 4, 7});
}

TEST_CASE("HDF5 of no known form says what it holds") {
  const std::string message = refusal(kNothing, [](hid_t file) {
    put_floats(file, "weights", {2}, {1, 2});
    put_floats(file, "data/x", {2}, {1, 2});
  });
  CHECK(contains(message, "holds no demonstrations"));
  CHECK(contains(message, "but data, weights; docs/formats.md"));
}

TEST_CASE(
    "without an environment: widths and length are the data's, and so many coordinates are the robot's") {
  const Dataset data = counting_dataset({3, 7, 2}, 5, 2);
  const envs::Spec spec = spec_of(data, 3);
  CHECK(spec.name == kNoEnvironment);
  CHECK(spec.state_dim == 5);
  CHECK(spec.action_dim == 2);
  CHECK(spec.horizon == 7);
  CHECK(spec.robot_dim == 3);
  CHECK(spec.elements.empty());
  CHECK(contains(error_of([&] { spec_of(data, 6); }), "robot_dim is 6; states have 5 numbers"));
}
