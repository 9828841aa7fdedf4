#include "cli/output.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/streams.hpp"
#include "kernels/error.hpp"
#include "rl/methods/method.hpp"
#include "rl/run/files.hpp"

namespace baton::cli {
namespace fs = std::filesystem;
namespace {

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A name without its last slash, so that names beside it are not names inside it.
fs::path without_slash(const std::string& path) {
  fs::path p = fs::path(path).lexically_normal();
  return p.has_filename() ? p : p.parent_path();
}

// Names below a run directory, '*' within one name.
const std::vector<std::string>& written_by(RunKind kind) {
  static const std::vector<std::string> policy{
      "config.toml",   "last",      "last/policy.h5",     "last/policy.safetensors",
      "metrics.jsonl", "policy.h5", "policy.safetensors", "run.json",
      "summary.json"};
  static const std::vector<std::string> demo = [] {
    std::vector<std::string> names{"config.toml", "demos.h5", "run.json", "summary.json", "seed_*"};
    std::vector<std::string> parts{"distilled", "finetune_*"};
    for (const std::string& method : rl::method_names()) parts.push_back(method);
    for (const std::string folder : {"", "seed_*/"}) {  // earlier versions had one seed and no folder for it
      names.push_back(folder + "eval_*.json");
      for (const std::string& part : parts) {
        names.push_back(folder + part);
        for (const std::string& name : policy) names.push_back(folder + part + "/" + name);
      }
    }
    return names;
  }();
  return kind == RunKind::kDemo ? demo : policy;
}

bool is_written(const fs::path& entry, const fs::path& run, RunKind kind) {
  const std::string name = entry.lexically_relative(run);
  if (name.ends_with(kLockSuffix)) return true;  // of a process that was killed, or could not remove it
  return std::ranges::any_of(written_by(kind), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0;
  });
}

// A file of a folder that may be anybody's; null where it is none or says nothing.
nlohmann::json read_json(const fs::path& file) {
  constexpr std::uintmax_t kLargest = 1 << 24;
  std::error_code error;
  if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > kLargest || error) return {};
  const auto json = nlohmann::json::parse(rl::read_text(file), nullptr, false);
  return json.is_object() ? json : nlohmann::json();
}

bool is_run(const fs::path& folder) {
  if (const auto run = read_json(folder / "run.json"); run.contains("program"))
    return run["program"] == "baton";
  const auto summary = read_json(folder / "summary.json");
  const std::string config = folder / "config.toml";
  std::error_code error;
  if (!summary.contains("command") || !fs::is_regular_file(config, error)) return false;
  const auto& command = summary["command"];
  return (command == "imitate" || command == "finetune" || command == "distill" || command == "demo") &&
         rl::read_text(config).starts_with("preset = ");
}

// Nothing there yet, an empty folder, or a run directory, each of whose entries is one that runs write: replacing it
// takes nothing else away.
void require_replaceable(const fs::path& path, RunKind kind) {
  BATON_REQUIRE(!path.empty(), "no name given for the output folder");
  std::error_code error;
  if (!fs::exists(path, error)) return;
  BATON_REQUIRE(fs::is_directory(path, error), "{}: is a file; a folder for the run is wanted",
                path.string());
  BATON_REQUIRE(access(path.c_str(), W_OK) == 0, "{}: cannot be written: {}", path.string(),
                std::strerror(errno));
  if (fs::is_empty(path, error)) return;
  BATON_REQUIRE(is_run(path), "{}: is there already and is not a run directory; name a new folder",
                path.string());
  auto entry = fs::recursive_directory_iterator(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    BATON_REQUIRE(is_written(entry->path(), path, kind),
                  "{}: holds '{}', which no run writes and which would be deleted with the old run; name a "
                  "new folder",
                  path.string(), entry->path().lexically_relative(path).string());
  }
  BATON_REQUIRE(!error, "{}: cannot be listed: {}", path.string(), error.message());
}

// What require_replaceable let pass, and nothing that has come since.
void remove_run(const fs::path& folder, const fs::path& run, RunKind kind) {
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (!is_written(entry->path(), run, kind)) continue;
    std::error_code unknown;
    if (entry->symlink_status(unknown).type() == fs::file_type::directory) {
      remove_run(entry->path(), run, kind);
    } else {
      unlink(entry->path().c_str());
    }
  }
  rmdir(folder.c_str());
}

