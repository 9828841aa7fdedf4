#pragma once
// LZF, which h5py offers beside gzip (compression="lzf"), decompressed. A stream is a sequence of
//   c < 32                    c + 1 bytes as they are
//   c = n << 5 | d, n = 1..6  n + 2 bytes from (d << 8 | next byte) + 1 back in what was decompressed so far
//   c = 7 << 5 | d            as many as 9 and the next byte together, from as far back as the byte after that says
// (format of M. Lehmann's LibLZF 3.6, as h5py 3 writes it).
#include <cstdint>
#include <span>

namespace baton::rl {

// Three bytes stand for at most 264.
inline constexpr std::uint64_t kLzfRatio = 88;

// Whether `from` is a stream that gives exactly to.size() bytes. Nothing outside of the two spans is touched; what `to`
// holds otherwise is not specified. The spans do not overlap.
bool lzf_decompress(std::span<const std::uint8_t> from, std::span<std::uint8_t> to);

}  // namespace baton::rl
