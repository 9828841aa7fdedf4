#include "rl/data/npy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

namespace baton {
namespace {

// An .npy file by hand: version 1, the given header text, the given data.
std::string npy_bytes(const std::string& header, const std::string& data) {
  std::string text = header + "\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 255);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text + data;
}

std::string doubles(const std::vector<double>& values) {
  std::string data(values.size() * 8, '\0');
  std::memcpy(data.data(), values.data(), data.size());
  return data;
}

std::string message_of(const std::string& path) {
  try {
    rl::read_npy(path);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("npy: what is written is read back bit for bit, any shape") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.npy");
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{}, {1}, {7}, {3, 5}, {0, 4}, {2, 3, 4}}) {
    std::int64_t count = 1;
    for (auto n : shape) count *= n;
    std::vector<double> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(1.0 + static_cast<double>(i)) * 1e-3;
    rl::write_npy(path, shape, values);
    CHECK((rl::read_text(path).size() - values.size() * 8) % 64 == 0);
    const rl::NpyArray back = rl::read_npy(path);
    CHECK(back.shape == shape);
    test::check_close(back.values, values, 0, 0, "npy");
  }
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE("npy: float32 is widened, spacing and key order of the header do not matter") {
  const test::TemporaryFolder folder;
  const float values[2] = {1.5f, -2.25f};
  std::string data(8, '\0');
  std::memcpy(data.data(), values, 8);
  rl::write_text_atomic(folder.file("f.npy"),
                        npy_bytes("{\"shape\": (2,),'fortran_order':False , 'descr':'<f4'}", data));
  const rl::NpyArray array = rl::read_npy(folder.file("f.npy"));
  CHECK(array.shape == std::vector<std::int64_t>{2});
  CHECK(array.values == std::vector<double>{1.5, -2.25});
}

TEST_CASE("npy: integers and booleans of every size are numbers, as float and as double") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("i.npy");
  const std::pair<const char*, std::string> cases[] = {
      {"|b1", std::string("\x01\x00\x01", 3)},
      {"|u1", std::string("\x01\x00\xff", 3)},
      {"|i1", std::string("\x01\x00\xff", 3)},
      {"<u2", std::string("\x01\x00\x00\x00\xff\xff", 6)},
      {"<i2", std::string("\x01\x00\x00\x00\xff\xff", 6)},
      {"<i4", std::string("\x01\0\0\0\0\0\0\0\xff\xff\xff\xff", 12)},
      {"<u4", std::string("\x01\0\0\0\0\0\0\0\xff\xff\xff\xff", 12)},
      {"<i8", std::string("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) + std::string(8, '\xff')}};
  const double last[] = {1, 255, -1, 65535, -1, -1, 4294967295.0, -1};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const auto& [type, data] = cases[i];
    CAPTURE(type);
    rl::write_text_atomic(
        path,
        npy_bytes(fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (3,), }}", type), data));
    CHECK(rl::read_npy(path).values == std::vector<double>{1, 0, last[i]});
    CHECK(rl::NpyFile(path).read<float>() == std::vector<float>{1, 0, static_cast<float>(last[i])});
  }
}

TEST_CASE("npy: damaged files are refused, each with a message of its own") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("x.npy");
  const auto refused = [&](const std::string& bytes, const std::string& expected) {
    rl::write_text_atomic(path, bytes);
    const std::string message = message_of(path);
    CHECK_MESSAGE(message.find(expected) != std::string::npos, message, " does not say ", expected);
    CHECK(message.find(path) != std::string::npos);
  };
  const std::string good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  refused("", "not an .npy file");
  refused("PK\x03\x04 something", "not an .npy file");
  refused(std::string("\x93NUMPY\x09\x00\x00\x00", 10), "version 9");
  refused(std::string("\x93NUMPY\x01\x00\xff\xff", 10), "truncated");
  refused(npy_bytes(good, doubles({1})), "8 bytes of data");
  refused(npy_bytes(good, doubles({1, 2, 3})), "24 bytes of data");
  refused(npy_bytes(good, doubles({1, std::nan("")})), "value 1 is");
  refused(npy_bytes(good, doubles({INFINITY, 1})), "value 0 is inf");
  for (const char* type : {">f8", "<c8", "<f2", "|S8", "<M8", "|i8"})
    refused(npy_bytes(fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (2,), }}", type),
                      doubles({1, 2})),
            type);
  refused(npy_bytes("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", doubles({1, 2})),
          "Python objects");
  refused(npy_bytes("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 2), }", doubles({1, 2})),
          "Fortran");
  refused(npy_bytes("{'descr': '<f8', 'shape': (2,), }", doubles({1, 2})), "damaged");
  refused(npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }", doubles({1, 2})),
          "damaged");
  refused(npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }", ""),
          "absurdly");
  refused(npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", ""),
          "damaged");
  CHECK(message_of(folder.file("none.npy")).find("no such file") != std::string::npos);
}

TEST_CASE("npy: a file with any one byte changed is read or refused, never more") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("fuzz.npy");
  const std::int64_t shape[] = {2, 3};
  rl::write_npy(path, shape, std::vector<double>{1, 2, 3, 4, 5, 6});
  const std::string good = rl::read_text(path);
  kernels::Random random(7);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    bad[random.below(static_cast<std::uint32_t>(bad.size()))] = static_cast<char>(random.below(256));
    if (i % 3 == 0) bad.resize(random.below(static_cast<std::uint32_t>(bad.size())));
    rl::write_text_atomic(path, bad);
    try {
      const auto count = rl::read_npy(path).values.size();
      REQUIRE(count <= 6);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 600);
}

TEST_CASE("npy: numpy reads what we write") {
  const char* python = std::getenv("BATON_TEST_PYTHON");
  if (python == nullptr) {
    std::cout << "skipped: numpy is not here\n";
    return;
  }
  const test::TemporaryFolder folder;
  const std::string path = folder.file("n.npy");
  const std::int64_t shape[] = {2, 3};
  rl::write_npy(path, shape, std::vector<double>{1, 2, 3, 4, 5, 6.5});
  const std::string check = std::string(python) + " -c \"import numpy as n; a = n.load('" + path +
                            "'); assert a.shape == (2, 3) and a.dtype == n.float64 and a[1, 2] == 6.5\"";
  CHECK(std::system(check.c_str()) == 0);
}

}  // namespace
}  // namespace baton
