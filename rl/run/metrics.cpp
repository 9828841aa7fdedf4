#include "rl/run/metrics.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernels/error.hpp"

namespace baton::rl {

void prepare_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  BATON_REQUIRE(!error && std::filesystem::is_directory(directory), "{}: cannot be made: {}", directory,
                error ? error.message() : std::string("a file of that name is there"));
  BATON_REQUIRE(access(directory.c_str(), W_OK) == 0, "{}: no permission to write", directory);
}

bool is_stream(const std::string& path) {
  std::error_code error;
  const auto there = std::filesystem::status(path, error);
  return std::filesystem::exists(there) && !std::filesystem::is_regular_file(there) &&
         !std::filesystem::is_directory(there);
}

std::string linked_file(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

void write_text_atomic(const std::string& path, const std::string& text) {
  const bool straight = is_stream(path);
  const std::string file = linked_file(path),
                    temporary = straight ? path : fmt::format("{}.tmp-{}", file, getpid());
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    BATON_REQUIRE(stream.good(), "{}: cannot be written: {}", path, std::strerror(errno));
    stream << text << std::flush;
    if (!stream.good()) {
      if (!straight) unlink(temporary.c_str());
      fail("{}: writing failed: {}", path, std::strerror(errno));
    }
  }
  if (straight) return;
  std::error_code error;
  std::filesystem::rename(temporary, file, error);
  if (error) unlink(temporary.c_str());
  BATON_REQUIRE(!error, "{}: cannot be written: {}", path, error.message());
}

std::string read_text(const std::string& path) {
  BATON_REQUIRE(std::filesystem::is_regular_file(path), "{}: no such file", path);
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  BATON_REQUIRE(stream.good() && !text.fail(), "{}: cannot be read", path);
  return text.str();
}

void write_summary(const std::string& directory, const nlohmann::ordered_json& summary) {
  write_text_atomic(directory + "/summary.json", summary.dump(2) + "\n");
}

MetricsWriter::MetricsWriter(const std::string& directory) : path_(directory + "/metrics.jsonl") {
  file_ = std::fopen(path_.c_str(), "wb");
  BATON_REQUIRE(file_ != nullptr, "{}: cannot be written: {}", path_, std::strerror(errno));
}

MetricsWriter::~MetricsWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void MetricsWriter::write(const nlohmann::ordered_json& object) {
  nlohmann::ordered_json timed = object;
  timed["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::string line = timed.dump() + "\n";
  const bool written =
      std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
  BATON_REQUIRE(written, "{}: writing failed: {}", path_, std::strerror(errno));
}

}  // namespace baton::rl
