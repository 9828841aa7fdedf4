#include "cli/output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "kernels/error.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/run/metrics.hpp"
#include "tests/cli/process.hpp"

namespace baton {
namespace {

namespace fs = std::filesystem;

TEST_CASE("RunDir: without commit nothing stays, with it everything has its name") {
  const test::TemporaryFolder folder;
  {
    const cli::RunDir run(folder.file("run"));
    test::write_file(run.file("config.toml"), "a");
  }
  CHECK(folder.listing() == "");
  {
    cli::RunDir run(folder.file("run"));
    test::write_file(run.file("config.toml"), "a");
    run.commit();
  }
  CHECK(folder.listing() == "run");
  CHECK(test::read_file(folder.file("run/config.toml")) == "a");
}

// A finished run, as far as RunDir looks at it.
void write_run(const std::string& folder) {
  fs::create_directories(folder + "/last");
  test::write_file(folder + "/config.toml", "preset = \"full\"\n");
  test::write_file(folder + "/summary.json", "{\"command\": \"finetune\"}");
  test::write_file(folder + "/last/policy.h5", "old");
}

TEST_CASE("RunDir: an older run is replaced by commit and kept without it") {
  const test::TemporaryFolder folder;
  write_run(folder.file("run"));
  {
    const cli::RunDir run(folder.file("run"));
    test::write_file(run.file("config.toml"), "new");
  }
  CHECK(test::read_file(folder.file("run/last/policy.h5")) == "old");
  {
    cli::RunDir run(folder.file("run") + "/");
    test::write_file(run.file("config.toml"), "new");
    run.commit();
  }
  CHECK(test::read_file(folder.file("run/config.toml")) == "new");
  CHECK_FALSE(fs::exists(folder.file("run/last")));
  CHECK(folder.listing() == "run");
}

TEST_CASE("RunDir: what is not a run of ours, or holds more than one, is not replaced") {
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run");
  for (const char* foreign : {"thesis.txt", "last/thesis.txt"}) {
    write_run(run);
    test::write_file(run + "/" + foreign, "x");
    const std::string said = std::string("holds '") + foreign + "'";
    CHECK_THROWS_WITH_AS(cli::RunDir{run}, doctest::Contains(said.c_str()), Error);
    CHECK(test::read_file(run + "/" + foreign) == "x");
    fs::remove(run + "/" + foreign);
    CHECK_NOTHROW(cli::RunDir{run});
  }
  // Another program's folder whose settings begin like ours.
  test::write_file(run + "/summary.json", "{\"command\": \"bake\"}");
  CHECK_THROWS_AS(cli::RunDir{run}, Error);
  test::write_file(run + "/summary.json", std::string(100000, '['));
  CHECK_THROWS_AS(cli::RunDir{run}, Error);
  test::write_file(run + "/run.json", "{\"program\": \"oven\"}");
  CHECK_THROWS_AS(cli::RunDir{run}, Error);
  test::write_file(run + "/run.json", "{\"program\": \"baton\"}");
  CHECK_NOTHROW(cli::RunDir{run});
  // A demo's parts are not those of a policy's run.
  test::write_file(run + "/demos.h5", "x");
  CHECK_THROWS_AS(cli::RunDir{run}, Error);
  CHECK(test::read_file(run + "/last/policy.h5") == "old");
  CHECK(folder.listing() == "run");
}

TEST_CASE("RunDir: what comes into the old run during the work is kept, and so is the new run") {
  const test::TemporaryFolder folder;
  write_run(folder.file("run"));
  std::string made;
  {
    cli::RunDir run(folder.file("run"));
    made = run.partial();
    test::write_file(run.file("config.toml"), "new");
    test::write_file(folder.file("run/thesis.txt"), "x");
    CHECK_THROWS_WITH_AS(run.commit(), doctest::Contains(made.c_str()), Error);
  }
  CHECK(test::read_file(made + "/config.toml") == "new");
  CHECK(test::read_file(folder.file("run/last/policy.h5")) == "old");
  CHECK(test::read_file(folder.file("run/thesis.txt")) == "x");
}

TEST_CASE("RunDir: a link to a run stays one") {
  const test::TemporaryFolder folder;
  write_run(folder.file("run"));
  fs::create_directory_symlink(folder.file("run"), folder.file("latest"));
  cli::RunDir run(folder.file("latest"));
  test::write_file(run.file("config.toml"), "new");
  run.commit();
  CHECK(fs::is_symlink(folder.file("latest")));
  CHECK(test::read_file(folder.file("run/config.toml")) == "new");
}

TEST_CASE("one writer at a time on an output; the lock goes with it") {
  const test::TemporaryFolder folder;
  {
    const cli::RunDir run(folder.file("run"));
    CHECK_THROWS_WITH_AS(cli::RunDir{folder.file("run")}, doctest::Contains("another process is writing"),
                         Error);
    CHECK_THROWS_AS((void)cli::require_writable_file(folder.file("run")), Error);
    const cli::RunDir other(folder.file("run2"));
  }
  {
    const auto lock = cli::require_writable_file(folder.file("a.json"));
    CHECK_THROWS_AS((void)cli::require_writable_file(folder.file("a.json")), Error);
    rl::write_text_atomic(folder.file("a.json"), "x");
  }
  CHECK(folder.listing() == "a.json");
  // A lock file that a killed process left does not hold anybody; a link in its place is not followed.
  test::write_file(folder.file("a.json.baton-lock"), "");
  CHECK_NOTHROW((void)cli::require_writable_file(folder.file("a.json")));
  fs::create_symlink(folder.file("new"), folder.file("a.json.baton-lock"));
  CHECK_THROWS_AS((void)cli::require_writable_file(folder.file("a.json")), Error);
  CHECK(folder.listing() == "a.json a.json.baton-lock");
}

TEST_CASE("temporary names are told from others, and differ") {
  const std::string name = rl::temporary_name("runs/ril");
  CHECK(rl::is_temporary_of(name.substr(5), "ril"));
  CHECK(name != rl::temporary_name("runs/ril"));
  for (const char* other :
       {"ril", "ril.baton-lock", "ril.baton-0123456789abcdeg", "ril2.baton-0123456789abcdef"})
    CHECK_FALSE(rl::is_temporary_of(other, "ril"));
}

TEST_CASE("RunDir: a folder that is not a run is not touched") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.file("photos"));
  test::write_file(folder.file("photos/a.jpg"), "x");
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos")), Error);
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos/a.jpg")), Error);
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos/a.jpg/run")), Error);
  CHECK_THROWS_AS(cli::RunDir(""), Error);
  CHECK(test::read_file(folder.file("photos/a.jpg")) == "x");
}

