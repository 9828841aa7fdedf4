#pragma once
// The tile of batch.hpp for any number type. Included by batch_cpu.cpp only, once per instruction set.
#include <algorithm>
#include <vector>

#include "envs/sim/batch.hpp"
#include "envs/sim/contain.hpp"
#include "envs/sim/step.hpp"

namespace baton::sim {

template <class T>
class TileOf final : public BatchTile {
  using S = scalar_t<T>;
  // All of them.
  static constexpr std::array kFields{Field::kQpos,      Field::kQvel,     Field::kCtrl,
                                      Field::kWarmstart, Field::kMocapPos, Field::kMocapQuat,
                                      Field::kResetQpos, Field::kResetQvel};
  static constexpr int kWidth = width_v<T>;

 public:
  TileOf(const Model<S>& model, const BatchOptions& options)
      : m_(model),
        d_(model),
        reset_qpos_(d_.qpos),
        reset_qvel_(d_.qvel),
        max_position_(static_cast<S>(options.max_position)),
        max_velocity_(static_cast<S>(options.max_velocity)) {}

  void set_lanes(int used) override { used_ = used; }

  void touched(std::uint64_t* keys) const override {
    std::fill_n(keys, kWidth, 0);
    for (int c = 0; c < d_.ncontact; ++c) {
      const auto& contact = d_.contacts[c];
      const std::uint64_t bit = 1ULL << d_.broadphase.group_of(contact.pair) % 64;
      for (int at = 0; at < kWidth; ++at)
        if (lane(contact.active, at)) keys[at] |= bit;
    }
  }

  void swap(int at, BatchTile& other_tile, int other_at) override {
    auto& other = static_cast<TileOf&>(other_tile);
    for (const Field field : kFields) {
      auto &mine = array(field), &its = other.array(field);
      for (std::size_t i = 0; i < mine.size(); ++i) {
        const S kept = lane(mine[i], at);
        set_lane(mine[i], at, lane(its[i], other_at));
        set_lane(its[i], other_at, kept);
      }
    }
    std::swap(diverged_[at], other.diverged_[other_at]);
  }

  void step(int substeps) override {
    fill_unused();
    clock_.begin();
    ContactTally tally;
    bool sane = false;  // after a step of this call
    for (int k = 0; k < substeps; ++k) {
      if (sane) d_.rest.vouch();
      const SolverReport report = sim::step(m_, d_, clock_);
      counts_.iterations += static_cast<std::uint64_t>(report.iterations);
      counts_.line_search += static_cast<std::uint64_t>(report.line_search);
      tally.add(d_.contact_count);
      if (tally.steps == ContactTally::kMost) count(tally);
      sane = contain();
      clock_.lap(Stage::kCount);
    }
    count(tally);
    const auto env_steps = static_cast<std::uint64_t>(substeps) * static_cast<std::uint64_t>(used_);
    counts_.steps += env_steps;
    clock_.end(env_steps);
    counts_.tile_steps += static_cast<std::uint64_t>(substeps);
  }

  void get(Field field, int at, double* out) const override {
    const auto& values = const_cast<TileOf*>(this)->array(field);
    for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<double>(lane(values[i], at));
  }

  void set(Field field, int at, const double* in) override {
    auto& values = array(field);
    for (std::size_t i = 0; i < values.size(); ++i) set_lane(values[i], at, static_cast<S>(in[i]));
  }

  void time_stages(bool on) override { clock_.on = on; }
  StageTimes stage_times() const override { return clock_.times; }

  std::uint64_t lane_diverged(int at) const override { return diverged_[at]; }

  int lane_contacts(int at) const override {
    return std::min(static_cast<int>(lane(d_.contact_count, at)), kMaxContacts);
  }

  std::array<double, 3> site_position(int at, int site) const override {
    const auto& p = d_.site_xpos[site];
    return {static_cast<double>(lane(p.x, at)), static_cast<double>(lane(p.y, at)),
            static_cast<double>(lane(p.z, at))};
  }

  BatchCounts counts() const override { return counts_; }

 private:
  std::vector<T>& array(Field field) {
    switch (field) {
      case Field::kQpos:
        return d_.qpos;
      case Field::kQvel:
        return d_.qvel;
      case Field::kCtrl:
        return d_.ctrl;
      case Field::kWarmstart:
        return d_.qacc_warmstart;
      case Field::kMocapPos:
        return d_.mocap_pos;
      case Field::kMocapQuat:
        return d_.mocap_quat;
      case Field::kResetQpos:
        return reset_qpos_;
      case Field::kResetQvel:
        return reset_qvel_;
    }
    return d_.qpos;
  }

  // Unused lanes repeat lane 0, so that they need no contacts of their own.
  void fill_unused() {
    for (auto field :
         {Field::kQpos, Field::kQvel, Field::kCtrl, Field::kWarmstart, Field::kMocapPos, Field::kMocapQuat})
      for (T& v : array(field))
        for (int at = used_; at < kWidth; ++at) set_lane(v, at, lane(v, 0));
  }

  // Contacts of each lane, kept and dropped, over a few steps: few enough for a float to count every one.
  struct ContactTally {
    static constexpr int kMost = 100;
    T kept{S(0)}, dropped{S(0)};
    int steps = 0;
    void add(const T& contacts) {
      const T most{S(kMaxContacts)}, its = min(contacts, most);
      kept += its;
      dropped += contacts - its;
      ++steps;
    }
  };
  void count(ContactTally& tally) {
    for (int at = 0; at < used_; ++at) {
      counts_.contacts += static_cast<std::uint64_t>(lane(tally.kept, at));
      counts_.dropped += static_cast<std::uint64_t>(lane(tally.dropped, at));
    }
    tally = {};
  }

  // Puts lanes that left sane bounds back to their reset state. True: there were none.
  bool contain() {
    const mask_t<T> sane = is_sane(d_, max_position_, max_velocity_);
    if (all(sane)) return true;
    put_back(
        d_, sane, [&](std::size_t i) { return reset_qpos_[i]; },
        [&](std::size_t i) { return reset_qvel_[i]; });
    for (int at = 0; at < used_; ++at)
      if (!lane(sane, at)) ++diverged_[at], ++counts_.diverged;
    return false;
  }

  const Model<S>& m_;
  Data<T> d_;
  std::vector<T> reset_qpos_, reset_qvel_;
  S max_position_, max_velocity_;
  int used_ = kWidth;
  std::array<std::uint64_t, kWidth> diverged_{};
  BatchCounts counts_;
  StageClock clock_;
};

}  // namespace baton::sim
