#include "rl/data/lzf.hpp"

#include <cstddef>
#include <cstring>

namespace baton::rl {

bool lzf_decompress(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  std::size_t in = 0, out = 0;
  while (in < from.size()) {
    const std::size_t control = from[in++];
    if (control < 32) {
      const std::size_t count = control + 1;
      if (count > from.size() - in || count > to.size() - out) return false;
      std::memcpy(&to[out], &from[in], count);
      in += count, out += count;
      continue;
    }
    std::size_t count = (control >> 5) + 2;
    const bool is_long = count == 9;
    if (from.size() - in < (is_long ? 2u : 1u)) return false;
    if (is_long) count += from[in++];
    const std::size_t back = ((control & 31) << 8 | from[in++]) + 1;
    if (back > out || count > to.size() - out) return false;
    for (std::size_t i = 0; i < count; ++i, ++out) to[out] = to[out - back];  // the two may overlap
  }
  return out == to.size();
}

}  // namespace baton::rl
