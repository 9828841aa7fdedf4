#include "envs/sim/batch.hpp"

#include <algorithm>

#include "envs/sim/batch_cpu.hpp"
#include "envs/sim/step.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::sim {

namespace {

std::string choose_isa(const std::string& wanted) {
  if (wanted.empty()) return kernels::isa_vectors(kernels::current_isa());
  for (int isa = 0; isa < kernels::isa_count(); ++isa)
    if (wanted == kernels::isa_name(isa)) {
      BATON_REQUIRE(kernels::isa_available(isa), "this machine does not have the instruction set {}", wanted);
      return kernels::isa_vectors(isa);
    }
  BATON_REQUIRE(false, "instruction set '{}' is unknown (amx, avx512, avx2 or base)", wanted);
  return {};
}

std::unique_ptr<BatchTile> make_tile(const std::string& isa, const Model<float>& model,
                                     const BatchOptions& options) {
#ifdef BATON_X86
  if (isa == "avx512") return make_tile_avx512(model, options);
  if (isa == "avx2") return make_tile_avx2(model, options);
#endif
  return isa == "float" ? make_tile_float(model, options) : make_tile_base(model, options);
}

}  // namespace

Batch::Batch(const Model<double>& model, int n, const BatchOptions& options)
    : model_(std::make_shared<Model<double>>(model)), n_(n) {
  BATON_REQUIRE(n >= 1, "a batch needs at least one environment, not {}", n);
  check_supported(model);
  if (options.whole_batch != nullptr) {
    isa_ = "cuda";
    width_ = n;
    model_float_ = std::make_shared<Model<float>>(to_float(model));
    tiles_.push_back(options.whole_batch(*model_float_, n, options));
    tiles_.back()->set_lanes(n);
    places_ = Places(n, n);
    return;
  }
  if (options.precision == Precision::kDouble) {
    isa_ = "double";
  } else {
    isa_ = options.precision == Precision::kFloat ? "float" : choose_isa(options.isa);
    model_float_ = std::make_shared<Model<float>>(to_float(model));
  }
  width_ = isa_ == "avx512" ? 16 : isa_ == "avx2" ? 8 : isa_ == "base" ? 4 : 1;
  for (int first = 0; first < n; first += width_) {
    tiles_.push_back(isa_ == "double" ? make_tile_double(*model_, options)
                                      : make_tile(isa_, *model_float_, options));
    tiles_.back()->set_lanes(std::min(width_, n - first));
  }
  places_ = Places(n, width_);
  touch_.resize(tiles_.size() * static_cast<std::size_t>(width_));
}

Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::check(Field field, int env, std::size_t size) const {
  BATON_REQUIRE(env >= 0 && env < n_, "environment {} does not exist: the batch has {}", env, n_);
  const auto [expected, name] = [&]() -> std::pair<int, const char*> {
    switch (field) {
      case Field::kQpos:
      case Field::kResetQpos:
        return {nq(), "qpos"};
      case Field::kCtrl:
        return {nu(), "ctrl"};
      case Field::kMocapPos:
        return {3 * model_->nmocap, "mocap_pos"};
      case Field::kMocapQuat:
        return {4 * model_->nmocap, "mocap_quat"};
      default:
        return {nv(), "qvel"};
    }
  }();
  BATON_REQUIRE(size == static_cast<std::size_t>(expected), "{} values given for an array of {} ({})", size,
                expected, name);
}

void Batch::get(Field field, int env, std::span<double> out) const {
  check(field, env, out.size());
  tile_of(env).get(field, lane_of(env), out.data());
}

void Batch::set(Field field, int env, std::span<const double> in) {
  check(field, env, in.size());
  tile_of(env).set(field, lane_of(env), in.data());
}

