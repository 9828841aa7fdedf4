#include "rl/data/hdf5_lzf.hpp"

#include <hdf5.h>

#include <cstddef>

#include "rl/data/lzf.hpp"

namespace baton::rl::hdf5 {
namespace {

std::uint64_t expected = 0;  // the child reads one array at a time, on one thread

// As H5Z_func_t says: the buffer is replaced by one of the library's; 0 is a failure, which leaves it.
std::size_t decompress(unsigned flags, std::size_t, const unsigned*, std::size_t bytes, std::size_t* size,
                       void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0 || expected == 0) return 0;
  void* out = H5allocate_memory(expected, false);
  if (out == nullptr) return 0;
  if (!lzf_decompress({static_cast<const std::uint8_t*>(*buffer), bytes},
                      {static_cast<std::uint8_t*>(out), expected})) {
    H5free_memory(out);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = out;
  *size = expected;
  return expected;
}

}  // namespace

void register_lzf() {
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, kLzf, 1, 1, "lzf", nullptr, nullptr, decompress};
  H5Zregister(&filter);
}

void expect_of_lzf(std::uint64_t bytes) { expected = bytes; }

}  // namespace baton::rl::hdf5
