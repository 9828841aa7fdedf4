// Demonstrations in HDF5 made to hurt or made otherwise: each is read right or refused with one line.
#include <hdf5.h>
#include <sys/stat.h>

#include <array>
#include <cmath>

#include "rl/run/metrics.hpp"
#include "tests/rl/data/hdf5_making.hpp"
#include "tests/support/sanitizers.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

TEST_CASE("foreign: data that lie elsewhere are refused by name before they are looked for") {
  const test::TemporaryFolder folder;
  const std::string other = folder.file("other");
  write_text_atomic(other, std::string(1000, 'x'));
  REQUIRE(mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  for (const std::string& target : {other, folder.file("pipe"), std::string("/dev/zero")}) {
    CHECK(contains(refusal({"actions"},
                           [&](hid_t file) {
                             const hid_t options = H5Pcreate(H5P_DATASET_CREATE);
                             H5Pset_external(options, target.c_str(), 0, 24);
                             put(file, "actions", {6, 1}, H5T_IEEE_F32LE, 0, nullptr, options);
                           }),
                   "actions: its data lie in another file"));
    CHECK(contains(refusal({"actions"},
                           [&](hid_t file) {
                             H5Lcreate_external(target.c_str(), "/actions", file, "actions", H5P_DEFAULT,
                                                H5P_DEFAULT);
                           }),
                   "actions: an external link"));
  }
  CHECK(contains(
      refusal({"actions"},
              [](hid_t file) { H5Lcreate_soft("/actions", file, "actions", H5P_DEFAULT, H5P_DEFAULT); }),
      "actions: a soft link"));
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {  // of itself
                           const hid_t options = H5Pcreate(H5P_DATASET_CREATE);
                           const Shape shape{6, 1};
                           const hid_t space = H5Screate_simple(2, shape.data(), nullptr);
                           H5Pset_virtual(options, space, ".", "/actions", space);
                           put(file, "actions", shape, H5T_IEEE_F32LE, 0, nullptr, options);
                         }),
                 "actions: a virtual array"));
}

TEST_CASE(
    "foreign: deflate, shuffle and fletcher32 are applied; filters that nobody knows are named with the "
    "remedy") {
  const std::vector<float> actions{0, 0.5f, 1, -1, -0.5f, 0.25f};
  const Dataset data = read_made({"actions"}, [&](hid_t file) {
    const hid_t options = chunked({4, 1});
    H5Pset_shuffle(options);
    H5Pset_deflate(options, 9);
    H5Pset_fletcher32(options);
    put_floats(file, "actions", {6, 1}, actions, options);
  });
  CHECK(data.actions == actions);
  const auto copies = [](unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) {
    return bytes;
  };
  for (const int id : {32001, 32015, 300, 65535}) {
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, id, 1, 1, "evil\x1b[31m\n", nullptr, nullptr, copies};
    REQUIRE(H5Zregister(&filter) >= 0);
    const std::string message = refusal({"actions"}, [&](hid_t file) {
      const hid_t options = chunked({4, 1});
      H5Pset_filter(options, id, 0, 0, nullptr);
      put_floats(file, "actions", {6, 1}, actions, options);
    });
    H5Zunregister(id);
    CHECK(contains(message, fmt::format("actions: filtered by {}", id)));
    CHECK(contains(message, "h5repack -f GZIP=4 IN OUT"));
  }
  CHECK(contains(refusal({"actions"},
                         [&](hid_t file) {
                           const hid_t options = chunked({4, 1});
                           H5Pset_scaleoffset(options, H5Z_SO_FLOAT_DSCALE, 2);
                           put_floats(file, "actions", {6, 1}, actions, options);
                         }),
                 "actions: filtered by 6"));
}

TEST_CASE("foreign: what was not written in full is refused, not read as zeros") {
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {
                           put(file, "actions", {6, 1}, H5T_IEEE_F32LE, 0, nullptr);
                         }),
                 "actions: never written"));
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {
                           put(file, "actions", {6, 1}, H5T_IEEE_F32LE, 0, nullptr, chunked({2, 1}));
                         }),
                 "actions: never written"));
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {
                           put(file, "actions", {6, 1}, H5T_IEEE_F32LE, 0, nullptr, chunked({2, 1}));
                           const hid_t array = H5Dopen2(file, "actions", H5P_DEFAULT);
                           const Shape at{2, 0};
                           const std::array<float, 2> values{0.5f, 0.5f};
                           REQUIRE(H5Dwrite_chunk(array, H5P_DEFAULT, 0, at.data(), sizeof(values),
                                                  values.data()) >= 0);
                           H5Dclose(array);
                         }),
                 "actions: 1 of its 3 chunks were written"));
}