void Batch::reset(int env, std::span<const double> qpos, std::span<const double> qvel) {
  set(Field::kQpos, env, qpos);
  set(Field::kQvel, env, qvel);
  set(Field::kResetQpos, env, qpos);
  set(Field::kResetQvel, env, qvel);
  set(Field::kCtrl, env, std::vector<double>(static_cast<std::size_t>(nu())));
  set(Field::kWarmstart, env, std::vector<double>(static_cast<std::size_t>(nv())));
  std::vector<double> pos, quat;
  for (const auto& b : model_->bodies) {
    if (b.mocap < 0) continue;
    pos.insert(pos.end(), {b.pos.x, b.pos.y, b.pos.z});
    quat.insert(quat.end(), {b.quat.w, b.quat.x, b.quat.y, b.quat.z});
  }
  set(Field::kMocapPos, env, pos);
  set(Field::kMocapQuat, env, quat);
}

void Batch::regroup() {
  steps_in_place_ = 0;
  if (!regroups()) return;
  places_.regroup(std::span(touch_).first(static_cast<std::size_t>(n_)), [&](int p, int q) {
    tiles_[static_cast<std::size_t>(p / width_)]->swap(
        p % width_, *tiles_[static_cast<std::size_t>(q / width_)], q % width_);
  });
}

void Batch::step(int substeps, std::span<const double> ctrl) {
  BATON_REQUIRE(ctrl.size() == static_cast<std::size_t>(n_) * static_cast<std::size_t>(nu()),
                "{} controls given for {} environments of {}", ctrl.size(), n_, nu());
  advance(substeps, ctrl.data());
}

// ctrl: null, or [n][nu].
void Batch::advance(int substeps, const double* ctrl) {
  BATON_REQUIRE(substeps >= 0, "cannot take {} steps", substeps);
  if (substeps > 0 && steps_in_place_ >= kRegroupSteps) regroup();
  steps_in_place_ += substeps;
  const bool keys = regroups() && steps_in_place_ >= kRegroupSteps;  // for the next call
  kernels::parallel_for(static_cast<int>(tiles_.size()), [&](int t) {
    const auto at = static_cast<std::size_t>(t);
    if (ctrl != nullptr)
      for (int place = t * width_; place < std::min(n_, (t + 1) * width_); ++place)
        tiles_[at]->set(Field::kCtrl, place % width_,
                        ctrl + static_cast<std::ptrdiff_t>(places_.env_at(place)) * nu());
    tiles_[at]->step(substeps);
    if (keys) tiles_[at]->touched(&touch_[at * static_cast<std::size_t>(width_)]);
  });
}

std::array<double, 3> Batch::site_position(int env, int site) const {
  check(Field::kQpos, env, static_cast<std::size_t>(nq()));
  BATON_REQUIRE(site >= 0 && site < static_cast<int>(model_->sites.size()),
                "site {} does not exist: the model has {}", site, model_->sites.size());
  return tile_of(env).site_position(lane_of(env), site);
}

int Batch::contacts(int env) const {
  check(Field::kQpos, env, static_cast<std::size_t>(nq()));
  return tile_of(env).lane_contacts(lane_of(env));
}

std::uint64_t Batch::diverged(int env) const {
  check(Field::kQpos, env, static_cast<std::size_t>(nq()));
  return tile_of(env).lane_diverged(lane_of(env));
}

BatchCounts Batch::counts() const {
  BatchCounts sum;
  for (const auto& tile : tiles_) {
    const BatchCounts c = tile->counts();
    sum.steps += c.steps, sum.contacts += c.contacts, sum.diverged += c.diverged, sum.dropped += c.dropped;
    sum.tile_steps += c.tile_steps, sum.iterations += c.iterations, sum.line_search += c.line_search;
  }
  return sum;
}

void Batch::time_stages(bool on) {
  for (const auto& tile : tiles_) tile->time_stages(on);
}

StageTimes Batch::stage_times() const {
  StageTimes sum;
  for (const auto& tile : tiles_) {
    const StageTimes t = tile->stage_times();
    for (std::size_t i = 0; i < kStages; ++i) sum.ticks[i] += t.ticks[i];
    sum.steps += t.steps, sum.interrupted += t.interrupted;
  }
  return sum;
}

}  // namespace baton::sim
