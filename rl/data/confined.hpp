#pragma once
// A child process of ours in which a library reads a file from outside, so that what a hostile file can do to the
// library (a crash, an endless loop, memory without end) ends the child alone. The child has no descriptor but the file
// and a socket to us, and can open none once it says seal(); no core, no written bytes, no new processes. Memory and
// processor time are granted request by request (grant()), and time by the clock is kept by the parent.
//
// It is a fork without exec: only the calling thread lives on in it, so that what the child runs must use neither
// threads nor locks of ours; malloc is safe (glibc).
#include <sys/types.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "rl/data/outside.hpp"

namespace baton::rl {

// The child's end: requests come in, frames go out. A socket that breaks ends the child.
class ConfinedChild {
 public:
  ConfinedChild(int file, int socket) : file_(file), socket_(socket) {}
  int file() const { return file_; }

  // The next request.
  std::string request() const;
  // One part of an answer. Several may follow one another; the parent knows how many bytes it waits for.
  void answer(const void* data, std::size_t bytes) const;
  // The answer is an error: the parent throws it as baton::Error.
  void refuse(const std::string& message) const;
  // The same with what() of an exception, a std::bad_alloc among them.
  void refuse(const std::exception& error) const;

  // From here on nothing can be opened.
  void seal() const;
  // Until the next call: memory for `memory` bytes beyond a base of 256 MiB, and processor time for `work` bytes at
  // 10 MiB/s beyond one to two seconds. Beyond, allocations fail and the child ends.
  void grant(std::uint64_t memory, std::uint64_t work) const;

 private:
  int file_, socket_;
  std::uint64_t mapped_at_start_ = mapped_bytes();
  static std::uint64_t mapped_bytes();
};

// The parent's end. Every function throws baton::Error with one line: the child's own refusal, or
// "PATH: damaged (the reader ended with signal 11)" when it crashed, took too much or did not answer.
class Confined {
 public:
  // Forks; the child runs serve() until the parent lets go. It never returns and runs no destructors of the parent.
  Confined(const std::string& path, const OutsideFile& file,
           const std::function<void(ConfinedChild&)>& serve);
  ~Confined();  // ends the child
  Confined(const Confined&) = delete;
  Confined& operator=(const Confined&) = delete;

  // Sends a request. Its answer is awaited for a minute and a second for each MiB of `work`.
  void ask(const std::string& request, std::uint64_t work = 0);
  // A whole answer of at most `most` bytes, sent as one part.
  std::vector<char> answer(std::size_t most);
  // An answer of exactly `bytes`, in as many parts as it comes.
  void answer_into(void* to, std::size_t bytes);

 private:
  std::size_t next_part(std::size_t most);
  void receive(void* to, std::size_t bytes);
  [[noreturn]] void report_end(bool timed_out);

  std::string path_;
  pid_t child_ = -1;
  int socket_ = -1;
  double deadline_ = 0;  // s, monotonic clock
};

}  // namespace baton::rl
