// baton collect: demonstrations of the scripted operator.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "kernels/error.hpp"
#include "rl/collect.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string out, goals;
  int episodes = -1;
  bool undisturbed = false, force = false;
  SettingsOptions settings;
};

void collect(const Options& options) {
  rl::Config config = resolve(options.settings);
  if (options.episodes >= 0) config.collect.episodes = options.episodes;
  if (!options.goals.empty()) config.collect.goals = options.goals;
  if (options.undisturbed) config.collect.disturbance_low = config.collect.disturbance_high = 0;
  require_unused(options.out, options.force);
  const OutputLock lock = require_writable_file(options.out, Writing::kFileOnly);
  rl::DatasetWriter writer(options.out);
  long episodes = 0, complete = 0;
  std::int64_t steps = 0;
  {
    StageReporter reporter(nullptr, "collect", "episodes");
    rl::collect(
        config.env, config.collect, config.seed,
        [&](const rl::Dataset& part) {
          writer.append(part);
          episodes += part.episodes(), steps += part.steps();
          complete += std::count(part.completed.begin(), part.completed.end(), 1);
        },
        reporter.callback());
  }
  writer.commit();
  fmt::print("{}: {} episodes, {} actions, {} episodes with all elements done ({} %)\n", options.out,
             episodes, steps, complete,
             percent(static_cast<double>(complete) / static_cast<double>(episodes)));
}

}  // namespace

rl::Dataset collect_step(const rl::Config& config) {
  rl::Dataset data;
  StageReporter reporter(nullptr, "collect", "episodes");
  rl::collect(
      config.env, config.collect, config.seed, [&](const rl::Dataset& part) { rl::append(data, part); },
      reporter.callback());
  return data;
}

void add_collect(Registry& registry) {
  CLI::App& command =
      *registry.app.add_subcommand("collect", "Record demonstrations of the scripted operator");
  auto options = std::make_shared<Options>();
  command.add_option("--episodes", options->episodes, "How many, goal after goal; the preset's unless given")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--goals", options->goals,
                     "all, unseen, or names with commas between; the preset's unless given");
  command.add_option("--out", options->out, "HDF5 file to write (D4RL's flat form)")->required();
  add_environment(command, options->settings.env, true, true);
  command.add_flag("--undisturbed", options->undisturbed,
                   "Execute what the operator wants, without disturbances");
  add_force(command, options->force);
  add_settings(command, options->settings, {"env", "seed", "collect"});
  command.footer(
      "Examples:\n"
      "  baton collect --episodes 400 --seed 1 --goals all --out demos.h5\n"
      "  baton collect --episodes 34 --undisturbed --out clean.h5 --set collect.spread=0.5\n"
      "  baton collect --model kitchen_env_model.xml --start-spread 0.1 --out original.h5");
  command.callback([&registry, options] { registry.action = [options] { collect(*options); }; });
}

}  // namespace baton::cli
