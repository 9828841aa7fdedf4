#include "cli/output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_CASE("RunDir: an older run is replaced by commit and kept without it") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.file("run"));
  const std::string old = "preset = \"full\"\n";
  test::write_file(folder.file("run/config.toml"), old);
  test::write_file(folder.file("run/metrics.jsonl"), "old");
  {
    const cli::RunDir run(folder.file("run"));
    test::write_file(run.file("config.toml"), "new");
  }
  CHECK(test::read_file(folder.file("run/config.toml")) == old);
  cli::RunDir run(folder.file("run") + "/");
  test::write_file(run.file("config.toml"), "new");
  run.commit();
  CHECK(test::read_file(folder.file("run/config.toml")) == "new");
  CHECK_FALSE(fs::exists(folder.file("run/metrics.jsonl")));
  CHECK(folder.listing() == "run");
}

TEST_CASE("RunDir: a run that holds something else, or a config.toml of another kind, is not replaced") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.file("run"));
  test::write_file(folder.file("run/config.toml"), "preset = \"full\"\n");
  test::write_file(folder.file("run/thesis.txt"), "x");
  CHECK_THROWS_WITH_AS(cli::RunDir(folder.file("run")), doctest::Contains("holds 'thesis.txt'"), Error);
  fs::remove(folder.file("run/thesis.txt"));
  CHECK_NOTHROW(cli::RunDir(folder.file("run")));
  test::write_file(folder.file("run/config.toml"), "title = \"blog\"\n");
  CHECK_THROWS_AS(cli::RunDir(folder.file("run")), Error);
  CHECK_THROWS_AS(cli::prepare_run_folder(folder.file("run")), Error);
  CHECK(test::read_file(folder.file("run/config.toml")) == "title = \"blog\"\n");
}

TEST_CASE("RunDir: a link to a run stays one") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.file("run"));
  test::write_file(folder.file("run/config.toml"), "preset = \"full\"\n");
  fs::create_directory_symlink(folder.file("run"), folder.file("latest"));
  cli::RunDir run(folder.file("latest"));
  test::write_file(run.file("config.toml"), "new");
  run.commit();
  CHECK(fs::is_symlink(folder.file("latest")));
  CHECK(test::read_file(folder.file("run/config.toml")) == "new");
}

TEST_CASE("RunDir: a folder that is not a run is not touched") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.file("photos"));
  test::write_file(folder.file("photos/a.jpg"), "x");
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos")), Error);
  CHECK_THROWS_AS(cli::prepare_run_folder(folder.file("photos")), Error);
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos/a.jpg")), Error);
  CHECK_THROWS_AS(cli::RunDir(folder.file("photos/a.jpg/run")), Error);
  CHECK_THROWS_AS(cli::RunDir(""), Error);
  CHECK(test::read_file(folder.file("photos/a.jpg")) == "x");
}

TEST_CASE("require_writable_file: says what is wrong and leaves nothing behind") {
  const test::TemporaryFolder folder;
  cli::require_writable_file(folder.file("new.json"));
  CHECK(folder.listing() == "");
  CHECK_THROWS_AS(cli::require_writable_file(folder.path()), Error);
  CHECK_THROWS_AS(cli::require_writable_file(folder.file("no/such/folder.json")), Error);
  CHECK_THROWS_AS(cli::require_writable_file(""), Error);
}

TEST_CASE("pipes and links are written through, never replaced") {
  const test::TemporaryFolder folder;
  const std::string pipe = folder.file("pipe"), link = folder.file("link"), real = folder.file("real");
  REQUIRE(mkfifo(pipe.c_str(), 0666) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  cli::require_writable_file(pipe);
  CHECK_THROWS_AS(cli::require_writable_file(pipe, cli::Writing::kFileOnly), Error);
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

TEST_CASE("relative_to: inputs are named as seen from the run directory") {
  CHECK(cli::relative_to("runs/ft", "runs/ril") == "../ril");
  CHECK(cli::relative_to("runs/ft/", "runs/ril/") == "../ril");
  CHECK(cli::relative_to("/a/b/ft", "/c/ril") == "../../../c/ril");
}

}  // namespace
}  // namespace baton
