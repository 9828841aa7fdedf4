#pragma once
// The files that HDF5 writes, on our own checked writer (rl/run/files.hpp). The library gets on badly with writes that
// fail: it loses errors and crashes when it closes. So a failure is kept here and the library is told that all went
// well; whoever writes asks for the failure after each call.
#include <hdf5.h>

#include <cstdint>
#include <string>

#include "rl/run/files.hpp"

namespace baton::rl::hdf5 {

struct Sink {
  explicit Sink(const std::string& path) : file(path) {}
  OutputFile file;
  std::string failure;        // the first; empty: none
  std::uint64_t end = 0;      // of what is written, bytes
  std::uint64_t claimed = 0;  // by the library, bytes
};

// A list of access properties whose files live in `sink`, which outlives them. Negative where the library refuses.
hid_t make_access(Sink& sink);

}  // namespace baton::rl::hdf5
