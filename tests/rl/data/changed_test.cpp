// HDF5 of each form with some bytes changed: nothing ends the reader or keeps it, and what it reads is valid.
// BATON_ATTACKS=N tries N changed files (default 1201), BATON_ATTACKS_FROM=M from the M-th on, so that several
// processes can share many.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "kernels/rng.hpp"
#include "rl/data/hdf5_lzf.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/data/hdf5_making.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

namespace {

struct Attacked {
  std::string bytes;
  ReadOptions options = {};
  Dataset right = {};
};

// Two coordinates with a goal by name, or four columns with it.
const envs::Spec& plane() {
  static const envs::Spec spec = [] {
    envs::Spec one = plain_spec(2, 1);
    one.elements = {{"left", {0}, 0.1f}, {"right", {1}, 0.1f}};
    one.layouts = {{4, {0, 1}, {2, 3}}};
    return one;
  }();
  return spec;
}

std::string bytes_of(const std::set<std::string>& without, const Spoil& spoil) {
  const TemporaryFolder folder;
  return read_text(make(folder, without, spoil));
}

void put_minari(hid_t file) {
  for (const char* group : {"episode_0/", "episode_1/"}) {
    const std::string name(group);
    put_floats(file, name + "observations/observation", {3, 4}, {1, 2, 0, 7, 3, 4, 0, 7, 5, 6, 0, 7},
               chunked({2, 4}));
    put_floats(file, name + "observations/desired_goal/left", {3, 1}, {5, 5, 5});
    put_floats(file, name + "actions", {2, 1}, {0.5f, -0.5f});
    const std::array<std::uint8_t, 2> ended{0, 1};
    put(file, name + "terminations", {2}, H5T_STD_B8LE, H5T_NATIVE_B8, ended.data());
  }
}

void put_robomimic(hid_t file) {
  for (const char* demo : {"data/demo_0/", "data/demo_1/"}) {
    put_floats(file, std::string(demo) + "obs/a", {2}, {1, 2});
    put_floats(file, std::string(demo) + "obs/b", {2, 1}, {3, 4});
    put_floats(file, std::string(demo) + "actions", {2, 1}, {0.5f, -0.5f});
  }
}

// A chunk of eight floats as LZF: one and copies of it.
void put_lzf(hid_t file) {
  const H5Z_class2_t filter = {
      H5Z_CLASS_T_VERS,
      hdf5::kLzf,
      1,
      1,
      "lzf",
      nullptr,
      nullptr,
      [](unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) { return bytes; }};
  H5Zregister(&filter);
  const hid_t options = chunked({8, 1});
  H5Pset_filter(options, hdf5::kLzf, H5Z_FLAG_OPTIONAL, 0, nullptr);
  put(file, "observations", {8, 1}, H5T_IEEE_F32LE, 0, nullptr, options);
  const std::array<std::uint8_t, 8> stream{3, 0, 0, 0, 0x3f, 7 << 5, 19, 3};
  const hid_t array = H5Dopen2(file, "observations", H5P_DEFAULT);
  const Shape at{0, 0};
  REQUIRE(H5Dwrite_chunk(array, H5P_DEFAULT, 0, at.data(), stream.size(), stream.data()) >= 0);
  H5Dclose(array);
  put_floats(file, "actions", {8, 1}, {0, 0, 0, 0, 0, 0, 0, 0.5f});
}

// Small files of each form, nearly all of which is metadata.
std::vector<Attacked> small_files() {
  const TemporaryFolder folder;
  const std::set<std::string> nothing{"observations", "actions", "timeouts"};
  Dataset data = counting_dataset({4, 3}, 2, 1);
  data.goal_names = {"kettle", "slide"};
  data.seeds = {1, 2};
  write_dataset(data, folder.file("flat.h5"));
  std::vector<Attacked> files;
  files.push_back({read_text(folder.file("flat.h5"))});
  files.push_back({bytes_of({}, [](hid_t) {})});
  files.push_back({bytes_of(nothing, put_minari), {.spec = &plane()}});
  files.push_back({bytes_of(nothing, put_robomimic), {.obs_keys = {"a", "b"}}});
  files.push_back({bytes_of(nothing, put_lzf)});
  std::string path = folder.file("changed.h5");
  for (Attacked& file : files) {
    write_text_atomic(path, file.bytes);
    file.right = read_dataset(path, file.options);
  }
  return files;
}

// One to three bytes changed, most of them bytes that say something; in one of 16 files a piece is copied elsewhere,
// and one of 64 is cut.
std::string changed(const std::string& whole, int n) {
  kernels::Random random(18, static_cast<std::uint64_t>(n));
  const auto below = [&](std::size_t count) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(count)));
  };
  std::string bytes = whole;
  if (n % 16 == 5) {
    const std::size_t count = 1 + below(64), room = whole.size() - count;
    std::memmove(bytes.data() + below(room), whole.data() + below(room), count);
    return bytes;
  }
  if (n % 64 == 9) return whole.substr(0, below(whole.size()));
  std::vector<std::size_t> telling;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] != 0) telling.push_back(i);
  }
  for (int changes = 1 + n % 3; changes > 0; --changes) {
    char& byte = bytes[random.uniform() < 0.75f ? telling[below(telling.size())] : below(whole.size())];
    byte = static_cast<char>(random.uniform() < 0.5f ? byte ^ (1 << below(8)) : static_cast<int>(below(256)));
  }
  return bytes;
}

int number(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoi(given) : otherwise;
}

struct Counts {
  int same = 0, other = 0, refused = 0, ended = 0;
};

void attack(const Attacked& file, const std::string& path, Counts& counts) {
  try {
    const Dataset found = read_dataset(path, file.options);
    validate(found, path);
    const Dataset& right = file.right;
    const bool same = found.states == right.states && found.actions == right.actions &&
                      found.offsets == right.offsets && found.goal_targets == right.goal_targets;
    ++(same ? counts.same : counts.other);
  } catch (const Error& error) {
    const std::string message = error.what();
    ++counts.refused;
    counts.ended +=
        contains(message, "the reader ended with") || contains(message, "does not come to an end");
    // One doctest check for all: a million of them would be most of the work.
    if (message.starts_with(path + ": ") && is_printable(message) && message.size() < 1500) return;
    FAIL_CHECK(message);
  }
}

}  // namespace

TEST_CASE(
    "changed HDF5: bytes changed anywhere never end the reader or keep it; what is read is valid, what is "
    "not is "
    "one line") {
  const int first = number("BATON_ATTACKS_FROM", 0), attempts = number("BATON_ATTACKS", 1201);
  const TemporaryFolder folder;
  const std::string path = folder.file("changed.h5");
  const std::vector<Attacked> files = small_files();
  Counts counts;
  for (int n = first; n < first + attempts; ++n) {
    const Attacked& file = files[static_cast<std::size_t>(n) % files.size()];
    std::ofstream(path, std::ios::binary | std::ios::trunc) << changed(file.bytes, n);
    CAPTURE(n);
    attack(file, path, counts);
  }
  CHECK(counts.same + counts.other + counts.refused == attempts);
  MESSAGE(attempts << " changed files from " << first << " on: " << counts.same << " read the same, "
                   << counts.other << " read with other numbers, " << counts.refused << " refused, of these "
                   << counts.ended << " by the child's end");
}
