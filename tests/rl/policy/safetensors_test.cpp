#include "rl/policy/safetensors.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "kernels/rng.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

TensorFile example() {
  TensorFile file;
  file.tensors.push_back(
      {"a.weight", {2, 3}, {1, -2, 3.5f, 0, 1e-30f, std::numeric_limits<float>::quiet_NaN()}});
  file.tensors.push_back({"empty", {0, 4}, {}});
  file.tensors.push_back({"scalar", {}, {7}});
  file.metadata = {{"format", "x"}, {"quote", "\"sha256\":\"no\" \n \xc3\xa9"}};
  return file;
}

// A file with this header and `bytes` zeros behind it.
std::string with_header(const std::string& header, std::size_t bytes) {
  const std::uint64_t length = header.size();
  std::string file(8, 0);
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(bytes, 0);
}

}  // namespace

TEST_CASE("safetensors: what is written is read back bit for bit, always the same bytes") {
  const TensorFile file = example();
  const std::string bytes = write_safetensors(file);
  CHECK(bytes == write_safetensors(file));
  const TensorFile back = read_safetensors(bytes, "f", Digest::kDemanded);
  REQUIRE(back.tensors.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(back.tensors[i].name == file.tensors[i].name);
    CHECK(back.tensors[i].shape == file.tensors[i].shape);
    REQUIRE(back.tensors[i].values.size() == file.tensors[i].values.size());
    for (std::size_t k = 0; k < back.tensors[i].values.size(); ++k)
      CHECK(std::memcmp(&back.tensors[i].values[k], &file.tensors[i].values[k], 4) == 0);
  }
  CHECK(back.metadata == file.metadata);
  CHECK_THROWS_AS(back.tensor("none", "f"), Error);
}

TEST_CASE("safetensors: every changed byte and every cut is refused") {
  const std::string bytes = write_safetensors(example());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CHECK_THROWS_AS(read_safetensors(bytes.substr(0, i), "f", Digest::kDemanded), Error);
    for (int change = 1; change < 256; change += i % 7 == 0 ? 1 : 37) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      CHECK_THROWS_AS(read_safetensors(damaged, "f", Digest::kDemanded), Error);
    }
  }
  CHECK_THROWS_AS(read_safetensors(bytes + "x", "f", Digest::kDemanded), Error);
}

