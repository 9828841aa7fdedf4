// baton testspeed: physics steps per second of an MJCF model, many environments at once.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/command.hpp"
#include "cli/model_run.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "envs/sim/batch.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string model, keyframe, precision = "float", json;
  int envs = 256, steps = 1000, threads = 0;
};

void put_to_keyframe(sim::Batch& batch, const std::string& wanted) {
  const auto& key = find_keyframe(batch.model(), wanted);
  for (int i = 0; i < batch.size(); ++i) {
    batch.reset(i, key.qpos, key.qvel);
    batch.set_ctrl(i, key.ctrl);
  }
}

void testspeed(const Options& options) {
  kernels::set_threads(options.threads);
  const sim::Model<double> model = sim::mjcf::load(options.model);
  if (!options.json.empty()) require_writable_file(options.json);
  sim::BatchOptions batch_options;
  if (options.precision == "double") batch_options.precision = sim::Precision::kDouble;
  if (options.precision == "scalar") batch_options.precision = sim::Precision::kFloat;
  sim::Batch batch(model, options.envs, batch_options);
  if (!options.keyframe.empty()) put_to_keyframe(batch, options.keyframe);

  constexpr int kChunk = 20;  // steps between two looks at the clock
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  {
    Progress bar("testspeed", options.steps, "steps");
    for (int done = 0; done < options.steps;) {
      const int now = std::min(kChunk, options.steps - done);
      batch.step(now);
      bar.update(done += now);
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const sim::BatchCounts counts = batch.counts();
  const double total = static_cast<double>(options.envs) * options.steps;
  const double rate = total / std::max(seconds, 1e-9),
               contacts = static_cast<double>(counts.contacts) / total;
  if (!options.json.empty()) {
    const nlohmann::ordered_json report{{"model", options.model},
                                        {"envs", options.envs},
                                        {"steps", static_cast<std::int64_t>(total)},
                                        {"threads", kernels::threads()},
                                        {"precision", options.precision == "double" ? "double" : "float"},
                                        {"steps_per_second", rate},
                                        {"contacts_per_step", contacts},
                                        {"seconds", seconds},
                                        {"isa", batch.isa()},
                                        {"lanes", batch.width()},
                                        {"diverged", counts.diverged}};
    rl::write_text_atomic(options.json, report.dump(2) + "\n");
  }
  fmt::print("{}: {:.0f} steps/s ({} environments x {} steps in {:.2f} s, {} threads, {}, {} lanes)\n",
             options.model, rate, options.envs, options.steps, seconds, kernels::threads(), batch.isa(),
             batch.width());
  fmt::print("{:.2f} contacts a step; {} environments diverged\n", contacts, counts.diverged);
}

}  // namespace

void add_testspeed(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("testspeed", "Physics steps per second of an MJCF model");
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "MJCF file")->required();
  command.add_option("--envs", options->envs, "Environments")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--steps", options->steps, "Physics steps of each environment")
      ->check(CLI::Range(1, 1000000000))
      ->capture_default_str();
  command.add_option("--keyframe", options->keyframe, "Start and controls of a keyframe, name or number");
  command
      .add_option("--precision", options->precision,
                  "float: a lane of a SIMD tile each; scalar: plain float; double: plain double")
      ->check(CLI::IsMember({"float", "scalar", "double"}))
      ->capture_default_str();
  command.add_option("--json", options->json, "File for the figures; steps are summed over environments");
  add_threads(command, options->threads);
  command.footer(
      "Examples:\n"
      "  baton testspeed robot.xml\n"
      "  baton testspeed robot.xml --envs 512 --steps 2000 --threads 1 --json speed.json");
  command.callback([&registry, options] { registry.action = [options] { testspeed(*options); }; });
}

}  // namespace baton::cli
