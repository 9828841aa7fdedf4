// Logs and folders from anyone: what is no recording is passed over with a note, what is wrong refused.
#include "rl/data/demonstrations.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "rl/data/hdf5_file.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

// A log of so many records, each number of which is that of its record.
std::string log_bytes(std::array<std::int32_t, 7> header, int records) {
  std::string bytes;
  const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  for (const std::int32_t value : header) put(value);
  bytes += std::string(static_cast<std::size_t>(std::max(0, header[6])), 'n');
  const int width = 1 + header[0] + header[1] + header[2] + 7 * header[3] + header[4] + header[5];
  for (int r = 0; r < records; ++r) {
    for (int i = 0; i < width; ++i) put(static_cast<float>(r));
  }
  return bytes;
}

}  // namespace

TEST_CASE("demonstrations: a log from a file and the same from its bytes are one") {
  const test::TemporaryFolder folder;
  const std::string bytes = log_bytes({3, 2, 2, 1, 4, 5, 6}, 90);
  write_text_atomic(folder.file("a.mjl"), bytes);
  const Dataset from_file = read_mjl(folder.file("a.mjl")), from_bytes = parse_mjl(bytes, "a");
  CHECK(from_file.states == std::vector<float>{0, 0, 0, 40, 40, 40, 80, 80, 80});
  CHECK(from_file.states == from_bytes.states);
  CHECK(from_file.actions == from_bytes.actions);
  CHECK(from_file.qvel == from_bytes.qvel);
  CHECK(from_file.offsets == from_bytes.offsets);
}

TEST_CASE("demonstrations: headers that no model has are refused with both numbers") {
  const auto told = [](std::array<std::int32_t, 7> header) {
    return error_of([&] { parse_mjl(log_bytes(header, 2), "a.mjl"); });
  };
  CHECK(told({2, 0, 1, 0, 0, 0, 0}) ==
        "a.mjl: 0 velocities and 2 positions: velocities must be 1..positions");
  CHECK(told({2, 3, 1, 0, 0, 0, 0}) ==
        "a.mjl: 3 velocities and 2 positions: velocities must be 1..positions");
  CHECK(told({2, 2, 3, 0, 0, 0, 0}) == "a.mjl: 2 positions and 3 controls: controls must be 1..positions");
  CHECK(told({2, 2, 0, 0, 0, 0, 0}) == "a.mjl: 2 positions and 0 controls: controls must be 1..positions");
  std::string bytes = log_bytes({2, 2, 1, 0, 0, 0, 0}, 2);
  for (std::size_t field = 0; field < 7; ++field) {
    for (const std::int32_t value : {-1, 100001, 0x7fffffff, static_cast<std::int32_t>(0x80000000)}) {
      std::string changed = bytes;
      std::memcpy(changed.data() + 4 * field, &value, sizeof(value));
      CHECK(error_of([&] { parse_mjl(changed, "a.mjl"); }) ==
            fmt::format("a.mjl: header holds {}: not an .mjl log", value));
    }
  }
}

TEST_CASE(
    "demonstrations: a log of gigabytes that holds nothing is refused, a hundred megabytes are read in "
    "little") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.mjl");
  write_text_atomic(path, log_bytes({2, 2, 1, 0, 0, 0, 0}, 2));
  REQUIRE(truncate(path.c_str(), off_t{1} << 40) == 0);
  CHECK(error_of([&] { read_mjl(path); }) ==
        path + ": 1099511627776 bytes, logs of at most 1073741824 are read");
  REQUIRE(truncate(path.c_str(), 100 << 20) == 0);
  MjlReport report;
  const Dataset data = read_mjl(path, &report);
  CHECK(data.steps() == (report.records + 39) / 40);
  CHECK(report.records == ((100 << 20) - 28) / 24);
}

TEST_CASE("demonstrations: pipes and devices are one line, and nothing waits") {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.mjl", "a.h5"}) {
    REQUIRE(mkfifo(folder.file(name).c_str(), 0600) == 0);
    CHECK(contains(error_of([&] { read_demonstrations(folder.file(name)); }), "not a file but a pipe"));
  }
  CHECK(contains(error_of([] { read_demonstrations("/dev/zero"); }), "not a file but a device"));
}

TEST_CASE("demonstrations: hidden, empty and special logs of a folder are passed over with a note each") {
  const test::TemporaryFolder folder;
  const std::string below = folder.file("friday_kettle");
  std::filesystem::create_directories(below);
  write_text_atomic(below + "/a.mjl", log_bytes({2, 2, 1, 0, 0, 0, 0}, 50) + "xyz");
  write_text_atomic(below + "/._a.mjl", std::string(224, '\5'));
  write_text_atomic(below + "/b.mjl", "");
  write_text_atomic(below + "/c.txt", "no log");
  REQUIRE(mkfifo((below + "/d.mjl").c_str(), 0600) == 0);
  std::vector<std::string> notes;
  const Dataset data = read_demonstrations(folder.path, {.notes = &notes});
  CHECK(data.goal_names == std::vector<std::string>{"kettle"});
  std::sort(notes.begin(), notes.end());
  REQUIRE(notes.size() == 4);
  CHECK(notes[0] == below + "/._a.mjl: hidden; skipped");
  CHECK(notes[1] == below + "/a.mjl: cut off inside a record, 50 whole records used");
  CHECK(notes[2] == below + "/b.mjl: empty; skipped");
  CHECK(notes[3] == below + "/d.mjl: not a file; skipped");
  std::filesystem::remove(below + "/a.mjl");
  CHECK(contains(error_of([&] { read_demonstrations(folder.path); }),
                 "holds neither files (.mjl, .h5, .hdf5), nor Minari's"));
  std::filesystem::create_directories(folder.file("evil\x1b[31m"));
  write_text_atomic(folder.file("evil\x1b[31m/a.mjl"), log_bytes({2, 2, 1, 0, 0, 0, 0}, 50));
  CHECK(contains(error_of([&] { read_demonstrations(folder.path); }),
                 "evil\\x1b[31m/a.mjl: the folder's name"));
}

TEST_CASE("demonstrations: a folder as Minari lays it out is read from its data/main_data.hdf5") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("set/data"));
  Hdf5File file = Hdf5File::create(folder.file("set/data/main_data.hdf5"));
  file.write<float>("episode_0/observations", std::vector<float>{1, 2, 3}, {3, 1});
  file.write<float>("episode_0/actions", std::vector<float>{0.5f, -0.5f}, {2, 1});
  file.commit();
  write_text_atomic(folder.file("set/data/metadata.json"), "{}");
  for (const char* name : {"set", "set/data", "set/data/main_data.hdf5"})
    CHECK(read_demonstrations(folder.file(name)).states == std::vector<float>{1, 2});
}
