// kill -9 at random moments of every command that writes, and locks. BATON_KILLS: how many each (8).
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>

#include "kernels/rng.hpp"
#include "tests/cli/writing_commands.hpp"

namespace baton {
namespace {

using test::Circumstances, test::Contents, test::Outcome, test::WritingCommand;

TEST_CASE("kill -9 at random moments: the old thing whole or the new one whole under the name") {
  const int kills = test::number_from("BATON_KILLS", 8);
  int killed = 0;
  for (const WritingCommand& command : test::writing_commands()) {
    int landed = 0;
    for (int k = 0; landed < kills && k < 4 * kills; ++k) {
      const test::TemporaryFolder folder;
      const Contents before = k % 2 == 0 ? command.old : Contents();
      test::put(before, folder.file("out"));
      Circumstances deadly;
      deadly.environment = test::with_shim();
      deadly.signal = SIGKILL;
      const double part =
          static_cast<double>(kernels::mix_seed(9, static_cast<std::uint64_t>(k)) % 1000) / 1000;
      deadly.after_us = static_cast<std::int64_t>(1e6 * command.seconds * part);
      const Outcome outcome = run_baton(command.arguments(folder.file("out"), 2), deadly);
      INFO(command.name, ", killed after ", deadly.after_us, " us");
      const Contents left = test::contents_of(folder.file("out"));
      CHECK((command.is_made(left) || (outcome.code != 0 && left == before)));
      landed += outcome.code == 128 + SIGKILL;
    }
    CHECK(landed > 0);
    killed += landed;
  }
  MESSAGE(killed, " runs were killed");
}

// A lock of another process stands for that process.
TEST_CASE("an output that another process is writing: exit 1, one line, nothing changed") {
  for (const WritingCommand& command : test::writing_commands()) {
    const test::TemporaryFolder folder;
    test::put(command.old, folder.file("out"));
    const int lock = open(folder.file("out.baton-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(flock(lock, LOCK_EX | LOCK_NB) == 0);
    const Outcome outcome = run_baton(command.arguments(folder.file("out"), 2), Circumstances{});
    close(lock);
    CHECK(outcome.code == 1);
    CHECK_MESSAGE(outcome.err.find("out: another process is writing it") != std::string::npos, outcome.err);
    CHECK(test::contents_of(folder.file("out")) == command.old);
    CHECK(folder.listing() == "out out.baton-lock");
  }
}

}  // namespace
}  // namespace baton