TEST_CASE("foreign: one array under two names is refused, as an array and as a group") {
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {
                           H5Lcreate_hard(file, "observations", file, "actions", H5P_DEFAULT, H5P_DEFAULT);
                         }),
                 "observations and actions are one array under two names"));
  CHECK(contains(refusal({"observations", "actions", "timeouts"},
                         [](hid_t file) {
                           put_floats(file, "episode_0/observations", {2, 2}, {1, 2, 3, 4});
                           put_floats(file, "episode_0/actions", {1, 1}, {0.5f});
                           for (int k = 1; k < 400; ++k)
                             H5Lcreate_hard(file, "episode_0", file, fmt::format("episode_{}", k).c_str(),
                                            H5P_DEFAULT, H5P_DEFAULT);
                         }),
                 "episode_0/observations and episode_1/observations are one array under two names"));
}

TEST_CASE("foreign: what would grow beyond all use is refused before it does, with the remedy") {
  const std::string message = refusal({"observations", "actions", "timeouts"}, [](hid_t file) {
    const hsize_t rows = 1 << 20, width = 100;
    const hid_t options = chunked({4096, width});
    H5Pset_deflate(options, 1);
    const std::vector<std::int8_t> zeros(rows * width);
    put(file, "observations", {rows, width}, H5T_STD_I8LE, H5T_NATIVE_INT8, zeros.data(), options);
    put(file, "actions", {rows, 1}, H5T_STD_I8LE, H5T_NATIVE_INT8, zeros.data(), chunked({4096, 1}));
  });
  CHECK(contains(message, "grow to 419430400 bytes and more"));
  CHECK(contains(message, "h5repack -f NONE IN OUT"));
}

#if !BATON_ADDRESSES_SEEN && !BATON_RACES_SEEN
namespace {

// A zlib stream of `count` times 258 zeros and one more: a fixed Huffman block of one zero and copies of it.
std::string zeros_compressed(std::uint64_t count) {
  std::string bytes("\x78\x9c", 2);
  int filled = 0;
  const auto put = [&](unsigned bits, int width, bool code) {
    for (int i = 0; i < width; ++i) {  // codes stand highest bit first, all else lowest first
      const unsigned bit = bits >> (code ? width - 1 - i : i) & 1;
      if (filled == 0) bytes += '\0';
      bytes.back() = static_cast<char>(bytes.back() | static_cast<char>(bit << filled));
      filled = (filled + 1) % 8;
    }
  };
  put(1, 1, false);                                                          // the last block
  put(1, 2, false);                                                          // with the fixed codes
  put(0b00110000, 8, true);                                                  // a zero
  for (std::uint64_t i = 0; i < count; ++i) put(0b1100010100000, 13, true);  // length 258, distance 1
  put(0, 7, true);                                                           // the end
  const std::uint64_t b = (258 * count + 1) % 65521;                         // Adler-32 of zeros
  for (const std::uint64_t part : {b >> 8, b & 255, std::uint64_t{0}, std::uint64_t{1}})
    bytes += static_cast<char>(part);
  return bytes;
}

std::string refusal_of_stream(const std::string& stream) {
  return refusal({"observations", "actions", "timeouts"}, [&](hid_t file) {
    const hsize_t rows = 65536;
    put_floats(file, "observations", {rows, 1}, std::vector<float>(rows));
    const hid_t options = chunked({rows, 1});
    H5Pset_deflate(options, 9);
    put(file, "actions", {rows, 1}, H5T_IEEE_F32LE, 0, nullptr, options);
    const hid_t array = H5Dopen2(file, "actions", H5P_DEFAULT);
    const Shape at{0, 0};
    REQUIRE(H5Dwrite_chunk(array, H5P_DEFAULT, 0, at.data(), stream.size(), stream.data()) >= 0);
    H5Dclose(array);
  });
}

}  // namespace

