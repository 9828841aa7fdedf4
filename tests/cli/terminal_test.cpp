// Progress and tables.
#include <doctest/doctest.h>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "kernels/error.hpp"

namespace baton {
namespace {

TEST_CASE("format_duration: minutes, hours, unknown") {
  CHECK(cli::format_duration(0) == "0:00");
  CHECK(cli::format_duration(7.4) == "0:07");
  CHECK(cli::format_duration(59.6) == "1:00");
  CHECK(cli::format_duration(754) == "12:34");
  CHECK(cli::format_duration(3 * 3600 + 65) == "3:01:05");
  CHECK(cli::format_duration(-1) == "-:--");
  CHECK(cli::format_duration(0.0 / 0.0 + 1e300) == "-:--");
}

TEST_CASE("progress_text: rate and time left are those of the work done") {
  const std::string text = cli::progress_text("collect", 25, 100, "episodes", 50.0, "", 0);
  CHECK(text.find("25%") != std::string::npos);
  CHECK(text.find("25/100 episodes") != std::string::npos);
  CHECK(text.find("0.5/s") != std::string::npos);
  CHECK(text.find("2:30 left") != std::string::npos);
  CHECK(text.find('[') == std::string::npos);
}

TEST_CASE("progress_text: the bar is as full as the work is done and fits the terminal") {
  for (int columns : {20, 60, 80, 200}) {
    for (int done : {0, 1, 50, 99, 100}) {
      const std::string text = cli::progress_text("x", done, 100, "steps", 1.0, "a note", columns);
      CHECK(static_cast<int>(text.size()) < columns);
    }
  }
  const std::string text = cli::progress_text("x", 50, 100, "steps", 1.0, "", 120);
  CHECK(text.find("[###############...............]") != std::string::npos);
}

TEST_CASE("progress_text: an unknown total shows neither bar nor time left") {
  const std::string text = cli::progress_text("x", 12, 0, "steps", 3.0, "note", 100);
  CHECK(text.find("12 steps") != std::string::npos);
  CHECK(text.find("left") == std::string::npos);
  CHECK(text.find('[') == std::string::npos);
}

TEST_CASE("table: columns as wide as their widest cell, no trailing blanks") {
  cli::Table table({"name", "n"});
  table.add_row({"a", "1.5"});
  table.add_rule();
  table.add_row({"longer", "22.25"});
  CHECK(table.text() ==
        "name        n\n"
        "-------------\n"
        "a         1.5\n"
        "-------------\n"
        "longer  22.25\n");
}

TEST_CASE("table: a row of another width is refused") {
  cli::Table table({"a", "b"});
  CHECK_THROWS_AS(table.add_row({"1"}), Error);
  CHECK_THROWS_AS(table.add_row({"1", "2", "3"}), Error);
}

}  // namespace
}  // namespace baton
