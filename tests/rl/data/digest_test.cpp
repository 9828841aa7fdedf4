// Digests of the arrays that baton writes: a damaged file is refused or gives the very numbers that were written.
#include "rl/run/digest.hpp"

#include <hdf5.h>

#include <cstdlib>

#include "rl/data/dataset.hpp"
#include "rl/data/demonstrations.hpp"
#include "rl/data/hdf5_file.hpp"
#include "rl/data/hdf5_reader.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

const char* const kAttribute = "baton_sha256";

Dataset every_array() {
  Dataset data = test::counting_dataset({4, 3}, 2, 1);
  data.goal_names = {"kettle", "slide"};
  data.goal_targets = {1, 2, 3, 4};
  data.seeds = {1, 2};
  data.completed = {1, 0};
  data.qpos_dim = 3, data.qvel_dim = 1;
  for (int i = 0; i < 21; ++i) data.qpos.push_back(0.5 * i);
  for (int i = 0; i < 7; ++i) data.qvel.push_back(-0.25 * i);
  return data;
}

bool same(const Dataset& a, const Dataset& b) {
  return a.state_dim == b.state_dim && a.action_dim == b.action_dim && a.states == b.states &&
         a.actions == b.actions && a.offsets == b.offsets && a.goal_names == b.goal_names &&
         a.goal_targets == b.goal_targets && a.seeds == b.seeds && a.completed == b.completed &&
         a.qpos_dim == b.qpos_dim && a.qvel_dim == b.qvel_dim && a.qpos == b.qpos && a.qvel == b.qvel;
}

// The library changes the file at `path`.
template <class Change>
void change(const std::string& path, Change&& body) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  REQUIRE(file >= 0);
  body(file);
  REQUIRE(H5Fclose(file) >= 0);
}

void set_first_action(hid_t file) {
  std::vector<float> actions = every_array().actions;
  actions[0] = 0.125f;
  const hid_t array = H5Dopen2(file, "actions", H5P_DEFAULT);
  REQUIRE(H5Dwrite(array, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, actions.data()) >= 0);
  H5Dclose(array);
}

}  // namespace

TEST_CASE("digests: the root names one for each array, whatever the parts that it was written in") {
  const test::TemporaryFolder folder;
  const Dataset data = every_array();
  write_dataset(data, folder.file("whole.h5"));
  DatasetWriter writer(folder.file("parts.h5"));
  for (const int e : {0, 1}) writer.append(select(data, std::vector<int>{e}));
  writer.commit();
  const std::string lines = Hdf5Reader(folder.file("whole.h5")).string_attribute("/", kAttribute);
  CHECK(lines == Hdf5Reader(folder.file("parts.h5")).string_attribute("/", kAttribute));
  CHECK(std::ranges::count(lines, '\n') == 10);
  CHECK(contains(lines, sha256(std::as_bytes(std::span(data.states))) + " float32 observations\n"));
  CHECK(contains(lines, sha256(std::as_bytes(std::span(data.qpos))) + " float64 infos/qpos\n"));
  CHECK(contains(lines, sha256(std::as_bytes(std::span("kettle\0slide", 13))) + " text episode_goals\n"));
  CHECK(same(read_dataset(folder.file("whole.h5")), data));
  CHECK(same(read_dataset(folder.file("parts.h5")), data));
}

TEST_CASE("digests: a number changed by another program, a missing array and bad lines are refused") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  write_dataset(every_array(), path);
  change(path, set_first_action);
  CHECK(contains(error_of([&] { read_dataset(path); }), "actions: damaged, or changed since it was written"));
  change(path, [](hid_t file) { REQUIRE(H5Adelete(file, kAttribute) >= 0); });
  CHECK(read_dataset(path).actions[0] == 0.125f);

  write_dataset(every_array(), path);
  change(path, [](hid_t file) { REQUIRE(H5Ldelete(file, "terminals", H5P_DEFAULT) >= 0); });
  CHECK(contains(error_of([&] { read_dataset(path); }), "damaged: no array terminals"));

  for (const std::string& line :
       {std::string("short"), std::string(64, 'a') + " noname", std::string(64, 'a')}) {
    {
      Hdf5File file = Hdf5File::create(path);
      file.set_attribute("/", kAttribute, line);
      file.commit();
    }
    CHECK(contains(error_of([&] { read_dataset(path); }), "holds the line"));
  }
}

TEST_CASE("digests: an emptied attribute is refused: one changed byte empties all strings of a file") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  write_dataset(every_array(), path);
  std::string bytes = read_text(path);
  const std::size_t heap = bytes.find("GCOL");
  REQUIRE(heap != std::string::npos);
  REQUIRE(bytes.find("GCOL", heap + 1) == std::string::npos);
  REQUIRE(bytes[heap + 16] == 1);  // the first string's number; 0: free space from here on
  bytes[heap + 16] = 0;
  write_text_atomic(path, bytes);
  CHECK(contains(error_of([&] { read_dataset(path); }), "damaged: the attribute baton_sha256 is empty"));
}

// BATON_ATTACKS=N: how many.
TEST_CASE("digests: a file with a changed byte is refused, or read as it was written") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.h5");
  const Dataset data = every_array();
  write_dataset(data, path);
  const std::string whole = read_text(path);
  std::vector<std::size_t> telling;  // most others lie in space that nothing uses
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] != 0) telling.push_back(i);
  const char* wanted = std::getenv("BATON_ATTACKS");
  const std::size_t attacks = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 401;
  std::size_t refused = 0, good = 0;
  for (std::size_t n = 0; n < attacks; ++n) {
    const std::size_t at = telling[(n * 7919) % telling.size()];
    const int flip = 1 << (n + n / telling.size()) % 8;
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ flip);
    write_text_atomic(path, damaged);
    CAPTURE(at);
    CAPTURE(flip);
    Dataset back;
    try {
      back = read_dataset(path);
    } catch (const Error&) {
      ++refused;
      continue;
    }
    CHECK(same(back, data));
    ++good;
  }
  CHECK(refused > 0);
  CHECK(good > 0);
  MESSAGE(refused, " changes are refused, ", good, " change nothing that is read");
}
