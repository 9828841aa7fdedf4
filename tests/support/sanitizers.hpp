#pragma once
// What code that switches stacks, or hands out pieces of memory, tells the sanitizers; nothing in a plain build.
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define BATON_ADDRESSES_SEEN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define BATON_ADDRESSES_SEEN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define BATON_RACES_SEEN 1
#include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#else
#define BATON_RACES_SEEN 0
#endif

// A function whose memory accesses ThreadSanitizer does not see. It calls none that are inline elsewhere.
#define BATON_UNSEEN __attribute__((no_sanitize("thread"), noinline))

namespace baton::emulation {

constexpr bool kRacesSeen = BATON_RACES_SEEN != 0;

// A stack and what the sanitizers know it by.
struct StackIdentity {
  void* bottom = nullptr;
  std::size_t bytes = 0;
  void* thread = nullptr;  // ThreadSanitizer's
  void* frames = nullptr;  // AddressSanitizer's
};

// Call right before and right after the switch from one stack to another. What `from` did is then before what
// `to` does only if `ordered`.
BATON_UNSEEN inline void before_switch([[maybe_unused]] StackIdentity& from,
                                       [[maybe_unused]] const StackIdentity& to,
                                       [[maybe_unused]] bool ordered) {
#if BATON_RACES_SEEN
  __tsan_switch_to_fiber(to.thread, ordered ? 0U : __tsan_switch_to_fiber_no_sync);
#endif
#if BATON_ADDRESSES_SEEN
  __sanitizer_start_switch_fiber(&from.frames, to.bottom, to.bytes);
#endif
}
BATON_UNSEEN inline void after_switch([[maybe_unused]] StackIdentity& self) {
#if BATON_ADDRESSES_SEEN
  __sanitizer_finish_switch_fiber(self.frames, nullptr, nullptr);
#endif
}

// A new stack is a new thread; one that is given up leaves nothing behind.
inline void begin_identity([[maybe_unused]] StackIdentity& stack) {
#if BATON_RACES_SEEN
  stack.thread = __tsan_create_fiber(0);
#endif
}
inline void end_identity([[maybe_unused]] StackIdentity& stack) {
#if BATON_RACES_SEEN
  __tsan_destroy_fiber(stack.thread);
#endif
#if BATON_ADDRESSES_SEEN
  stack.frames = nullptr;
  __asan_unpoison_memory_region(stack.bottom, stack.bytes);
#endif
}
inline void* running_thread() {
#if BATON_RACES_SEEN
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

// What happened before release() is before what follows an acquire() of the same address that comes later.
BATON_UNSEEN inline void release([[maybe_unused]] void* address) {
#if BATON_RACES_SEEN
  __tsan_release(address);
#endif
}
BATON_UNSEEN inline void acquire([[maybe_unused]] void* address) {
#if BATON_RACES_SEEN
  __tsan_acquire(address);
#endif
}

// Memory that must not be touched, and that may be again.
inline void poison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if BATON_ADDRESSES_SEEN
  __asan_poison_memory_region(memory, bytes);
#endif
}
BATON_UNSEEN inline void unpoison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if BATON_ADDRESSES_SEEN
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

// While one lives, accesses of this thread count for no race.
class Unnoticed {
 public:
  Unnoticed() {
#if BATON_RACES_SEEN
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
  }
  ~Unnoticed() {
#if BATON_RACES_SEEN
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
  }
  Unnoticed(const Unnoticed&) = delete;
  Unnoticed& operator=(const Unnoticed&) = delete;
};

}  // namespace baton::emulation