TEST_CASE("require_writable_file: says what is wrong and leaves nothing behind") {
  const test::TemporaryFolder folder;
  CHECK_NOTHROW((void)cli::require_writable_file(folder.file("new.json")));
  CHECK(folder.listing() == "");
  CHECK_THROWS_AS((void)cli::require_writable_file(folder.path()), Error);
  CHECK_THROWS_AS((void)cli::require_writable_file(folder.file("no/such/folder.json")), Error);
  CHECK_THROWS_AS((void)cli::require_writable_file(""), Error);
}

TEST_CASE("pipes and links are written through, never replaced") {
  const test::TemporaryFolder folder;
  const std::string pipe = folder.file("pipe"), link = folder.file("link"), real = folder.file("real");
  REQUIRE(mkfifo(pipe.c_str(), 0666) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  CHECK_NOTHROW((void)cli::require_writable_file(pipe));
  CHECK_THROWS_AS((void)cli::require_writable_file(pipe, cli::Writing::kFileOnly), Error);
  rl::write_text_atomic(pipe, "figures");
  char text[16] = {};
  CHECK(read(reader, text, sizeof(text)) == 7);
  close(reader);
  CHECK(std::string(text) == "figures");
  CHECK(fs::is_fifo(pipe));
  CHECK_THROWS_AS(rl::Hdf5File::create(pipe), Error);
  test::write_file(real, "old");
  fs::create_symlink(real, link);
  rl::write_text_atomic(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(test::read_file(real) == "new");
}

TEST_CASE("an output is not one of the inputs") {
  const test::TemporaryFolder folder;
  write_run(folder.file("run"));
  test::write_file(folder.file("run/policy.h5"), "x");
  fs::create_symlink(folder.file("run/policy.h5"), folder.file("link.json"));
  for (const char* output : {"run/policy.h5", "run/summary.json", "link.json"})
    CHECK_THROWS_AS(cli::require_not_input(folder.file(output), folder.file("run")), Error);
  CHECK_THROWS_AS(cli::require_not_input(folder.file("link.json"), folder.file("run/policy.h5")), Error);
  CHECK_NOTHROW(cli::require_not_input(folder.file("run/eval.json"), folder.file("run")));
  CHECK_NOTHROW(cli::require_not_input(folder.file("policy.h5"), folder.file("run")));
}

TEST_CASE("a pipe that nobody reads is one error, not a wait") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.file("pipe").c_str(), 0666) == 0);
  CHECK_THROWS_WITH_AS(rl::write_text_atomic(folder.file("pipe"), "x"), doctest::Contains("nobody reads"),
                       Error);
}

TEST_CASE("a pipe whose reader leaves is an error, not the end of the process") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.file("pipe").c_str(), 0666) == 0);
  const int reader = open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // as in the program
  {
    rl::OutputFile file(folder.file("pipe"));
    close(reader);
    CHECK_THROWS_WITH_AS(file.write("x"), doctest::Contains("Broken pipe"), Error);
  }
  std::signal(SIGPIPE, before);
}

TEST_CASE("relative_to: inputs are named as seen from the run directory") {
  CHECK(rl::relative_to("runs/ft", "runs/ril") == "../ril");
  CHECK(rl::relative_to("runs/ft/", "runs/ril/") == "../ril");
  CHECK(rl::relative_to("/a/b/ft", "/c/ril") == "../../../c/ril");
}

}  // namespace
}  // namespace baton
