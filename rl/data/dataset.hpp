#pragma once
// Demonstrations: unsegmented sequences of states and actions (paper: D), and the files they are kept in.
//
// Written format: D4RL's flat form in HDF5 (any h5py reads it). Arrays over all N steps of all episodes:
//   observations (N, S) float32, actions (N, A) float32, terminals (N) uint8, timeouts (N) uint8 (1 at each
//   episode's last step), infos/qpos (N, nq), infos/qvel (N, nv) float64 when known, and per episode
//   episode_lengths (E) int64, episode_goals (E) strings, episode_targets (E, S) float32, episode_seeds (E) uint64.
// Read as well: Minari's groups (episode_<k>/observations with one row more than episode_<k>/actions, or
// observations/observation inside) and MuJoCo's .mjl logs.
// Every reader checks shapes, sizes and finiteness and throws baton::Error naming the file and the array. HDF5 is read
// as rl/data/hdf5_reader.hpp says: in a child process, within bounds, shapes compared before data are read.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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

// Reads the flat form or Minari's. Observations may be wider than the state: their first `state_dim` columns are kept
// (state_dim <= 0: half the width where the file has infos/qpos of half the width, or is 60 wide; all otherwise).
// A block as wide as the state behind it is the goal: its row at the episode's end becomes goal_targets, with
// coordinates that it leaves at 0 (D4RL: "not part of the goal") taken from the episode's first state. Minari's
// 59-wide kitchen rows [9 qpos, 9 qvel, 21 qpos, 20 qvel] give their 30 positions.
// Episodes end where episode_lengths, else terminals or timeouts say so; without any of them all is one. Flags are 0 or
// 1. Refused: observations beyond 1e10, actions beyond 10, goals' names of more than 200 bytes or with control
// characters, more than 200,000 episodes. notes: one line when actions lie beyond -1..1.
Dataset read_dataset(const std::string& path, int state_dim = 0, std::vector<std::string>* notes = nullptr);

// Reads a MuJoCo .mjl log (paper.md, "The demonstrations"): little-endian; int32 nq, nv, nu, nmocap, nsensordata,
// nuserdata, name_length; the name; float32 records [time, qpos, qvel, ctrl, mocap 7 each, sensordata, userdata]
// every 2 ms. Every 40th record is a step: state qpos, action (ctrl - qpos[0..nu)) / 0.08 s / (2 rad/s), clipped to
// [-1, 1]. Logs cut off inside a record are common: the whole records are used and the rest is counted. A log is read
// record by record; more than 1 GiB is refused, and so are nv or nu of 0 or beyond nq.
struct MjlReport {
  std::int64_t records = 0;          // whole records
  std::int64_t truncated_bytes = 0;  // after the last whole record, ignored
};
Dataset read_mjl(const std::string& path, MjlReport* report = nullptr);
// The same from the log's bytes; `name` opens messages.
Dataset parse_mjl(std::string_view bytes, const std::string& name, MjlReport* report = nullptr);

// Any of the above by what the path is: a directory (Minari's data/main_data.hdf5, else every .mjl below it, in order
// of name, but for hidden and empty ones; an episode's goal is its folder's name from the first known element on), an
// .mjl file, or HDF5. notes: one line per oddity met.
Dataset read_demonstrations(const std::string& path, int state_dim = 0,
                            std::vector<std::string>* notes = nullptr);

// Appends the episodes of `more`. Optional arrays stay only where both have them.
void append(Dataset& data, const Dataset& more);

// The named episodes, in the given order.
Dataset select(const Dataset& data, std::span<const int> episodes);

// Mean over episodes of the last state: [S].
std::vector<float> mean_final_state(const Dataset& data);

}  // namespace baton::rl
