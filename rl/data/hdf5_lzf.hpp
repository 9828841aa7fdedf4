#pragma once
// LZF as a filter of the HDF5 library, for reading.
#include <cstdint>

namespace baton::rl::hdf5 {

inline constexpr int kLzf = 32000;  // h5py's number for it

// Gives the library the filter.
void register_lzf();

// Every chunk that is read from now on must give exactly so many bytes; the library itself does not look.
void expect_of_lzf(std::uint64_t bytes);

}  // namespace baton::rl::hdf5
