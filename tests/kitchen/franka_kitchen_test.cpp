// The kitchen under FrankaKitchen-v1's rules, step by step against Gymnasium-Robotics itself.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "envs/kitchen/kitchen_env.hpp"
#include "envs/kitchen/kitchen_model.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/shared_file.hpp"

namespace baton::envs {
namespace {

// A row of what tests/kitchen/franka_kitchen.py writes.
struct Row {
  double contacts, completed;
  std::array<double, kKitchenActionDim> action;
  std::array<double, kKitchenStateDim> qpos;
};
using Episode = std::vector<Row>;

constexpr std::array kTasks{kMicrowave, kKettle, kSwitch, kSlide};  // its TASKS

// What the script writes for these arguments; nothing, and a message, where Gymnasium-Robotics is not here.
template <class Item>
std::vector<Item> from_oracle(const std::string& what, const std::string& demos = "") {
  const char* python = std::getenv("BATON_TEST_PYTHON");
  const std::string probe = python == nullptr ? "false"
                                              : std::string(python) +
                                                    " -c 'import gymnasium_robotics, h5py, mujoco; assert "
                                                    "mujoco.__version__[:2] == \"4.\"' 2>/dev/null";
  if (std::system(probe.c_str()) != 0) {
    std::cout << "skipped: gymnasium-robotics on MuJoCo 4 is not here\n";
    return {};
  }
  const std::string out =
      std::filesystem::temp_directory_path() / ("baton_franka_kitchen_" + what + std::to_string(::getpid()));
  const std::string command = std::string(python) +
                              " " BATON_SOURCE_ROOT "/tests/kitchen/franka_kitchen.py " + what + " " + out +
                              " " + demos + " 2>/dev/null";
  const bool fine = std::system(command.c_str()) == 0;
  std::ifstream in(out, std::ios::binary);
  std::vector<Item> items;
  for (Item item; in.read(reinterpret_cast<char*>(&item), sizeof item);) items.push_back(item);
  std::filesystem::remove(out);
  REQUIRE_MESSAGE(fine, command);
  return items;
}

std::vector<Episode> episodes_of(const std::vector<Row>& rows) {
  std::vector<Episode> episodes;
  for (const Row& row : rows) {
    if (row.contacts < 0) episodes.emplace_back();
    episodes.back().push_back(row);
  }
  return episodes;
}

// The same start and actions in ours, in double without sensor noise: qpos of every row.
std::vector<std::array<double, kKitchenStateDim>> ours(KitchenEnv& env, const Episode& episode) {
  std::array<double, kKitchenQvelDim> qvel{};
  env.set_state(0, episode.front().qpos, qvel);
  std::vector<std::array<double, kKitchenStateDim>> rows{episode.front().qpos};
  for (std::size_t t = 1; t < episode.size(); ++t) {
    env.step(std::vector<float>(episode[t].action.begin(), episode[t].action.end()));
    env.get_state(0, rows.emplace_back(), qvel);
  }
  return rows;
}

double largest_error(const std::array<double, kKitchenStateDim>& got,
                     const std::array<double, kKitchenStateDim>& want) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(got[i] - want[i]);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

// How far an episode is the oracle's. Touching: rows in which the robot touches something; a contact that comes and
// goes within an action is in none, so that the row before the first does not count as untouched.
struct Agreement {
  double before = 0;             // largest error of untouched rows
  int touching = 0, within = 0;  // rows; of those the ones before any error above 1e-6
};

Agreement agreement(const Episode& want, const std::vector<std::array<double, kKitchenStateDim>>& got) {
  Agreement result;
  bool close = true;
  for (std::size_t t = 1; t < want.size(); ++t) {
    const double error = largest_error(got[t], want[t].qpos);
    result.touching += want[t].contacts > 0;
    const bool untouched = result.touching == 0 && t + 1 < want.size() && want[t + 1].contacts == 0;
    if (untouched && !(error <= result.before)) result.before = error;
    close = close && error <= 1e-6;
    result.within += close && want[t].contacts > 0;
  }
  return result;
}

KitchenEnv original_kitchen(const std::string& model) {
  return KitchenEnv({.size = 1, .noise_ratio = 0, .model = model, .in_double = true});
}

TEST_CASE("FrankaKitchen-v1: sensor noise has its amplitudes, coordinate for coordinate") {
  const auto noise = from_oracle<std::array<double, kKitchenStateDim>>("noise");
  if (noise.empty()) return;
  REQUIRE(noise.size() == 400);
  for (int i = 0; i < kKitchenStateDim; ++i) {
    double largest = 0;
    for (const auto& row : noise) largest = std::max(largest, std::fabs(row[static_cast<std::size_t>(i)]));
    const double amplitude = kitchen_sensor_amplitude(i);
    CHECK_MESSAGE(largest <= 1.0000001 * amplitude,
                  "coordinate " << i << ": " << largest << " of " << amplitude);
    CHECK_MESSAGE(largest > 0.95 * amplitude, "coordinate " << i << ": " << largest << " of " << amplitude);
  }
}

TEST_CASE("FrankaKitchen-v1: the reset pose, and states under random actions until bodies collide") {
  const std::string model = test::shared_file("franka_kitchen/kitchen_assets/kitchen_env_model.xml");
  if (model.empty()) return;
  const auto episodes = episodes_of(from_oracle<Row>("random"));
  if (episodes.empty()) return;
  KitchenEnv env = original_kitchen(model);
  std::array<double, kKitchenStateDim> start;
  std::array<double, kKitchenQvelDim> qvel;
  env.reset(std::vector<std::uint64_t>{0});
  env.get_state(0, start, qvel);
  std::array<double, kKitchenStateDim> want =
      episodes.front().front().qpos;  // its quaternion is not of length 1
  const double norm =
      std::sqrt(want[26] * want[26] + want[27] * want[27] + want[28] * want[28] + want[29] * want[29]);
  for (std::size_t i = 26; i < 30; ++i) want[i] /= norm;
  test::check_close(start, want, 0, 1e-15, "reset pose");
  REQUIRE(episodes.size() == 3);
  for (const Episode& episode : episodes) {
    const auto got = ours(env, episode);
    for (std::size_t t = 1; t <= 10; ++t)
      CHECK_MESSAGE(largest_error(got[t], episode[t].qpos) <= 1e-8, "action " << t);
  }
}

TEST_CASE(
    "FrankaKitchen-v1: human recordings fed back, the same states over the first contacts, the same "
    "completions") {
  const std::string model = test::shared_file("franka_kitchen/kitchen_assets/kitchen_env_model.xml");
  const std::string demos = test::shared_file("kitchen_human/kitchen_complete_d4rl_flat.h5");
  if (model.empty() || demos.empty()) return;
  const auto episodes = episodes_of(from_oracle<Row>("human", demos));
  if (episodes.empty()) return;
  REQUIRE(episodes.size() == 19);
  KitchenEnv env = original_kitchen(model);
  const Goal goal = env.goals("microwave_kettle_switch_slide").front();
  int within = 0;
  std::array<int, 4> completed{};
  for (std::size_t e = 0; e < episodes.size(); ++e) {
    const Episode& want = episodes[e];
    const auto got = ours(env, want);
    const Agreement same = agreement(want, got);
    CHECK_MESSAGE(same.before <= 1e-8, "episode " << e << ": " << same.before);
    CHECK(same.touching > 40);
    within += same.within >= 20;
    for (std::size_t k = 0; k < kTasks.size(); ++k) {
      const Element& element = env.spec().elements[static_cast<std::size_t>(kTasks[k])];
      const auto done = [&](const auto& qpos) {
        const std::vector<float> state(qpos.begin(), qpos.end());
        return element_done(element, state, goal.target);
      };
      const bool wanted = std::ranges::any_of(
          want, [&](const Row& row) { return (static_cast<int>(row.completed) >> k & 1) != 0; });
      CHECK_MESSAGE(std::ranges::any_of(got, done) == wanted, "episode " << e << ", " << element.name);
      completed[k] += wanted;
    }
  }
  // In the others the hand's and a handle's hulls touch in a way whose points are chosen otherwise.
  CHECK_MESSAGE(within >= 10, within << " episodes within 1e-6 for 20 rows of contact, of 19");
  CHECK(completed == std::array<int, 4>{18, 19, 18, 17});
}

}  // namespace
}  // namespace baton::envs
