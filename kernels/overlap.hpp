#pragma once
// Checks of aliasing for the public kernels: an array that is written and arrays that are read, as ranges.
#include <cstdint>
#include <functional>
#include <initializer_list>

#include "kernels/error.hpp"

namespace baton::kernels {

// A named argument of n numbers; a null one overlaps nothing.
template <class T>
struct Range {
  const char* name;
  const T* data;
  std::int64_t n;
};

template <class T>
bool overlaps(const Range<T>& a, const Range<T>& b) {
  const std::less<const T*> before;
  if (a.data == nullptr || b.data == nullptr || a.n <= 0 || b.n <= 0) return false;
  return before(a.data, b.data + b.n) && before(b.data, a.data + a.n);
}

// Throws Error "axpy: y of 12 numbers overlaps x of 12 numbers ..." where they share a number.
template <class T>
void require_apart(const char* kernel, const Range<T>& out, std::initializer_list<Range<T>> in) {
  for (const Range<T>& each : in) {
    BATON_REQUIRE(!overlaps(out, each), "{}: {} of {} numbers overlaps {} of {} numbers, they must be apart",
                  kernel, out.name, out.n, each.name, each.n);
  }
}

// The same, but `out` may be one of `in`: the same numbers from the same place on.
template <class T>
void require_same_or_apart(const char* kernel, const Range<T>& out, std::initializer_list<Range<T>> in) {
  for (const Range<T>& each : in) {
    BATON_REQUIRE((out.data == each.data && out.n == each.n) || !overlaps(out, each),
                  "{}: {} of {} numbers overlaps {} of {} numbers, they must be one array or apart", kernel,
                  out.name, out.n, each.name, each.n);
  }
}

}  // namespace baton::kernels
