#pragma once
// Files of a run directory. Whole files are written under a temporary name and renamed.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace baton::rl {

// Makes the directory (and parents) and checks that it can be written; throws naming it otherwise.
void prepare_directory(const std::string& directory);

// Whether something other than a file or a folder stands there: a pipe or a device, which is written to and never
// replaced.
bool is_stream(const std::string& path);

// The file that a symbolic link names; what is no link, or leads nowhere, unchanged.
std::string linked_file(const std::string& path);

// Writes text to path through a temporary name beside it, all or nothing; to a stream as it is. Links stay.
void write_text_atomic(const std::string& path, const std::string& text);

std::string read_text(const std::string& path);  // throws naming the path

// summary.json: nothing that differs between runs of one seed belongs in it.
void write_summary(const std::string& directory, const nlohmann::ordered_json& summary);

// metrics.jsonl: one object per line, flushed at once; a killed run leaves whole lines. Each line ends with "seconds",
// the wall clock since the writer was made.
class MetricsWriter {
 public:
  explicit MetricsWriter(const std::string& directory);
  ~MetricsWriter();
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;
  void write(const nlohmann::ordered_json& object);

 private:
  std::FILE* file_ = nullptr;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string path_;
};

}  // namespace baton::rl
