#include "cli/npy.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

#include "kernels/error.hpp"
#include "rl/metrics.hpp"

namespace baton::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "float data is copied as it lies in the file");

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kMaxHeader = 65536;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 34;

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Reader of the header, a Python dict literal: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header parse() {
    Header header;
    bool seen[3] = {false, false, false};
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (which < 0 || seen[which]) bad();
      seen[which] = true;
      if (which == 0) header.descr = quoted();
      if (which == 1) header.fortran_order = boolean();
      if (which == 2) header.shape = tuple();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size() || !seen[0] || !seen[1] || !seen[2]) bad();
    return header;
  }

 private:
  [[noreturn]] void bad() const { fail("{}: damaged .npy header near its character {}", path_, at_); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) bad();
  }

  std::string quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) bad();
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos || end - at_ > 32) bad();
    std::string word(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return word;
  }

  bool boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    bad();
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0 || shape.size() >= 8) bad();
      at_ = static_cast<std::size_t>(end - text_.data());
      shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

std::int64_t count_elements(std::span<const std::int64_t> shape, const std::string& path) {
  std::int64_t count = 1;
  for (std::int64_t size : shape) {
    BATON_REQUIRE(size == 0 || count <= kMaxElements / size, "{}: shape {} is absurdly large", path,
                  format_shape(shape));
    count *= size;
  }
  return count;
}

void read_bytes(std::ifstream& in, char* to, std::size_t n, const std::string& path) {
  in.read(to, static_cast<std::streamsize>(n));
  BATON_REQUIRE(in.gcount() == static_cast<std::streamsize>(n), "{}: truncated .npy file (header cut off)",
                path);
}

Header read_header(std::ifstream& in, const std::string& path) {
  char lead[8];
  in.read(lead, sizeof lead);
  BATON_REQUIRE(in.gcount() == sizeof lead && std::string_view(lead, 6) == kMagic,
                "{}: not an .npy file (numpy.save writes one)", path);
  const int version = static_cast<unsigned char>(lead[6]);
  BATON_REQUIRE(version >= 1 && version <= 3, "{}: .npy version {} (1, 2 and 3 are read)", path, version);
  unsigned char raw[4] = {};
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  read_bytes(in, reinterpret_cast<char*>(raw), length_bytes, path);
  const std::size_t length = raw[0] | raw[1] << 8 | raw[2] << 16 | std::size_t{raw[3]} << 24;
  BATON_REQUIRE(length <= kMaxHeader, "{}: damaged .npy file (a header of {} bytes)", path, length);
  std::string text(length, '\0');
  read_bytes(in, text.data(), length, path);
  return HeaderParser(text, path).parse();
}

}  // namespace

std::string format_shape(std::span<const std::int64_t> shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

NpyArray read_npy(const std::string& path) {
  std::error_code error;
  BATON_REQUIRE(std::filesystem::is_regular_file(path, error), "{}: no such file", path);
  std::ifstream in(path, std::ios::binary);
  BATON_REQUIRE(in, "{}: cannot be read", path);
  const Header header = read_header(in, path);
  const std::size_t item = header.descr == "<f8" ? 8 : header.descr == "<f4" ? 4 : 0;
  BATON_REQUIRE(item != 0, "{}: values of type '{}' (float64, '<f8', is wanted)", path, header.descr);
  BATON_REQUIRE(!header.fortran_order || header.shape.size() < 2,
                "{}: Fortran order (C order is wanted: numpy.ascontiguousarray)", path);
  const auto count = static_cast<std::uintmax_t>(count_elements(header.shape, path));
  const auto start = static_cast<std::uintmax_t>(in.tellg());
  const std::uintmax_t bytes = std::filesystem::file_size(path, error) - start;
  BATON_REQUIRE(!error && bytes == count * item, "{}: {} bytes of data, but shape {} of '{}' takes {}", path,
                bytes, format_shape(header.shape), header.descr, count * item);
  std::string data(bytes, '\0');
  read_bytes(in, data.data(), bytes, path);

  NpyArray array{header.shape, std::vector<double>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    float single = 0;
    if (item == 8) std::memcpy(&array.values[i], &data[8 * i], 8);
    if (item == 4) std::memcpy(&single, &data[4 * i], 4), array.values[i] = single;
    BATON_REQUIRE(std::isfinite(array.values[i]), "{}: value {} is {} (finite numbers are wanted)", path, i,
                  array.values[i]);
  }
  return array;
}

void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const double> values) {
  const std::int64_t count = count_elements(shape, path);
  BATON_REQUIRE(static_cast<std::size_t>(count) == values.size(), "{}: {} values for shape {}", path,
                values.size(), format_shape(shape));
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}", format_shape(shape));
  // The format wants the data to start at a multiple of 64 bytes: 10 bytes before the header, a line break after it.
  header.append(63 - (kMagic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  rl::write_text_atomic(path, bytes);
}

}  // namespace baton::cli
