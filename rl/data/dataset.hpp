#pragma once
// Demonstrations: unsegmented sequences of states and actions (paper: D), and the file that we keep them in
// (rl/data/demonstrations.hpp reads it and others).
//
// Written format: D4RL's flat form in HDF5 (any h5py reads it). Arrays over all N steps of all episodes:
//   observations (N, S) float32, actions (N, A) float32, terminals (N) uint8, timeouts (N) uint8 (1 at each
//   episode's last step), infos/qpos (N, nq), infos/qvel (N, nv) float64 when known, and per episode
//   episode_lengths (E) int64, episode_goals (E) strings, episode_targets (E, S) float32, episode_seeds (E) uint64.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace baton::rl {

struct Dataset {
  int state_dim = 0;                     // S
  int action_dim = 0;                    // A
  std::vector<float> states;             // [N][S]: s_t before action a_t
  std::vector<float> actions;            // [N][A]
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
  const float* state(int episode, std::int64_t t) const {
    return &states[(offsets[episode] + t) * state_dim];
  }
  const float* action(int episode, std::int64_t t) const {
    return &actions[(offsets[episode] + t) * action_dim];
  }
};

// Throws unless sizes agree, no episode is empty and every number is finite. `where` opens the message.
void validate(const Dataset& data, const std::string& where);

// Writes the flat form, gzip-compressed, part by part: what was appended is not kept in memory, but for a few numbers
// an episode. The file is there when it is committed, all or nothing (rl/run/files.hpp).
class DatasetWriter {
 public:
  explicit DatasetWriter(const std::string& path);
  ~DatasetWriter();
  // The first part decides which optional arrays there are; the others must have them, too. Throws where a part is not
  // whole (validate()) or cannot be written.
  void append(const Dataset& part);
  void commit();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The same in one call.
void write_dataset(const Dataset& data, const std::string& path);

// Appends the episodes of `more`. Optional arrays stay only where both have them.
void append(Dataset& data, const Dataset& more);

// The named episodes, in the given order.
Dataset select(const Dataset& data, std::span<const int> episodes);

// Mean over episodes of the last state: [S].
std::vector<float> mean_final_state(const Dataset& data);

}  // namespace baton::rl
