#include "rl/run/metrics.hpp"

#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

TEST_CASE("metrics: whole lines are on disk after each write") {
  const test::TemporaryFolder folder;
  MetricsWriter writer(folder.path);
  writer.write({{"iteration", 1}, {"loss", 0.5}});
  CHECK(read_text(folder.file("metrics.jsonl")) == "{\"iteration\":1,\"loss\":0.5}\n");
  writer.write({{"iteration", 2}});
  CHECK(read_text(folder.file("metrics.jsonl")) == "{\"iteration\":1,\"loss\":0.5}\n{\"iteration\":2}\n");
}

TEST_CASE("metrics: files are replaced whole and leave no temporary name") {
  const test::TemporaryFolder folder;
  write_summary(folder.path, {{"success", 0.25}});
  write_summary(folder.path, {{"success", 0.5}});
  CHECK(read_text(folder.file("summary.json")) == "{\n  \"success\": 0.5\n}\n");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE("metrics: what cannot be written or read is named") {
  const test::TemporaryFolder folder;
  write_text_atomic(folder.file("file"), "x");
  CHECK(contains(error_of([&] { prepare_directory(folder.file("file/run")); }), "file/run: cannot be made"));
  CHECK(contains(error_of([&] { prepare_directory(folder.file("file")); }), "file: cannot be made"));
  CHECK(contains(error_of([&] { write_text_atomic(folder.file("no/a.txt"), "x"); }),
                 "no/a.txt: cannot be written"));
  CHECK(contains(error_of([&] { MetricsWriter(folder.file("no")); }), "no/metrics.jsonl: cannot be written"));
  CHECK(contains(error_of([&] { read_text(folder.file("none")); }), "none: no such file"));
  prepare_directory(folder.file("a/b/c"));
  CHECK(std::filesystem::is_directory(folder.file("a/b/c")));
}
