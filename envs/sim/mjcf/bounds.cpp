#include "envs/sim/mjcf/bounds.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr auto kNone = std::string_view::npos;

// Just behind the next `end` from `at` on, or the end of the text.
std::size_t skip_past(std::string_view text, std::size_t at, std::string_view end) {
  const auto found = text.find(end, at);
  return found == kNone ? text.size() : found + end.size();
}

// Just behind the start tag that begins before `at`; `attributes` receives its '=' outside of quotes.
std::size_t skip_tag(std::string_view text, std::size_t at, int& attributes) {
  attributes = 0;
  while (true) {
    at = text.find_first_of("=>\"'", at);
    if (at == kNone) return text.size();
    const char c = text[at++];
    if (c == '>') return at;
    if (c == '=')
      ++attributes;
    else
      at = skip_past(text, at, std::string_view(&c, 1));
  }
}

}  // namespace

void bound_markup(std::string_view text, const std::string& name) {
  const auto line = [&](std::size_t at) {
    return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  };
  int nodes = 0;
  for (std::size_t at = text.find('<'); at != kNone; at = text.find('<', at)) {
    const std::size_t begin = at;
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("</")) {
      at += 2;
      continue;
    }
    BATON_REQUIRE(++nodes <= kMaxNodes,
                  "{}:{}: XML: more than {} elements and comments, the limit for a file", name, line(begin),
                  kMaxNodes);
    int attributes = 0;
    if (rest.starts_with("<!--"))
      at = skip_past(text, at + 4, "-->");
    else if (rest.starts_with("<![CDATA["))
      at = skip_past(text, at + 9, "]]>");
    else if (rest.starts_with("<?"))
      at = skip_past(text, at + 2, "?>");
    else if (rest.starts_with("<!"))
      at = skip_past(text, at + 2, ">");
    else
      at = skip_tag(text, at + 1, attributes);
    BATON_REQUIRE(attributes <= kMaxAttributes, "{}:{}: XML: an element with more than {} attributes", name,
                  line(begin), kMaxAttributes);
  }
}

}  // namespace baton::sim::mjcf
