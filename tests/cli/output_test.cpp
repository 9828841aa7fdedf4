#include "cli/output.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "kernels/error.hpp"
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
  test::write_file(folder.file("run/config.toml"), "old");
  test::write_file(folder.file("run/other"), "old");
  {
    const cli::RunDir run(folder.file("run"));
    test::write_file(run.file("config.toml"), "new");
  }
  CHECK(test::read_file(folder.file("run/config.toml")) == "old");
  cli::RunDir run(folder.file("run") + "/");
  test::write_file(run.file("config.toml"), "new");
  run.commit();
  CHECK(test::read_file(folder.file("run/config.toml")) == "new");
  CHECK_FALSE(fs::exists(folder.file("run/other")));
  CHECK(folder.listing() == "run");
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

TEST_CASE("relative_to: inputs are named as seen from the run directory") {
  CHECK(cli::relative_to("runs/ft", "runs/ril") == "../ril");
  CHECK(cli::relative_to("runs/ft/", "runs/ril/") == "../ril");
  CHECK(cli::relative_to("/a/b/ft", "/c/ril") == "../../../c/ril");
}

}  // namespace
}  // namespace baton
