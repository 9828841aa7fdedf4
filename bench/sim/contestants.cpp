#include "bench/sim/contestants.hpp"

#include <algorithm>

#include "kernels/error.hpp"

#ifdef BATON_HAVE_MUJOCO
#include <mujoco/mujoco.h>
#endif

namespace baton::bench {

namespace {

class Ours final : public Contestant {
 public:
  Ours(const sim::Model<double>& model, const sim::RecordedActions& record, const sim::BatchOptions& options,
       int envs)
      : record_(record),
        batch_(model, envs, options),
        ctrl_(static_cast<std::size_t>(envs) * static_cast<std::size_t>(model.nu)) {}

  void act(int action) override {
    for (int e = 0; e < batch_.size(); ++e) {
      if (action == 0) sim::restart(batch_, e);
      std::ranges::copy(record_.at(recording_of(record_, e), action), ctrl_.begin() + e * batch_.nu());
    }
    batch_.step(sim::kActionSteps, ctrl_);
  }

  std::vector<double> qpos(int env) const override {
    std::vector<double> q(static_cast<std::size_t>(batch_.nq()));
    batch_.get_qpos(env, q);
    return q;
  }

  Tally tally() const override {
    const sim::BatchCounts c = batch_.counts();
    return {static_cast<double>(c.steps), static_cast<double>(c.contacts), static_cast<double>(c.iterations),
            static_cast<double>(c.tile_steps), static_cast<double>(c.diverged)};
  }

  int envs() const override { return batch_.size(); }

 private:
  const sim::RecordedActions& record_;
  sim::Batch batch_;
  std::vector<double> ctrl_;  // [envs][nu]
};

#ifdef BATON_HAVE_MUJOCO

class Mujoco final : public Contestant {
 public:
  Mujoco(const std::string& path, const sim::RecordedActions& record, int envs) : record_(record) {
    char error[1024] = "";
    model_.reset(mj_loadXML(path.c_str(), nullptr, error, sizeof error));
    BATON_REQUIRE(model_ != nullptr, "{}: MuJoCo: {}", path, error);
    BATON_REQUIRE(model_->nu == record.nu, "{}: MuJoCo has {} controls, ours {}", path, model_->nu,
                  record.nu);
    for (int e = 0; e < envs; ++e) data_.emplace_back(mj_makeData(model_.get()));
  }

  void act(int action) override {
    for (int e = 0; e < envs(); ++e) {
      mjData* d = data_[static_cast<std::size_t>(e)].get();
      if (action == 0) restart(d);
      const auto ctrl = record_.at(recording_of(record_, e), action);
      std::copy(ctrl.begin(), ctrl.end(), d->ctrl);
      for (int k = 0; k < sim::kActionSteps; ++k) {
        mj_step(model_.get(), d);
        tally_.contacts += d->ncon;
        int most =
            0;  // islands are solved apart: the longest solve is what one solve of the whole would need
        for (int i = 0; i < std::min(std::max(d->nisland, 1), static_cast<int>(mjNISLAND)); ++i)
          most = std::max(most, d->solver_niter[i]);
        tally_.iterations += most;
      }
      tally_.diverged += d->warning[mjWARN_BADQACC].number + d->warning[mjWARN_BADQPOS].number;
    }
    tally_.steps += static_cast<double>(envs()) * sim::kActionSteps;
    tally_.solves = tally_.steps;
  }

  std::vector<double> qpos(int env) const override {
    const mjtNum* q = data_[static_cast<std::size_t>(env)]->qpos;
    return {q, q + model_->nq};
  }

  Tally tally() const override { return tally_; }
  int envs() const override { return static_cast<int>(data_.size()); }

 private:
  struct Delete {
    void operator()(mjModel* m) const { mj_deleteModel(m); }
    void operator()(mjData* d) const { mj_deleteData(d); }
  };

  void restart(mjData* d) {
    if (model_->nkey > 0)
      mj_resetDataKeyframe(model_.get(), d, 0);
    else
      mj_resetData(model_.get(), d);
  }

  const sim::RecordedActions& record_;
  std::unique_ptr<mjModel, Delete> model_;
  std::vector<std::unique_ptr<mjData, Delete>> data_;
  Tally tally_;
};

#endif  // BATON_HAVE_MUJOCO

}  // namespace

int recording_of(const sim::RecordedActions& record, int env) {
  const int turn = env / record.envs;
  return ((2 * turn + 1) * env + turn) % record.envs;
}

std::unique_ptr<Contestant> make_ours(const sim::Model<double>& model, const sim::RecordedActions& record,
                                      sim::Precision precision, int envs) {
  sim::BatchOptions options;
  options.precision = precision;
  return std::make_unique<Ours>(model, record, options, envs);
}

std::unique_ptr<Contestant> make_mujoco([[maybe_unused]] const std::string& path,
                                        [[maybe_unused]] const sim::RecordedActions& record,
                                        [[maybe_unused]] int envs) {
#ifdef BATON_HAVE_MUJOCO
  return std::make_unique<Mujoco>(path, record, envs);
#else
  return nullptr;
#endif
}

std::string mujoco_name() {
#ifdef BATON_HAVE_MUJOCO
  return std::string("MuJoCo ") + mj_versionString();
#else
  return "MuJoCo";
#endif
}

}  // namespace baton::bench
