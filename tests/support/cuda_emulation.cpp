// The emulated processor: blocks of fibers, their barriers and warps. What fibers do to the state below is not
// seen by ThreadSanitizer (BATON_UNSEEN): it would take the scheduler's bookkeeping for an order of the threads.
#include "tests/support/cuda_emulation.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "kernels/error.hpp"
#include "tests/support/cuda_processor.hpp"
#include "tests/support/sanitizers.hpp"

namespace baton::emulation {
namespace {

constexpr int kMaxThreads = 1024, kWarp = 32, kMaxWarps = kMaxThreads / kWarp, kMaxArrays = 16;
constexpr std::size_t kStackBytes = 256 * 1024, kPage = 4096;
constexpr std::size_t kSharedBytes = 48 * 1024, kRedZone = 64,
                      kSharedRoom = kSharedBytes + kMaxArrays * 2 * kRedZone;

// A stack and where it goes on. GCC's own jumps, unlike swapcontext, ask nothing of the kernel.
struct Fiber {
  void* jump[5];
  StackIdentity stack;
  bool fresh = true;  // begins at its entry when resumed
};

enum class State { kReady, kBarrier, kWarpWork, kDone };

struct Thread {
  dim3 index;
  int rank;
  State state;
  Fiber* fiber;  // null until it begins
  int arrays, barriers, warp_works;
  // Where it waits, what it brings there, and what it gets.
  Place place;
  bool predicate;
  WarpWork work;
  unsigned mask;
  int source;
  std::uint64_t value, result;
};

// Points of order between fibers, told to ThreadSanitizer by address. A block has its own, so that blocks stay
// unordered, and barriers take turns with two, so that what a fast thread brings to the next one is not seen
// at this one.
constexpr int kBlocksOfTokens = 256, kTokensOfBlock = 2 + 2 * kMaxWarps;
std::uint64_t tokens[kBlocksOfTokens * kTokensOfBlock];
std::uint64_t launch_token;

struct Engine {
  // The block that runs.
  dim3 grid, block, at;
  int size, begun;  // threads; of turns, begun
  Thread threads[kMaxThreads];
  int turns[kMaxThreads];
  std::size_t array_bytes[kMaxArrays], array_offset[kMaxArrays], shared_used;
  int array_count;
  // The launch that runs.
  const std::function<void()>* body;
  Place launched_at;
  std::exception_ptr failure;
  // The processor.
  Thread* current;
  Fiber scheduler;
  char* shared;
  std::uint64_t blocks_run, launches_run;
  Order order;
};
Engine engine;
std::vector<std::unique_ptr<Fiber>> fibers;  // all
std::vector<Fiber*> idle;

BATON_UNSEEN std::uint64_t* token(int which) {
  return &tokens[static_cast<int>(engine.blocks_run % kBlocksOfTokens) * kTokensOfBlock + which];
}

void fiber_main();

// Neither says that it does not return: AddressSanitizer would clean the stack that is left, already in the name of
// the other.
#define BATON_LEAVES_STACK BATON_UNSEEN __attribute__((no_sanitize("address")))

BATON_LEAVES_STACK void go_on(Fiber& fiber) {
  if (!fiber.fresh) __builtin_longjmp(fiber.jump, 1);
  fiber.fresh = false;
  ucontext_t entry;
  getcontext(&entry);
  entry.uc_stack.ss_sp = fiber.stack.bottom;
  entry.uc_stack.ss_size = fiber.stack.bytes;
  entry.uc_link = nullptr;
  makecontext(&entry, fiber_main, 0);
  setcontext(&entry);
}

// Returns when something switches back.
BATON_LEAVES_STACK void switch_fibers(Fiber& from, Fiber& to, bool ordered) {
  before_switch(from.stack, to.stack, ordered);
  if (__builtin_setjmp(from.jump) == 0) go_on(to);
  after_switch(from.stack);
}

// Back to the scheduler, until it resumes this fiber.
BATON_UNSEEN void yield() { switch_fibers(*engine.current->fiber, engine.scheduler, true); }

void run_body() {
  acquire(&launch_token);
  try {
    (*engine.body)();
  } catch (...) {
    engine.failure = std::current_exception();
  }
}

// A fiber whose thread is done begins the block's next one at once, so that kernels without barriers need no
// switches; not under ThreadSanitizer, to which a fiber is a thread.
BATON_UNSEEN bool begin_next() {
  if (kRacesSeen || engine.begun == engine.size) return false;
  Thread& next = engine.threads[engine.turns[engine.begun++]];
  next.fiber = engine.current->fiber;
  engine.current = &next;
  return true;
}

BATON_UNSEEN void fiber_main() {
  after_switch(engine.current->fiber->stack);
  for (;;) {
    run_body();
    engine.current->state = State::kDone;
    if (!begin_next()) yield();
  }
}

void make_fiber() {
  void* mapped = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  BATON_REQUIRE(mapped != MAP_FAILED, "emulation: no memory for a stack");
  mprotect(mapped, kPage, PROT_NONE);
  auto fiber = std::make_unique<Fiber>();
  fiber->stack.bottom = static_cast<char*>(mapped) + kPage;
  fiber->stack.bytes = kStackBytes;
  begin_identity(fiber->stack);
  idle.push_back(fiber.get());
  fibers.push_back(std::move(fiber));
}

// Fibers for a launch are made before it: to ThreadSanitizer one that is made later comes after what ran before.
// With a few to spare, and the one that has rested longest taken first, threads of the same rank in neighbouring
// blocks are different fibers.
void make_fibers(int block_size) {
  constexpr int kSpare = 5;
  while (static_cast<int>(fibers.size()) < block_size + kSpare) make_fiber();
}

Fiber* take_fiber() {
  Fiber* fiber = idle.front();
  idle.erase(idle.begin());
  return fiber;
}

void resume(Thread& thread) {
  if (thread.fiber == nullptr) thread.fiber = take_fiber();
  Fiber& fiber = *thread.fiber;
  thread.state = State::kReady;
  engine.current = &thread;
  switch_fibers(engine.scheduler, fiber, false);
  if (engine.current->state == State::kDone) idle.push_back(engine.current->fiber);
}

// The lanes of a warp as far as the block has them.
std::span<Thread> warp_threads(int warp) {
  const int first = warp * kWarp;
  return {&engine.threads[first], static_cast<std::size_t>(std::min(kWarp, engine.size - first))};
}

// Whether all lanes that `asks` names wait at the same operation of the same line, each naming the same lanes.
bool warp_meets(std::span<const Thread> lanes, const Thread& asks) {
  if (asks.state != State::kWarpWork || (asks.mask >> (asks.rank % kWarp) & 1) == 0) return false;
  for (int i = 0; i < kWarp; ++i) {
    if ((asks.mask >> i & 1) == 0) continue;
    if (i >= static_cast<int>(lanes.size())) return false;
    const Thread& other = lanes[static_cast<std::size_t>(i)];
    if (other.state != State::kWarpWork || !(other.place == asks.place) || other.mask != asks.mask)
      return false;
    if (other.work == WarpWork::kShuffle && (asks.mask >> other.source & 1) == 0) return false;
  }
  return true;
}

bool settle_warp(std::span<Thread> lanes) {
  bool settled = false;
  for (const Thread& asks : lanes) {
    if (!warp_meets(lanes, asks)) continue;
    std::uint64_t votes = 0;
    for (const Thread& t : lanes) {
      const int bit = t.rank % kWarp;
      if ((asks.mask >> bit & 1) != 0 && t.value != 0) votes |= std::uint64_t{1} << bit;
    }
    const unsigned mask = asks.mask;
    for (Thread& t : lanes) {
      if ((mask >> (t.rank % kWarp) & 1) == 0) continue;
      t.result = t.work == WarpWork::kShuffle ? lanes[static_cast<std::size_t>(t.source)].value : votes;
      t.state = State::kReady;
    }
    settled = true;
  }
  return settled;
}

bool settle_barrier() {
  int count = 0;
  for (const Thread& t : std::span(engine.threads, static_cast<std::size_t>(engine.size))) {
    if (t.state != State::kBarrier || !(t.place == engine.threads[0].place)) return false;
    count += t.predicate ? 1 : 0;
  }
  for (Thread& t : std::span(engine.threads, static_cast<std::size_t>(engine.size))) {
    t.result = static_cast<std::uint64_t>(count);
    t.state = State::kReady;
  }
  return true;
}

std::string where_it_is(const Thread& t) {
  if (t.state == State::kDone) return "has returned";
  const char* kinds[] = {"__syncwarp", "a vote", "a shuffle"};
  const char* what = t.state == State::kBarrier ? "__syncthreads" : kinds[static_cast<int>(t.work)];
  return fmt::format("waits in {} at {}:{}", what, t.place.file, t.place.line);
}

// Throws, naming the first thread of each kind of those that do not meet.
[[noreturn]] void report_divergence() {
  std::vector<std::pair<std::string, std::vector<int>>> groups;
  for (int i = 0; i < engine.size; ++i) {
    const std::string text = where_it_is(engine.threads[i]);
    const auto found =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == text; });
    if (found == groups.end()) {
      groups.push_back({text, {i}});
    } else {
      found->second.push_back(i);
    }
  }
  std::string message;
  for (const auto& [text, ranks] : groups)
    message += fmt::format("; thread {} and {} more: {}", ranks[0], ranks.size() - 1, text);
  fail("emulation: kernel of {}:{}, block {},{}: the threads do not meet{}", engine.launched_at.file,
       engine.launched_at.line, engine.at.x, engine.at.y, message);
}

