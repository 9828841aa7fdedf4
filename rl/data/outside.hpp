#pragma once
// What every reader of a file from outside needs: text that is safe to quote, and files that can be opened without
// waiting or side effects.
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::rl {

// `text` for a message: control characters, bytes that are no UTF-8 and marks that change the direction of writing
// become \xNN; what is longer than `longest` bytes is cut and ends with "...".
std::string printable(std::string_view text, std::size_t longest = 80);

// Whether printable() leaves every byte of it as it is.
bool is_printable(std::string_view text);

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
