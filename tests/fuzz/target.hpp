#pragma once
// What every fuzz target shares: an input is either accepted or refused with one Error of bounded length (it may quote
// the input; the program prints it as one line). Everything else (another exception, a sanitizer's finding, a broken
// promise of the reader) ends the process.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kernels/error.hpp"

namespace baton::fuzz {

// Promises hold in every build: abort() is what libFuzzer reports and saves the input for.
inline void promise(bool kept) {
  if (!kept) std::abort();
}

inline void check_message(std::string_view message) {
  constexpr std::size_t kLongest = 4000;
  promise(!message.empty() && message.size() < kLongest);
}

template <class F>
int run(const std::uint8_t* data, std::size_t size, F&& use) {
  try {
    use(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error& e) {
    check_message(e.what());
  }
  return 0;
}

}  // namespace baton::fuzz