bool exchange(const fs::path& a, const fs::path& b) {
  return renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

fs::path make_folder(const fs::path& path) {
  const std::string name = rl::temporary_name(path);
  BATON_REQUIRE(mkdir(name.c_str(), 0777) == 0, "{}: cannot be made: {}", path.string(),
                std::strerror(errno));
  return name;
}

// Asked before the work: some file systems (NFS) cannot exchange two names.
void require_exchange(const fs::path& path, const fs::path& partial) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  const fs::path other = make_folder(path);
  const int why = exchange(partial, other) ? 0 : errno;
  rmdir(other.c_str());
  BATON_REQUIRE(why == 0,
                "{}: the run there cannot be replaced in one step on this file system ({}); name a "
                "new folder",
                path.string(), std::strerror(why));
}

OutputLock lock_run(const fs::path& path, RunKind kind) {
  require_replaceable(path, kind);
  std::error_code error;
  fs::create_directories(parent_of(path), error);
  BATON_REQUIRE(!error, "{}: cannot be made: {}", path.string(), error.message());
  return OutputLock(path);
}

}  // namespace

OutputLock require_writable_file(const std::string& path, Writing writing) {
  BATON_REQUIRE(!path.empty(), "no name given for the output file");
  std::error_code error;
  if (rl::is_stream(path)) {
    BATON_REQUIRE(writing == Writing::kAnything, "{}: a pipe or a device; a file name is wanted", path);
    BATON_REQUIRE(access(path.c_str(), W_OK) == 0, "{}: cannot be written: {}", path, std::strerror(errno));
    return {};
  }
  BATON_REQUIRE(!fs::is_directory(path, error), "{}: is a folder; a file name is wanted", path);
  const fs::path folder = parent_of(path);
  BATON_REQUIRE(fs::is_directory(folder, error), "{}: cannot be written: there is no folder {}", path,
                folder.string());
  OutputLock lock(rl::linked_file(path));
  rl::OutputFile{path};  // can be made; is removed again
  return lock;
}

void require_not_input(const std::string& output, const std::string& input) {
  std::error_code error;
  const fs::path file = rl::linked_file(output);
  const bool same = fs::equivalent(file, input, error) ||
                    (fs::is_directory(input, error) && fs::equivalent(parent_of(file), input, error) &&
                     is_written(file.filename(), "", RunKind::kPolicy));
  BATON_REQUIRE(!same, "{}: is what is read ({}); name another output", output, input);
}

RunDir::RunDir(const std::string& path, RunKind kind)
    : path_(rl::linked_file(without_slash(path))),
      kind_(kind),
      lock_(lock_run(path_, kind)),
      partial_(make_folder(path_)) {
  try {
    require_exchange(path_, partial_);
  } catch (...) {
    rmdir(partial_.c_str());
    throw;
  }
}

RunDir::~RunDir() {
  std::error_code error;
  if (!partial_.empty()) fs::remove_all(partial_, error);
}

void RunDir::commit() {
  rl::sync_tree(partial_);
  const std::string name = path_.string();
  if (rename(partial_.c_str(), path_.c_str()) == 0) {  // nothing there, or an empty folder
    partial_.clear();
    rl::sync_folder(parent_of(path_), name);
    return;
  }
  BATON_REQUIRE(errno == ENOTEMPTY || errno == EEXIST, "{}: cannot be written: {}", name,
                std::strerror(errno));
  try {
    require_replaceable(path_, kind_);
  } catch (const Error& e) {
    fail("{}; the new run is kept in {}", e.what(), std::exchange(partial_, {}).string());
  }
  BATON_REQUIRE(exchange(partial_, path_), "{}: cannot be replaced: {}", name, std::strerror(errno));
  const fs::path old = std::exchange(partial_, {});
  try {
    rl::sync_folder(parent_of(path_), name);
  } catch (...) {
    remove_run(old, old, kind_);
    throw;
  }
  remove_run(old, old, kind_);
  if (std::error_code error; fs::exists(old, error))
    note(fmt::format("{}: the run that stood there could not be deleted whole: {}", name, old.string()));
}

void write_run_json(const RunDir& run, const std::string& out, const rl::Provenance& origin) {
  rl::write_text_atomic(run.file("run.json"), origin.to_json(out).dump(2) + "\n");
}

}  // namespace baton::cli
