#pragma once
// The batch contract between environments and learning: N environments in lock step, episodes of a fixed length.
//
// A *state* is the vector that policies see and goals are expressed in (paper: s in S, goals are states). What is
// observed is the state plus sensor noise; completion is always judged on the true state. Layout of every batch
// array: row-major [N][dim], environment n at row n. All arrays are owned by the environment.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace baton::envs {

// Something that can be brought to a wanted configuration: some coordinates of the state.
struct Element {
  std::string name;
  std::vector<int> index;  // coordinates of the state
  float epsilon = 0.3f;    // complete when || state[index] - target[index] ||_2 < epsilon
};

// A compound goal. `target` is the start state with its elements at their goal coordinates.
struct Goal {
  std::string name;
  std::vector<float> target;  // [state_dim]
  std::vector<int> elements;  // indices into Spec::elements, in the order of the name
};

struct Spec {
  std::string name;
  int state_dim = 0;
  int action_dim = 0;  // actions are in [-1, 1]; what lies outside is clipped
  int horizon = 0;     // steps of an episode
  // The first robot_dim coordinates of the state are the robot's own, the rest the world's.
  int robot_dim = 0;
  std::vector<Element> elements;
};

// || state[index] - target[index] ||_2 of one element.
float element_error(const Element& element, std::span<const float> state, std::span<const float> target);

class BatchEnv {
 public:
  virtual ~BatchEnv() = default;
  virtual const Spec& spec() const = 0;
  virtual int size() const = 0;  // N

  // "all" (the demonstrated goals), "unseen", or comma-separated names. Throws on an unknown name and says the nearest.
  virtual std::vector<Goal> goals(const std::string& list) const = 0;

  // Starts an episode in every environment. seeds: [N]. Everything random in environment n (start state, sensor
  // noise) is a function of seeds[n] and the step alone, whatever N, the threads or n.
  virtual void reset(std::span<const std::uint64_t> seeds) = 0;

  // One action in every environment. actions: [N][action_dim].
  virtual void step(std::span<const float> actions) = 0;

  virtual std::span<const float> observation() const = 0;  // [N][state_dim], noisy: what a policy may see
  virtual std::span<const float> state() const = 0;  // [N][state_dim], true: what completion is judged on

  // Environments whose state diverged and was put back to its start, counted since construction.
  virtual std::uint64_t diverged() const { return 0; }
};

// Options common to all environments.
struct EnvOptions {
  int size = 1;            // N
  int threads = 0;         // 0: all cores
  float noise_ratio = -1;  // sensor noise; negative: the environment's default
};

// "kitchen" or "point_goal". Throws on an unknown name and says the nearest.
std::unique_ptr<BatchEnv> make_env(const std::string& name, const EnvOptions& options);

}  // namespace baton::envs
