// baton testspeed: physics steps per second of an MJCF model, many environments at once.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/device.hpp"
#include "cli/model_run.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "envs/sim/random_actions.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string model, keyframe, actions = "random", precision = "float", device = "cpu", json;
  int envs = 256, steps = 1000, threads = 0;
  std::uint64_t seed = 1;
};

struct Figures {
  double seconds = 0;
  double ns_per_tick = 0;
};

sim::BatchOptions batch_options(const Options& options) {
  sim::BatchOptions result;
  if (options.precision == "double") result.precision = sim::Precision::kDouble;
  if (options.precision == "scalar") result.precision = sim::Precision::kFloat;
  result.whole_batch = use_device(options.device).batch;
  return result;
}

void put_to_keyframe(sim::Batch& batch, const std::string& wanted) {
  const auto& key = find_keyframe(batch.model(), wanted);
  for (int i = 0; i < batch.size(); ++i) {
    batch.reset(i, key.qpos, key.qvel);
    batch.set_ctrl(i, key.ctrl);
  }
}

// Steps the batch; every eighth action (or eighth part of the steps held) is timed stage by stage. What a device's
// copies take is counted, loading its kernels is not.
Figures run(sim::Batch& batch, const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] {
    return std::chrono::duration<double, std::nano>(Clock::now().time_since_epoch()).count();
  };
  const bool on_device = options.device != "cpu";
  Figures figures;
  Progress bar("testspeed", options.steps, "steps");
  const double start = now();
  const std::uint64_t first_tick = sim::tick();
  for (int done = 0, action = 0; done < options.steps; ++action) {
    const int steps = std::min(sim::kActionSteps, options.steps - done);
    double before = now();
    if (options.actions == "random") sim::act_randomly(batch, options.seed, action);
    batch.time_stages(action % 8 == 0);
    if (!on_device) before = now();
    batch.step(steps);
    figures.seconds += 1e-9 * (now() - before);
    bar.update(done += steps);
  }
  figures.ns_per_tick =
      (now() - start) / static_cast<double>(std::max<std::uint64_t>(sim::tick() - first_tick, 1));
  return figures;
}

// {name: {"share", "ns_per_step"}}, ns per environment and step; empty when every timed block was interrupted.
nlohmann::ordered_json stage_report(const sim::StageTimes& times, double ns_per_tick) {
  double sum = 0;
  for (std::uint64_t ticks : times.ticks) sum += static_cast<double>(ticks);
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  if (times.steps == 0) return stages;
  for (std::size_t i = 0; i < sim::kStages; ++i) {
    const auto ticks = static_cast<double>(times.ticks[i]);
    stages[sim::kStageNames[i]] = {{"share", ticks / std::max(sum, 1.0)},
                                   {"ns_per_step", ticks * ns_per_tick / static_cast<double>(times.steps)}};
  }
  return stages;
}

nlohmann::ordered_json make_report(const Options& options, const sim::Batch& batch, const Figures& figures,
                                   std::size_t bytes_per_env) {
  const sim::BatchCounts counts = batch.counts();
  const double total = static_cast<double>(options.envs) * options.steps;
  return {
      {"model", options.model},
      {"envs", options.envs},
      {"steps", static_cast<std::int64_t>(total)},
      {"threads", kernels::threads()},
      {"precision", options.precision == "double" ? "double" : "float"},
      {"steps_per_second", total / std::max(figures.seconds, 1e-9)},
      {"contacts_per_step", static_cast<double>(counts.contacts) / total},
      {"actions", options.actions},
      {"seconds", figures.seconds},
      {"isa", batch.isa()},
      {"lanes", batch.width()},
      {"newton_per_step", static_cast<double>(counts.iterations) / static_cast<double>(counts.tile_steps)},
      {"bytes_per_env", bytes_per_env},
      {"diverged", counts.diverged},
      {"contacts_dropped", counts.dropped},
      {"stages", stage_report(batch.stage_times(), figures.ns_per_tick)}};
}

