// Preloaded into the binary by tests: the N-th call that changes files goes wrong. Calls count that make, write, sync,
// close, rename, lock or remove a file or a folder; standard streams, pipes and devices do not.
//   BATON_FAULT_AT    N, from 1
//   BATON_FAULT       ENOSPC, EIO: the call fails so; EINTR, SHORT: the N-th write is interrupted, or takes half;
//                     KILL: the process dies before the call
//   BATON_FAULT_LOG   the file that gets the call's name once N is reached
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

std::atomic<long> calls{0};

enum class Fate { kReal, kFails, kShort };

// Whether this call is the one, and what becomes of it; errno is set where it fails.
Fate fate(const char* call, bool is_write = false) {
  const char* at = getenv("BATON_FAULT_AT");
  if (at == nullptr) return Fate::kReal;
  const std::string_view kind = getenv("BATON_FAULT");
  const bool of_writes = kind == "SHORT" || kind == "EINTR";
  if ((of_writes && !is_write) || ++calls != atol(at)) return Fate::kReal;
  const int log = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, getenv("BATON_FAULT_LOG"), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  syscall(SYS_write, log, call, strlen(call));
  syscall(SYS_close, log);
  if (kind == "KILL") kill(getpid(), SIGKILL);
  errno = kind == "EINTR" ? EINTR : kind == "EIO" ? EIO : ENOSPC;
  return kind == "SHORT" ? Fate::kShort : Fate::kFails;
}

bool fails(const char* call) { return fate(call) == Fate::kFails; }

bool is_kept(int file) {
  struct stat there {};
  return file > STDERR_FILENO && fstat(file, &there) == 0 &&
         (S_ISREG(there.st_mode) || S_ISDIR(there.st_mode));
}

bool changes(int file) { return is_kept(file) && (fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY; }

int opened(int folder, const char* path, int flags, mode_t mode) {
  const bool counts = ((flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY) != 0) &&
                      std::string_view(path).substr(0, 5) != "/dev/";
  if (counts && fails("open")) return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

mode_t mode_of(int flags, va_list rest) { return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0; }

int at(const char* call, long number, int folder, const char* path, long last) {
  return fails(call) ? -1 : static_cast<int>(syscall(number, folder, path, last));
}

ssize_t written(int file, const void* bytes, size_t size, off_t offset, long number) {
  const Fate what = is_kept(file) ? fate("write", true) : Fate::kReal;
  if (what == Fate::kFails) return -1;
  return syscall(number, file, bytes, what == Fate::kShort ? (size + 1) / 2 : size, offset);
}

}  // namespace

#define BATON_OPEN(name)                        \
  int name(const char* path, int flags, ...) {  \
    va_list rest;                               \
    va_start(rest, flags);                      \
    const mode_t mode = mode_of(flags, rest);   \
    va_end(rest);                               \
    return opened(AT_FDCWD, path, flags, mode); \
  }
#define BATON_OPENAT(name)                                 \
  int name(int folder, const char* path, int flags, ...) { \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    const mode_t mode = mode_of(flags, rest);              \
    va_end(rest);                                          \
    return opened(folder, path, flags, mode);              \
  }

extern "C" {
BATON_OPEN(open)
BATON_OPEN(open64)
BATON_OPENAT(openat)
BATON_OPENAT(openat64)

ssize_t write(int file, const void* bytes, size_t size) { return written(file, bytes, size, 0, SYS_write); }
ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return written(file, bytes, size, offset, SYS_pwrite64);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return written(file, bytes, size, offset, SYS_pwrite64);
}
// No disk is waited for: nothing here could tell.
int fsync(int) { return fails("fsync") ? -1 : 0; }
int fdatasync(int) { return fails("fsync") ? -1 : 0; }
int ftruncate(int file, off_t size) {
  return fails("ftruncate") ? -1 : static_cast<int>(syscall(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off64_t size) {
  return fails("ftruncate") ? -1 : static_cast<int>(syscall(SYS_ftruncate, file, size));
}
int close(int file) {
  const bool failing = changes(file) && fails("close");
  const int why = errno;
  const int answer = static_cast<int>(syscall(SYS_close, file));  // the number is free even then
  if (!failing) return answer;
  errno = why;
  return -1;
}
int flock(int file, int operation) {  // HDF5's shared ones are readers'
  return (operation & LOCK_EX) != 0 && fails("flock") ? -1
                                                      : static_cast<int>(syscall(SYS_flock, file, operation));
}
int rename(const char* from, const char* to) {
  return fails("rename") ? -1 : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return fails("renameat2")
             ? -1
             : static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int mkdir(const char* path, mode_t mode) { return at("mkdir", SYS_mkdirat, AT_FDCWD, path, mode); }
int unlink(const char* path) { return at("unlink", SYS_unlinkat, AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) {
  return at("unlink", SYS_unlinkat, folder, path, flags);
}
int rmdir(const char* path) { return at("rmdir", SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); }
}
