#pragma once
// Outputs that are there whole or not at all: files and run directories are made under a temporary name beside
// their own and renamed when they are complete.
#include <filesystem>
#include <string>

#include "rl/run/provenance.hpp"

namespace baton::cli {

// Throws baton::Error unless a file of this name can be made. Call it before the long work, not after. Pipes and
// devices are good for what is written from beginning to end; HDF5 is not.
enum class Writing { kAnything, kFileOnly };
void require_writable_file(const std::string& path, Writing writing = Writing::kAnything);

// `path` as seen from the run directory `out`: what a run says about its inputs stays true when both move together.
std::string relative_to(const std::string& out, const std::string& path);

// For work in several parts, each whole by itself: makes the folder, checks that it can be written, and removes the
// summary.json of an earlier run. Throws as RunDir does.
void prepare_run_folder(const std::string& path);

// A run directory in the making: written under path.partial-<pid>, given its own name by commit(). Without commit()
// (an error, Ctrl-C) the partial directory is removed and what stood under the name before is untouched.
class RunDir {
 public:
  // Throws when `path` cannot be made, or is there, not empty, and not a run directory (its config.toml is not ours),
  // or holds what no run writes and commit() would delete. A link to a run directory stays, its run is replaced.
  explicit RunDir(const std::string& path);
  ~RunDir();
  RunDir(const RunDir&) = delete;
  RunDir& operator=(const RunDir&) = delete;

  std::string partial() const { return partial_.string(); }                    // where to write now
  std::string file(const std::string& name) const { return partial_ / name; }  // a file in it
  void commit();

 private:
  std::filesystem::path path_, partial_;
};

// run.json of a run that will have the name `out`.
void write_run_json(const RunDir& run, const std::string& out, const rl::Provenance& origin);

}  // namespace baton::cli
