#pragma once
// Words of the texts that a model comes in (MJCF attributes, lines of OBJ).
#include <string_view>

namespace baton::sim {

// The next blank-separated word, taken off the front of `rest`; empty at the end.
inline std::string_view next_word(std::string_view& rest) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const auto begin = rest.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return rest = {};
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(word.size());
  return word;
}

}  // namespace baton::sim
