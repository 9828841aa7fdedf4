#pragma once
// The child of Hdf5Reader: opens the file that the child was given and answers requests about it (hdf5_request.hpp).
#include <cstdint>

#include "rl/data/confined.hpp"

namespace baton::rl {

// Until the parent lets go. file_bytes: the file's size.
void serve_hdf5(ConfinedChild& child, std::uint64_t file_bytes);

}  // namespace baton::rl
