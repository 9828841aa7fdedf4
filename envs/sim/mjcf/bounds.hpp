#pragma once
// A look at XML text before it is parsed: what would cost the parser (tinyxml2) more than its size lets expect is
// refused. It searches an element's attributes for each new one, and a node takes some hundred bytes.
#include <string>
#include <string_view>

namespace baton::sim::mjcf {

inline constexpr std::size_t kMaxTotalBytes = 32u << 20;  // of a model's files together
inline constexpr int kMaxAttributes = 200;                // of an element
inline constexpr int kMaxNodes = 400'000;                 // elements and comments of a file

// Throws Error "name:line: XML: ...". One pass; malformed text is left to the parser.
void bound_markup(std::string_view text, const std::string& name);

}  // namespace baton::sim::mjcf
