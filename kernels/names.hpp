#pragma once
// Names given by a user: how they are quoted, what was probably meant, and lists with commas.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

// `text`, a user's or a file's, for a message: control characters, bytes that are no UTF-8 and marks that change the
// direction of writing become \xNN; what is longer than `longest` bytes is cut and ends with "...".
std::string printable(std::string_view text, std::size_t longest = 80);

// Whether printable() leaves every byte of it as it is.
bool is_printable(std::string_view text);

// Levenshtein distance: the least number of insertions, deletions and substitutions that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The end of a message about an unknown name: "; did you mean 'x'?" for the first known name with the least edit
// distance, where that is at most a third of the length of `wrong`; otherwise "; known: a, b, ..." for up to 12 known
// names, nothing for more. Names longer than 80 bytes and known names beyond the 5000th are not compared.
std::string suggestion(std::string_view wrong, std::span<const std::string> known);

// "a, b,c" -> {"a", "b", "c"}; blanks around names are dropped, empty names kept (so that they can be refused).
std::vector<std::string> split_names(std::string_view list);

}  // namespace baton
