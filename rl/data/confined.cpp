#include "rl/data/confined.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <new>

#include "kernels/error.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BATON_SHADOW_MEMORY 1  // the sanitizers' shadow takes terabytes of addresses
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BATON_SHADOW_MEMORY 1
#endif
#endif

namespace baton::rl {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBaseMemory = 256 * kMiB, kWorkPerSecond = 10 * kMiB;
constexpr rlim_t kBaseSeconds = 1;
constexpr double kAnswerSeconds = 60;
constexpr std::size_t kLongestMessage = 2000, kLongestRequest = 1 << 16;
constexpr int kFile = 3, kSocket = 4;  // the child's descriptors

// Before each part of an answer.
struct Part {
  enum Kind : std::uint64_t { kData = 1, kError = 2 };
  std::uint64_t kind;
  std::uint64_t bytes;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard) {
  rlimit value = {};
  if (getrlimit(resource, &value) != 0) return;
  value.rlim_max = std::min(value.rlim_max, hard);
  value.rlim_cur = std::min(value.rlim_max, soft);
  setrlimit(resource, &value);
}

// Ends the child where the parent is gone or does not keep to the form.
void child_send(int socket, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t sent = send(socket, at, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) _exit(0);
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
}

void child_receive(int socket, void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = recv(socket, at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(0);
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

// Descriptors 0 to 2 become /dev/null (what the C library says of a broken heap is not for the user), the file and the
// socket become 3 and 4, all others are closed: the parent's files are none of the child's business.
void keep_two_descriptors(int file, int socket) {
  const int file_copy = fcntl(file, F_DUPFD, 16), socket_copy = fcntl(socket, F_DUPFD, 16);
  const int null = open("/dev/null", O_RDWR);
  for (int i = 0; i <= 2; ++i) {
    if (null < 0 || dup2(null, i) < 0) close(i);
  }
  if (dup2(file_copy, kFile) < 0 || dup2(socket_copy, kSocket) < 0) _exit(1);
  if (close_range(kSocket + 1, ~0U, 0) != 0) {
    for (int i = kSocket + 1; i < 1024; ++i) close(i);
  }
}

// Signals mean what they mean to a fresh process, but for those that ask a program to stop: they are the parent's,
// whose end is the child's as well.
void reset_signals() {
  for (const int one :
       {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGXFSZ, SIGPIPE, SIGALRM, SIGCHLD})
    signal(one, SIG_DFL);
  for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) signal(one, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(int file, int socket, const std::function<void(ConfinedChild&)>& serve) {
  reset_signals();
  keep_two_descriptors(file, socket);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ConfinedChild child(kFile, kSocket);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, 0, 0);
  limit(RLIMIT_NPROC, 0, 0);
  limit(RLIMIT_NOFILE, kSocket + 2, kSocket + 2);  // room for one more
  child.grant(0, 0);
  try {
    serve(child);
  } catch (const std::exception& error) {
    child.refuse(error);
  }
  _exit(0);
}

}  // namespace

std::uint64_t ConfinedChild::mapped_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string ConfinedChild::request() const {
  std::uint32_t size = 0;
  child_receive(socket_, &size, sizeof(size));
  if (size > kLongestRequest) _exit(1);
  std::string text(size, '\0');
  child_receive(socket_, text.data(), size);
  return text;
}

void ConfinedChild::answer(const void* data, std::size_t bytes) const {
  const Part part = {Part::kData, bytes};
  child_send(socket_, &part, sizeof(part));
  child_send(socket_, data, bytes);
}

void ConfinedChild::refuse(const std::string& message) const {
  const Part part = {Part::kError, std::min(message.size(), kLongestMessage)};
  child_send(socket_, &part, sizeof(part));
  child_send(socket_, message.data(), part.bytes);
}

// The sanitizer would look at the object's table through a pipe, which the child may not open.
__attribute__((no_sanitize("vptr"))) void ConfinedChild::refuse(const std::exception& error) const {
  const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  refuse(memory ? "reading it takes more memory than a file of its size may" : std::string(error.what()));
}

void ConfinedChild::seal() const { limit(RLIMIT_NOFILE, 0, 0); }

void ConfinedChild::grant(std::uint64_t memory, std::uint64_t work) const {
#ifndef BATON_SHADOW_MEMORY
  limit(RLIMIT_AS, mapped_at_start_ + kBaseMemory + memory, RLIM_INFINITY);
#else
  (void)memory;
#endif
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const rlim_t spent = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1);
  limit(RLIMIT_CPU, spent + kBaseSeconds + work / kWorkPerSecond, RLIM_INFINITY);
}

Confined::Confined(const std::string& path, const OutsideFile& file,
                   const std::function<void(ConfinedChild&)>& serve)
    : path_(path) {
  std::array<int, 2> ends = {};
  BATON_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0,
                "{}: cannot be read: no socket for its reader: {}", path, std::strerror(errno));
  child_ = fork();
  if (child_ == 0) run_child(file.descriptor(), ends[1], serve);
  const int reason = errno;
  close(ends[1]);
  socket_ = ends[0];
  if (child_ < 0) {
    close(socket_);
    fail("{}: cannot be read: no process for its reader: {}", path, std::strerror(reason));
  }
}

