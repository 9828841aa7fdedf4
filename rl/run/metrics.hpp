#pragma once
// Files of a run directory.
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "rl/run/files.hpp"

namespace baton::rl {

// Makes the directory (and parents) and checks that it can be written; throws naming it otherwise.
void prepare_directory(const std::string& directory);

// summary.json: nothing that differs between runs of one seed belongs in it.
void write_summary(const std::string& directory, const nlohmann::ordered_json& summary);

// metrics.jsonl: one object per line, handed to the system at once; a killed run leaves whole lines. Each line ends
// with "seconds", the wall clock since the writer was made. What stood there before is overwritten.
class MetricsWriter {
 public:
  explicit MetricsWriter(const std::string& directory);
  void write(const nlohmann::ordered_json& object);
  void close();  // syncs; throws where lines may be lost

 private:
  Descriptor file_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace baton::rl
