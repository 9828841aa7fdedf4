#include "envs/env.hpp"

#include <cmath>

#include "envs/demonstrator.hpp"
#include "envs/kitchen/kitchen_env.hpp"
#include "envs/kitchen/teleoperator.hpp"
#include "envs/point_goal/point_goal.hpp"
#include "envs/pushed.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::envs {
namespace {

struct Entry {
  std::string name;
  std::unique_ptr<BatchEnv> (*make)(const EnvOptions&);
  std::unique_ptr<Demonstrator> (*make_demonstrator)(int size, const DemonstratorOptions&);
};

// A new environment is one line here.
const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = {
      {"kitchen", make_kitchen, make_teleoperator},
      {"point_goal", make_point_goal, make_point_goal_demonstrator},
  };
  return entries;
}

const Entry& entry_of(const std::string& name) {
  for (const Entry& entry : registry()) {
    if (entry.name == name) return entry;
  }
  throw UsageError(fmt::format("unknown environment '{}'{}", printable(name), suggestion(name, env_names())));
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

void BatchEnv::step_from(std::span<const float>, std::span<const float> actions) { step(actions); }

void BatchEnv::get_state(int, std::span<double>, std::span<double>) const {}

void BatchEnv::set_state(int, std::span<const double>, std::span<const double>) {
  fail("{}: has no simulator whose state can be set", spec().name);
}

const std::vector<std::string>& env_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : registry()) all.push_back(entry.name);
    return all;
  }();
  return names;
}

std::unique_ptr<BatchEnv> make_env(const std::string& name, const EnvOptions& options) {
  auto env = entry_of(name).make(options);
  return options.push == 0 ? std::move(env) : make_pushed(std::move(env), options.push);
}

std::unique_ptr<Demonstrator> make_demonstrator(const std::string& env, int size,
                                                const DemonstratorOptions& options) {
  return entry_of(env).make_demonstrator(size, options);
}

}  // namespace baton::envs
