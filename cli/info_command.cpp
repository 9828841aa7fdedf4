// baton info: what a model, a file of demonstrations or a run directory holds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/model_info.hpp"
#include "cli/table.hpp"
#include "kernels/error.hpp"
#include "rl/data/other_forms.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/run/metrics.hpp"
#include "rl/run/provenance.hpp"

namespace baton::cli {
namespace {

// How each environment that they may be of sees them: "for kitchen: states are 30 of the 60 numbers, with goals".
std::string seen_by(const std::string& env, const std::string& path, const std::vector<std::string>& obs_keys,
                    const rl::Dataset& plain) {
  const envs::Spec spec = envs::make_env(env, {})->spec();
  const bool wide =
      std::ranges::any_of(spec.layouts, [&](const auto& one) { return one.width == plain.state_dim; });
  if (plain.action_dim != spec.action_dim || (plain.state_dim != spec.state_dim && !wide)) return "";
  try {
    const rl::Dataset data = rl::read_demonstrations(path, {.spec = &spec, .obs_keys = obs_keys});
    const std::string states =
        data.state_dim == plain.state_dim
            ? "states as they stand"
            : fmt::format("states are {} of the {} numbers", data.state_dim, plain.state_dim);
    return fmt::format("for {}: {}{}{}\n", env, states, data.goal_targets.empty() ? "" : ", with goals",
                       data.goal_names.empty() ? "" : fmt::format(" ({}, ...)", data.goal_names.front()));
  } catch (const Error& error) {
    return fmt::format("not for {}: {}\n", env, error.what());
  }
}

void demos_info(const std::string& path, const std::vector<std::string>& obs_keys) {
  const rl::Dataset data = read_demos({path}, nullptr, obs_keys);
  int shortest = data.length(0), longest = 0;
  for (int e = 0; e < data.episodes(); ++e) {
    shortest = std::min(shortest, data.length(e));
    longest = std::max(longest, data.length(e));
  }
  fmt::print("demonstrations {}: {} episodes, {} actions ({} to {} an episode)\n", path, data.episodes(),
             data.steps(), shortest, longest);
  fmt::print("state {} numbers, action {}; qpos {}, qvel {}\n", data.state_dim, data.action_dim,
             data.qpos_dim, data.qvel_dim);
  for (const std::string& env : envs::env_names()) fmt::print("{}", seen_by(env, path, obs_keys, data));
  if (!data.completed.empty()) {
    const auto complete = std::count(data.completed.begin(), data.completed.end(), 1);
    fmt::print("episodes that end with a terminal flag: {}\n", complete);
  }
  std::int64_t saturated = 0;
  for (float a : data.actions) saturated += std::abs(a) >= 1;
  fmt::print("action values at or beyond +-1: {} %\n",
             percent(static_cast<double>(saturated) / static_cast<double>(data.actions.size())));
  if (data.goal_names.empty()) return;
  std::map<std::string, int> goals;
  for (const auto& name : data.goal_names) ++goals[name];
  Table table({"goal", "episodes"});
  for (const auto& [name, count] : goals) table.add_row({name, std::to_string(count)});
  fmt::print("\n{}", table.text());
}

void run_info(const std::string& path) {
  const auto agent = rl::load_agent(path);
  fmt::print("policy {}: {} for {}\n{}", path, agent->method,
             agent->env.empty()                 ? "an unnamed environment"
             : agent->env == rl::kNoEnvironment ? "no environment"
                                                : agent->env,
             agent->describe());
}

// A run; what demo left, whose parts are runs; or logs.
void folder_info(const std::filesystem::path& path, const std::vector<std::string>& obs_keys) {
  namespace fs = std::filesystem;
  const bool has_policy = fs::exists(rl::policy_file(path)), has_summary = fs::exists(path / "summary.json");
  if (!has_policy && !has_summary) return demos_info(path, obs_keys);
  if (has_policy) run_info(path);
  if (fs::exists(path / "run.json")) fmt::print("{}", rl::describe_provenance(path));
  if (has_summary) fmt::print("{}", rl::read_text(path / "summary.json"));
}

void info(const std::string& path, const std::vector<std::string>& obs_keys) {
  namespace fs = std::filesystem;
  std::error_code error;
  BATON_REQUIRE(fs::exists(path, error), "{}: no such file or folder", path);
  if (fs::is_directory(path, error)) return folder_info(path, obs_keys);
  BATON_REQUIRE(fs::is_regular_file(path, error), "{}: a pipe or a device; a file or a folder is expected",
                path);
  const std::string name = fs::path(path).filename();
  if (name == "policy.h5" || name.ends_with(".safetensors")) return run_info(path);
  std::array<char, 4> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  const std::string extension = fs::path(path).extension();
  const bool hdf5 = std::string_view(head.data(), 4) == "\x89HDF";
  if (hdf5 || extension == ".h5" || extension == ".hdf5" || extension == ".mjl")
    return demos_info(path, obs_keys);
  const std::string other = rl::name_other_form(path);
  BATON_REQUIRE(other.empty(), "{}: {}", path, other);
  fmt::print("{}", describe_model(path));
}

}  // namespace

void add_info(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand(
      "info", "Say what a model, a file of demonstrations or a run directory holds");
  auto path = std::make_shared<std::string>();
  auto obs_keys = std::make_shared<std::vector<std::string>>();
  command.add_option("PATH", *path, "MODEL.xml, demos.h5, a folder of demonstrations, or that of a run")
      ->required();
  add_obs_keys(command, *obs_keys);
  command.footer(
      "Examples:\n"
      "  baton info robot.xml\n"
      "  baton info demos.h5\n"
      "  baton info runs/ril");
  command.callback(
      [&registry, path, obs_keys] { registry.action = [path, obs_keys] { info(*path, *obs_keys); }; });
}

}  // namespace baton::cli