// Shared memory that nobody has written or, to ThreadSanitizer, touched.
void renew_shared() {
  const Unnoticed unnoticed;
  if (kRacesSeen && engine.shared != nullptr) {
    munmap(engine.shared, kSharedRoom);
    engine.shared = nullptr;
  }
  if (engine.shared == nullptr) {
    engine.shared = static_cast<char*>(
        mmap(nullptr, kSharedRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    engine.shared_used = kSharedRoom;
  }
  unpoison(engine.shared, engine.shared_used);
  std::memset(engine.shared, 0xFF, engine.shared_used);
  poison(engine.shared, kSharedRoom);
  engine.shared_used = 0;
  engine.array_count = 0;
}

void set_turns(int* turns, int n, std::uint64_t salt) {
  std::iota(turns, turns + n, 0);
  if (engine.order == Order::kReverse) std::reverse(turns, turns + n);
  if (engine.order == Order::kShuffled) {
    std::minstd_rand random(static_cast<unsigned>(salt % 2147483646) + 1);
    std::shuffle(turns, turns + n, random);
  }
}

void run_block(dim3 at) {
  engine.at = at;
  engine.begun = 0;
  ++engine.blocks_run;
  renew_shared();
  const dim3 block = engine.block;
  for (int i = 0; i < engine.size; ++i) {
    const unsigned rank = static_cast<unsigned>(i);
    engine.threads[i] = Thread{};
    engine.threads[i].index = dim3(rank % block.x, rank / block.x % block.y, rank / block.x / block.y);
    engine.threads[i].rank = i;
  }
  set_turns(engine.turns, engine.size, engine.blocks_run);
  const std::span all(engine.threads, static_cast<std::size_t>(engine.size));
  for (;;) {
    bool moved = false;
    while (engine.begun < engine.size) {
      moved = true;
      resume(engine.threads[engine.turns[engine.begun++]]);
    }
    for (int turn = 0; turn < engine.size; ++turn) {
      Thread& thread = engine.threads[engine.turns[turn]];
      if (thread.state != State::kReady) continue;
      moved = true;
      resume(thread);
    }
    if (engine.failure != nullptr) std::rethrow_exception(std::exchange(engine.failure, nullptr));
    for (int warp = 0; warp * kWarp < engine.size; ++warp) moved |= settle_warp(warp_threads(warp));
    moved |= settle_barrier();
    if (std::all_of(all.begin(), all.end(), [](const Thread& t) { return t.state == State::kDone; })) return;
    if (!moved) report_divergence();
  }
}

// After a failure the fibers of the block stand where they stopped: they begin anew.
void abandon_block() {
  idle.clear();
  for (const auto& fiber : fibers) {
    end_identity(fiber->stack);
    begin_identity(fiber->stack);
    fiber->fresh = true;
    idle.push_back(fiber.get());
  }
}

void find_own_stack() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &engine.scheduler.stack.bottom, &engine.scheduler.stack.bytes);
  pthread_attr_destroy(&attributes);
  engine.scheduler.stack.thread = running_thread();
  engine.scheduler.fresh = false;
}

}  // namespace

