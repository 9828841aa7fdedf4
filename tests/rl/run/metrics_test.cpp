#include "rl/run/metrics.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

TEST_CASE("metrics: whole lines are on disk after each write") {
  const test::TemporaryFolder folder;
  MetricsWriter writer(folder.path);
  writer.write({{"iteration", 1}, {"loss", 0.5}});
  const auto lines = [&] {
    std::istringstream text(read_text(folder.file("metrics.jsonl")));
    std::vector<nlohmann::json> parsed;
    for (std::string line; std::getline(text, line);) parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  };
  REQUIRE(lines().size() == 1);
  CHECK(lines()[0]["iteration"] == 1);
  CHECK(lines()[0]["loss"] == 0.5);
  CHECK(lines()[0]["seconds"] >= 0);
  writer.write({{"iteration", 2}});
  REQUIRE(lines().size() == 2);
  CHECK(lines()[1]["iteration"] == 2);
  CHECK(lines()[1]["seconds"] >= lines()[0]["seconds"]);
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
