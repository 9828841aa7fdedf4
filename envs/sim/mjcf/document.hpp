#pragma once
// The XML behind a model as one plain tree: files read, includes put in place, every element with its file and line.
#include <fmt/format.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::sim::mjcf {

// Bounds on untrusted input: over any of them is an error, not a slow load.
inline constexpr std::size_t kMaxFileBytes = 8u << 20;
inline constexpr int kMaxFiles = 256;
inline constexpr int kMaxDepth = 100;
inline constexpr int kMaxElements = 200'000;

// Where something stood in the text, for messages.
struct Where {
  std::shared_ptr<const std::string> file;
  int line = 0;
  std::string str() const { return fmt::format("{}:{}", file ? *file : std::string("?"), line); }
};

struct Element {
  std::string name;
  Where where;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Element> children;

  // nullptr when absent.
  const std::string* find(std::string_view attribute) const {
    for (const auto& [key, value] : attributes)
      if (key == attribute) return &value;
    return nullptr;
  }
};

// Throws Error "file:line: <element attribute>: message"; without attribute: "file:line: <element>: message".
template <class... Args>
[[noreturn]] void refuse(const Element& e, std::string_view attribute, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail("{}: <{}{}{}>: {}", e.where.str(), e.name, attribute.empty() ? "" : " ", attribute,
       fmt::format(format, std::forward<Args>(args)...));
}

// The root element <mujoco> with all includes expanded. An include's path is relative to the main file's folder
// (MuJoCo's rule), is read at most once per model, and lies within the folder above the main file's.
Element read_document(const std::string& path);

// From memory; includes are refused.
Element parse_document(std::string_view text, const std::string& name);

}  // namespace baton::sim::mjcf