TEST_CASE("safetensors: headers that lie are refused with the reason") {
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  CHECK(read_safetensors(with_header(entry("F32", "[2]", "[0,8]") + "   ", 8), "f", Digest::kChecked)
            .tensors.size() == 1);
  std::string many = "{\"__metadata__\":{\"k\":\"\"";
  for (int i = 0; i < 100000; ++i) many += ",\"" + std::to_string(i) + "\":\"\"";
  many += "}}";
  const std::tuple<std::string, std::size_t, std::string> cases[] = {
      {entry("F64", "[1]", "[0,8]"), 8, "dtype is \"F64\""},
      {entry("F32", "[2]", "[0,4]"), 4, "lies at 0..4"},
      {entry("F32", "[2]", "[4,12]"), 12, "lies at 4..12"},
      {entry("F32", "[2]", "[0,8]"), 4, "of 4 bytes"},
      {entry("F32", "[2]", "[0,8]"), 12, "8 bytes of tensors, 12 are there"},
      {entry("F32", "[4294967296,4294967296,4294967296]", "[0,0]"), 0, "absurd"},
      {entry("F32", "[-1]", "[0,0]"), 0, "something else than sizes"},
      {entry("F32", "[1.5]", "[0,0]"), 0, "something else than sizes"},
      {entry("F32", "3", "[0,0]"), 0, "a shape of at most 8 sizes"},
      {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "dtype, shape and data_offsets"},
      {"{\"a\":1,\"a\":2}", 0, "names 'a' twice"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is not a text"},
      {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
      {"[1]", 0, "not a JSON object"},
      {many, 0, "more than 4096 names"},
      {"{\"a\":", 0, "not JSON"},
      {std::string(100000, '['), 0, "nested too deep"},
      {"{\"a\":" + std::string(100000, '[') + "}", 0, "nested too deep"}};
  for (const auto& [header, size, expected] : cases) {
    CAPTURE(expected);
    const std::string bytes = with_header(header, size);
    const std::string message = error_of([&] { read_safetensors(bytes, "f", Digest::kChecked); });
    CHECK_MESSAGE(contains(message, expected), message);
    CHECK(message.size() < 300);
  }
  CHECK(contains(error_of([&] { read_safetensors(with_header("{}", 0), "f", Digest::kDemanded); }),
                 "no sha256"));
  std::string huge(16, '\xff');
  CHECK(contains(error_of([&] { read_safetensors(huge, "f", Digest::kChecked); }), "a header of"));
}

TEST_CASE("safetensors: tensors stand in the header in any order, empty ones among them") {
  const auto entry = [](const char* name, int numbers, int begin) {
    return fmt::format(R"("{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})", name, numbers, begin,
                       begin + 4 * numbers);
  };
  std::vector<std::string> entries{entry("a", 1, 0), entry("b", 2, 4), entry("c", 0, 0), entry("d", 0, 4),
                                   entry("e", 0, 12)};
  std::ranges::sort(entries);
  int orders = 0;
  do {
    const std::string header = fmt::format("{{{}}}", fmt::join(entries, ","));
    CAPTURE(header);
    const TensorFile file = read_safetensors(with_header(header, 12), "f", Digest::kChecked);
    REQUIRE(file.tensors.size() == 5);
    CHECK(file.tensor("a", "f").values.size() == 1);
    CHECK(file.tensor("b", "f").values.size() == 2);
    for (const char* empty : {"c", "d", "e"}) CHECK(file.tensor(empty, "f").values.empty());
    ++orders;
  } while (std::ranges::next_permutation(entries).found);
  CHECK(orders == 120);
  // Not between two tensors' bytes.
  const std::string inside = fmt::format("{{{},{}}}", entry("b", 2, 0), entry("c", 0, 4));
  CHECK(contains(error_of([&] { read_safetensors(with_header(inside, 8), "f", Digest::kChecked); }),
                 "lies at 4..4"));
}

TEST_CASE("safetensors: the Python package reads ours, and we read its files") {
  const char* python = std::getenv("BATON_TEST_PYTHON");
  const std::string probe =
      std::string(python != nullptr ? python : "") + " -c 'import safetensors.numpy' 2>/dev/null";
  if (python == nullptr || std::system(probe.c_str()) != 0) {
    MESSAGE("skipped: no Python with the package safetensors");
    return;
  }
  const test::TemporaryFolder folder;
  write_text_atomic(folder.file("ours.safetensors"), write_safetensors(example()));
  write_text_atomic(
      folder.file("check.py"),
      "import sys, numpy as np\n"
      "from safetensors.numpy import load_file, save_file\n"
      "t = load_file(sys.argv[1] + '/ours.safetensors')\n"
      "assert sorted(t) == ['a.weight', 'empty', 'scalar'], sorted(t)\n"
      "w = t['a.weight']\n"
      "assert w.shape == (2, 3) and w.dtype == np.float32 and w[0, 2] == 3.5 and np.isnan(w[1, 2])\n"
      "assert t['empty'].shape == (0, 4) and t['scalar'] == 7\n"
      "save_file({'z': w[:1], 'b': np.arange(4, dtype=np.float32)}, sys.argv[1] + '/theirs.safetensors',"
      " metadata={'who': 'python'})\n");
  const std::string run = std::string(python) + " " + folder.file("check.py") + " " + folder.path;
  REQUIRE(std::system(run.c_str()) == 0);
  const TensorFile theirs =
      read_safetensors(read_text(folder.file("theirs.safetensors")), "theirs", Digest::kChecked);
  CHECK(theirs.text("who", "") == "python");
  CHECK(theirs.tensor("z", "").shape == std::vector<std::int64_t>{1, 3});
  CHECK(theirs.tensor("z", "").values == std::vector<float>{1, -2, 3.5f});
  CHECK(theirs.tensor("b", "").values == std::vector<float>{0, 1, 2, 3});
}
