#include "autograd/tensor.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::ag {

Shape::Shape(std::initializer_list<int> extents)
    : Shape(std::span<const int>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const int> extents) {
  BATON_REQUIRE(extents.size() <= static_cast<std::size_t>(kMaxRank), "shape: rank {} is above {}",
                extents.size(), kMaxRank);
  for (const int n : extents) {
    BATON_REQUIRE(n >= 0, "shape: extent {} of axis {} is negative", n, rank);
    extent[static_cast<std::size_t>(rank++)] = n;
  }
}

std::size_t Shape::size() const { return span(0, rank); }

std::size_t Shape::span(int first, int last) const {
  std::size_t n = 1;
  for (int axis = first; axis < last; ++axis) n *= static_cast<std::size_t>((*this)[axis]);
  return n;
}

std::string Shape::text() const {
  std::string out = "[";
  for (int axis = 0; axis < rank; ++axis) out += (axis > 0 ? ", " : "") + std::to_string((*this)[axis]);
  return out + "]";
}

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  Shape out;
  out.rank = std::max(a.rank, b.rank);
  for (int back = 1; back <= out.rank; ++back) {
    const int x = back <= a.rank ? a[a.rank - back] : 1, y = back <= b.rank ? b[b.rank - back] : 1;
    BATON_REQUIRE(x == y || x == 1 || y == 1, "{}: shapes {} and {} do not broadcast", op, a.text(),
                  b.text());
    out.extent[static_cast<std::size_t>(out.rank - back)] = x == 1 ? y : x;
  }
  return out;
}

Shape without_axes(const Shape& shape, int first, int last) {
  Shape out;
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (axis < first || axis >= last) out.extent[static_cast<std::size_t>(out.rank++)] = shape[axis];
  }
  return out;
}

}  // namespace baton::ag
