#include "rl/data/dataset.hpp"

#include <cmath>
#include <cstring>
#include <fstream>

#include "rl/data/demonstrations.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/data/hdf5_reader.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::counting_dataset;
using baton::test::error_of;

namespace {

Dataset full_dataset() {
  Dataset data = counting_dataset({4, 2, 5}, 3, 2);
  data.goal_names = {"kettle_slide", "", "microwave"};
  data.goal_targets.assign(9, 0.25f);
  data.seeds = {1, 0xffffffffffffffffu, 3};
  data.completed = {1, 0, 1};
  data.qpos_dim = 3;
  data.qvel_dim = 2;
  for (int i = 0; i < 33; ++i) data.qpos.push_back(1.0 / (i + 1));
  for (int i = 0; i < 22; ++i) data.qvel.push_back(-1.0 / (i + 1));
  return data;
}

void check_same(const Dataset& a, const Dataset& b) {
  CHECK(a.state_dim == b.state_dim);
  CHECK(a.action_dim == b.action_dim);
  CHECK(a.states == b.states);
  CHECK(a.actions == b.actions);
  CHECK(a.offsets == b.offsets);
  CHECK(a.goal_names == b.goal_names);
  CHECK(a.goal_targets == b.goal_targets);
  CHECK(a.seeds == b.seeds);
  CHECK(a.completed == b.completed);
  CHECK(a.qpos == b.qpos);
  CHECK(a.qvel == b.qvel);
}

// Writes a flat file of the given arrays, each optional.
struct Flat {
  std::vector<float> observations, actions;
  std::uint64_t rows, width, action_rows, action_width;
  std::vector<std::uint8_t> terminals;
  std::vector<std::int64_t> lengths;
};

Flat simple_flat() {
  return {std::vector<float>(8, 1.0f), std::vector<float>(4, 0.5f), 4, 2, 4, 1, {0, 1, 0, 1}, {}};
}

std::string write_flat(const test::TemporaryFolder& folder, const Flat& flat) {
  const std::string path = folder.file("flat.h5");
  Hdf5File file = Hdf5File::create(path);
  if (!flat.observations.empty())
    file.write<float>("observations", flat.observations, {flat.rows, flat.width});
  if (!flat.actions.empty())
    file.write<float>("actions", flat.actions, {flat.action_rows, flat.action_width});
  if (!flat.terminals.empty()) file.write<std::uint8_t>("terminals", flat.terminals, {flat.terminals.size()});
  if (!flat.lengths.empty()) file.write<std::int64_t>("episode_lengths", flat.lengths, {flat.lengths.size()});
  file.commit();
  return path;
}

std::string flat_error(const Flat& flat, const envs::Spec* spec = nullptr) {
  const test::TemporaryFolder folder;
  const std::string path = write_flat(folder, flat);
  const std::string message = error_of([&] { read_dataset(path, {.spec = spec}); });
  CHECK(contains(message, path));
  return message;
}

// An .mjl log of nq = 3, nv = 2, nu = 2 and nothing else: `records` records, then `extra` bytes.
std::string mjl_bytes(int records, int extra) {
  std::string bytes;
  const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  for (const std::int32_t value : {3, 2, 2, 0, 1, 0, 4}) put(value);
  bytes += "arm";
  bytes += '\0';
  for (int r = 0; r < records; ++r) {
    put(0.002f * static_cast<float>(r));
    for (int i = 0; i < 3; ++i) put(static_cast<float>(r) + 0.1f * static_cast<float>(i));
    for (int i = 0; i < 2; ++i) put(5.0f);
    put(static_cast<float>(r) + 0.08f);         // (ctrl - q) / 0.08 / 2 = 0.5
    put(static_cast<float>(r) + 0.1f - 10.0f);  // far below: clipped to -1
    put(0.0f);
  }
  return bytes + std::string(static_cast<std::size_t>(extra), 'x');
}

}  // namespace

