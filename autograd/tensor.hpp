#pragma once
// Shapes of dense row-major arrays of rank 0 to 4.
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

namespace baton::ag {

constexpr int kMaxRank = 4;

struct Shape {
  int rank = 0;
  std::array<int, kMaxRank> extent{};  // entries from rank on are 0

  Shape() = default;
  Shape(std::initializer_list<int> extents);  // throws Error on more than 4 or on a negative one
  explicit Shape(std::span<const int> extents);

  int operator[](int axis) const { return extent[static_cast<std::size_t>(axis)]; }
  std::size_t size() const;                     // of rank 0: 1
  std::size_t span(int first, int last) const;  // product of the extents first..last-1
  std::string text() const;                     // "[3, 4]"
  bool operator==(const Shape&) const = default;
};

// The shape that a and b broadcast to: aligned at the last axis, extents equal or 1. Throws Error naming
// both.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

// The shape that is left without the axes first..last-1.
Shape without_axes(const Shape& shape, int first, int last);

}  // namespace baton::ag
