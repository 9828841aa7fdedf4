#pragma once
// run.json: where a run came from, and how it is made again. One object:
//   program "baton", version, commit, clean (whether the program was built from committed files alone)
//   instruction_set, threads, argv [strings], started (UTC, ISO 8601), seconds (wall clock)
//   command "imitate"; options [[name, value]]: what the command was told beside its settings, which are config.toml
//   inputs [{option, path, files [{name, sha256}]}]: what it read; path is seen from the run's folder, name from path
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace baton::rl {

// Something that a run read: a file or a folder, and the option that named it; no option: config.toml holds what it
// said.
struct RunInput {
  std::string option, path;
};

class Provenance {
 public:
  // Digests the inputs, and begins to count the seconds. Throws naming an input that cannot be read.
  Provenance(std::string command, std::vector<std::string> argv, const std::vector<RunInput>& inputs);

  void add_option(const std::string& name, const std::string& value) { options_.emplace_back(name, value); }
  // The object of run.json for a run in `folder`.
  nlohmann::ordered_json to_json(const std::string& folder) const;

 private:
  std::string command_, started_;
  std::vector<std::string> argv_;
  std::vector<std::pair<std::string, std::string>> options_;
  struct Digested {
    RunInput input;
    nlohmann::ordered_json files;
  };
  std::vector<Digested> inputs_;
  std::chrono::steady_clock::time_point start_;
};

// What run.json of `folder` says to a reader: who made the run; the command line that makes the same bytes again, into
// a folder beside it; what has changed since (inputs, program, instruction set) so that it would not. Lines. Throws
// naming the file when it is damaged.
std::string describe_provenance(const std::string& folder);

}  // namespace baton::rl