Confined::~Confined() {
  close(socket_);
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Confined::ask(const std::string& request, std::uint64_t work) {
  BATON_REQUIRE(child_ > 0, "{}: its reader has ended", path_);
  BATON_REQUIRE(request.size() <= kLongestRequest, "{}: a name of {} bytes", path_, request.size());
  const auto size = static_cast<std::uint32_t>(request.size());
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += request;
  deadline_ = now() + kAnswerSeconds + static_cast<double>(work) / static_cast<double>(kMiB);
  // A request is far smaller than the socket's buffer, and the child reads before it answers.
  const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) report_end(false);
}

void Confined::receive(void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const double left = deadline_ - now();
    pollfd wait = {socket_, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(std::min(left, 1000.0) * 1000) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0 && left > 0) continue;
    if (ready == 0) report_end(true);
    const ssize_t got = recv(socket_, at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) report_end(false);
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

std::size_t Confined::next_part(std::size_t most) {
  Part part = {};
  receive(&part, sizeof(part));
  if (part.kind == Part::kError && part.bytes <= kLongestMessage) {
    std::string message(part.bytes, '\0');
    receive(message.data(), message.size());
    fail("{}: {}", path_, printable(message, kLongestMessage));
  }
  BATON_REQUIRE(part.kind == Part::kData && part.bytes <= most,
                "{}: damaged (its reader answered with {} bytes, at most {} are expected)", path_, part.bytes,
                most);
  return part.bytes;
}

std::vector<char> Confined::answer(std::size_t most) {
  std::vector<char> bytes(next_part(most));
  receive(bytes.data(), bytes.size());
  return bytes;
}

void Confined::answer_into(void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const std::size_t part = next_part(bytes);
    BATON_REQUIRE(part > 0, "{}: damaged (its reader answered with an empty part)", path_);
    receive(at, part);
    at += part;
    bytes -= part;
  }
}

void Confined::report_end(bool timed_out) {
  kill(child_, SIGKILL);  // nothing to one that has ended
  int status = 0;
  pid_t ended = -1;
  while ((ended = waitpid(child_, &status, 0)) < 0 && errno == EINTR) {
  }
  child_ = -1;
  BATON_REQUIRE(!timed_out, "{}: damaged, or its disk does not answer: reading was given up", path_);
  BATON_REQUIRE(ended > 0, "{}: damaged (its reader ended)", path_);
  const int ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  BATON_REQUIRE(ended_by != SIGXCPU, "{}: damaged (reading it does not come to an end)", path_);
  BATON_REQUIRE(ended_by == 0, "{}: damaged (the reader ended with signal {})", path_, ended_by);
  fail("{}: damaged (the reader ended with exit status {})", path_, WEXITSTATUS(status));
}

}  // namespace baton::rl
