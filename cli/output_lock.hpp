#pragma once
// One process at a time on an output, and what a process that was killed left beside it.
#include <string>
#include <string_view>

namespace baton::cli {

constexpr std::string_view kLockSuffix = ".baton-lock";

// Holds `path`, a file or a folder that need not be there yet, against other processes: a lock (flock) on the file
// PATH.baton-lock beside it. The kernel drops the lock when the process ends, however it ends; the file is removed by
// the destructor, or else by the next one on this path. Where the file system knows no locks there is none.
class OutputLock {
 public:
  OutputLock() = default;  // holds nothing

  // Throws where the folder of `path` cannot be written or another process holds `path`. Says in one line on standard
  // error what dead processes left under temporary names of `path` (rl/run/files.hpp); it is not deleted.
  explicit OutputLock(const std::string& path);
  ~OutputLock();
  OutputLock(OutputLock&& other) noexcept;
  OutputLock& operator=(OutputLock&&) = delete;

 private:
  int file_ = -1;
  std::string name_;
};

}  // namespace baton::cli
