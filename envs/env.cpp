#include "envs/env.hpp"

#include <cmath>

#include "envs/kitchen/kitchen_env.hpp"
#include "envs/names.hpp"
#include "envs/point_goal/point_goal.hpp"
#include "kernels/error.hpp"

namespace baton::envs {
namespace {

struct Entry {
  std::string name;
  std::unique_ptr<BatchEnv> (*make)(const EnvOptions&);
};

// A new environment is one line here.
const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = {
      {"kitchen", make_kitchen},
      {"point_goal", make_point_goal},
  };
  return entries;
}

}  // namespace

float element_error(const Element& element, std::span<const float> state, std::span<const float> target) {
  double sum = 0;
  for (const int i : element.index) {
    const double d = static_cast<double>(state[i]) - target[i];
    sum += d * d;
  }
  return static_cast<float>(std::sqrt(sum));
}

std::unique_ptr<BatchEnv> make_env(const std::string& name, const EnvOptions& options) {
  std::vector<std::string> known;
  for (const Entry& entry : registry()) {
    if (entry.name == name) return entry.make(options);
    known.push_back(entry.name);
  }
  throw UsageError(
      fmt::format("unknown environment '{}'; the nearest is '{}'", name, nearest_name(name, known)));
}

}  // namespace baton::envs
