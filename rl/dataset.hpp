#pragma once
// Demonstrations: unsegmented sequences of states and actions (paper: D), and the files they are kept in.
//
// Written format: D4RL's flat form in HDF5 (any h5py reads it). Arrays over all N steps of all episodes:
//   observations (N, S) float32, actions (N, A) float32, terminals (N) uint8, timeouts (N) uint8 (1 at each
//   episode's last step), infos/qpos (N, nq), infos/qvel (N, nv) float64 when known, and per episode
//   episode_lengths (E) int64, episode_goals (E) strings, episode_targets (E, S) float32, episode_seeds (E) uint64.
// Read as well: Minari's groups (episode_<k>/observations with one row more than episode_<k>/actions, or
// observations/observation inside) and MuJoCo's .mjl logs (import_mjl).
// Every reader checks shapes, sizes and finiteness and throws baton::Error naming the file and the array.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace baton::rl {

struct Dataset {
  int state_dim = 0;                    // S
  int action_dim = 0;                   // A
  std::vector<float> states;            // [N][S]: s_t before action a_t
  std::vector<float> actions;           // [N][A]
  std::vector<std::int64_t> offsets{0};  // [E+1]: episode e holds rows offsets[e] .. offsets[e+1]-1

  // Per episode, or empty when unknown.
  std::vector<std::string> goal_names;  // [E]
  std::vector<float> goal_targets;      // [E][S], the compound goal's state
  std::vector<std::uint64_t> seeds;     // [E]
  std::vector<std::uint8_t> completed;  // [E], 1: the episode ended with a terminal flag (all elements done)

  // True generalised coordinates before each action, or empty. Only carried through.
  int qpos_dim = 0, qvel_dim = 0;
  std::vector<double> qpos, qvel;  // [N][nq], [N][nv]

  int episodes() const { return static_cast<int>(offsets.size()) - 1; }
  std::int64_t steps() const { return offsets.back(); }
  int length(int episode) const { return static_cast<int>(offsets[episode + 1] - offsets[episode]); }
  const float* state(int episode, std::int64_t t) const { return &states[(offsets[episode] + t) * state_dim]; }
  const float* action(int episode, std::int64_t t) const { return &actions[(offsets[episode] + t) * action_dim]; }
};

// Throws unless sizes agree, no episode is empty and every number is finite. `where` opens the message.
void validate(const Dataset& data, const std::string& where);

// Writes the flat form, gzip-compressed, to `path` through a temporary name beside it (all or nothing).
void write_dataset(const Dataset& data, const std::string& path);

// Reads the flat form or Minari's. The first `state_dim` columns of the observations are kept (files hold 30 or
// [state, goal] = 60); state_dim <= 0: the file's own (60 wide with 9 actions is taken as [state, goal]).
// A goal column block equal in width to the state is kept as goal_targets (its value at each episode's last step).
Dataset read_dataset(const std::string& path, int state_dim = 0);

// Reading of an .mjl log (paper.md, "The demonstrations"). Little-endian, 7 int32, model name, float32 records
// [time, qpos, qvel, ctrl, mocap, sensordata, userdata] every 2 ms; every 40th record is a step, its state is
// qpos, its action (ctrl - robot qpos) / 0.08 / 2, clipped to [-1, 1].
struct MjlReport {
  std::int64_t records = 0;         // whole records
  std::int64_t truncated_bytes = 0;  // bytes after the last whole record, ignored
};
Dataset read_mjl(const std::string& path, MjlReport* report = nullptr);

// Appends the episodes of `more`. Optional arrays stay only where both have them.
void append(Dataset& data, const Dataset& more);

// The named episodes, in the given order.
Dataset select(const Dataset& data, std::span<const int> episodes);

// Mean over episodes of the last state: [S].
std::vector<float> mean_final_state(const Dataset& data);

}  // namespace baton::rl
