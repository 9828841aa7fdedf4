#pragma once
// Neighbouring axes of an array seen as one, for the operations of this folder that work along them.
#include <cstdint>

#include "autograd/tape.hpp"

namespace baton::ag {

// The first input as [outer][n][inner]: n runs along the axes integers[0]..integers[1]-1 of the node's settings.
struct AxisSizes {
  std::int64_t outer, n, inner;
  template <class T>
  explicit AxisSizes(const Call<T>& c) {
    const Shape& s = c.shape(0);
    const int first = c.node.integers[0], last = c.node.integers[1];
    outer = static_cast<std::int64_t>(s.span(0, first));
    n = static_cast<std::int64_t>(s.span(first, last));
    inner = static_cast<std::int64_t>(s.span(last, s.rank));
  }
};

}  // namespace baton::ag
