#include <algorithm>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/hierarchy.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/checkpoint.hpp"

namespace baton::rl {

namespace {

#define BATON_ADDRESS(name) &method::name,
constexpr const Method* kMethods[] = {BATON_METHODS(BATON_ADDRESS)};
#undef BATON_ADDRESS

}  // namespace

std::span<const Method* const> methods() { return kMethods; }

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Method* method : kMethods) names.emplace_back(method->name);
  return names;
}

const Method& find_method(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, [](const Method* m) { return m->name; });
  if (found != std::end(kMethods)) return **found;
  throw UsageError(fmt::format("unknown method '{}'{}", printable(name), suggestion(name, method_names())));
}

std::unique_ptr<Agent> load_agent(const std::string& folder) {
  const std::string path = policy_file(folder);
  if (path.ends_with(".h5")) return std::make_unique<RelayAgent>(load_policy(path));
  const PolicyFile file = open_policy(path);
  const Method& method = find_method(file.base);
  if (!method.trained()) return method.load(file);
  return std::make_unique<RelayAgent>(read_policy(file));
}

}  // namespace baton::rl
