#include "rl/data/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "kernels/error.hpp"
#include "rl/run/files.hpp"

namespace baton::rl {
namespace {

static_assert(std::endian::native == std::endian::little, "float data is copied as it lies in the file");

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kMaxHeader = 65536, kLead = 12 + kMaxHeader, kPart = 1 << 20;
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

std::size_t item_bytes(const std::string& type) {
  if (type.size() != 3 || (type[0] != '<' && type[0] != '|')) return 0;
  const std::string_view kind = std::string_view(type).substr(1);
  if (type[0] == '|') return kind == "b1" || kind == "i1" || kind == "u1" ? 1 : 0;
  if (kind == "f8" || kind == "i8" || kind == "u8") return 8;
  if (kind == "f4" || kind == "i4" || kind == "u4") return 4;
  return kind == "i2" || kind == "u2" ? 2 : 0;
}

// From the first bytes of a file of `size` bytes: all of them, or kLead.
NpyLayout read_layout(std::string_view lead, std::uint64_t size, const std::string& path) {
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
  NpyLayout layout;
  layout.start = 8 + length_bytes + length;
  whole(layout.start);
  Header header = HeaderParser(lead.substr(8 + length_bytes, length), path).parse();
  layout.item = item_bytes(header.descr);
  BATON_REQUIRE(header.descr.find('O') == std::string::npos,
                "{}: holds Python objects, which are not opened; an array of numbers is wanted", path);
  BATON_REQUIRE(layout.item != 0, "{}: values of type '{}' (float64, '<f8', is wanted)", path,
                printable(header.descr));
  BATON_REQUIRE(!header.fortran_order || header.shape.size() < 2,
                "{}: Fortran order (C order is wanted: numpy.ascontiguousarray)", path);
  layout.numbers = static_cast<std::size_t>(count_elements(header.shape, path));
  const std::uint64_t bytes = size - layout.start;
  BATON_REQUIRE(bytes == layout.numbers * layout.item, "{}: {} bytes of data, but shape {} of '{}' takes {}",
                path, bytes, format_shape(header.shape), header.descr, layout.numbers * layout.item);
  layout.shape = std::move(header.shape);
  layout.type = std::move(header.descr);
  return layout;
}

template <class Stored, class T>
void convert_from(const char* data, std::span<T> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    Stored value;
    std::memcpy(&value, data + i * sizeof(Stored), sizeof(Stored));
    to[i] = static_cast<T>(value);
  }
}

template <class T>
void convert(const NpyLayout& layout, const char* data, std::span<T> to) {
  const char kind = layout.type[1];
  const bool is_signed = kind == 'i';
  if (kind == 'f') return layout.item == 8 ? convert_from<double>(data, to) : convert_from<float>(data, to);
  switch (layout.item) {
    case 8:
      return is_signed ? convert_from<std::int64_t>(data, to) : convert_from<std::uint64_t>(data, to);
    case 4:
      return is_signed ? convert_from<std::int32_t>(data, to) : convert_from<std::uint32_t>(data, to);
    case 2:
      return is_signed ? convert_from<std::int16_t>(data, to) : convert_from<std::uint16_t>(data, to);
    default:
      return is_signed ? convert_from<std::int8_t>(data, to) : convert_from<std::uint8_t>(data, to);
  }
}

void require_finite(std::span<const double> values, const std::string& path) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    BATON_REQUIRE(std::isfinite(values[i]), "{}: value {} is {} (finite numbers are wanted)", path, i,
                  values[i]);
  }
}

NpyLayout layout_of(const OutsideFile& file, const std::string& path) {
  std::string lead(static_cast<std::size_t>(std::min<std::uint64_t>(file.bytes(), kLead)), '\0');
  file.read(0, lead.data(), lead.size());
  return read_layout(lead, file.bytes(), path);
}

}  // namespace

std::string format_shape(std::span<const std::int64_t> shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

NpyFile::NpyFile(const std::string& path)
    : path_(path), file_(path, "an .npy file"), layout_(layout_of(file_, path)) {}

// The numbers are as many as the file's bytes say, so that memory is bounded by the file.
template <class T>
std::vector<T> NpyFile::read() const {
  std::vector<T> values(layout_.numbers);
  std::vector<char> part(kPart);
  const std::size_t most = kPart / layout_.item;
  for (std::size_t first = 0; first < values.size(); first += most) {
    const std::size_t count = std::min(most, values.size() - first);
    file_.read(layout_.start + first * layout_.item, part.data(), count * layout_.item);
    convert<T>(layout_, part.data(), std::span(values).subspan(first, count));
  }
  return values;
}

template std::vector<float> NpyFile::read<float>() const;
template std::vector<double> NpyFile::read<double>() const;

NpyArray read_npy(const std::string& path) {
  const NpyFile file(path);
  NpyArray array{file.shape(), file.read<double>()};
  require_finite(array.values, path);
  return array;
}

NpyArray parse_npy(std::string_view bytes, const std::string& name) {
  const NpyLayout layout = read_layout(bytes, bytes.size(), name);
  NpyArray array{layout.shape, std::vector<double>(layout.numbers)};
  convert<double>(layout, bytes.data() + layout.start, array.values);
  require_finite(array.values, name);
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
  write_text_atomic(path, bytes);
}

}  // namespace baton::rl
