#pragma once
// Names given by a user: what was probably meant, and lists with commas.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

// A word of a user's or of a file's for a message: control characters as '?', what is beyond 80 bytes as "...".
std::string shown(std::string_view word);

// Levenshtein distance: the least number of insertions, deletions and substitutions that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The end of a message about an unknown name: "; did you mean 'x'?" for the first known name with the least edit
// distance, where that is at most a third of the length of `wrong`; otherwise "; known: a, b, ..." for up to 12 known
// names, nothing for more. Names longer than 80 bytes and known names beyond the 5000th are not compared.
std::string suggestion(std::string_view wrong, std::span<const std::string> known);

// "a, b,c" -> {"a", "b", "c"}; blanks around names are dropped, empty names kept (so that they can be refused).
std::vector<std::string> split_names(std::string_view list);

}  // namespace baton