TEST_CASE(
    "foreign: a chunk of 256 KiB whose stream gives gigabytes takes no more memory than its shape lets it") {
  CHECK(contains(refusal_of_stream(zeros_compressed(8'000'000)),
                 "actions: damaged or truncated (memory allocation"));
}
#endif

TEST_CASE("foreign: flags are 0 or 1, as numbers of any kind or as h5py's booleans") {
  const auto flags = [](const std::vector<double>& values, hid_t stored) {
    return [=](hid_t file) { put(file, "terminals", {6}, stored, H5T_NATIVE_DOUBLE, values.data()); };
  };
  for (const hid_t stored : {H5T_STD_U8LE, H5T_STD_I64BE, H5T_IEEE_F32LE, H5T_IEEE_F64BE}) {
    CHECK(read_made({}, flags({0, 0, 1, 0, 0, 0}, stored)).completed == std::vector<std::uint8_t>{1, 0});
    CHECK(contains(refusal({}, flags({0, 0, 0, 2, 0, 0}, stored)), "terminals[3] is 2, 0 or 1 is expected"));
  }
  CHECK(contains(refusal({}, flags({0, NAN, 0, 0, 0, 0}, H5T_IEEE_F64LE)), "terminals[1] is nan"));
  CHECK(contains(refusal({}, flags({0, 0.5, 0, 0, 0, 0}, H5T_IEEE_F64LE)), "terminals[1] is 0.5"));
  CHECK(contains(refusal({}, flags({0, -1, 0, 0, 0, 0}, H5T_STD_I8LE)), "terminals[1] is -1"));
  const auto enumeration = [](const char* no, const char* yes) {
    return [=](hid_t file) {
      const hid_t type = H5Tenum_create(H5T_STD_I8LE);
      const std::int8_t zero = 0, one = 1;
      H5Tenum_insert(type, no, &zero);
      H5Tenum_insert(type, yes, &one);
      const std::array<std::int8_t, 6> values{0, 0, 1, 0, 0, 1};
      put(file, "terminals", {6}, type, type, values.data());
    };
  };
  CHECK(read_made({}, enumeration("FALSE", "TRUE")).completed == std::vector<std::uint8_t>{1, 1});
  CHECK(contains(refusal({}, enumeration("TRUE", "FALSE")), "an enumeration other than"));
  // PyTables' booleans.
  const auto bits = [](std::uint8_t last) {
    return [=](hid_t file) {
      const std::array<std::uint8_t, 6> values{0, 0, 1, 0, 0, last};
      put(file, "terminals", {6}, H5T_STD_B8LE, H5T_NATIVE_B8, values.data());
    };
  };
  CHECK(read_made({}, bits(1)).completed == std::vector<std::uint8_t>{1, 1});
  CHECK(contains(refusal({}, bits(2)), "terminals[5] is 2, 0 or 1 is expected"));
  CHECK(contains(refusal({"timeouts"},
                         [](hid_t file) {
                           const std::array<std::uint8_t, 5> few{};
                           put(file, "timeouts", {5}, H5T_STD_U8LE, H5T_NATIVE_UINT8, few.data());
                         }),
                 "timeouts has 5 values, observations have 6 rows"));
}

TEST_CASE("foreign: actions beyond -1..1 are told, beyond 10 refused, and so are states beyond 1e10") {
  const auto actions = [](float last) {
    return [=](hid_t file) { put_floats(file, "actions", {6, 1}, {0, 0, 0, 1.5f, 0, last}); };
  };
  std::vector<std::string> notes;
  const envs::Spec spec = test::plain_spec(2, 1);
  read_made({"actions"}, actions(-10), {.spec = &spec, .notes = &notes});
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "2 of 6 action values lie beyond -1..1"));
  for (const float bad : {10.5f, -1e20f, 3e38f})
    CHECK(contains(refusal({"actions"}, actions(bad), {.spec = &spec}),
                   fmt::format("actions row 5 column 0 is {}", bad)));
  // Without an environment they may be anything that can be learned from.
  CHECK(read_made({"actions"}, actions(10.5f)).actions.back() == 10.5f);
  CHECK(contains(refusal({"actions"}, actions(-1e20f)), "actions row 5 column 0 is -1e+20"));
  CHECK(contains(refusal({"actions"}, actions(NAN)), "actions row 5 column 0 is nan"));
  CHECK(contains(refusal({"observations"},
                         [](hid_t file) {
                           put_floats(file, "observations", {6, 2}, {0, 0, 0, 0, 0, 3e38f, 0, 0, 0, 0, 0, 0});
                         }),
                 "observations row 2 column 1 is 3e+38"));
}

