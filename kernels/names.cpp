#include "kernels/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace baton {

std::string shown(std::string_view word) {
  constexpr std::size_t kLongest = 80;
  std::string text(word.substr(0, kLongest));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  if (word.size() <= kLongest) return text;
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
    text.pop_back();  // UTF-8's rest
  return text + "...";
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
