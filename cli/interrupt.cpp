#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>

#include "rl/run/progress.hpp"

namespace baton::cli {
namespace {

// Lock-free, so that a signal handler may write it.
std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int) { stop.store(true, std::memory_order_relaxed); }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A reader that goes away (baton ... | head) becomes a write error, not a silent death.
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return stop.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted()) throw rl::Interrupted();
}

}  // namespace baton::cli
