#include "rl/run/provenance.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "kernels/dispatch.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "kernels/parallel.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/run/digest.hpp"
#include "rl/run/metrics.hpp"
#include "rl/run/version.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string instruction_set() { return kernels::isa_name(kernels::current_isa()); }

// What a run reads of an input: the policy of a run, every file of another folder, a file itself.
std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  if (const fs::path policy = policy_file(path.string()); fs::exists(policy)) return {policy};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::string name_in(const fs::path& path, const fs::path& file) {
  return file == path ? std::string() : file.lexically_relative(path).string();
}

// For a shell: as it stands where it is plain, else in single quotes.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string text_of(const Json& object, const char* key, const std::string& where) {
  const auto at = object.find(key);
  BATON_REQUIRE(at != object.end() && at->is_string(), "{}: '{}' is not a text", where, key);
  return at->get<std::string>();
}

// For a terminal, whatever a damaged or foreign file holds.
std::string shown(const std::string& text) { return printable(text, 4096); }

// A path as seen from here.
std::string seen(const fs::path& path) {
  return shown(path.lexically_proximate(fs::current_path()).string());
}

// The inputs' part of the command line, and what has changed in them.
void describe_inputs(const Json& run, const fs::path& folder, const std::string& where, std::string& line,
                     std::string& changes) {
  for (const Json& input : run.value("inputs", Json::array())) {
    const std::string option = text_of(input, "option", where);
    if (option.empty()) continue;
    const fs::path path = tidy_path(folder / text_of(input, "path", where));
    line += fmt::format(" {} {}", shell_word(shown(option)), shell_word(seen(path)));
    for (const Json& file : input.value("files", Json::array())) {
      const std::string name = text_of(file, "name", where);
      const fs::path full = name.empty() ? path : path / name;
      std::error_code error;
      if (!fs::is_regular_file(full, error)) {
        changes += fmt::format("{}: is no longer there\n", seen(full));
      } else if (sha256_of_file(full.string()) != text_of(file, "sha256", where)) {
        changes += fmt::format("{}: has changed since\n", seen(full));
      }
    }
  }
}

// "commit 0123456789ab with changes", of a run or of this program.
std::string revision(std::string_view of, bool clean) {
  return fmt::format("commit {}{}", shown(std::string(of.substr(0, 12))), clean ? "" : " with changes");
}

std::string program_changes(const Json& run, const std::string& where) {
  std::string changes;
  const std::string isa = text_of(run, "instruction_set", where), made_by = text_of(run, "commit", where);
  const bool clean = run.value("clean", false);
  if (isa != instruction_set())
    changes += fmt::format(
        "instruction set: the run had {}, this machine has {}: last bits, and with them results, will "
        "differ\n",
        shown(isa), instruction_set());
  if (made_by != commit() || !clean || !clean_tree())
    changes += fmt::format("program: the run was made by {}, this is {}\n", revision(made_by, clean),
                           revision(commit(), clean_tree()));
  return changes;
}

}  // namespace

Provenance::Provenance(std::string command, std::vector<std::string> argv,
                       const std::vector<RunInput>& inputs)
    : command_(std::move(command)),
      started_(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))),
      argv_(std::move(argv)),
      start_(std::chrono::steady_clock::now()) {
  for (const RunInput& input : inputs) {
    const fs::path path = tidy_path(input.path);
    BATON_REQUIRE(fs::exists(path), "{}: no such file or folder", input.path);
    Json files = Json::array();
    for (const fs::path& file : files_of(path))
      files.push_back({{"name", name_in(path, file)}, {"sha256", sha256_of_file(file.string())}});
    inputs_.push_back({{input.option, path.string()}, std::move(files)});
  }
}

Json Provenance::to_json(const std::string& folder) const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  Json inputs = Json::array();
  for (const Digested& each : inputs_) {
    inputs.push_back({{"option", each.input.option},
                      {"path", relative_to(folder, each.input.path)},
                      {"files", each.files}});
  }
  return {{"program", "baton"},
          {"version", kVersion},
          {"commit", commit()},
          {"clean", clean_tree()},
          {"instruction_set", instruction_set()},
          {"threads", kernels::threads()},
          {"argv", argv_},
          {"started", started_},
          {"seconds", seconds},
          {"command", command_},
          {"options", options_},
          {"inputs", inputs}};
}

std::string describe_provenance(const std::string& folder) {
  const std::string where = folder + "/run.json";
  const Json run = Json::parse(read_text(where), nullptr, false);
  BATON_REQUIRE(run.is_object(), "{}: not a JSON object", where);
  const auto text_in = [&](const char* key) { return shown(text_of(run, key, where)); };
  const std::string text = fmt::format(
      "made by baton {}, {}, {}, {} threads, {}, {:.1f} s\n", text_in("version"),
      revision(text_of(run, "commit", where), run.value("clean", false)), text_in("instruction_set"),
      run.value("threads", 0), text_in("started"), run.value("seconds", 0.0));
  const fs::path at = tidy_path(folder);
  std::string line = fmt::format("baton {}", shell_word(text_in("command"))), changes;
  describe_inputs(run, at, where, line, changes);
  for (const Json& option : run.value("options", Json::array())) {
    BATON_REQUIRE(option.is_array() && option.size() == 2 && option[0].is_string() && option[1].is_string(),
                  "{}: an option is not [name, value]", where);
    line += fmt::format(" {} {}", shell_word(shown(option[0])), shell_word(shown(option[1])));
  }
  line += fmt::format(" --preset {} --out {}", shell_word(seen(at / "config.toml")),
                      shell_word(seen(at) + "-again"));
  changes += program_changes(run, where);
  return text + fmt::format("made again by: {}\n", line) +
         (changes.empty() ? "the same bytes: inputs, program and instruction set are the run's\n"
                          : "not the same bytes any more:\n" + changes);
}

}  // namespace baton::rl
