#include "cli/model_run.hpp"

#include <charconv>
#include <cmath>

#include "envs/names.hpp"
#include "envs/sim/step.hpp"
#include "kernels/error.hpp"

namespace baton::cli {
namespace {

template <class T>
std::vector<double> simulate_in(const sim::Model<T>& model, const SimulationRun& run) {
  const auto nq = static_cast<std::size_t>(model.nq), nv = static_cast<std::size_t>(model.nv);
  const auto nu = static_cast<std::size_t>(model.nu), width = nq + nv;
  sim::Data<T> data(model);
  for (std::size_t i = 0; i < nq; ++i) data.qpos[i] = static_cast<T>(run.start[i]);
  for (std::size_t i = 0; i < nv; ++i) data.qvel[i] = static_cast<T>(run.start[nq + i]);
  std::vector<double> states((static_cast<std::size_t>(run.steps) + 1) * width);
  const auto keep = [&](int t) {
    double* row = &states[static_cast<std::size_t>(t) * width];
    for (std::size_t i = 0; i < nq; ++i) row[i] = static_cast<double>(data.qpos[i]);
    for (std::size_t i = 0; i < nv; ++i) row[nq + i] = static_cast<double>(data.qvel[i]);
    for (std::size_t i = 0; i < width; ++i) {
      BATON_REQUIRE(std::isfinite(row[i]), "{}: the simulation diverged at step {} ({} {} is {})", model.file,
                    t, i < nq ? "qpos" : "qvel", i < nq ? i : i - nq, row[i]);
    }
  };
  keep(0);
  for (int t = 0; t < run.steps; ++t) {
    const double* ctrl = run.ctrl.empty() ? run.hold.data() : &run.ctrl[static_cast<std::size_t>(t) * nu];
    for (std::size_t i = 0; i < nu; ++i) data.ctrl[i] = static_cast<T>(ctrl[i]);
    sim::step(model, data);
    keep(t + 1);
    if (run.progress) run.progress(t + 1);
  }
  return states;
}

}  // namespace

const sim::Keyframe<double>& find_keyframe(const sim::Model<double>& model, const std::string& wanted) {
  int id = model.keyframe_id(wanted);
  if (id < 0) {
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), id);
    if (error != std::errc() || end != wanted.data() + wanted.size()) id = -1;
  }
  if (id < 0 || id >= static_cast<int>(model.keyframes.size())) {
    std::vector<std::string> names;
    for (const auto& key : model.keyframes) names.push_back(key.name);
    const std::string near = envs::nearest_name(wanted, names);
    fail("{}: no keyframe '{}' (it has {}{})", model.file, wanted, names.size(),
         near.empty() ? "" : "; did you mean '" + near + "'?");
  }
  return model.keyframes[static_cast<std::size_t>(id)];
}

std::vector<double> simulate_model(const sim::Model<double>& model, const SimulationRun& run) {
  const auto nu = static_cast<std::size_t>(model.nu), width = static_cast<std::size_t>(model.nq + model.nv);
  BATON_REQUIRE(run.start.size() == width, "a start of {} numbers for nq + nv = {}", run.start.size(), width);
  BATON_REQUIRE(run.hold.size() == nu, "{} controls for nu = {}", run.hold.size(), nu);
  BATON_REQUIRE(run.ctrl.empty() || run.ctrl.size() == static_cast<std::size_t>(run.steps) * nu,
                "{} controls for {} steps of nu = {}", run.ctrl.size(), run.steps, nu);
  return run.single ? simulate_in(sim::to_float(model), run) : simulate_in(model, run);
}

}  // namespace baton::cli
