#pragma once
// Outputs that are there whole or not at all: files and run directories are made under a temporary name beside
// their own and renamed when they are complete. At every instant the name holds the whole old thing or the whole new
// one; a process that is killed leaves a temporary name at most, which the next one on the same output tells.
#include <filesystem>
#include <string>

#include "cli/output_lock.hpp"
#include "rl/run/provenance.hpp"

namespace baton::cli {

// Throws baton::Error unless a file of this name can be made and nobody else is making it. Call it before the long
// work, not after, and keep the lock until the file is written. Pipes and devices, which need no lock, are good for
// what is written from beginning to end; HDF5 is not.
enum class Writing { kAnything, kFileOnly };
[[nodiscard]] OutputLock require_writable_file(const std::string& path, Writing writing = Writing::kAnything);

// Throws where the output is one of the inputs: the same file, or a file of the run directory `input`.
void require_not_input(const std::string& output, const std::string& input);

// What is made in a run directory: by imitate, finetune and distill one policy; by demo all of its parts.
enum class RunKind { kPolicy, kDemo };

// A run directory in the making, held against other processes (OutputLock): written under a temporary name, given its
// own name by commit(), in exchange for the run that stood there. Without commit() (an error, Ctrl-C) what was made is
// removed and what stood under the name before is untouched.
class RunDir {
 public:
  // Throws when `path` cannot be made, or is there, not empty, and not a run of ours (run.json or summary.json
  // say so), or holds, at any depth, what no run of this kind writes and commit() would delete, or when it could not be
  // replaced in one step here. A link to a run directory stays, its run is replaced.
  explicit RunDir(const std::string& path, RunKind kind = RunKind::kPolicy);
  ~RunDir();
  RunDir(const RunDir&) = delete;
  RunDir& operator=(const RunDir&) = delete;

  std::string partial() const { return partial_.string(); }                    // where to write now
  std::string file(const std::string& name) const { return partial_ / name; }  // a file in it
  // Syncs everything, then renames. Of the run that stood there it deletes what runs write and nothing else; where
  // something else has come into it meanwhile it throws and keeps both.
  void commit();

 private:
  std::filesystem::path path_;
  RunKind kind_;
  OutputLock lock_;
  std::filesystem::path partial_;
};

// run.json of a run that will have the name `out`.
void write_run_json(const RunDir& run, const std::string& out, const rl::Provenance& origin);

}  // namespace baton::cli
