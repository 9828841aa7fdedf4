#pragma once
// Counts every call of operator new in an executable. Exactly one of its sources includes this: it replaces the
// operators.
#include <atomic>
#include <cstdlib>
#include <new>

namespace baton::test {

inline std::atomic<long> allocations{0};

// Null when there is no memory.
inline void* try_counted_allocation(std::size_t size, std::size_t alignment = 0) noexcept {
  ++allocations;
  const std::size_t bytes = size > 0 ? size : 1;
  return alignment == 0 ? std::malloc(bytes)
                        : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

inline void* counted_allocation(std::size_t size, std::size_t alignment = 0) {
  if (void* p = try_counted_allocation(size, alignment)) return p;
  throw std::bad_alloc();
}

// Allocations of one call.
template <class F>
long allocations_of(F f) {
  const long before = allocations;
  f();
  return allocations - before;
}

}  // namespace baton::test

void* operator new(std::size_t size) { return baton::test::counted_allocation(size); }
void* operator new[](std::size_t size) { return baton::test::counted_allocation(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return baton::test::counted_allocation(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return baton::test::counted_allocation(size, static_cast<std::size_t>(alignment));
}
// Without these the address sanitizer's own would allocate what the operators below free.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return baton::test::try_counted_allocation(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return baton::test::try_counted_allocation(size);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return baton::test::try_counted_allocation(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return baton::test::try_counted_allocation(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
