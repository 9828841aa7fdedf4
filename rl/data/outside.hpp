#pragma once
// What every reader of a file from outside needs: files that can be opened without waiting or side effects. What it
// quotes passes through printable() (kernels/names.hpp).
#include <cstdint>
#include <string>

#include "kernels/names.hpp"

namespace baton::rl {

// A regular file, open for reading; closed at the end of its life.
class OutsideFile {
 public:
  // Throws "PATH: no such file", "no permission to read", "not a file but a ..." (folder, pipe, socket, device). Never
  // waits for a pipe. `expected` ends the last message: "an HDF5 file".
  OutsideFile(const std::string& path, const char* expected);
  ~OutsideFile();
  OutsideFile(const OutsideFile&) = delete;
  OutsideFile& operator=(const OutsideFile&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint64_t bytes() const { return bytes_; }  // when it was opened
  // Reads exactly `count` bytes at `offset`, or throws.
  void read(std::uint64_t offset, void* to, std::size_t count) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace baton::rl
