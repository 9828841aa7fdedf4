#pragma once
// The forms of demonstrations in one HDF5 file, as rl/data/demonstrations.hpp says them; read_dataset() tells which one
// a file has.
#include "rl/data/demonstrations.hpp"
#include "rl/data/hdf5_reader.hpp"

namespace baton::rl {

Dataset read_flat(const Hdf5Reader& file, const ReadOptions& options);

// `groups` hold an episode each: actions and, in `observations` of each, what was observed.
enum class GroupForm { kMinari, kRobomimic };
Dataset read_groups(const Hdf5Reader& file, const std::vector<std::string>& groups, GroupForm form,
                    const ReadOptions& options);

}  // namespace baton::rl
