#include "rl/run/metrics.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "kernels/error.hpp"

namespace baton::rl {

void prepare_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  BATON_REQUIRE(!error && std::filesystem::is_directory(directory), "{}: cannot be made: {}", directory,
                error ? error.message() : std::string("a file of that name is there"));
  BATON_REQUIRE(access(directory.c_str(), W_OK) == 0, "{}: no permission to write", directory);
}

void write_summary(const std::string& directory, const nlohmann::ordered_json& summary) {
  write_text_atomic(directory + "/summary.json", summary.dump(2) + "\n");
}

MetricsWriter::MetricsWriter(const std::string& directory)
    : file_(directory + "/metrics.jsonl", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
            directory + "/metrics.jsonl") {}

void MetricsWriter::write(const nlohmann::ordered_json& object) {
  nlohmann::ordered_json timed = object;
  timed["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  file_.write(timed.dump() + "\n");
}

void MetricsWriter::close() {
  file_.sync();
  file_.close();
}

}  // namespace baton::rl
