#include "cli/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "kernels/error.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace fs = std::filesystem;
namespace {

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path partial_name(const fs::path& path) { return path.string() + ".partial-" + std::to_string(getpid()); }

// A name without its last slash, so that names beside it are not names inside it.
fs::path without_slash(const std::string& path) {
  fs::path p = fs::path(path).lexically_normal();
  return p.has_filename() ? p : p.parent_path();
}

bool has_our_config(const fs::path& folder) {
  std::error_code error;
  const std::string file = folder / "config.toml";
  return fs::is_regular_file(file, error) && rl::read_text(file).starts_with("preset = ");
}

// Nothing there yet, an empty folder, or a run directory.
void require_run_folder(const fs::path& path) {
  BATON_REQUIRE(!path.empty(), "no name given for the output folder");
  std::error_code error;
  if (!fs::exists(path, error)) return;
  BATON_REQUIRE(fs::is_directory(path, error), "{}: is a file; a folder for the run is wanted",
                path.string());
  BATON_REQUIRE(fs::is_empty(path, error) || has_our_config(path),
                "{}: is there already and is not a run directory; name a new folder", path.string());
  BATON_REQUIRE(access(path.c_str(), W_OK) == 0, "{}: cannot be written: {}", path.string(),
                std::strerror(errno));
}

// Every entry is one that runs write, so that replacing the folder takes nothing else away.
void require_replaceable(const fs::path& path) {
  constexpr std::array<std::string_view, 7> kOurs = {
      "config.toml", "last", "metrics.jsonl", "policy.h5", "policy.safetensors", "run.json", "summary.json"};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename();
    BATON_REQUIRE(
        std::ranges::find(kOurs, name) != kOurs.end(),
        "{}: holds '{}', which no run writes and which would be deleted with the old run; name a new "
        "folder",
        path.string(), name);
  }
}

}  // namespace

void require_writable_file(const std::string& path, Writing writing) {
  BATON_REQUIRE(!path.empty(), "no name given for the output file");
  std::error_code error;
  if (rl::is_stream(path)) {
    BATON_REQUIRE(writing == Writing::kAnything, "{}: a pipe or a device; a file name is wanted", path);
    BATON_REQUIRE(access(path.c_str(), W_OK) == 0, "{}: cannot be written: {}", path, std::strerror(errno));
    return;
  }
  BATON_REQUIRE(!fs::is_directory(path, error), "{}: is a folder; a file name is wanted", path);
  const fs::path folder = parent_of(path);
  BATON_REQUIRE(fs::is_directory(folder, error), "{}: cannot be written: there is no folder {}", path,
                folder.string());
  const std::string probe = partial_name(path);
  const int file = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  BATON_REQUIRE(file >= 0, "{}: cannot be written: {}", path, std::strerror(errno));
  close(file);
  unlink(probe.c_str());
}

std::string relative_to(const std::string& out, const std::string& path) {
  std::error_code error;
  const fs::path from = fs::absolute(without_slash(out), error),
                 to = fs::absolute(without_slash(path), error);
  const fs::path relative = to.lexically_normal().lexically_relative(from.lexically_normal());
  return relative.empty() ? to.string() : relative.string();
}

void prepare_run_folder(const std::string& path) {
  require_run_folder(path);
  std::error_code error;
  fs::create_directories(path, error);
  BATON_REQUIRE(!error, "{}: cannot be made: {}", path, error.message());
  fs::remove(fs::path(path) / "summary.json", error);
}

RunDir::RunDir(const std::string& path)
    : path_(rl::linked_file(without_slash(path))), partial_(partial_name(path_)) {
  require_run_folder(path);
  require_replaceable(path_);
  std::error_code error;
  fs::create_directories(partial_, error);
  BATON_REQUIRE(!error, "{}: cannot be made: {}", path, error.message());
}

RunDir::~RunDir() {
  std::error_code error;
  if (!partial_.empty()) fs::remove_all(partial_, error);
}

void RunDir::commit() {
  std::error_code error;
  const fs::path old = path_.string() + ".old-" + std::to_string(getpid());
  const bool replaces = fs::exists(path_, error);
  if (replaces) fs::rename(path_, old, error);
  BATON_REQUIRE(!error, "{}: cannot be replaced: {}", path_.string(), error.message());
  fs::rename(partial_, path_, error);
  if (error) {
    const std::string why = error.message();
    if (replaces) fs::rename(old, path_, error);
    fail("{}: cannot be written: {}", path_.string(), why);
  }
  if (replaces) fs::remove_all(old, error);
  partial_.clear();
}

void write_run_json(const RunDir& run, const std::string& out, const rl::Provenance& origin) {
  rl::write_text_atomic(run.file("run.json"), origin.to_json(out).dump(2) + "\n");
}

}  // namespace baton::cli
