#pragma once
// Names given by a user: the nearest known one for the message, and comma-separated lists.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::envs {

// Levenshtein distance: insertions, deletions and substitutions that turn a into b.
inline int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// The known name closest to `name` (the first of equals); empty when `known` is.
inline std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  int best_distance = -1;
  for (const std::string& candidate : known) {
    const int distance = edit_distance(name, candidate);
    if (best_distance < 0 || distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

// "a, b,c" -> {"a", "b", "c"}; blanks around names are dropped, empty names kept (so that they can be refused).
inline std::vector<std::string> split_names(std::string_view list) {
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

}  // namespace baton::envs
