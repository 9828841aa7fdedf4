#include "rl/run/env_settings.hpp"

#include <algorithm>
#include <filesystem>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/run/files.hpp"

namespace baton::rl {

void list_settings(SettingsTable& table, const std::string& section, EnvSettings& s) {
  const std::string p = section + ".";
  table.add(p + "name", &s.name, "environment");
  table.add(p + "model", &s.model,
            "MJCF file in place of the environment's own model; empty: the policy's, else the own; own");
  table.add(p + "noise_ratio", &s.noise_ratio, "sensor noise; negative: the environment's own", -1, 1e3);
  table.add(p + "start_spread", &s.start_spread, "rad, of the arm's joints at the start", 0, 1);
  table.add(p + "displaced", &s.displaced, "group of coordinates that starts elsewhere; empty: none");
  table.add(p + "displacement", &s.displacement, "m or rad, largest, of its first two coordinates", 0, 10);
  table.add(p + "push", &s.push, "consecutive actions of an episode that a random one replaces", 0, 1e6);
}

bool has_model_file(const EnvSettings& settings) {
  return !settings.model.empty() && settings.model != "own";
}

EnvSettings with_model_found(EnvSettings settings) {
  if (!has_model_file(settings)) return settings;
  std::error_code error;
  const std::filesystem::path path = tidy_path(settings.model);
  if (!std::filesystem::is_regular_file(path, error))
    fail("{}: no such file, the model of the environment (env.model); --model names another",
         printable(path.string(), 4096));
  settings.model = path.string();
  return settings;
}

std::unique_ptr<envs::BatchEnv> make_env(const EnvSettings& settings, int size, bool in_double) {
  const std::string model = has_model_file(settings) ? with_model_found(settings).model : "";
  return envs::make_env(settings.name, {.size = std::max(size, 1),
                                        .noise_ratio = settings.noise_ratio,
                                        .start_spread = settings.start_spread,
                                        .displaced = settings.displaced,
                                        .displacement = settings.displacement,
                                        .push = settings.push,
                                        .model = model,
                                        .in_double = in_double});
}

}  // namespace baton::rl
