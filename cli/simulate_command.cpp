// baton simulate: states of any MJCF model over time, for comparison with other simulators.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/model_run.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "rl/data/npy.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string model, keyframe, state, ctrl, precision = "double", out;
  int steps = 1000;
};

std::vector<double> read_start(const sim::Model<double>& model, const std::string& path) {
  rl::NpyArray array = rl::read_npy(path);
  const std::int64_t width = model.nq + model.nv;
  BATON_REQUIRE(array.shape.size() == 1 && array.shape[0] == width,
                "{}: shape {} (({},) is wanted: nq {} + nv {})", path, rl::format_shape(array.shape), width,
                model.nq, model.nv);
  return std::move(array.values);
}

std::vector<double> read_controls(const sim::Model<double>& model, const std::string& path, int steps) {
  rl::NpyArray array = rl::read_npy(path);
  BATON_REQUIRE(array.shape.size() == 2 && array.shape[0] >= steps && array.shape[1] == model.nu,
                "{}: shape {} (({}, {}) is wanted: one row for each of {} steps, nu {})", path,
                rl::format_shape(array.shape), steps, model.nu, steps, model.nu);
  array.values.resize(static_cast<std::size_t>(steps) * static_cast<std::size_t>(model.nu));
  return std::move(array.values);
}

void simulate(const Options& options) {
  const sim::Model<double> model = sim::mjcf::load(options.model);
  const auto nq = static_cast<std::size_t>(model.nq), width = nq + static_cast<std::size_t>(model.nv);
  constexpr double kMaxNumbers = 1 << 30;
  BATON_REQUIRE(static_cast<double>(options.steps) * static_cast<double>(width) < kMaxNumbers,
                "{} steps of {} numbers do not fit into memory; simulate in pieces with --state",
                options.steps, width);
  for (const std::string& input : {options.model, options.state, options.ctrl})
    require_not_input(options.out, input);
  const OutputLock lock = require_writable_file(options.out);

  SimulationRun run;
  run.steps = options.steps;
  run.single = options.precision == "float";
  run.start.assign(width, 0.0);
  run.hold.assign(static_cast<std::size_t>(model.nu), 0.0);
  std::copy(model.qpos0.begin(), model.qpos0.end(), run.start.begin());
  if (!options.keyframe.empty()) {
    const auto& key = find_keyframe(model, options.keyframe);
    std::copy(key.qpos.begin(), key.qpos.end(), run.start.begin());
    std::copy(key.qvel.begin(), key.qvel.end(), run.start.begin() + static_cast<std::ptrdiff_t>(nq));
    run.hold = key.ctrl;
    run.mocap_pos = key.mocap_pos, run.mocap_quat = key.mocap_quat;
  }
  if (!options.state.empty()) run.start = read_start(model, options.state);
  if (!options.ctrl.empty()) run.ctrl = read_controls(model, options.ctrl, options.steps);

  std::vector<double> states;
  {
    Progress bar("simulate", options.steps, "steps");
    run.progress = [&bar](int done) {
      if (done % 64 == 0) bar.update(done);
    };
    states = simulate_model(model, run);
    bar.update(options.steps);
  }
  const std::int64_t shape[] = {options.steps + std::int64_t{1}, static_cast<std::int64_t>(width)};
  rl::write_npy(options.out, shape, states);
  fmt::print("{}: {} steps of {} s, states {}\n", options.out, options.steps, model.option.timestep,
             rl::format_shape(shape));
}

}  // namespace

void add_simulate(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand("simulate", "Step an MJCF model and write its states");
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "MJCF file")->required();
  command.add_option("--steps", options->steps, "Physics steps N")
      ->check(CLI::Range(0, 1000000000))
      ->capture_default_str();
  auto* keyframe = command.add_option("--keyframe", options->keyframe,
                                      "Start, controls and mocap poses of a keyframe, name or number");
  command.add_option("--state", options->state, "Start: .npy, float64 (nq+nv)")->excludes(keyframe);
  command.add_option("--ctrl", options->ctrl,
                     "Controls: .npy, float64 (N, nu); zeros or the keyframe's unless given");
  command.add_option("--precision", options->precision, "double or float")
      ->check(CLI::IsMember({"double", "float"}))
      ->capture_default_str();
  command
      .add_option("--out", options->out,
                  "States before each step and after the last: .npy, float64 (N+1, nq+nv)")
      ->required();
  command.footer(
      "Examples:\n"
      "  baton simulate robot.xml --steps 500 --keyframe home --out states.npy\n"
      "  baton simulate robot.xml --steps 500 --state start.npy --ctrl ctrl.npy --precision float --out "
      "states.npy");
  command.callback([&registry, options] { registry.action = [options] { simulate(*options); }; });
}

}  // namespace baton::cli
