#pragma once
// Runs the real binary and keeps what it printed. The binary's path comes from the environment variable BATON_BINARY,
// or else from the build.
#include <string>
#include <vector>

namespace baton::test {

struct Outcome {
  int code = -1;  // exit code; 128 + signal when it was killed
  std::string out, err;
};

// No shell: arguments arrive as they are.
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
