#pragma once
// Matrices in an HDF5 file, and observations that lie in one array or in several.
#include <cstdint>
#include <string>
#include <vector>

#include "rl/data/hdf5_reader.hpp"

namespace baton::rl {

struct Extent {
  std::int64_t rows = 0;
  int columns = 0;
};

// Throws unless the array has two dimensions and 1..100,000 columns.
Extent matrix_extent(const Hdf5Reader& file, const std::string& name);

// A matrix of that extent, [rows][columns], and flags of that number. Throws where the array has become another since
// its shape was looked at.
std::vector<float> read_matrix(const Hdf5Reader& file, const std::string& name, const Extent& extent);
std::vector<std::uint8_t> read_flags(const Hdf5Reader& file, const std::string& name, std::int64_t count);

// Arrays of as many rows that stand side by side as the observations of an episode.
struct Observations {
  std::string name;  // for messages
  std::vector<std::string> arrays;
  std::vector<int> widths;  // of each
  Extent extent;            // of all together
};

// `base` is an array (then keys must be empty), or a group: of the arrays that keys name, of `observation` inside, or
// of its only array; a key may be a path, and name an array of one dimension. Otherwise the message lists what there
// is and says --obs-keys. Reads shapes alone.
Observations find_observations(const Hdf5Reader& file, const std::string& base,
                               const std::vector<std::string>& keys);

// [rows][columns]
std::vector<float> read_observations(const Hdf5Reader& file, const Observations& observations);

// Names of the groups "<prefix><k>" in `parent` in the order of k. Throws where there are more than 200,000.
std::vector<std::string> numbered_groups(const Hdf5Reader& file, const std::string& parent,
                                         const std::string& prefix);

}  // namespace baton::rl
