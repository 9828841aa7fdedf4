#include "rl/data/outside.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kernels/error.hpp"

namespace baton::rl {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISFIFO(mode)) return "pipe";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

}  // namespace

OutsideFile::OutsideFile(const std::string& path, const char* expected) : path_(path) {
  struct stat status = {};
  // Opening a device can move a tape or wait for a line; looking comes first.
  if (stat(path.c_str(), &status) != 0) {
    BATON_REQUIRE(errno != ENOENT && errno != ENOTDIR, "{}: no such file", path);
    fail("{}: cannot be opened: {}", path, std::strerror(errno));
  }
  BATON_REQUIRE(S_ISREG(status.st_mode), "{}: not a file but a {}; {} is expected", path,
                kind_of(status.st_mode), expected);
  descriptor_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  BATON_REQUIRE(descriptor_ >= 0 || errno != EACCES, "{}: no permission to read", path);
  BATON_REQUIRE(descriptor_ >= 0, "{}: cannot be opened: {}", path, std::strerror(errno));
  if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor_);
    fail("{}: not a file any more; {} is expected", path, expected);
  }
  bytes_ = static_cast<std::uint64_t>(status.st_size);
}

OutsideFile::~OutsideFile() { close(descriptor_); }

void OutsideFile::read(std::uint64_t offset, void* to, std::size_t count) const {
  char* at = static_cast<char*>(to);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, at, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    BATON_REQUIRE(got >= 0, "{}: cannot be read: {}", path_, std::strerror(errno));
    BATON_REQUIRE(got > 0, "{}: became shorter while it was read", path_);
    at += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
}

}  // namespace baton::rl
