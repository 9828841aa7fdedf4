#include "rl/data/outside.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/error.hpp"

namespace baton::rl {
namespace {

// Bytes of the UTF-8 character at the start of `text`, 0 where there is none; `code` gets what it stands for.
std::size_t decode(std::string_view text, char32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 0 || first > 0xf4 || text.size() < size) return 0;
  code = size == 1 ? first : first & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  return too_long || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

bool is_safe(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool breaks_line = code == 0x2028 || code == 0x2029;
  const bool directs = code == 0x61c || code == 0x200e || code == 0x200f ||
                       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !control && !breaks_line && !directs;
}

// Bytes of the first character if it may be printed, else 0.
std::size_t safe_prefix(std::string_view text) {
  char32_t code = 0;
  const std::size_t size = decode(text, code);
  return size > 0 && is_safe(code) ? size : 0;
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISFIFO(mode)) return "pipe";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = safe_prefix(text);
    const std::string piece = size > 0 ? std::string(text.substr(0, size))
                                       : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    if (out.size() + piece.size() > longest) return out + "...";
    out += piece;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = safe_prefix(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

OutsideFile::OutsideFile(const std::string& path, const char* expected) : path_(path) {
  struct stat status = {};
  // Opening a device can move a tape or wait for a line; looking comes first.
  if (stat(path.c_str(), &status) != 0) {
    BATON_REQUIRE(errno != ENOENT && errno != ENOTDIR, "{}: no such file", path);
    fail("{}: cannot be opened: {}", path, std::strerror(errno));
  }
  BATON_REQUIRE(S_ISREG(status.st_mode), "{}: not a file but a {}; {} is expected", path,
                kind_of(status.st_mode), expected);
  descriptor_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  BATON_REQUIRE(descriptor_ >= 0 || errno != EACCES, "{}: no permission to read", path);
  BATON_REQUIRE(descriptor_ >= 0, "{}: cannot be opened: {}", path, std::strerror(errno));
  if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor_);
    fail("{}: not a file any more; {} is expected", path, expected);
  }
  bytes_ = static_cast<std::uint64_t>(status.st_size);
}

OutsideFile::~OutsideFile() { close(descriptor_); }

void OutsideFile::read(std::uint64_t offset, void* to, std::size_t count) const {
  char* at = static_cast<char*>(to);
  while (count > 0) {
    const ssize_t got = pread(descriptor_, at, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    BATON_REQUIRE(got >= 0, "{}: cannot be read: {}", path_, std::strerror(errno));
    BATON_REQUIRE(got > 0, "{}: became shorter while it was read", path_);
    at += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
}

}  // namespace baton::rl
