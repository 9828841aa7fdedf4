// LZF: streams by hand, and in HDF5 as h5py lays them out.
#include "rl/data/lzf.hpp"

#include <array>
#include <cstring>
#include <numeric>

#include "kernels/rng.hpp"
#include "rl/data/hdf5_lzf.hpp"
#include "tests/rl/data/hdf5_making.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

// What a stream gives, or nothing where it does not give so many bytes.
Bytes unpacked(const Bytes& stream, std::size_t count) {
  Bytes out(count);
  if (!lzf_decompress(stream, out)) out.clear();
  return out;
}

// Copies from one byte back for runs, literals otherwise.
Bytes packed(const Bytes& plain) {
  Bytes stream;
  for (std::size_t at = 0; at < plain.size();) {
    std::size_t run = 0;
    while (at > 0 && run < 264 && at + run < plain.size() && plain[at + run] == plain[at - 1]) ++run;
    if (run >= 9) {
      stream.insert(stream.end(), {7 << 5, static_cast<std::uint8_t>(run - 9), 0});
    } else if (run >= 3) {
      stream.insert(stream.end(), {static_cast<std::uint8_t>((run - 2) << 5), 0});
    } else {
      run = 1;
      stream.insert(stream.end(), {0, plain[at]});
    }
    at += run;
  }
  return stream;
}

Bytes bytes_of(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Chunked and filtered as h5py does for compression="lzf"; what the streams are is for the caller to write.
hid_t lzf_options(const Shape& chunk, bool shuffle = false, bool checksum = false) {
  const H5Z_class2_t filter = {
      H5Z_CLASS_T_VERS,
      hdf5::kLzf,
      1,
      1,
      "lzf",
      nullptr,
      nullptr,
      [](unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) { return bytes; }};
  REQUIRE(H5Zregister(&filter) >= 0);
  const hid_t options = chunked(chunk);
  if (shuffle) H5Pset_shuffle(options);
  const std::array<unsigned, 3> values{4, 0x0105, 12};
  H5Pset_filter(options, hdf5::kLzf, H5Z_FLAG_OPTIONAL, values.size(), values.data());
  if (checksum) H5Pset_fletcher32(options);
  return options;
}

// The actions of six steps in chunks of three: these streams, of which the mask says which filters were left out.
Spoil actions_in(const std::array<Bytes, 2>& streams, std::array<unsigned, 2> left_out = {0, 0}) {
  return [=](hid_t file) {
    put(file, "actions", {6, 1}, H5T_IEEE_F32LE, 0, nullptr, lzf_options({3, 1}));
    const hid_t array = H5Dopen2(file, "actions", H5P_DEFAULT);
    for (hsize_t i = 0; i < 2; ++i) {
      const Shape at{3 * i, 0};
      REQUIRE(H5Dwrite_chunk(array, H5P_DEFAULT, left_out[i], at.data(), streams[i].size(),
                             streams[i].data()) >= 0);
    }
    H5Dclose(array);
  };
}

}  // namespace

TEST_CASE("lzf: literals, short and long copies, and copies that overlap what they write") {
  CHECK(unpacked({2, 'a', 'b', 'c'}, 3) == Bytes{'a', 'b', 'c'});
  CHECK(unpacked({2, 'a', 'b', 'c', 1 << 5, 2}, 6) == Bytes{'a', 'b', 'c', 'a', 'b', 'c'});
  CHECK(unpacked({0, 'x', 6 << 5, 0}, 9) == Bytes(9, 'x'));
  CHECK(unpacked({0, 'x', 7 << 5, 255, 0}, 265) == Bytes(265, 'x'));
  CHECK(unpacked({1, 'x', 'y', 7 << 5, 0, 1}, 11) ==
        Bytes{'x', 'y', 'x', 'y', 'x', 'y', 'x', 'y', 'x', 'y', 'x'});
  // 8192 back, the farthest.
  Bytes far;
  for (int i = 0; i < 256; ++i) {
    far.push_back(31);
    for (int j = 0; j < 32; ++j) far.push_back(static_cast<std::uint8_t>(i + j));
  }
  far.insert(far.end(), {1 << 5 | 31, 255});
  const Bytes got = unpacked(far, 8195);
  REQUIRE(got.size() == 8195);
  CHECK(std::vector<int>(got.end() - 3, got.end()) == std::vector<int>{0, 1, 2});
  CHECK(unpacked({}, 0).empty());
}

