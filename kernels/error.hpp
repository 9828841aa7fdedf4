#pragma once
// The one exception type of the project, and the check that throws it.
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace baton {

// A mistake from outside (file, option, shape): the message says what, where and what would be right.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// Wrong use of the command line or of a setting: the command exits with 2 instead of 1.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message) {}
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace baton

// Holds in every build. Use: BATON_REQUIRE(a.cols == b.rows, "gemm: k mismatch (a {}x{}, b {}x{})", ...).
#define BATON_REQUIRE(condition, ...) \
  do {                                \
    if (!(condition)) [[unlikely]]    \
      ::baton::fail(__VA_ARGS__);     \
  } while (false)
