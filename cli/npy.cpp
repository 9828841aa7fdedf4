#include "cli/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

#include "kernels/error.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "float data is copied as it lies in the file");

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kMaxHeader = 65536, kLead = 12 + kMaxHeader;
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

// Where the values of a file lie.
struct Layout {
  Header header;
  std::size_t start = 0, count = 0, item = 0;  // bytes before the data, values, bytes of one
};

// From the first bytes of a file of `size` bytes: all of them, or kLead.
Layout read_layout(std::string_view lead, std::uintmax_t size, const std::string& path) {
  BATON_REQUIRE(lead.size() >= 8 && lead.substr(0, 6) == kMagic,
                "{}: not an .npy file (numpy.save writes one)", path);
  const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(lead[at])}; };
  const std::size_t version = byte(6), length_bytes = version == 1 ? 2 : 4;
  BATON_REQUIRE(version >= 1 && version <= 3, "{}: .npy version {} (1, 2 and 3 are read)", path, version);
  const auto whole = [&](std::size_t end) {
    BATON_REQUIRE(end <= lead.size(), "{}: truncated .npy file (header cut off)", path);
  };
  whole(8 + length_bytes);
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= byte(8 + i) << (8 * i);
  BATON_REQUIRE(length <= kMaxHeader, "{}: damaged .npy file (a header of {} bytes)", path, length);
  Layout layout;
  layout.start = 8 + length_bytes + length;
  whole(layout.start);
  const Header& header = layout.header = HeaderParser(lead.substr(8 + length_bytes, length), path).parse();
  layout.item = header.descr == "<f8" ? 8 : header.descr == "<f4" ? 4 : 0;
  BATON_REQUIRE(layout.item != 0, "{}: values of type '{}' (float64, '<f8', is wanted)", path, header.descr);
  BATON_REQUIRE(!header.fortran_order || header.shape.size() < 2,
                "{}: Fortran order (C order is wanted: numpy.ascontiguousarray)", path);
  layout.count = static_cast<std::size_t>(count_elements(header.shape, path));
  const std::uintmax_t bytes = size - layout.start;
  BATON_REQUIRE(bytes == layout.count * layout.item, "{}: {} bytes of data, but shape {} of '{}' takes {}",
                path, bytes, format_shape(header.shape), header.descr, layout.count * layout.item);
  return layout;
}

NpyArray read_values(const Layout& layout, std::string_view data, const std::string& path) {
  NpyArray array{layout.header.shape, std::vector<double>(layout.count)};
  for (std::size_t i = 0; i < layout.count; ++i) {
    float single = 0;
    if (layout.item == 8) std::memcpy(&array.values[i], &data[8 * i], 8);
    if (layout.item == 4) std::memcpy(&single, &data[4 * i], 4), array.values[i] = single;
    BATON_REQUIRE(std::isfinite(array.values[i]), "{}: value {} is {} (finite numbers are wanted)", path, i,
                  array.values[i]);
  }
  return array;
}

}  // namespace

std::string format_shape(std::span<const std::int64_t> shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

NpyArray parse_npy(std::string_view bytes, const std::string& name) {
  const Layout layout = read_layout(bytes, bytes.size(), name);
  return read_values(layout, bytes.substr(layout.start), name);
}

NpyArray read_npy(const std::string& path) {
  std::error_code error;
  BATON_REQUIRE(std::filesystem::is_regular_file(path, error), "{}: no such file", path);
  std::ifstream in(path, std::ios::binary);
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  BATON_REQUIRE(in && !error, "{}: cannot be read", path);
  // The header is checked against the size before anything large is read.
  std::string bytes(static_cast<std::size_t>(std::min<std::uintmax_t>(size, kLead)), '\0');
  const auto fill = [&](std::size_t from) {
    in.read(bytes.data() + from, static_cast<std::streamsize>(bytes.size() - from));
    BATON_REQUIRE(in.gcount() == static_cast<std::streamsize>(bytes.size() - from),
                  "{}: cannot be read to its end", path);
  };
  fill(0);
  const Layout layout = read_layout(bytes, size, path);
  const std::size_t read = bytes.size();
  bytes.resize(static_cast<std::size_t>(size));
  fill(read);
  return read_values(layout, std::string_view(bytes).substr(layout.start), path);
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
