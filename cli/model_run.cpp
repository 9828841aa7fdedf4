#include "cli/model_run.hpp"

#include <malloc.h>

#include <charconv>
#include <span>

#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::cli {

const sim::Keyframe<double>& find_keyframe(const sim::Model<double>& model, const std::string& wanted) {
  int id = model.keyframe_id(wanted);
  if (id < 0) {
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), id);
    if (error != std::errc() || end != wanted.data() + wanted.size()) id = -1;
  }
  if (id < 0 || id >= static_cast<int>(model.keyframes.size())) {
    std::vector<std::string> names;
    for (const auto& key : model.keyframes) names.push_back(key.name);
    fail("{}: no keyframe '{}' (it has {}{})", model.file, wanted, names.size(), suggestion(wanted, names));
  }
  return model.keyframes[static_cast<std::size_t>(id)];
}

std::size_t bytes_per_environment(const sim::Model<double>& model, const sim::BatchOptions& options) {
  const auto heap = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const int width = sim::Batch(model, 1, options).width();
  const std::size_t before = heap();
  const sim::Batch one(model, width, options);
  const std::size_t between = heap();
  const sim::Batch two(model, 2 * width, options);
  const std::size_t first = between - before, second = heap() - between;
  return second > first ? (second - first) / static_cast<std::size_t>(width) : 0;
}

std::vector<double> simulate_model(const sim::Model<double>& model, const SimulationRun& run) {
  const auto nu = static_cast<std::size_t>(model.nu), width = static_cast<std::size_t>(model.nq + model.nv);
  BATON_REQUIRE(run.start.size() == width, "a start of {} numbers for nq + nv = {}", run.start.size(), width);
  BATON_REQUIRE(run.hold.size() == nu, "{} controls for nu = {}", run.hold.size(), nu);
  BATON_REQUIRE(run.ctrl.empty() || run.ctrl.size() == static_cast<std::size_t>(run.steps) * nu,
                "{} controls for {} steps of nu = {}", run.ctrl.size(), run.steps, nu);
  const auto nq = static_cast<std::size_t>(model.nq);
  sim::BatchOptions options;
  options.precision = run.single ? sim::Precision::kFloat : sim::Precision::kDouble;
  sim::Batch batch(model, 1, options);
  const std::span<const double> start(run.start);
  batch.reset(0, start.first(nq), start.subspan(nq));
  batch.set_ctrl(0, run.hold);
  if (!run.mocap_pos.empty()) batch.set(sim::Field::kMocapPos, 0, run.mocap_pos);
  if (!run.mocap_quat.empty()) batch.set(sim::Field::kMocapQuat, 0, run.mocap_quat);
  std::vector<double> states((static_cast<std::size_t>(run.steps) + 1) * width);
  for (int t = 0;; ++t) {
    const auto row = std::span(states).subspan(static_cast<std::size_t>(t) * width, width);
    batch.get_qpos(0, row.first(nq));
    batch.get_qvel(0, row.subspan(nq));
    if (t == run.steps) return states;
    if (!run.ctrl.empty())
      batch.set_ctrl(0, std::span(run.ctrl).subspan(static_cast<std::size_t>(t) * nu, nu));
    batch.step();
    BATON_REQUIRE(batch.diverged(0) == 0, "{}: the simulation diverged at step {}", model.file, t);
    if (run.progress) run.progress(t + 1);
  }
}

}  // namespace baton::cli
