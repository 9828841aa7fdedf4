#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>

#include "rl/run/progress.hpp"

namespace baton::cli {
namespace {

// Lock-free, so that a signal handler may write it.
std::atomic<int> stop{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int number) { stop.store(number, std::memory_order_relaxed); }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT}) sigaction(number, &action, nullptr);
  struct sigaction before {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
}

int interrupted() { return stop.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted() != 0) throw rl::Interrupted();
}

}  // namespace baton::cli
