#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "envs/sim/mesh/surface.hpp"
#include "kernels/error.hpp"

namespace baton::sim::mesh {
namespace {

constexpr std::size_t kHeader = 84, kTriangle = 50;

std::uint32_t word(const char* p) {
  unsigned char b[4];
  std::memcpy(b, p, sizeof b);
  return b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

struct Corner {
  std::array<std::uint32_t, 3> bits;
  std::uint32_t at;  // place in the file
  auto operator<=>(const Corner&) const = default;
};

}  // namespace

Surface read_stl(std::string_view bytes, const std::string& name) {
  const bool text = bytes.substr(0, 5) == "solid";
  const char* hint = text ? "; it starts like a text STL: save it as binary" : "";
  BATON_REQUIRE(bytes.size() >= kHeader, "{}: {} bytes, a binary STL has at least {}{}", name, bytes.size(),
                kHeader, hint);
  const std::size_t count = word(bytes.data() + 80);
  BATON_REQUIRE(count >= 1 && count <= kMaxFaces, "{}: {} triangles, expected 1 to {}{}", name, count,
                kMaxFaces, hint);
  BATON_REQUIRE(bytes.size() == kHeader + count * kTriangle,
                "{}: {} bytes, expected {} for its {} triangles{}", name, bytes.size(),
                kHeader + count * kTriangle, count, hint);
  std::vector<Corner> corners(3 * count);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const char* p = bytes.data() + kHeader + kTriangle * (i / 3) + 12 * (i % 3 + 1);
    corners[i] = {{word(p), word(p + 4), word(p + 8)}, static_cast<std::uint32_t>(i)};
    for (const std::uint32_t b : corners[i].bits) {
      const float v = std::bit_cast<float>(b);
      BATON_REQUIRE(std::fabs(v) <= kMaxCoordinate,
                    "{}: triangle {}: coordinate {} is not a number of at most {}", name, i / 3, v,
                    kMaxCoordinate);
    }
  }
  // Equal corners become neighbours; the first of each run stands for all. Sorted, not hashed: no input is slow.
  std::sort(corners.begin(), corners.end());
  std::vector<std::uint32_t> first(corners.size());
  for (std::size_t i = 0, run = 0; i < corners.size(); ++i) {
    if (corners[i].bits != corners[run].bits) run = i;
    first[corners[i].at] = corners[run].at;
  }
  Surface s;
  s.faces.resize(count);
  std::vector<int> vertex(corners.size());
  for (std::size_t i = 0; i < corners.size(); ++i) {
    if (first[i] == i) {
      const char* p = bytes.data() + kHeader + kTriangle * (i / 3) + 12 * (i % 3 + 1);
      vertex[i] = static_cast<int>(s.vertices.size());
      s.vertices.push_back({std::bit_cast<float>(word(p)), std::bit_cast<float>(word(p + 4)),
                            std::bit_cast<float>(word(p + 8))});
    }
    s.faces[i / 3][i % 3] = vertex[first[i]];
  }
  return s;
}

}  // namespace baton::sim::mesh
