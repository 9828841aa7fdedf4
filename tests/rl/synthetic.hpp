#pragma once
// Small made-up demonstrations for the tests of rl/.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/data/dataset.hpp"
#include "rl/imitation.hpp"

namespace baton::test {

// A folder of its own for each test, removed at the end.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    static int count = 0;
    path =
        (std::filesystem::temp_directory_path() / fmt::format("baton-rl-{}-{}", getpid(), count++)).string();
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }
};

// Numbers that say where they are: state (e, t, i) = 100 e + t + i / 10, action = -(100 e + t + i / 10) / 1000.
inline rl::Dataset counting_dataset(const std::vector<int>& lengths, int state_dim = 2, int action_dim = 1) {
  rl::Dataset data;
  data.state_dim = state_dim;
  data.action_dim = action_dim;
  for (std::size_t e = 0; e < lengths.size(); ++e) {
    for (int t = 0; t < lengths[e]; ++t) {
      const float base = 100.0f * static_cast<float>(e) + static_cast<float>(t);
      for (int i = 0; i < state_dim; ++i) data.states.push_back(base + 0.1f * static_cast<float>(i));
      for (int i = 0; i < action_dim; ++i)
        data.actions.push_back(-(base + 0.1f * static_cast<float>(i)) / 1000.0f);
    }
    data.offsets.push_back(data.steps() + lengths[e]);
  }
  return data;
}

// An environment of nothing but widths, "plain".
inline envs::Spec plain_spec(int state_dim, int action_dim) {
  return {.name = "plain", .state_dim = state_dim, .action_dim = action_dim, .elements = {}};
}

// A point in the plane (2 robot coordinates, 1 world coordinate that follows the first) that is driven to a random
// corner by a_t = clamp(k (corner - s_t)): what imitation must find back.
inline rl::Dataset point_mass_dataset(int episodes, int length, std::uint64_t seed) {
  rl::Dataset data;
  data.state_dim = 3;
  data.action_dim = 2;
  for (int e = 0; e < episodes; ++e) {
    kernels::Random random(seed, static_cast<std::uint64_t>(e));
    float s[3] = {random.uniform() - 0.5f, random.uniform() - 0.5f, 0.0f};
    const float corner[2] = {2 * random.uniform() - 1, 2 * random.uniform() - 1};
    for (int t = 0; t < length; ++t) {
      float a[2];
      for (int i = 0; i < 2; ++i) a[i] = std::clamp(2.0f * (corner[i] - s[i]), -1.0f, 1.0f);
      data.states.insert(data.states.end(), s, s + 3);
      data.actions.insert(data.actions.end(), a, a + 2);
      for (int i = 0; i < 2; ++i) s[i] += 0.1f * a[i];
      s[2] += 0.3f * (s[0] - s[2]);
    }
    data.offsets.push_back(data.steps() + length);
    data.goal_targets.insert(data.goal_targets.end(), {corner[0], corner[1], corner[0]});
  }
  return data;
}

inline const envs::Spec kPointMass{.name = "point_mass",
                                   .state_dim = 3,
                                   .action_dim = 2,
                                   .horizon = 30,
                                   .robot_dim = 2,
                                   .elements = {{.name = "follower", .index = {2}, .epsilon = 0.1f}}};

// The message of the baton::Error that f throws; fails when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL_CHECK("no error was thrown");
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace baton::test