void print_report(const Options& options, const nlohmann::ordered_json& r) {
  fmt::print("{}: {:.0f} steps/s ({} environments x {} steps in {:.2f} s, {} threads, {}, {} lanes, {})\n",
             options.model, r["steps_per_second"].get<double>(), options.envs, options.steps,
             r["seconds"].get<double>(), r["threads"].get<int>(), r["isa"].get<std::string>(),
             r["lanes"].get<int>(), options.actions == "random" ? "random actions" : "controls held");
  const auto bytes = r["bytes_per_env"].get<std::size_t>();
  fmt::print("{:.2f} contacts a step; {:.2f} Newton iterations a tile step; {}\n",
             r["contacts_per_step"].get<double>(), r["newton_per_step"].get<double>(),
             bytes > 0
                 ? fmt::format("{:.1f} KiB an environment", static_cast<double>(bytes) / 1024.0)
                 : std::string(options.device == "cpu" ? "bytes of an environment unknown (another allocator)"
                                                       : "its memory is the device's"));
  fmt::print("{} environments diverged; {} contacts dropped\n\n", r["diverged"].get<std::uint64_t>(),
             r["contacts_dropped"].get<std::uint64_t>());
  if (r["stages"].empty()) {
    fmt::print("stages: not known, {}\n",
               options.device == "cpu"
                   ? "the machine was too busy (every timed block of steps was interrupted)"
                   : "a device runs all of a step as one kernel");
    return;
  }
  Table table({"stage", "share %", "ns/step/env"});
  for (const auto& [name, stage] : r["stages"].items())
    table.add_row({name, fmt::format("{:.1f}", 100.0 * stage["share"].get<double>()),
                   fmt::format("{:.1f}", stage["ns_per_step"].get<double>())});
  fmt::print("{}", table.text());
}

// A machine that runs out of memory kills the process without a word.
void require_memory(std::size_t bytes_per_env, int envs) {
  constexpr double kGiB = 1 << 30;
  const double wanted = static_cast<double>(bytes_per_env) * envs / kGiB;
  const double there =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) / kGiB;
  BATON_REQUIRE(wanted < 0.9 * there,
                "{} environments take {:.1f} GiB of memory, this machine has {:.1f}; give --envs fewer", envs,
                wanted, there);
}

void testspeed(const Options& options) {
  if (!options.keyframe.empty() && options.actions == "random")
    throw UsageError("--keyframe goes with --actions hold: episodes of random actions start at keyframe 0");
  if (options.device != "cpu" && options.precision == "double")
    throw UsageError("--device cuda is float: leave --precision double");
  kernels::set_threads(options.threads);
  const sim::BatchOptions where = batch_options(options);
  const sim::Model<double> model = sim::mjcf::load(options.model);
  if (!options.json.empty()) require_not_input(options.json, options.model);
  const OutputLock lock = options.json.empty() ? OutputLock() : require_writable_file(options.json);
  const std::size_t bytes = options.device == "cpu" ? bytes_per_environment(model, where) : 0;
  require_memory(bytes, options.envs);
  if (options.device != "cpu") sim::Batch(model, 1, where).step();  // loads the kernels
  sim::Batch batch(model, options.envs, where);
  if (!options.keyframe.empty()) put_to_keyframe(batch, options.keyframe);
  const Figures figures = run(batch, options);
  const nlohmann::ordered_json report = make_report(options, batch, figures, bytes);
  if (!options.json.empty()) rl::write_text_atomic(options.json, report.dump(2) + "\n");
  print_report(options, report);
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
  command
      .add_option("--actions", options->actions,
                  "random: a new action every 40 steps, episodes of 280 actions; hold: the start's controls")
      ->check(CLI::IsMember({"random", "hold"}))
      ->capture_default_str();
  command.add_option("--seed", options->seed, "Seed of the random actions")
      ->check(seed_range())
      ->capture_default_str();
  command.add_option("--keyframe", options->keyframe,
                     "Start and controls of a keyframe, name or number (with --actions hold)");
  command
      .add_option("--precision", options->precision,
                  "float: a lane of a SIMD tile each; scalar: plain float; double: plain double")
      ->check(CLI::IsMember({"float", "scalar", "double"}))
      ->capture_default_str();
  add_device(command, options->device);
  command.add_option("--json", options->json, "File for the figures; steps are summed over environments");
  add_threads(command, options->threads);
  command.footer(
      "Examples:\n"
      "  baton testspeed robot.xml\n"
      "  baton testspeed robot.xml --actions hold --keyframe home\n"
      "  baton testspeed robot.xml --envs 512 --steps 2000 --threads 1 --json speed.json");
  command.callback([&registry, options] { registry.action = [options] { testspeed(*options); }; });
}

}  // namespace baton::cli
