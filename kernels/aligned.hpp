#pragma once
// Vectors that begin on a line of the cache. Elsewhere every load of a full AVX-512 vector would straddle two lines:
// products take up to twice as long then. Large ones ask for pages of 2 MB (Linux), so that walking through them does
// not wait for page tables.
#include <cstddef>
#include <new>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace baton::kernels {

template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::size_t kLine = 64, kPage = std::size_t{1} << 21;

  static constexpr std::align_val_t alignment(std::size_t n) {
    return std::align_val_t{n * sizeof(T) < kPage ? kLine : kPage};
  }

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) {
    void* place = ::operator new(n * sizeof(T), alignment(n));
#if defined(__linux__)
    if (n * sizeof(T) >= kPage)
      madvise(place, n * sizeof(T), MADV_HUGEPAGE);  // a wish: refused, nothing changes
#endif
    return static_cast<T*>(place);
  }
  void deallocate(T* p, std::size_t n) { ::operator delete(p, n * sizeof(T), alignment(n)); }
  bool operator==(const AlignedAllocator&) const = default;
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace baton::kernels