TEST_CASE("lzf: streams that break off, reach before the start or give too much or too little are refused") {
  Bytes room(8);
  for (const Bytes& bad : std::vector<Bytes>{{3, 'a', 'b'},                           // literals missing
                                             {0, 'a', 1 << 5},                        // a distance missing
                                             {0, 'a', 7 << 5, 0},                     // of a long copy
                                             {0, 'a', 7 << 5},                        // its length, too
                                             {1 << 5, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8},  // before the start
                                             {1, 'a', 'b', 1 << 5, 2},
                                             {6, 1, 2, 3, 4, 5, 6, 7},        // 7 of 8
                                             {8, 1, 2, 3, 4, 5, 6, 7, 8, 9},  // 9
                                             {0, 'a', 6 << 5, 0},             // 9
                                             {}})
    CHECK_FALSE(lzf_decompress(bad, room));
  kernels::Random random(3);
  int whole = 0;
  for (int n = 0; n < 20000; ++n) {
    Bytes stream(random.below(40)), out(random.below(300));
    for (std::uint8_t& byte : stream) byte = static_cast<std::uint8_t>(random.below(n % 2 == 0 ? 256 : 40));
    whole += lzf_decompress(stream, out);
  }
  CHECK(whole < 2000);
}

TEST_CASE("lzf: chunks in HDF5, packed or left as they are") {
  const std::vector<float> first{0.5f, 0.5f, 0.5f}, second{0, 0, 0}, both{0.5f, 0.5f, 0.5f, 0, 0, 0};
  const std::array<Bytes, 2> streams{packed(bytes_of(first)), packed(bytes_of(second))};
  CHECK(read_made({"actions"}, actions_in(streams)).actions == both);
  CHECK(read_made({"actions"}, actions_in({bytes_of(first), streams[1]}, {1, 0})).actions == both);
}

TEST_CASE("lzf: with shuffled bytes and checksums around") {
  std::vector<float> values(64);
  std::iota(values.begin(), values.end(), -0.5f);
  Bytes shuffled(values.size() * sizeof(float));
  const Bytes plain = bytes_of(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t b = 0; b < 4; ++b) shuffled[b * values.size() + i] = plain[4 * i + b];
  }
  const Dataset data = read_made({"observations", "actions", "timeouts"}, [&](hid_t file) {
    put_floats(file, "actions", {64, 1}, std::vector<float>(64, 0.25f));
    put(file, "observations", {64, 1}, H5T_IEEE_F32LE, 0, nullptr, lzf_options({64, 1}, true));
    const hid_t array = H5Dopen2(file, "observations", H5P_DEFAULT);
    const Shape at{0, 0};
    const Bytes stream = packed(shuffled);
    CHECK(stream.size() < shuffled.size());
    REQUIRE(H5Dwrite_chunk(array, H5P_DEFAULT, 0, at.data(), stream.size(), stream.data()) >= 0);
    H5Dclose(array);
  });
  CHECK(data.states == values);
}

TEST_CASE("lzf: chunks in HDF5 that do not give their shape are damaged, and gzip over LZF is refused") {
  const std::vector<float> zeros(3, 0.0f);
  const Bytes right = packed(bytes_of(zeros));
  for (const Bytes& bad : std::vector<Bytes>{packed(bytes_of({0, 0})),          // too little
                                             packed(bytes_of({0, 0, 0, 0})),    // too much
                                             {right.begin(), right.end() - 1},  // cut off
                                             {11, 1, 2, 3}})
    CHECK(contains(refusal({"actions"}, actions_in({bad, right})), "actions: damaged or truncated"));
  CHECK(contains(refusal({"actions"}, actions_in({right, right}, {2, 0})), "actions: damaged"));
  // More than 88 bytes for one stored.
  CHECK(contains(
      refusal({"observations", "actions", "timeouts"},
              [&](hid_t file) {
                put_floats(file, "actions", {6000, 1}, std::vector<float>(6000));
                put(file, "observations", {6000, 1}, H5T_IEEE_F32LE, 0, nullptr, lzf_options({6000, 1}));
                const hid_t array = H5Dopen2(file, "observations", H5P_DEFAULT);
                const Shape at{0, 0};
                H5Dwrite_chunk(array, H5P_DEFAULT, 0, at.data(), right.size(), right.data());
                H5Dclose(array);
              }),
      "a chunk of"));
  CHECK(contains(refusal({"actions"},
                         [&](hid_t file) {
                           const hid_t options = lzf_options({3, 1});
                           H5Pset_deflate(options, 4);
                           put_floats(file, "actions", {6, 1}, {0, 0, 0, 0, 0, 0}, options);
                         }),
                 "actions: compressed twice"));
}
