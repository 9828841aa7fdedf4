// LZF streams from memory: the first two bytes say what size is expected. A stream that gives it gives it into a buffer
// of exactly that size, and into no other.
#include <vector>

#include "rl/data/lzf.hpp"
#include "tests/fuzz/target.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t expected = (data[0] | data[1] << 8) % 8192;
  const std::span<const std::uint8_t> stream(data + 2, size - 2);
  std::vector<std::uint8_t> out(expected), more(expected + 1);
  if (rl::lzf_decompress(stream, out)) {
    fuzz::promise(expected <= rl::kLzfRatio * stream.size());
    fuzz::promise(!rl::lzf_decompress(stream, more));
  }
  return 0;
}
