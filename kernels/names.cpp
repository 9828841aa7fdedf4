#include "kernels/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace baton {
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

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string suggestion(std::string_view wrong, std::span<const std::string> known) {
  constexpr std::size_t kLongest = 80, kMostCompared = 5000, kListed = 12;
  std::size_t best = known.size(), distance = 0;
  for (std::size_t i = 0; wrong.size() <= kLongest && i < std::min(known.size(), kMostCompared); ++i) {
    if (known[i].size() > kLongest) continue;
    const std::size_t d = edit_distance(wrong, known[i]);
    if (best == known.size() || d < distance) best = i, distance = d;
  }
  if (best < known.size() && 3 * distance <= wrong.size())
    return fmt::format("; did you mean '{}'?", known[best]);
  if (known.empty() || known.size() > kListed) return "";
  return fmt::format("; known: {}", fmt::join(known, ", "));
}

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    std::string_view name = list.substr(begin, comma - begin);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    names.emplace_back(name);
    begin = comma + 1;
  }
  return names;
}

}  // namespace baton