TEST_CASE("foreign: numbers of every usual kind are read, others and text refused") {
  const std::vector<float> whole{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(half, 15, 10, 5, 0, 10);
  H5Tset_size(half, 2);
  H5Tset_ebias(half, 15);
  for (const hid_t stored : {H5T_IEEE_F32BE, H5T_IEEE_F64LE, half, H5T_STD_I32LE, H5T_STD_U16BE}) {
    const Dataset data = read_made({"observations"}, [&](hid_t file) {
      put_floats(file, "observations", {6, 2}, whole, H5P_DEFAULT, stored);
    });
    CHECK(data.states == whole);
  }
  const hid_t odd = H5Tcopy(H5T_IEEE_F32LE), pair = H5Tcreate(H5T_COMPOUND, 8), text = H5Tcopy(H5T_C_S1);
  H5Tset_ebias(odd, 63);
  H5Tinsert(pair, "a", 0, H5T_NATIVE_FLOAT);
  for (const hid_t stored : {H5T_NATIVE_LDOUBLE, odd, pair, text, H5T_STD_B32LE, H5T_STD_REF_OBJ}) {
    const std::vector<char> nothing(12 * H5Tget_size(stored));
    CHECK(contains(refusal({"observations"},
                           [&](hid_t file) {
                             put(file, "observations", {6, 2}, stored, stored, nothing.data());
                           }),
                   "observations"));
  }
  CHECK(contains(refusal({"observations"},
                         [](hid_t file) {
                           H5Gclose(H5Gcreate2(file, "observations", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
                         }),
                 "observations is a group without an array"));
}

TEST_CASE(
    "foreign: names of goals are short and printable, whatever the file says, and refused in one clean "
    "line") {
  const auto goals = [](const char* second) {
    return [=](hid_t file) {
      const hid_t type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, H5T_VARIABLE);
      const std::array<const char*, 2> names{"kettle", second};
      put(file, "episode_goals", {2}, type, type, names.data());
    };
  };
  CHECK(read_made({}, goals("чайник")).goal_names == std::vector<std::string>{"kettle", "чайник"});
  const std::string longest(200, 'g'), longer(201, 'g'), huge(1 << 20, 'g');
  CHECK(read_made({}, goals(longest.c_str())).goal_names[1] == longest);
  for (const char* bad :
       {"\x1b]0;owned\x07", "two\nlines", "\xe2\x80\xaetxt", "\xff\xfe", longer.c_str(), huge.c_str()}) {
    const std::string message = refusal({}, goals(bad));
    CHECK(contains(message, "episode_goals[1] is"));
    CHECK(message.size() < 400);
  }
  // Minari's groups are named by the file as well.
  CHECK(contains(refusal({"observations", "actions", "timeouts"},
                         [](hid_t file) {
                           put_floats(file, "episode_0/observations", {2, 2}, {1, 2, 3, 4});
                         }),
                 "no array episode_0/actions"));
}

TEST_CASE("foreign: shapes disagree before anything is read") {
  CHECK(contains(refusal({},
                         [](hid_t file) {
                           put_floats(file, "infos/qpos", {5, 1}, {1, 2, 3, 4, 5});
                         }),
                 "infos/qpos has 5 rows, observations have 6"));
  CHECK(contains(refusal({},
                         [](hid_t file) {
                           put_floats(file, "episode_seeds", {2}, {1, 2});
                         }),
                 "not an array of integers"));
  CHECK(contains(refusal({},
                         [](hid_t file) {
                           put_floats(file, "episode_targets", {2, 3}, {1, 2, 3, 4, 5, 6});
                         }),
                 "episode_targets is 2x3, 2x2 is expected"));
  CHECK(contains(refusal({"actions"},
                         [](hid_t file) {
                           put_floats(file, "actions", {6}, {1, 2, 3, 4, 5, 6});
                         }),
                 "actions has 1 dimensions"));
}
