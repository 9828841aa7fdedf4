#pragma once
// Files of a run directory. Whole files are written under a temporary name and renamed.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace baton::rl {

// Makes the directory (and parents) and checks that it can be written; throws naming it otherwise.
void prepare_directory(const std::string& directory);

// Writes text to path through a temporary name beside it: all or nothing.
void write_text_atomic(const std::string& path, const std::string& text);

std::string read_text(const std::string& path);  // throws naming the path

// summary.json: nothing that differs between runs of one seed belongs in it.
void write_summary(const std::string& directory, const nlohmann::ordered_json& summary);

// metrics.jsonl: one object per line, flushed at once; a killed run leaves whole lines.
class MetricsWriter {
 public:
  explicit MetricsWriter(const std::string& directory);
  ~MetricsWriter();
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;
  void write(const nlohmann::ordered_json& object);

 private:
  std::FILE* file_ = nullptr;
  std::string path_;
};

}  // namespace baton::rl