BATON_UNSEEN dim3 thread_index() { return engine.current->index; }
BATON_UNSEEN dim3 block_index() { return engine.at; }
BATON_UNSEEN dim3 block_size() { return engine.block; }
BATON_UNSEEN dim3 grid_size() { return engine.grid; }
BATON_UNSEEN int lane() { return engine.current->rank % kWarp; }

BATON_UNSEEN int barrier(bool predicate, Place place) {
  Thread& t = *engine.current;
  t.state = State::kBarrier;
  t.place.file = place.file, t.place.line = place.line;
  t.predicate = predicate;
  std::uint64_t* order = token(t.barriers++ & 1);
  release(order);
  yield();
  acquire(order);
  return static_cast<int>(t.result);
}

BATON_UNSEEN std::uint64_t warp_work(WarpWork work, unsigned mask, std::uint64_t value, int source,
                                     Place place) {
  Thread& t = *engine.current;
  t.state = State::kWarpWork;
  t.place.file = place.file, t.place.line = place.line;
  t.work = work, t.mask = mask, t.value = value, t.source = source;
  if (work != WarpWork::kSync) {
    yield();
    return t.result;
  }
  std::uint64_t* order = token(2 + 2 * (t.rank / kWarp) + (t.warp_works++ & 1));
  release(order);
  yield();
  acquire(order);
  return 0;
}

