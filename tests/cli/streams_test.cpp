// Standard streams in any state, and signals.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/cli/writing_commands.hpp"

namespace baton {
namespace {

using test::Circumstances, test::Outcome, test::WritingCommand;

TEST_CASE("standard output that takes nothing: exit 1 and one line") {
  Circumstances full;
  full.out = "/dev/full";
  for (const char* word : {"--help", "--version"}) {
    const Outcome outcome = run_baton({word}, full);
    CHECK(outcome.code == 1);
    CHECK_MESSAGE(outcome.err == "baton: standard output cannot be written: No space left on device\n",
                  outcome.err);
  }
}

TEST_CASE("standard error that is full or closed changes nothing; nothing lands in an output file") {
  for (const WritingCommand& command : test::writing_commands()) {
    for (int state = 0; state < 4; ++state) {
      const test::TemporaryFolder folder;
      Circumstances odd;
      odd.environment = test::with_shim();
      if (state == 0) odd.err = "/dev/full";
      if (state == 1) odd.closed = {2};
      if (state == 2) odd.closed = {1, 2};
      if (state == 3) odd.closed = {0, 1, 2};
      const Outcome outcome = run_baton(command.arguments(folder.file("out"), 2), odd);
      INFO(command.name, ", state ", state);
      CHECK(outcome.code == 0);
      CHECK(command.is_made(test::contents_of(folder.file("out"))));
      CHECK(folder.listing() == "out");
    }
  }
  Circumstances odd;
  odd.err = "/dev/full";
  CHECK(run_baton({"info", "no/such/file"}, odd).code == 1);
  CHECK(run_baton({"colect"}, odd).code == 2);
}

TEST_CASE("SIGHUP, SIGINT, SIGQUIT, SIGTERM: one line, 128 + the signal, nothing half-written") {
  for (const WritingCommand& command : test::writing_commands()) {
    if (command.name != "imitate" && command.name != "demo") continue;
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
      const test::TemporaryFolder folder;
      test::put(command.old, folder.file("out"));
      auto arguments = command.arguments(folder.file("out"), 2);
      for (const char* word : {"--set", "imitate.updates=100000000"}) arguments.emplace_back(word);
      Circumstances signalled;
      signalled.signal = number;
      signalled.after_us = 400'000;
      const Outcome outcome = run_baton(arguments, signalled);
      CHECK(outcome.code == 128 + number);
      CHECK_MESSAGE(outcome.err.find("baton: interrupted\n") != std::string::npos, outcome.err);
      CHECK(test::contents_of(folder.file("out")) == command.old);
      CHECK(folder.listing() == "out");
    }
  }
}

TEST_CASE("SIGHUP under nohup ends nothing") {
  const WritingCommand& command = test::writing_commands()[1];
  const test::TemporaryFolder folder;
  auto arguments = command.arguments(folder.file("out"), 2);
  for (const char* word : {"--set", "imitate.updates=400"}) arguments.emplace_back(word);
  Circumstances hung_up;
  hung_up.ignored = hung_up.signal = SIGHUP;
  hung_up.after_us = 100'000;
  CHECK(run_baton(arguments, hung_up).code == 0);
}

}  // namespace
}  // namespace baton
