// Every call that writes, syncs, renames, closes, locks or removes a file goes wrong in turn, in every command that
// writes. BATON_FAULT_STRIDE: every so many positions of demo (7; the other commands: every position).
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "tests/cli/writing_commands.hpp"

namespace baton {
namespace {

using test::Circumstances, test::Contents, test::Outcome, test::WritingCommand;

struct Attempt {
  std::string call;  // empty: the run makes fewer calls
  Outcome outcome;
  Contents left;
  std::string beside;
};

Attempt attempt(const WritingCommand& command, const std::string& out, const std::string& kind, int at) {
  const test::TemporaryFolder logs;
  Circumstances faulty;
  faulty.environment = test::with_shim();
  for (const std::string& entry : {"BATON_FAULT=" + kind, "BATON_FAULT_AT=" + std::to_string(at),
                                   "BATON_FAULT_LOG=" + logs.file("call")})
    faulty.environment.push_back(entry);
  Attempt result;
  result.outcome = run_baton(command.arguments(out, 2), faulty);
  result.call = test::read_file(logs.file("call"));
  result.left = test::contents_of(out);
  result.beside = test::leftovers(out);
  return result;
}

// "baton: FILE: REASON", last and alone.
bool one_line(const std::string& err, const std::string& reason) {
  const auto at = err.find("baton: ");
  return at != std::string::npos && std::count(err.begin() + static_cast<long>(at), err.end(), '\n') == 1 &&
         err.find(reason, at) != std::string::npos && err.find("out", at) != std::string::npos;
}

// Calls body(attempt) for each position until the run makes no more calls; returns how many there were.
template <class Body>
int for_each_position(const WritingCommand& command, const std::string& kind, const Contents& before,
                      Body&& body) {
  const int stride = command.name == "demo" ? test::number_from("BATON_FAULT_STRIDE", 7) : 1;
  int tried = 0;
  for (int at = 1;; at += stride) {
    const test::TemporaryFolder folder;
    test::put(before, folder.file("out"));
    const Attempt made = attempt(command, folder.file("out"), kind, at);
    if (made.call.empty()) break;
    INFO(command.name, ", ", kind, " at call ", at, " (", made.call, "): code ", made.outcome.code,
         ", beside '", made.beside, "', said\n", made.outcome.err);
    body(made, folder.file("out"), at);
    ++tried;
  }
  return tried;
}

void check_failure(const WritingCommand& command, const Attempt& made, const std::string& reason,
                   const Contents& before) {
  if (made.outcome.code == 0) {
    CHECK(command.is_made(made.left));
  } else {
    CHECK(made.outcome.code == 1);
    CHECK(one_line(made.outcome.err, reason));
    CHECK((made.left == before || command.is_made(made.left)));
  }
  // What the failing call was to remove stays; what else stays is told.
  const bool told = made.outcome.err.find(made.beside) != std::string::npos;
  CHECK((made.beside.empty() || made.call == "unlink" || made.call == "rmdir" || told));
}

TEST_CASE(
    "a failing call: exit 1 and one line, or the whole output; the old thing or the new one under the name") {
  int tried = 0;
  for (const WritingCommand& command : test::writing_commands()) {
    int failed = 0;
    const auto check = [&](const std::string& reason, const Contents& before) {
      return [&, reason, before](const Attempt& made, const std::string&, int) {
        check_failure(command, made, reason, before);
        failed += made.outcome.code != 0;
      };
    };
    const int full = for_each_position(command, "ENOSPC", command.old, check("No space left", command.old));
    const int broken = for_each_position(command, "EIO", {}, check("Input/output error", {}));
    // The shim is reached: opening, writing, syncing, closing and renaming one file are five calls.
    CHECK(full >= 5);
    CHECK(broken >= 5);
    CHECK(failed >= 10);
    tried += full + broken;
  }
  MESSAGE(tried, " failing calls");
}

TEST_CASE("short and interrupted writes lose nothing") {
  int tried = 0;
  for (const WritingCommand& command : test::writing_commands()) {
    for (const char* kind : {"SHORT", "EINTR"}) {
      tried +=
          for_each_position(command, kind, command.old, [&](const Attempt& made, const std::string&, int) {
            CHECK(made.outcome.code == 0);
            CHECK(command.is_made(made.left));
            CHECK(made.beside == "");
          });
    }
  }
  MESSAGE(tried, " short or interrupted calls");
}

TEST_CASE(
    "killed before any call that changes files: the old thing or the new one, and the next run tells the "
    "rest") {
  int tried = 0;
  for (const WritingCommand& command : test::writing_commands()) {
    tried += for_each_position(command, "KILL", command.old,
                               [&](const Attempt& made, const std::string& out, int at) {
                                 CHECK(made.outcome.code == 128 + 9);
                                 CHECK((made.left == command.old || command.is_made(made.left)));
                                 if (at % 3 != 0) return;
                                 Circumstances quick;
                                 quick.environment = test::with_shim();
                                 const Outcome next = run_baton(command.arguments(out, 2), quick);
                                 CHECK(next.code == 0);
                                 CHECK(command.is_made(test::contents_of(out)));
                                 std::istringstream names(test::leftovers(out));
                                 for (std::string name; names >> name;)
                                   CHECK(next.err.find(name) != std::string::npos);
                               });
  }
  MESSAGE(tried, " kills");
}

TEST_CASE("a limit on the size of files (`ulimit -f`) is an error like a full disk") {
  for (const WritingCommand& command : test::writing_commands()) {
    int refused = 0;
    for (const std::int64_t limit : {2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576}) {
      const test::TemporaryFolder folder;
      test::put(command.old, folder.file("out"));
      Circumstances limited;
      limited.environment = test::with_shim();
      limited.file_limit = limit;
      const Outcome outcome = run_baton(command.arguments(folder.file("out"), 2), limited);
      INFO(command.name, " with files of at most ", limit, " bytes: code ", outcome.code, "\n", outcome.err);
      const Contents left = test::contents_of(folder.file("out"));
      CHECK((outcome.code == 0 ? command.is_made(left) : outcome.code == 1 && left == command.old));
      if (outcome.code != 0) CHECK(one_line(outcome.err, "File too large"));
      CHECK(folder.listing() == "out");
      refused += outcome.code != 0;
    }
    const bool small = command.name == "eval" || command.name == "simulate" || command.name == "testspeed";
    CHECK((small || refused > 0));
  }
}

}  // namespace
}  // namespace baton
