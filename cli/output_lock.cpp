#include "cli/output_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/streams.hpp"
#include "kernels/error.hpp"
#include "rl/run/files.hpp"

namespace baton::cli {
namespace {

namespace fs = std::filesystem;

bool same_file(int file, const std::string& name) {
  struct stat opened {
  }, named{};
  return fstat(file, &opened) == 0 && lstat(name.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

void tell_leftovers(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  std::string names;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (rl::is_temporary_of(name, path.filename().string())) names += (names.empty() ? "" : ", ") + name;
  }
  if (!names.empty())
    note(fmt::format("{}: what a process that was killed left beside it is still there, to be deleted: {}",
                     path.string(), names));
}

}  // namespace

OutputLock::OutputLock(const std::string& path) : name_(path + std::string(kLockSuffix)) {
  do {
    if (file_ >= 0) close(file_);
    file_ = open(name_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    BATON_REQUIRE(file_ >= 0, "{}: cannot be written: {}", path, std::strerror(errno));
    if (flock(file_, LOCK_EX | LOCK_NB) == 0) continue;
    const int why = errno;
    close(std::exchange(file_, -1));
    BATON_REQUIRE(why != EWOULDBLOCK, "{}: another process is writing it; wait for its end or name another",
                  path);
    unlink(name_.c_str());
    BATON_REQUIRE(why == ENOSYS || why == EOPNOTSUPP || why == ENOLCK, "{}: cannot be locked: {}", path,
                  std::strerror(why));
    return;
  } while (!same_file(file_, name_));  // its last holder removed it before we had the lock
  tell_leftovers(path);
}

OutputLock::OutputLock(OutputLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)), name_(std::move(other.name_)) {}

OutputLock::~OutputLock() {
  if (file_ < 0) return;
  unlink(name_.c_str());
  close(file_);
}

}  // namespace baton::cli
