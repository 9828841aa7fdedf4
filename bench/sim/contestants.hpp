#pragma once
// What testspeed_bench.cpp races: our batch in some precision, and MuJoCo, all replaying the same recorded actions.
#include <memory>
#include <string>
#include <vector>

#include "envs/sim/random_actions.hpp"

namespace baton::bench {

// Sums since the first action.
struct Tally {
  double steps = 0;       // of environments
  double contacts = 0;    // active
  double iterations = 0;  // of the Newton solver; in a tile of lanes, those of its slowest lane
  double solves = 0;      // what iterations are counted over
  double diverged = 0;
};

class Contestant {
 public:
  virtual ~Contestant() = default;
  // kActionSteps steps of every environment under its action number `action`; an episode starts with action 0.
  virtual void act(int action) = 0;
  virtual std::vector<double> qpos(int env) const = 0;
  virtual Tally tally() const = 0;
  virtual int envs() const = 0;
};

// Environment e replays recording (odd * e) mod record.envs, so that tiles differ in who shares them.
int recording_of(const sim::RecordedActions& record, int env);

std::unique_ptr<Contestant> make_ours(const sim::Model<double>& model, const sim::RecordedActions& record,
                                      sim::Precision precision, int envs);

// Null when built without MuJoCo (meson option mujoco). Throws when MuJoCo cannot load the file.
std::unique_ptr<Contestant> make_mujoco(const std::string& path, const sim::RecordedActions& record,
                                        int envs);
std::string mujoco_name();  // "MuJoCo 4.0.0"

}  // namespace baton::bench
