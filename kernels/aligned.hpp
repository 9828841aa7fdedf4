#pragma once
// Vectors that begin on a line of the cache. Elsewhere every load of a full AVX-512 vector would straddle two lines:
// products take up to twice as long then.
#include <cstddef>
#include <new>
#include <vector>

namespace baton::kernels {

template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t n) { ::operator delete(p, n * sizeof(T), kLine); }
  bool operator==(const AlignedAllocator&) const = default;
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace baton::kernels
