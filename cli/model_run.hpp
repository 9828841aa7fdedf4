#pragma once
// One environment of any model in double or float, stepped from outside: what simulate does, without files.
#include <functional>
#include <string>
#include <vector>

#include "envs/sim/batch.hpp"

namespace baton::cli {

// By name, or by number where no keyframe has that name. Throws naming the nearest.
const sim::Keyframe<double>& find_keyframe(const sim::Model<double>& model, const std::string& wanted);

// Heap that one environment takes: that of one more tile, shared among its lanes. 0 where it cannot be told (another
// allocator than glibc's).
std::size_t bytes_per_environment(const sim::Model<double>& model, const sim::BatchOptions& options);

struct SimulationRun {
  int steps = 0;
  bool single = false;                        // float instead of double
  std::vector<double> start;                  // [nq+nv]
  std::vector<double> ctrl;                   // [steps][nu], or empty: `hold` for all steps
  std::vector<double> hold;                   // [nu]
  std::vector<double> mocap_pos, mocap_quat;  // [3 nmocap], [4 nmocap]; empty: where the file has them
  std::function<void(int)> progress;          // after each step; may throw to stop
};

// [steps+1][nq+nv]: the state before each step and after the last. Throws when it diverges (sim::Batch's bounds).
std::vector<double> simulate_model(const sim::Model<double>& model, const SimulationRun& run);

}  // namespace baton::cli
