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
  // [index.size()], where goals want those coordinates; empty: every goal has a target of its own for them.
  std::vector<float> goal = {};
  std::string recorded_as = {};  // its name in recordings made elsewhere, where that is another
};

// A compound goal. `target` is the start state with its elements at their goal coordinates.
struct Goal {
  std::string name;
  std::vector<float> target;  // [state_dim]
  std::vector<int> elements;  // indices into Spec::elements, in the order of the name
};

// Coordinates of the state under a name.
struct Group {
  std::string name;
  std::vector<int> index;
};

// What actions mean where each moves a coordinate of the state, for action j:
//   target_j = clip(state[coordinate_j] + scale * clip(action_j, -1, 1), low_j, high_j)
// No coordinates: actions have no such meaning.
struct ActionTarget {
  std::vector<int> coordinate;   // [action_dim]
  float scale = 0;               // units of the coordinate per unit of action
  std::vector<float> low, high;  // [action_dim]
};

// How recordings made elsewhere hold a state: some columns of observations that are wider than it.
struct Layout {
  int width = 0;           // of an observation
  std::vector<int> state;  // [state_dim] columns
  std::vector<int> goal =
      {};  // [state_dim] columns: the goal's state, the same in every row of an episode; or none
};

struct Spec {
  std::string name;
  int state_dim = 0;
  int action_dim = 0;  // actions are in [-1, 1]; what lies outside is clipped
  int horizon = 0;     // steps of an episode
  // The first robot_dim coordinates of the state are the robot's own, the rest the world's.
  int robot_dim = 0;
  std::vector<Element> elements;
  std::vector<Group> groups = {};            // of coordinates; every coordinate is in one or more
  ActionTarget action_target = {};           // empty where actions do not move coordinates
  std::vector<float> sensor_amplitude = {};  // [state_dim], largest deviation of sensor noise of ratio 1
  std::vector<Layout> layouts = {};          // of recordings, each of a width of its own
};

// || state[index] - target[index] ||_2 of one element.
float element_error(const Element& element, std::span<const float> state, std::span<const float> target);

// Completion, the one definition: the error is less than the element's epsilon. NaN is not done.
inline bool element_done(const Element& element, std::span<const float> state,
                         std::span<const float> target) {
  return element_error(element, state, target) < element.epsilon;
}

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

  // One action in every environment, as taken by somebody who saw `observed` [N][state_dim] instead of observation():
  // the same where actions do not refer to what was seen. For replays of recordings.
  virtual void step_from(std::span<const float> observed, std::span<const float> actions);

  // The simulator's generalised coordinates, where there is a simulator: numbers of each, 0 without one.
  virtual int qpos_dim() const { return 0; }
  virtual int qvel_dim() const { return 0; }
  // True coordinates of one environment: qpos [qpos_dim], qvel [qvel_dim]. Setting them makes a new observation, under
  // the noise of the environment's present step. Without a simulator nothing is got, and setting throws.
  virtual void get_state(int env, std::span<double> qpos, std::span<double> qvel) const;
  virtual void set_state(int env, std::span<const double> qpos, std::span<const double> qvel);

  // Environments whose state diverged and was put back to its start, counted since construction.
  virtual std::uint64_t diverged() const { return 0; }
};

// Options common to all environments.
struct EnvOptions {
  int size = 1;            // N
  int threads = 0;         // 0: all cores
  float noise_ratio = -1;  // sensor noise; negative: the environment's default
  float start_spread = 0;  // rad: each joint of an arm starts within +- this of the start configuration
  // Name of a group of the world's coordinates, the first two of which (x and y of a body that is free) start within +-
  // `displacement` (m, rad) of the start state, each drawn by itself; empty: none.
  std::string displaced = {};
  float displacement = 0;
  // At a random time of each episode so many consecutive actions are replaced by a random constant one, whose numbers
  // are uniform in [-1, 1].
  int push = 0;
  std::string model = {};  // MJCF file that takes the place of the environment's own model; empty: its own
  bool in_double = false;  // all in double, one environment at a time, instead of in lanes of float
};

// Names that make_env() and make_demonstrator() know.
const std::vector<std::string>& env_names();

// Throws on an unknown name and says what was probably meant.
std::unique_ptr<BatchEnv> make_env(const std::string& name, const EnvOptions& options);

}  // namespace baton::envs