TEST_CASE("dataset: written and read back the same, every array, and leaves no temporary file") {
  const test::TemporaryFolder folder;
  const Dataset data = full_dataset();
  write_dataset(data, folder.file("a.h5"));
  check_same(read_dataset(folder.file("a.h5")), data);
  Dataset bare = counting_dataset({3, 3});
  write_dataset(bare, folder.file("a.h5"));  // replaces
  bare.completed = {0, 0};
  check_same(read_dataset(folder.file("a.h5")), bare);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE(
    "dataset: written part by part it is the dataset of all parts, and nothing before it is committed") {
  const test::TemporaryFolder folder;
  Dataset whole = full_dataset(), part = full_dataset();
  part.states[0] += 1, part.goal_names[0] = "other";
  const Dataset again = full_dataset();
  {
    DatasetWriter writer(folder.file("d.h5"));
    for (const Dataset* each : std::initializer_list<const Dataset*>{&whole, &part, &again})
      writer.append(*each);
    CHECK_FALSE(std::filesystem::exists(folder.file("d.h5")));
    writer.commit();
  }
  append(whole, part);
  append(whole, again);
  check_same(read_dataset(folder.file("d.h5")), whole);
  Dataset wider = test::counting_dataset({3}, 7, 2), unnamed = full_dataset();
  unnamed.goal_names.clear();
  for (const Dataset* other : std::initializer_list<const Dataset*>{&wider, &unnamed}) {
    DatasetWriter writer(folder.file("e.h5"));
    writer.append(again);
    CHECK(contains(error_of([&] { writer.append(*other); }), "than the first"));
  }
  CHECK_FALSE(std::filesystem::exists(folder.file("e.h5")));
}

TEST_CASE("dataset: the same data gives the same bytes") {
  const test::TemporaryFolder folder;
  write_dataset(full_dataset(), folder.file("a.h5"));
  write_dataset(full_dataset(), folder.file("b.h5"));
  CHECK(read_text(folder.file("a.h5")) == read_text(folder.file("b.h5")));
}

TEST_CASE("dataset: episodes come from flags, and a recording without a last flag keeps its tail") {
  const test::TemporaryFolder folder;
  Flat flat = simple_flat();
  flat.terminals = {0, 1, 0, 0};
  const Dataset data = read_dataset(write_flat(folder, flat));
  CHECK(data.offsets == std::vector<std::int64_t>{0, 2, 4});
  CHECK(data.completed == std::vector<std::uint8_t>{1, 0});
}

TEST_CASE(
    "dataset: without lengths and flags all is one episode, of which nothing says whether it was completed") {
  const test::TemporaryFolder folder;
  Flat flat = simple_flat();
  flat.terminals = {};
  const Dataset data = read_dataset(write_flat(folder, flat));
  CHECK(data.offsets == std::vector<std::int64_t>{0, 4});
  CHECK(data.completed.empty());
}

TEST_CASE("dataset: [state, goal] rows keep the state, and zeros of the goal stand for the start") {
  const test::TemporaryFolder folder;
  Flat flat = simple_flat();
  flat.rows = 2;
  flat.width = 4;
  flat.observations = {1, 2, 0, 9, 3, 4, 0, 9};
  flat.actions = {0.5f, 0.5f};
  flat.action_rows = 2;
  flat.terminals = {0, 1};
  envs::Spec spec = test::plain_spec(2, 1);
  spec.layouts = {{4, {0, 1}, {2, 3}}};
  const std::string path = write_flat(folder, flat);
  const Dataset data = read_dataset(path, {.spec = &spec});
  CHECK(data.states == std::vector<float>{1, 2, 3, 4});
  CHECK(data.goal_targets == std::vector<float>{1, 9});
  // Nothing is cut where nobody says what the observations are of.
  const Dataset whole = read_dataset(path);
  CHECK(whole.states == flat.observations);
  CHECK(whole.goal_targets.empty());
}

TEST_CASE("dataset: every malformed file is refused by name with what would be right") {
  Flat flat = simple_flat();
  flat.action_rows = 3;
  flat.actions.resize(3);
  CHECK(contains(flat_error(flat), "observations have 4 rows, actions 3"));
  flat = simple_flat();
  flat.terminals = {0, 1};
  CHECK(contains(flat_error(flat), "terminals has 2 values, observations have 4 rows"));
  flat = simple_flat();
  flat.observations[5] = NAN;
  CHECK(contains(flat_error(flat), "observations row 2 column 1 is nan"));
  flat = simple_flat();
  flat.actions[3] = INFINITY;
  CHECK(contains(flat_error(flat), "actions row 3 column 0 is inf"));
  flat = simple_flat();
  flat.lengths = {2, 0, 2};
  CHECK(contains(flat_error(flat), "episode_lengths[1] is 0"));
  flat.lengths = {2, 9};
  CHECK(contains(flat_error(flat), "more than the 4 rows"));
  flat.lengths = {1, 2};
  CHECK(contains(flat_error(flat), "add up to 3, observations have 4"));
  envs::Spec spec = test::plain_spec(7, 1);
  CHECK(contains(flat_error(simple_flat(), &spec),
                 "observations is 2 wide, a state of plain has 7 numbers; --env none learns"));
  spec.layouts = {{14, {}, {}}, {9, {}, {}}};
  CHECK(contains(flat_error(simple_flat(), &spec), "7 numbers (or observations of 14 or 9)"));
  spec = test::plain_spec(2, 3);
  CHECK(contains(flat_error(simple_flat(), &spec), "actions are 1 wide, those of plain have 3 numbers"));
  flat = simple_flat();
  flat.actions = {};
  CHECK(contains(flat_error(flat), "no array actions"));
  flat = simple_flat();
  flat.observations = {};
  CHECK(contains(flat_error(flat), "holds no demonstrations"));
}

TEST_CASE("dataset: missing, foreign and truncated files are refused") {
  const test::TemporaryFolder folder;
  CHECK(contains(error_of([&] { read_dataset(folder.file("none.h5")); }), "no such file"));
  CHECK(contains(error_of([&] { read_dataset(folder.path); }), "not a file but a directory"));
  write_text_atomic(folder.file("text.h5"), "observations\n");
  CHECK(contains(error_of([&] { read_dataset(folder.file("text.h5")); }), "not an HDF5 file"));
  write_dataset(full_dataset(), folder.file("a.h5"));
  const std::string whole = read_text(folder.file("a.h5"));
  int refused = 0, cuts = 0;
  for (std::size_t size = 100; size < whole.size(); size += whole.size() / 13, ++cuts) {
    write_text_atomic(folder.file("cut.h5"), whole.substr(0, size));
    refused += !error_of([&] { read_dataset(folder.file("cut.h5")); }).empty();
  }
  CHECK(refused == cuts);
}

TEST_CASE("dataset: an array that claims an absurd size is refused before it is allocated") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("big.h5");
  {
    // One chunk of a chunked array is stored; the shape claims far more.
    Hdf5File file = Hdf5File::create(path);
    file.write<float>("observations", std::vector<float>(2, 0.0f), {1, 2});
    file.commit();
  }
  std::string bytes = read_text(path);
  // The dataspace message holds the extents 1 and 2 as 64-bit numbers; the first becomes 2^40.
  const std::string extents("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
  const std::size_t at = bytes.find(extents);
  REQUIRE(at != std::string::npos);
  bytes[at] = 0;
  bytes[at + 5] = 1;
  write_text_atomic(path, bytes);
  const Hdf5Reader file(path);
  const std::string message = error_of([&] { file.read<float>("observations"); });
  CHECK((contains(message, "too large") || contains(message, "damaged") || contains(message, "cannot")));
}

TEST_CASE("dataset: an output that cannot be written is one error and leaves nothing") {
  const test::TemporaryFolder folder;
  const Dataset data = counting_dataset({3});
  CHECK(contains(error_of([&] { write_dataset(data, folder.file("no/such/a.h5")); }), "cannot be written"));
  Dataset bad = data;
  bad.states[1] = NAN;
  CHECK(contains(error_of([&] { write_dataset(bad, folder.file("a.h5")); }), "is nan"));
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("dataset: append and select keep episodes whole and drop what only one side knows") {
  Dataset data = full_dataset();
  append(data, full_dataset());
  CHECK(data.episodes() == 6);
  const std::vector<int> order{4, 0};
  const Dataset some = select(data, order);
  CHECK(some.offsets == std::vector<std::int64_t>{0, 2, 6});
  CHECK(some.states[0] == data.states[static_cast<std::size_t>(data.offsets[4]) * 3]);
  CHECK(some.goal_names == std::vector<std::string>{"", "kettle_slide"});
  append(data, counting_dataset({2}, 3, 2));
  CHECK(data.goal_names.empty());
  CHECK(data.qpos.empty());
  validate(data, "test");
  CHECK(contains(error_of([&] { append(data, counting_dataset({2}, 4, 2)); }),
                 "3 and 2 wide, the appended ones 4 and 2"));
}

TEST_CASE("dataset: .mjl logs give every 40th record with the paper's action") {
  const test::TemporaryFolder folder;
  write_text_atomic(folder.file("log.mjl"), mjl_bytes(81, 11));
  MjlReport report;
  const Dataset data = read_mjl(folder.file("log.mjl"), &report);
  CHECK(report.records == 81);
  CHECK(report.truncated_bytes == 11);
  CHECK(data.offsets == std::vector<std::int64_t>{0, 3});
  test::check_close(data.states, std::vector<float>{0, 0.1f, 0.2f, 40, 40.1f, 40.2f, 80, 80.1f, 80.2f}, 1e-6,
                    0, "qpos");
  test::check_close(data.actions, std::vector<float>{0.5f, -1, 0.5f, -1, 0.5f, -1}, 1e-4, 0, "actions");
}

TEST_CASE("dataset: a folder of .mjl logs names goals by folders and notes the truncated ones") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("friday_microwave_kettle_topknob_hinge"));
  write_text_atomic(folder.file("friday_microwave_kettle_topknob_hinge/a.mjl"), mjl_bytes(50, 0));
  write_text_atomic(folder.file("friday_microwave_kettle_topknob_hinge/b.mjl"), mjl_bytes(50, 5));
  std::vector<std::string> notes;
  const envs::Spec right = test::plain_spec(3, 2), wrong = test::plain_spec(30, 2);
  const Dataset data = read_demonstrations(folder.path, {.spec = &right, .notes = &notes});
  CHECK(data.episodes() == 2);
  CHECK(data.goal_names == std::vector<std::string>(2, "microwave_kettle_topknob_hinge"));
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "b.mjl: cut off inside a record, 50 whole records used"));
  CHECK(contains(error_of([&] { read_demonstrations(folder.path, {.spec = &wrong}); }),
                 "states have 3 numbers, those of plain have 30"));
  write_text_atomic(folder.file("short.mjl"), mjl_bytes(0, 3));
  CHECK(contains(error_of([&] { read_mjl(folder.file("short.mjl")); }), "truncated or not an .mjl log"));
  write_text_atomic(folder.file("foreign.mjl"), std::string(100, '\xff'));
  CHECK(contains(error_of([&] { read_mjl(folder.file("foreign.mjl")); }), "not an .mjl log"));
}
