#pragma once
// Runs the real binary and keeps what it printed. The binary's path comes from the environment variable BATON_BINARY,
// or else from the build.
#include <cstdint>
#include <string>
#include <vector>

namespace baton::test {

struct Outcome {
  int code = -1;  // exit code; 128 + signal when it was killed
  std::string out, err;
};

// What a run meets besides its arguments.
struct Circumstances {
  std::vector<std::string> environment;  // "NAME=value", beside what this process has
  std::vector<int> closed;               // descriptors
  std::string out, err;                  // where standard output and error go; empty: kept in the outcome
  std::int64_t file_limit = -1;          // bytes of a file (`ulimit -f`)
  int ignored = 0;                       // a signal that the program is started with ignored, as by nohup
  int signal = 0;                        // sent ...
  std::int64_t after_us = 0;             // ... so long after the start
};

// The binary under test.
std::string binary();

// No shell: arguments arrive as they are.
Outcome run_baton(const std::vector<std::string>& arguments, const Circumstances& circumstances);
Outcome run_baton(const std::vector<std::string>& arguments, int interrupt_after_ms = 0);

// A folder of its own for one test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Names in it, sorted, "a b c".
  std::string listing() const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

}  // namespace baton::test
