#pragma once
// N environments of one model, stepped together.
//
// Environments live in tiles of W (the lanes of one Data<Lanes<float, W>>): W = 16 with AVX-512, 8 with AVX2, else 4,
// chosen when the batch is made (environment variable BATON_ISA = avx512 | avx2 | base forces one). Precision kFloat
// and kDouble put every environment into a tile of its own, in plain float or double. BatchOptions::whole_batch
// puts all into one, on a GPU. Which environments share a tile changes with what they touch (places.hpp).
//
// An environment's trajectory has the same bytes for any number of threads, any size of the batch and any place in
// it. One that leaves sane bounds (non-finite, |qpos| > max_position, |qvel| > max_velocity) or has a NaN among its
// controls is put back, at the end of the substep, to the state it was last reset to, and counted; its controls stay,
// the others notice nothing.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "envs/sim/model.hpp"
#include "envs/sim/places.hpp"
#include "envs/sim/stage_clock.hpp"

namespace baton::sim {

enum class Precision { kLanes, kFloat, kDouble };

class BatchTile;
struct BatchOptions;
// Makes one tile of all environments.
using WholeBatch = std::unique_ptr<BatchTile> (*)(const Model<float>& model, int environments,
                                                  const BatchOptions& options);

struct BatchOptions {
  Precision precision = Precision::kLanes;
  std::string isa;            // "": BATON_ISA, or the best that this machine has
  double max_position = 1e3;  // m, rad
  double max_velocity = 1e4;  // m/s, rad/s
  WholeBatch whole_batch =
      nullptr;  // where the environments live, if not in this processor's tiles (cuda/tile.hpp)
};

// Arrays of an environment that can be read and written. kMocapPos [3 nmocap] m, kMocapQuat [4 nmocap]: poses of mocap
// bodies, in the world. kReset*: what a diverged environment is put back to.
enum class Field { kQpos, kQvel, kCtrl, kWarmstart, kMocapPos, kMocapQuat, kResetQpos, kResetQvel };

// What a tile has done since it was made, summed over its environments.
struct BatchCounts {
  std::uint64_t steps = 0;     // of environments
  std::uint64_t contacts = 0;  // active contacts, over all steps
  std::uint64_t diverged = 0;
  std::uint64_t dropped = 0;  // contacts beyond an environment's kMaxContacts, over all steps
  std::uint64_t tile_steps = 0, iterations = 0, line_search = 0;  // of the solver, per tile
};

// W environments behind one interface; calls cost nothing beside a step. Made by batch_tile.hpp.
class BatchTile {
 public:
  virtual ~BatchTile() = default;
  virtual void step(int substeps) = 0;
  virtual void set_lanes(int used) = 0;  // lanes beyond repeat lane 0
  // keys[lane]: what the environment touched in the last substep, a bit for each pair of bodies (some share theirs).
  virtual void touched(std::uint64_t* keys) const = 0;
  // All that belongs to one environment of this tile changes places with one of another tile of the same batch.
  virtual void swap(int lane, BatchTile& other, int other_lane) = 0;
  virtual void get(Field field, int lane, double* out) const = 0;
  virtual void set(Field field, int lane, const double* in) = 0;
  virtual std::uint64_t lane_diverged(int lane) const = 0;
  virtual int lane_contacts(int lane) const = 0;
  virtual std::array<double, 3> site_position(int lane, int site) const = 0;
  virtual BatchCounts counts() const = 0;
  virtual void time_stages(bool on) = 0;
  virtual StageTimes stage_times() const = 0;
};

class Batch {
 public:
  // n >= 1 environments at qpos0, at rest, controls zero. Throws
  // for models with unsupported parts and for an instruction set that this machine does not have.
  Batch(const Model<double>& model, int n, const BatchOptions& options = {});
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  int size() const { return n_; }
  int width() const { return width_; }             // environments per tile
  const std::string& isa() const { return isa_; }  // "avx512", "avx2", "base", "float", "double", "cuda"
  const Model<double>& model() const { return *model_; }
  int nq() const { return model_->nq; }
  int nv() const { return model_->nv; }
  int nu() const { return model_->nu; }

  // Puts one environment to a state (also the one it returns to if it diverges), controls and warm start zero, mocap
  // bodies where the file has them.
  void reset(int env, std::span<const double> qpos, std::span<const double> qvel);

  // Whole arrays of one environment; spans of exactly nq, nv, nu (or 3, 4 nmocap) values.
  void get_qpos(int env, std::span<double> out) const { get(Field::kQpos, env, out); }
  void get_qvel(int env, std::span<double> out) const { get(Field::kQvel, env, out); }
  void get_ctrl(int env, std::span<double> out) const { get(Field::kCtrl, env, out); }
  void set_qpos(int env, std::span<const double> in) { set(Field::kQpos, env, in); }
  void set_qvel(int env, std::span<const double> in) { set(Field::kQvel, env, in); }
  void set_ctrl(int env, std::span<const double> in) { set(Field::kCtrl, env, in); }
  void get(Field field, int env, std::span<double> out) const;
  void set(Field field, int env, std::span<const double> in);

  // Every environment by `substeps` timesteps, under its controls. Parallel over tiles (kernels/parallel.hpp).
  void step(int substeps = 1) { advance(substeps, nullptr); }
  // The same, under controls [n][nu] that are theirs from now on; each tile takes its own up on its own thread.
  void step(int substeps, std::span<const double> ctrl);

  // World position of a site, as of the start of the last timestep (stale until the first step after a change).
  std::array<double, 3> site_position(int env, int site) const;
  int contacts(int env) const;                                  // active contacts in the last timestep
  std::uint64_t diverged(int env) const;                        // times this environment was put back
  BatchCounts counts() const;                                   // summed over tiles
  int tile(int env) const { return places_.of(env) / width_; }  // where it lives for now

  // From now on, steps are timed stage by stage, or not. stage_times: summed over all tiles since the batch was made.
  void time_stages(bool on);
  StageTimes stage_times() const;

 private:
  static constexpr int kRegroupSteps = 20;  // substeps after which environments may change places

  void check(Field field, int env, std::size_t size) const;
  void regroup();
  void advance(int substeps, const double* ctrl);
  bool regroups() const { return width_ > 1 && tiles_.size() > 1; }
  BatchTile& tile_of(int env) const { return *tiles_[static_cast<std::size_t>(tile(env))]; }
  int lane_of(int env) const { return places_.of(env) % width_; }

  std::shared_ptr<const Model<double>> model_;
  std::shared_ptr<const Model<float>> model_float_;
  int n_, width_ = 1;
  std::string isa_;
  std::vector<std::unique_ptr<BatchTile>> tiles_;
  Places places_{0, 1};
  std::int64_t steps_in_place_ = 0;   // substeps since environments last could change places
  std::vector<std::uint64_t> touch_;  // [place] BatchTile::touched() before the places change
};

}  // namespace baton::sim
