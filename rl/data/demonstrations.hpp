#pragma once
// Reading of demonstrations from the files that people have (docs/formats.md):
//   HDF5   D4RL's flat form, one file an episode (ALOHA's form), Minari's groups, robomimic's groups
//   .mjl   MuJoCo's logs, the original recordings
//   .npy   BeT's three arrays in a folder
// and folders of files of the first two.
//
// Every reader checks shapes, sizes and finiteness and throws baton::Error naming the file and the array. HDF5 is read
// as rl/data/hdf5_reader.hpp says: in a child process, within bounds, shapes compared before data are read.
//
// What of an observation is the state: all of it, unless an environment is given that says otherwise (ReadOptions).
// Refused: observations beyond 1e10, actions beyond 10 (1e10 without an environment), goals' names of more than 200
// bytes or with control characters, more than 200,000 episodes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envs/env.hpp"
#include "rl/data/dataset.hpp"

namespace baton::rl {

// Instead of an environment's name: demonstrations alone.
inline constexpr std::string_view kNoEnvironment = "none";

struct ReadOptions {
  // The environment that they are for, or null: an observation is a state as it stands. With one, observations are
  // states (state_dim wide) or have one of its layouts, and actions are action_dim wide; anything else is refused. The
  // goal columns of a layout must not change within an episode: their row becomes goal_targets, with coordinates that
  // it leaves at 0 (D4RL: "not part of the goal") taken from the episode's first state; all 0 is no goal.
  const envs::Spec* spec = nullptr;
  // Where a file holds observations under several names: the arrays that make up one, side by side in this order.
  std::vector<std::string> obs_keys = {};
  // Gets a line for each oddity met.
  std::vector<std::string>* notes = nullptr;
};

// Any of the forms by what the path is. A directory: BeT's three arrays, Minari's data/main_data.hdf5 (its dataset's or
// its data folder), else every .mjl, .h5 and .hdf5 below it in order of name, but for hidden and empty ones. The goal
// of an .mjl in a folder is its own folder's name from the first known element on.
Dataset read_demonstrations(const std::string& path, const ReadOptions& options = {});

// One HDF5 file.
//   flat       observations and actions at the root. Episodes end where episode_lengths, else terminals or timeouts (0
//              or 1) say so; without any of them all is one. ALOHA's name for actions, `action`, is known.
//   Minari     episode_<k>/observations, or observations/observation inside; T or T + 1 rows for T actions.
//              observations/desired_goal/<task> of the environment's elements become goal_targets, and goal_names in
//              the order in which the recording completes them.
//   robomimic  data/demo_<k>/obs/<key>, actions.
Dataset read_dataset(const std::string& path, const ReadOptions& options = {});

// observations_seq.npy (T, N, W), actions_seq.npy (T, N, A), existence_mask.npy (T, N) of a folder: N episodes, step t
// of which is real where the mask is 1. Arrays with N before T are told by their mask and read, too.
Dataset read_bet(const std::string& folder, const ReadOptions& options = {});

// A MuJoCo .mjl log (paper.md, "The demonstrations"): little-endian; int32 nq, nv, nu, nmocap, nsensordata,
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

// An environment as demonstrations alone show it: name "none", their widths, the longest episode, no elements. The
// first robot_dim coordinates are the robot's own. Throws UsageError unless that is 0..state_dim.
envs::Spec spec_of(const Dataset& data, int robot_dim);

}  // namespace baton::rl