BATON_UNSEEN void* shared_array(std::size_t bytes) {
  const int which = engine.current->arrays++;
  if (which == engine.array_count && which < kMaxArrays) {
    const std::size_t offset = (engine.shared_used + 2 * kRedZone - 1) / kRedZone * kRedZone;
    if (offset + bytes + kRedZone <= kSharedRoom) {
      engine.array_bytes[which] = bytes;
      engine.array_offset[which] = offset;
      engine.shared_used = offset + bytes;
      ++engine.array_count;
      unpoison(engine.shared + offset, bytes);
    }
  }
  if (which >= engine.array_count || engine.array_bytes[which] != bytes) __builtin_trap();
  return engine.shared + engine.array_offset[which];
}

void set_order(Order order) { engine.order = order; }

void run_grid(dim3 grid, dim3 block, Place place, const std::function<void()>& body) {
  engine.grid = grid, engine.block = block, engine.launched_at = place, engine.body = &body;
  engine.size = static_cast<int>(block.x * block.y * block.z);
  BATON_REQUIRE(engine.size >= 1 && engine.size <= kMaxThreads && grid.z == 1,
                "a kernel's launch failed at {}:{}: invalid configuration argument ({} threads a block)",
                place.file, place.line, engine.size);
  find_own_stack();
  make_fibers(engine.size);
  release(&launch_token);
  const int blocks = static_cast<int>(grid.x * grid.y);
  std::vector<int> turns(static_cast<std::size_t>(blocks));
  set_turns(turns.data(), blocks, ++engine.launches_run);
  try {
    for (const int b : turns) {
      const unsigned rank = static_cast<unsigned>(b);
      run_block(dim3(rank % grid.x, rank / grid.x));
    }
  } catch (...) {
    abandon_block();
    throw;
  }
}

}  // namespace baton::emulation
